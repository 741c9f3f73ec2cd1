//! Local times to instants.
//!
//! A zone is a table of its offsets from 1970 to 2100, made once from jiff's bundled data: a look-up is a binary search in
//! a few hundred numbers. A local time that the clock skipped is the instant of the transition; one that it showed twice is
//! the first of the two.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::error::nearest;
use crate::time::{MAX_INPUT_MS, SECOND_MS};

/// A time zone's offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Stretches of one offset, in order of time.
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    start_ms: i64,
    offset_ms: i64,
    /// The local time at which the stretch ends: the first one that its clock no longer shows.
    local_end_ms: i64,
}

impl Zone {
    /// Makes the table of a zone by its IANA name.
    ///
    /// # Errors
    /// A message that names the nearest known zone, for a name that the bundled data does not have.
    pub fn named(name: &str) -> Result<Self, String> {
        let database = TimeZoneDatabase::bundled();
        let zone = database.get(name).map_err(|_| {
            let names: Vec<String> = database.available().map(|name| name.to_string()).collect();
            match nearest(name, names.iter().map(String::as_str)) {
                Some(near) => format!("{name:?} is no time zone; expected an IANA name, perhaps {near:?}"),
                None => format!("{name:?} is no time zone; expected an IANA name such as \"Europe/Oslo\""),
            }
        })?;
        let mut starts = vec![(i64::MIN / 2, i64::from(zone.to_offset(Timestamp::UNIX_EPOCH).seconds()) * SECOND_MS)];
        for transition in zone.following(Timestamp::UNIX_EPOCH) {
            let start_ms = transition.timestamp().as_millisecond();
            if start_ms > MAX_INPUT_MS {
                break;
            }
            starts.push((start_ms, i64::from(transition.offset().seconds()) * SECOND_MS));
        }
        let stretches = (0..starts.len())
            .map(|index| {
                let (start_ms, offset_ms) = starts[index];
                let local_end_ms = starts.get(index + 1).map_or(i64::MAX, |(end_ms, _)| end_ms + offset_ms);
                Stretch { start_ms, offset_ms, local_end_ms }
            })
            .collect();
        Ok(Self { stretches })
    }

    /// The instant at which the zone's clock shows a local time, given as milliseconds since 1970-01-01T00:00 local.
    pub fn instant_ms(&self, local_ms: i64) -> i64 {
        let index = self.stretches.partition_point(|stretch| stretch.local_end_ms <= local_ms);
        match self.stretches.get(index) {
            Some(stretch) => (local_ms - stretch.offset_ms).max(stretch.start_ms),
            None => local_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_rfc3339;

    fn at(zone: &str, local: &str) -> String {
        let local_ms = parse_rfc3339(&format!("{local}Z")).expect("a time");
        crate::time::format_rfc3339(Zone::named(zone).expect("a zone").instant_ms(local_ms))
    }

    #[test]
    fn skipped_times_are_the_transition_and_repeated_ones_the_first() {
        assert_eq!(at("America/New_York", "2015-01-01T12:00:00"), "2015-01-01T17:00:00Z");
        assert_eq!(at("America/New_York", "2015-07-01T12:00:00"), "2015-07-01T16:00:00Z");
        assert_eq!(at("America/New_York", "2015-03-08T01:59:59"), "2015-03-08T06:59:59Z");
        assert_eq!(at("America/New_York", "2015-03-08T02:30:00"), "2015-03-08T07:00:00Z");
        assert_eq!(at("America/New_York", "2015-03-08T03:00:00"), "2015-03-08T07:00:00Z");
        assert_eq!(at("America/New_York", "2015-11-01T01:30:00"), "2015-11-01T05:30:00Z");
        assert_eq!(at("America/New_York", "2015-11-01T02:00:00"), "2015-11-01T07:00:00Z");
        assert_eq!(at("Etc/UTC", "2016-02-29T01:16:00"), "2016-02-29T01:16:00Z");
        assert_eq!(at("America/Vancouver", "2026-12-01T09:00:00"), "2026-12-01T16:00:00Z");
        assert_eq!(at("Europe/Oslo", "2099-07-01T12:00:00"), "2099-07-01T10:00:00Z");
    }

    #[test]
    fn every_bundled_zone_agrees_with_the_library_an_hour_around_each_transition() {
        let database = TimeZoneDatabase::bundled();
        for name in database.available() {
            let zone = database.get(name.as_str()).expect("a bundled zone");
            let table = Zone::named(name.as_str()).expect("a bundled zone");
            for stretch in table.stretches.iter().skip(1).take(200) {
                for shift in [-7_200_000, -3_600_001, -1, 0, 1, 1_800_000, 3_600_000, 7_200_000] {
                    let instant = Timestamp::from_millisecond(stretch.start_ms + shift).expect("in range");
                    let offset_ms = i64::from(zone.to_offset(instant).seconds()) * SECOND_MS;
                    let local_ms = instant.as_millisecond() + offset_ms;
                    let found_ms = table.instant_ms(local_ms);
                    // A local time that was shown is found again: as itself, or as the earlier instant that showed the same.
                    let found = Timestamp::from_millisecond(found_ms).expect("in range");
                    let found_offset_ms = i64::from(zone.to_offset(found).seconds()) * SECOND_MS;
                    assert_eq!(found_ms + found_offset_ms, local_ms, "{name} around {}", stretch.start_ms);
                    assert!(found_ms <= instant.as_millisecond(), "{name} around {}", stretch.start_ms);
                }
            }
        }
    }

    #[test]
    fn an_unknown_zone_is_told_with_the_nearest_name() {
        assert!(Zone::named("America/NewYork").expect_err("unknown").contains("America/New_York"));
    }
}
