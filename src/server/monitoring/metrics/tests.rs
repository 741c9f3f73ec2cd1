use super::*;
use crate::service::Totals;
use std::sync::Arc;

fn view() -> View {
    let now_ms = 1_795_339_800_000;
    let day_ms = now_ms / DAY_MS * DAY_MS;
    let day = |day_ms, met, missed| DayRow { day_ms, clock: "resolution".into(), met, missed, fired: 2 };
    let mut fired = [0; MAX_LEVELS];
    fired[1] = 4;
    View {
        now_ms,
        totals: Arc::new(Totals {
            by_clock: vec![
                ClockView {
                    name: "resolution".into(),
                    tally: ClockTally { met: 3, missed: 1, fired, ..ClockTally::default() },
                },
                ClockView::default(),
            ],
            ..Totals::default()
        }),
        days: vec![day(day_ms, 9, 1), day(day_ms - DAY_MS, 1, 1)],
        records: [5, 1, 2, 3],
        scan: Arc::new(Scan {
            as_of_ms: now_ms,
            time_to_breach: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
            oldest: Some(("T-1".into(), now_ms - 90_500)),
            ..Scan::default()
        }),
        ..View::default()
    }
}

#[test]
fn the_view_is_told_in_the_words_of_the_api() {
    let response = MetricsResponse::of(&view());
    assert_eq!(response.compliance_today, Compliance { met: 9, missed: 1, ratio: Some(0.9) });
    assert_eq!(response.days[1].compliance.ratio, Some(0.5));
    assert_eq!(response.by_clock[0].compliance_ratio, Some(0.75));
    assert_eq!(response.by_clock[1].compliance_ratio, None);
    assert_eq!(response.escalations.fired_by_level, [0, 4]);
    assert_eq!(response.escalations.by_kind["withdrawn"], 1);
    assert_eq!(response.oldest_open.map(|oldest| oldest.age_seconds), Some(90));
    assert_eq!(response.time_to_breach.buckets.len(), 10);
    assert_eq!(response.time_to_breach.buckets[9], Bucket { up_to_seconds: None, cycles: 10 });
}

#[test]
fn nothing_is_said_of_what_is_not_known_yet() {
    let json = serde_json::to_value(MetricsResponse::of(&View::default())).expect("JSON");
    assert!(json.get("oldest_open").is_none());
    assert!(json["time_to_breach"].get("as_of").is_none());
    assert!(json["engine"].get("sync_mean_seconds").is_none());
}
