//! The tests parse the text with their own small OpenMetrics reader, which is independent of the writer.

use super::*;
use crate::engine::{ClockTally, Tally};
use crate::limits::MAX_METRIC_NAMES;
use crate::service::{ClockView, Gauges, NamedTally, Scan, Totals};
use crate::ticket::{PerLabel, TicketLabel};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
struct Family {
    kind: String,
    unit: Option<String>,
    help: bool,
    samples: Vec<(String, BTreeMap<String, String>, f64)>,
}

/// Parses an exposition; the samples of a family must follow its description.
fn read(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    let mut ended = false;
    for line in text.lines() {
        assert!(!ended, "a line after the end: {line}");
        if line == "# EOF" {
            ended = true;
        } else if let Some(rest) = line.strip_prefix("# ") {
            let (label, rest) = rest.split_once(' ').expect("a word");
            let (name, value) = rest.split_once(' ').expect("a name");
            if name != current {
                assert!(!families.contains_key(name), "{name} comes twice");
                name.clone_into(&mut current);
            }
            let family = families.entry(name.to_owned()).or_default();
            match label {
                "HELP" => family.help = !value.is_empty(),
                "TYPE" => value.clone_into(&mut family.kind),
                "UNIT" => family.unit = Some(value.to_owned()),
                _ => panic!("{line}"),
            }
        } else {
            let (head, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = head.split_once('{').unwrap_or((head, ""));
            assert!(name.starts_with(&current), "{name} is under {current}");
            let labels = labels.trim_end_matches('}').split("\",").filter(|label| !label.is_empty()).map(|label| {
                let (key, value) = label.split_once("=\"").expect("a label");
                (key.to_owned(), value.trim_end_matches('"').to_owned())
            });
            let sample = (name[current.len()..].to_owned(), labels.collect(), value.parse().expect("a number"));
            families.get_mut(&current).expect("described").samples.push(sample);
        }
    }
    assert!(ended, "no # EOF");
    families
}

fn view(teams: usize) -> View {
    let tally = |open| Tally { open, waiting: 1, at_risk: 2, breached: 3, done: 4 };
    let team =
        |number: usize| NamedTally { name: format!("team \"{number}\"").into(), tally: tally(6 + number as u64) };
    let mut fired = [0; crate::limits::MAX_LEVELS];
    (fired[0], fired[2]) = (7, 1);
    let mut by_label = PerLabel::<Vec<NamedTally>>::default();
    by_label[TicketLabel::Priority].push(NamedTally { name: "normal".into(), tally: tally(10) });
    by_label[TicketLabel::Team].extend((0..teams).map(team));
    View {
        now_ms: 1_795_339_800_250,
        totals: Arc::new(Totals {
            all: tally(10),
            by_label,
            by_clock: vec![ClockView {
                name: "resolution".into(),
                tally: ClockTally { met: 3, fired, ..ClockTally::default() },
            }],
        }),
        records: [5, 1, 2, 3],
        gauges: Gauges {
            started_ms: 1_795_339_000_500,
            syncs: 10,
            sync_sum_s: 0.25,
            sync_buckets: [1, 2, 3, 4, 5, 6, 7, 8, 9, 9],
            lag_ms: 1_500,
            last_snapshot_ms: Some(1_795_339_700_000),
            ..Gauges::default()
        },
        scan: Arc::new(Scan {
            time_to_breach: [1, 0, 2, 0, 0, 0, 0, 0, 3, 4],
            oldest: Some(("T-1".into(), 1_795_339_700_250)),
            ..Scan::default()
        }),
        ..View::default()
    }
}

#[test]
fn the_text_keeps_the_rules_of_openmetrics() {
    let text = text(Arc::new(view(3))).expect("written");
    let families = read(&text);
    for (name, family) in &families {
        assert!(family.help && !family.kind.is_empty(), "{name} is not described");
        assert!(name.starts_with("overdue_") || name == "process_start_time_seconds", "{name}");
        assert!(!name.ends_with("_total") && !name.contains("_ms") && !name.contains("milli"), "{name}");
        if let Some(unit) = &family.unit {
            assert!(name.ends_with(&format!("_{unit}")), "{name} is in {unit}");
        }
        let suffixes: BTreeSet<&str> = family.samples.iter().map(|(suffix, ..)| suffix.as_str()).collect();
        let allowed: &[&str] = match family.kind.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "gaugehistogram" => &["_bucket"],
            other => panic!("{name} is a {other}"),
        };
        assert!(suffixes.iter().all(|suffix| allowed.contains(suffix)), "{name} has {suffixes:?}");
        let series: BTreeSet<_> = family.samples.iter().map(|(suffix, labels, _)| (suffix, labels)).collect();
        assert_eq!(series.len(), family.samples.len(), "{name} says something twice");
        if family.kind.ends_with("histogram") {
            let buckets: Vec<_> = family.samples.iter().filter(|(suffix, ..)| suffix == "_bucket").collect();
            assert!(buckets.windows(2).all(|pair| pair[0].2 <= pair[1].2), "{name} is not cumulative");
            assert_eq!(buckets.last().map(|(_, labels, _)| labels["le"].as_str()), Some("+Inf"), "{name}");
        }
    }
}

#[test]
fn figures_are_those_of_the_view() {
    let families = read(&text(Arc::new(view(1))).expect("written"));
    let value = |family: &str, suffix: &str, labels: &[(&str, &str)]| {
        let wanted: BTreeMap<String, String> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let samples = &families[family].samples;
        samples.iter().find(|(found, labels, _)| found == suffix && *labels == wanted).map(|(_, _, value)| *value)
    };
    assert_eq!(value("process_start_time_seconds", "", &[]), Some(1_795_339_000.5));
    assert_eq!(value("overdue_engine_lag_seconds", "", &[]), Some(1.5));
    assert_eq!(value("overdue_due_not_fired", "", &[]), Some(0.0));
    assert_eq!(value("overdue_oldest_open_ticket_age_seconds", "", &[]), Some(100.0));
    assert_eq!(value("overdue_tickets", "", &[("priority", "normal"), ("status", "within_target")]), Some(5.0));
    assert_eq!(value("overdue_fired_levels", "", &[("clock", "resolution"), ("level", "3")]), Some(1.0));
    assert_eq!(value("overdue_escalation_records", "_total", &[("kind", "withdrawn")]), Some(1.0));
    assert_eq!(value("overdue_journal_sync_seconds", "_count", &[]), Some(10.0));
    assert_eq!(value("overdue_journal_sync_seconds", "_bucket", &[("le", "+Inf")]), Some(10.0));
    assert_eq!(value("overdue_journal_sync_seconds", "_bucket", &[("le", "0.001")]), Some(3.0));
    assert_eq!(value("overdue_time_to_breach_seconds", "_bucket", &[("le", "1800.0")]), Some(3.0));
    assert_eq!(value("overdue_time_to_breach_seconds", "_bucket", &[("le", "+Inf")]), Some(10.0));
    assert!(
        value("overdue_build", "_info", &[("version", env!("CARGO_PKG_VERSION")), ("zone_data", zone_data_version())])
            .is_some()
    );
}

#[test]
fn names_are_bounded_and_nothing_is_lost() {
    let teams = MAX_METRIC_NAMES + 50;
    let families = read(&text(Arc::new(view(teams))).expect("written"));
    let samples = &families["overdue_team_tickets"].samples;
    assert_eq!(samples.len(), (MAX_METRIC_NAMES + 1) * 4);
    let sum: f64 = samples.iter().map(|(_, _, value)| value).sum();
    assert_eq!(sum, (0..teams).map(|number| (6 + number + 4) as f64).sum::<f64>());
}
