use super::*;
use crate::time::{HOUR_MS, parse_rfc3339};

fn ms(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

#[test]
fn names_are_found_in_any_case_and_near_ones_suggested() {
    assert_eq!(Zone::named("europe/oslo").unwrap().name(), "Europe/Oslo");
    let near = |name: &str| Zone::named(name).unwrap_err().near;
    assert_eq!(near("Europe/Olso")[0], "Europe/Oslo");
    assert_eq!(near("Oslo")[0], "Europe/Oslo");
    assert_eq!(near("Amerika/New_York")[0], "America/New_York");
    assert_eq!(near("qqqqqqqqqqqqqqqq"), Vec::<String>::new());
    let message = Zone::named("Europe/Olso").unwrap_err().to_string();
    assert!(message.starts_with("\"Europe/Olso\" is not a time zone of the bundled data ("), "{message}");
    assert!(message.contains("did you mean Europe/Oslo"), "{message}");
}

#[test]
fn a_skipped_wall_time_is_the_change_and_a_repeated_one_its_first() {
    let oslo = Zone::named("Europe/Oslo").unwrap();
    let local = |text: &str| ms(&format!("{text}Z"));
    assert_eq!(oslo.first_instant_at(local("2026-03-29T02:30:00")), ms("2026-03-29T01:00:00Z"));
    assert_eq!(oslo.first_instant_at(local("2026-03-29T03:00:00")), ms("2026-03-29T01:00:00Z"));
    assert_eq!(oslo.first_instant_at(local("2026-10-25T02:30:00")), ms("2026-10-25T00:30:00Z"));
    assert_eq!(oslo.first_instant_at(local("2026-10-25T03:00:00")), ms("2026-10-25T02:00:00Z"));
    // Samoa skipped a whole Friday.
    let apia = Zone::named("Pacific/Apia").unwrap();
    assert_eq!(apia.first_instant_at(local("2011-12-30T12:00:00")), ms("2011-12-30T10:00:00Z"));
}

#[test]
fn a_wall_time_that_was_shown_is_found_again_or_the_earlier_instant_that_showed_it() {
    for known in TimeZoneDatabase::bundled().available() {
        let zone = Zone::named(known.as_str()).unwrap();
        for stretch in zone.stretches().iter().skip(1).filter(|stretch| stretch.from_ms > 3 * HOUR_MS).take(200) {
            for shift_ms in [-7_200_000, -3_600_001, -1, 0, 1, 1_800_000, 3_600_000, 7_200_000] {
                let at_ms = stretch.from_ms + shift_ms;
                let found_ms = zone.first_instant_at(zone.local_ms(at_ms));
                assert_eq!(zone.local_ms(found_ms), zone.local_ms(at_ms), "{known} around {}", stretch.from_ms);
                assert!(found_ms <= at_ms, "{known} around {}", stretch.from_ms);
            }
        }
    }
}

#[test]
fn the_rules_of_2026_are_known() {
    // British Columbia stays on UTC-7 from November 2026.
    let vancouver = Zone::named("America/Vancouver").unwrap();
    assert_eq!(vancouver.first_instant_at(ms("2026-12-01T09:00:00Z")), ms("2026-12-01T16:00:00Z"));
}

#[test]
fn every_zone_agrees_with_jiff_and_rules_go_on_to_the_horizon() {
    let database = TimeZoneDatabase::bundled();
    let mut with_rule = 0;
    for known in database.available() {
        let zone = Zone::named(known.as_str()).unwrap();
        let theirs = database.get(known.as_str()).unwrap();
        let mut instants: Vec<i64> = (0..430).map(|step| step * (HORIZON_MS / 430)).collect();
        for stretch in &zone.stretches()[1..] {
            instants.extend([stretch.from_ms - 1, stretch.from_ms, stretch.from_ms + 1]);
        }
        for at_ms in instants {
            let offset = theirs.to_offset(Timestamp::from_millisecond(at_ms).unwrap());
            assert_eq!(zone.offset_ms(at_ms), i64::from(offset.seconds()) * SECOND_MS, "{known} at {at_ms}");
        }
        let last_ms = zone.stretches()[zone.stretches().len() - 1].from_ms;
        with_rule += usize::from(last_ms > ms("2099-01-01T00:00:00Z"));
    }
    assert!(with_rule > 100, "{with_rule} zones have a rule that goes on to the horizon");
}

#[test]
fn morocco_is_on_utc_for_good() {
    // Until 2025 the database listed Morocco's changes around Ramadan one by one to 2087; in September 2026 they ended.
    for name in ["Africa/Casablanca", "Africa/El_Aaiun"] {
        let zone = Zone::named(name).unwrap();
        let last = zone.stretches()[zone.stretches().len() - 1];
        assert_eq!(last, Stretch { from_ms: ms("2026-09-20T01:00:00Z"), offset_ms: 0 }, "{name}");
        assert_eq!(zone.offset_ms(ms("2026-07-01T00:00:00Z")), HOUR_MS, "{name}");
    }
}
