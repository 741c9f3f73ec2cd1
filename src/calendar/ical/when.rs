//! Dates and times of iCalendar (RFC 5545, 3.3.4, 3.3.5, 3.3.6), and what they are on the calendar's wall clock.

use super::lines::Property;
use crate::calendar::hours::short;
use crate::calendar::zone::Zone;
use crate::time::{civil, civil_ms};
use jiff::civil::{Date, DateTime, Time};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    Date(Date),
    /// On the wall clock of whoever reads it.
    Local(DateTime),
    /// `Z`.
    Utc(DateTime),
    /// `TZID`.
    Zoned(DateTime, Arc<str>),
}

impl When {
    /// The values of a property: one, or a list.
    pub(super) fn list(property: &Property<'_>) -> Result<Vec<Self>, String> {
        let zone = property.parameter("TZID").map(Arc::from);
        property
            .value
            .split(',')
            .map(|text| Self::parse(text, zone.as_ref()).map_err(|reason| format!("{} {reason}", property.name)))
            .collect()
    }

    pub(super) fn parse(text: &str, zone: Option<&Arc<str>>) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || format!("{:?} is not a date or time: expected one such as 20261225", short(text));
        if !text.is_ascii() || text.len() < 8 {
            return Err(wrong());
        }
        let (day, time) = text.split_at(8);
        let date = Date::strptime("%Y%m%d", day).ok().filter(|_| day.bytes().all(|byte| byte.is_ascii_digit()));
        let date = date.ok_or_else(wrong)?;
        if time.is_empty() {
            return Ok(Self::Date(date));
        }
        let time = time.strip_prefix(['T', 't']).ok_or_else(wrong)?;
        let (time, is_utc) = time.strip_suffix(['Z', 'z']).map_or((time, false), |time| (time, true));
        if time.len() != 6 || !time.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        // A leap second counts as the last second of its minute: `60` is read as `59`.
        let at = date.to_datetime(Time::strptime("%H%M%S", time).map_err(|_| wrong())?);
        Ok(match (is_utc, zone) {
            (true, _) => Self::Utc(at),
            (false, Some(zone)) => Self::Zoned(at, Arc::clone(zone)),
            (false, None) => Self::Local(at),
        })
    }

    /// The date and time as written.
    pub(super) fn written(&self) -> DateTime {
        match self {
            Self::Date(date) => date.to_datetime(Time::midnight()),
            Self::Local(at) | Self::Utc(at) | Self::Zoned(at, _) => *at,
        }
    }

    /// The same kind of value with another date and time.
    pub(super) fn with(&self, at: DateTime) -> Self {
        match self {
            Self::Date(_) => Self::Date(at.date()),
            Self::Local(_) => Self::Local(at),
            Self::Utc(_) => Self::Utc(at),
            Self::Zoned(_, zone) => Self::Zoned(at, Arc::clone(zone)),
        }
    }
}

/// The calendar's zone, and those that the file names.
pub(super) struct Zones<'z> {
    calendar: &'z Zone,
    named: BTreeMap<Arc<str>, Option<Zone>>,
}

impl<'z> Zones<'z> {
    pub(super) fn new(calendar: &'z Zone) -> Self {
        Self { calendar, named: BTreeMap::new() }
    }

    /// What the calendar's wall clock shows.
    pub(super) fn on_the_wall(&mut self, when: &When) -> Result<DateTime, String> {
        match when {
            When::Date(_) | When::Local(_) => Ok(when.written()),
            When::Utc(at) => Ok(civil(self.calendar.local_ms(civil_ms(*at)))),
            When::Zoned(at, name) if name.eq_ignore_ascii_case(self.calendar.name()) => Ok(*at),
            When::Zoned(at, name) => {
                let zone = self.named.entry(Arc::clone(name)).or_insert_with(|| named(name));
                let zone = zone.as_ref().ok_or_else(|| {
                    format!("TZID {:?} is not an IANA time zone, so its times cannot be placed", short(name))
                })?;
                Ok(civil(self.calendar.local_ms(zone.first_instant_at(civil_ms(*at)))))
            }
        }
    }
}

/// A zone of the database; some programs write a path that ends with its name: `/example.org/20260101/Europe/Oslo`.
fn named(name: &str) -> Option<Zone> {
    let path = || {
        let (before, city) = name.rsplit_once('/')?;
        let area = before.rsplit('/').next()?;
        Zone::named(&format!("{area}/{city}")).ok()
    };
    Zone::named(name).ok().or_else(path)
}

/// A duration such as `P1D`, `P2W`, `PT36H` or `P1DT12H`, in seconds.
pub(super) fn duration_s(text: &str) -> Result<i64, String> {
    let wrong = || format!("DURATION {:?} is not a duration: expected one such as P1D", short(text));
    let upper = text.trim().to_ascii_uppercase();
    let mut rest = upper.strip_prefix('+').unwrap_or(&upper).strip_prefix('P').ok_or_else(wrong)?;
    let mut seconds = 0_i64;
    while !rest.is_empty() {
        rest = rest.strip_prefix('T').unwrap_or(rest);
        let digits = rest.find(|char: char| !char.is_ascii_digit()).ok_or_else(wrong)?;
        let amount: i64 = rest[..digits].parse::<u32>().map_err(|_| wrong())?.into();
        let unit_s = match rest.as_bytes()[digits] {
            b'W' => 604_800,
            b'D' => 86_400,
            b'H' => 3_600,
            b'M' => 60,
            b'S' => 1,
            _ => return Err(wrong()),
        };
        seconds += amount * unit_s;
        rest = &rest[digits + 1..];
    }
    Ok(seconds)
}
