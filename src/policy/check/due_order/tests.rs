use super::*;
use crate::calendar::{CalendarDefinition, Timeline};
use crate::policy::parse_threshold;
use serde::Deserialize;
use std::cmp::Ordering::{Equal, Greater, Less};

fn timeline(fields: &str) -> Timeline {
    let definition = toml::de::Deserializer::parse(fields).and_then(CalendarDefinition::deserialize);
    let definition = definition.unwrap_or_else(|error| panic!("{error}"));
    Timeline::compile(&definition).unwrap_or_else(|error| panic!("{error}"))
}

fn at(text: &str) -> Threshold {
    parse_threshold(text).unwrap_or_else(|error| panic!("{error}"))
}

fn target(text: &str) -> Option<Span> {
    Some(text.parse().unwrap_or_else(|error| panic!("{error}")))
}

#[test]
fn thresholds_are_compared_whatever_their_units() {
    let office = timeline("time_zone = \"Europe/Oslo\"\nmon-fri = [\"08:00-16:00\"]");
    for (promised, one, other, order) in [
        ("4h", "50%", "2h", Some(Equal)),
        ("4h", "50%", "1h59m", Some(Greater)),
        ("4h", "+30m", "100%", Some(Greater)),
        ("4h", "+30m", "4h30m", Some(Equal)),
        ("4h", "1bd", "9h", Some(Less)),
        ("4h", "2bd", "5h", Some(Greater)),
        ("2bd", "50%", "100%", Some(Less)),
        ("2bd", "100%", "2bd", Some(Equal)),
        ("2bd", "100%", "+1bd", Some(Less)),
        ("2bd", "3bd", "+1bd", Some(Equal)),
        ("2bd", "3bd", "+30m", Some(Greater)),
        ("30d", "50%", "15d", None),
        ("30d", "50%", "31d", Some(Less)),
        ("30d", "100%", "+1h", Some(Less)),
        // A clock that starts on a Friday has 3 days before it has 1 business day.
        ("4h", "1bd", "3d", None),
    ] {
        let measure = Measure { timeline: &office, target: target(promised) };
        assert_eq!(measure.compare(at(one), at(other)), order, "{one} and {other} of {promised}");
        assert_eq!(
            measure.compare(at(other), at(one)),
            order.map(Ordering::reverse),
            "{other} and {one} of {promised}"
        );
    }
}

#[test]
fn a_business_day_around_the_clock_is_24_hours() {
    let always = timeline("hours = \"24x7\"");
    let measure = Measure { timeline: &always, target: None };
    assert_eq!(measure.compare(at("1bd"), at("24h")), Some(Equal));
    assert_eq!(measure.compare(at("1d"), at("24h")), Some(Equal));
}

#[test]
fn what_is_beyond_the_horizon_is_never_due() {
    let always = timeline("hours = \"24x7\"");
    let measure = Measure { timeline: &always, target: target("40000d") };
    assert!(measure.is_ever_due(at("100%")));
    assert!(!measure.is_ever_due(at("200%")));
    assert!(!measure.is_ever_due(at("+20000d")));
    assert_eq!(measure.days_if_longer(at("100%"), 3_660), Some(40_000));
    assert_eq!(measure.days_if_longer(at("1%"), 3_660), None);
}
