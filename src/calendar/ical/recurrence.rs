//! Recurrence rules (RFC 5545, 3.3.10), expanded to dates.
//!
//! The crate that expands them has zone data of its own, which is outdated: it gets midnights in UTC that represent dates, and
//! the end of a rule (`UNTIL`) is compared here.

use super::when::When;
use crate::limits::MAX_SPECIAL_DAYS;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use jiff::civil::Date;
use rrule::{RRule, RRuleResult, RRuleSet, Tz, Unvalidated};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A rule as far as it concerns dates, and its end.
#[derive(Debug)]
pub(super) struct Rule<'t> {
    written: &'t str,
    parts: Vec<String>,
    pub until: Option<When>,
}

impl<'t> Rule<'t> {
    /// `zone` is that of the event's start: a local end is in it.
    pub(super) fn parse(written: &'t str, zone: Option<&Arc<str>>) -> Result<Self, String> {
        let mut rule = Self { written, parts: Vec::new(), until: None };
        // The library cuts texts at byte positions.
        if !written.is_ascii() {
            return Err(rule.failed(&"expected ASCII characters only"));
        }
        for part in written.trim_end_matches(';').split(';') {
            let part = part.trim().to_ascii_uppercase();
            if let Some(until) = part.strip_prefix("UNTIL=") {
                rule.until = Some(When::parse(until, zone).map_err(|reason| rule.failed(&reason))?);
            } else if ["FREQ=HOURLY", "FREQ=MINUTELY", "FREQ=SECONDLY"].contains(&part.as_str()) {
                return Err(rule.failed(&"a day recurs daily, weekly, monthly or yearly"));
            } else if part == "INTERVAL=0" {
                return Err(rule.failed(&"INTERVAL is 0, expected at least 1"));
            } else if ["BYHOUR=", "BYMINUTE=", "BYSECOND="].iter().any(|by| part.starts_with(by)) {
                return Err(rule.failed(&"times of the day are not supported"));
            } else {
                rule.parts.push(part);
            }
        }
        Ok(rule)
    }

    /// The rule's dates from `first` on, up to `last`.
    pub(super) fn dates(&self, first: Date, last: Date) -> Result<Vec<Date>, String> {
        let start = midnight(first).ok_or_else(|| self.failed(&"its first day is out of range"))?;
        let last = midnight(last).unwrap_or(start);
        let expand = || -> Result<RRuleResult, String> {
            let rule: RRule<Unvalidated> = self.parts.join(";").parse().map_err(|error| self.failed(&error))?;
            let rule = rule.validate(start).map_err(|error| self.failed(&error))?;
            Ok(RRuleSet::new(start).rrule(rule).before(last).all(MAX_SPECIAL_DAYS as u16 + 1))
        };
        // A rule of which the library makes a panic is an error of its event.
        let found =
            catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|_| Err(self.failed(&"it cannot be read")))?;
        if found.limited {
            return Err(self.failed(&format!("it gives more than {MAX_SPECIAL_DAYS} days, or no day for too long")));
        }
        Ok(found.dates.iter().filter_map(|at| civil(at.date_naive())).collect())
    }

    fn failed(&self, reason: &dyn std::fmt::Display) -> String {
        format!("RRULE {:?}: {reason}", self.written)
    }
}

fn midnight(date: Date) -> Option<DateTime<Tz>> {
    let date = NaiveDate::from_ymd_opt(date.year().into(), date.month() as u32, date.day() as u32)?;
    date.and_time(NaiveTime::MIN).and_local_timezone(Tz::UTC).single()
}

fn civil(date: NaiveDate) -> Option<Date> {
    Date::new(i16::try_from(date.year()).ok()?, date.month() as i8, date.day() as i8).ok()
}
