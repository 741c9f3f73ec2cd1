//! Holidays from iCalendar files.
//!
//! A holiday file is a list of all-day events, some of them recurring. Only dates matter: the crate that expands recurrences
//! has its own zone data, which is outdated and would be wrong. It therefore gets midnights in UTC that represent dates, and
//! the zones of the file are never used.
//!
//! Supported: `VALUE=DATE` events, of several days with an exclusive `DTEND` or a `DURATION` in days; events from local
//! midnight to local midnight, which some programs write for all-day events; `RRULE`, `RDATE`, `EXDATE`, single occurrences
//! that were moved (`RECURRENCE-ID`) and cancelled events. Anything else would be a guess and is rejected by name.

use crate::limits::MAX_SPECIAL_DAYS;
use chrono::{DateTime, Datelike, NaiveDate, NaiveTime};
use icalendar::parser::{Component, Property, read_components, unfold};
use jiff::civil::Date;
use rrule::{RRule, RRuleResult, RRuleSet, Tz, Unvalidated};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Nesting depth of components: a calendar contains events, which contain alarms. The parser recurses for each level.
const MAX_DEPTH: usize = 4;

/// The days that the events of an iCalendar text cover, from 1970 on, in order.
///
/// # Errors
/// A message that names the event and its line: text that is not iCalendar, an event that is not all-day, a recurrence that
/// cannot be expanded, more than [`MAX_SPECIAL_DAYS`] days.
pub(super) fn holidays(text: &str) -> Result<Vec<Date>, String> {
    let lines = event_lines(text)?;
    let text = unfold(text.trim_start_matches('\u{feff}').trim());
    let components = read_components(&text).map_err(|_| {
        "the text is not iCalendar: expected BEGIN:VCALENDAR with events, each line a name, a colon and a value"
            .to_owned()
    })?;
    let mut events = Vec::new();
    collect_events(&components, &mut events);
    if events.is_empty() {
        return Err("the file has no event (VEVENT)".to_owned());
    }

    let moved = moved_occurrences(&events)?;
    let mut days = BTreeSet::new();
    for (at, event) in events.iter().enumerate() {
        let name = event.find_prop("SUMMARY").map_or("without a SUMMARY", |summary| summary.val.as_str());
        let name: String = name.chars().take(80).collect();
        let line = lines.get(at).copied().unwrap_or_default();
        days_of(event, &moved, &mut days).map_err(|reason| format!("line {line}, event {name:?}: {reason}"))?;
    }
    Ok(days.into_iter().filter_map(to_civil).collect())
}

/// The line on which each event begins. Rejects components nested too deeply for a recursive parser.
fn event_lines(text: &str) -> Result<Vec<usize>, String> {
    let mut depth = 0_usize;
    let mut events = Vec::new();
    for (at, line) in text.lines().enumerate() {
        if line.starts_with("BEGIN:") {
            depth += 1;
            if line.trim_end() == "BEGIN:VEVENT" {
                events.push(at + 1);
            }
        } else if line.starts_with("END:") {
            depth = depth.saturating_sub(1);
        }
        if depth > MAX_DEPTH {
            return Err(format!("line {}: components are nested more than {MAX_DEPTH} deep", at + 1));
        }
    }
    Ok(events)
}

fn collect_events<'a>(components: &'a [Component<'a>], events: &mut Vec<&'a Component<'a>>) {
    for component in components {
        if component.name == "VEVENT" {
            events.push(component);
        }
        collect_events(&component.components, events);
    }
}

/// For each recurring event, by its id, the occurrences that another event replaces.
type Moved<'a> = BTreeMap<&'a str, BTreeSet<NaiveDate>>;

fn moved_occurrences<'a>(events: &[&'a Component<'a>]) -> Result<Moved<'a>, String> {
    let mut moved = Moved::new();
    for event in events {
        if let (Some(id), Some(occurrence)) = (event.find_prop("UID"), event.find_prop("RECURRENCE-ID")) {
            moved.entry(id.val.as_str()).or_default().insert(date(occurrence.val.as_str())?);
        }
    }
    Ok(moved)
}

fn days_of(event: &Component<'_>, moved: &Moved<'_>, days: &mut BTreeSet<NaiveDate>) -> Result<(), String> {
    let property = |name: &str| event.find_prop(name);
    if property("STATUS").is_some_and(|status| status.val == "CANCELLED") {
        return Ok(());
    }
    if property("EXRULE").is_some() {
        return Err("EXRULE is not supported: list the excluded days as EXDATE".to_owned());
    }
    let start = property("DTSTART").ok_or("it has no DTSTART")?;
    let first = whole_date(start)?;
    let length = length_days(event, start, first)?;

    let mut starts = BTreeSet::new();
    let is_moved_occurrence = property("RECURRENCE-ID").is_some();
    match property("RRULE") {
        Some(rule) if !is_moved_occurrence => starts.extend(recurrences(rule.val.as_str(), first)?),
        _ => drop(starts.insert(first)),
    }
    for (name, is_added) in [("RDATE", true), ("EXDATE", false)] {
        for property in event.properties.iter().filter(|property| property.name == name) {
            for text in property.val.as_str().split(',') {
                let day = date(text).map_err(|reason| format!("{name} {reason}"))?;
                if is_added {
                    starts.insert(day)
                } else {
                    starts.remove(&day)
                };
            }
        }
    }
    if !is_moved_occurrence && let Some(moved) = property("UID").and_then(|id| moved.get(id.val.as_str())) {
        starts.retain(|day| !moved.contains(day));
    }
    for start in starts {
        days.extend(start.iter_days().take(length).filter(|day| (1969..=2106).contains(&day.year())));
        if days.len() > MAX_SPECIAL_DAYS {
            return Err(format!("with it the file has more than {MAX_SPECIAL_DAYS} days"));
        }
    }
    Ok(())
}

/// How many days the event covers: its end is exclusive.
fn length_days(event: &Component<'_>, start: &Property<'_>, first: NaiveDate) -> Result<usize, String> {
    let days = match (event.find_prop("DTEND"), event.find_prop("DURATION")) {
        (Some(end), _) => {
            let days = whole_date(end)?.signed_duration_since(first).num_days();
            // Some programs write the same date as start and end for one day.
            if days == 0 && is_date(start) { 1 } else { days }
        }
        (None, Some(duration)) => days_of_duration(duration.val.as_str())?,
        (None, None) if is_date(start) => 1,
        (None, None) => return Err("it begins at a time of day and has no end: expected an all-day event".to_owned()),
    };
    match usize::try_from(days) {
        Ok(days @ 1..=MAX_SPECIAL_DAYS) => Ok(days),
        _ => Err(format!("it lasts {days} days: expected 1 to {MAX_SPECIAL_DAYS}, DTEND being the day after the last")),
    }
}

fn days_of_duration(text: &str) -> Result<i64, String> {
    let number = |unit: char| text.strip_prefix('P')?.strip_suffix(unit)?.parse::<u16>().ok();
    match (number('D'), number('W')) {
        (Some(days), _) => Ok(i64::from(days)),
        (_, Some(weeks)) => Ok(i64::from(weeks) * 7),
        _ => Err(format!("DURATION {text:?} is not in days: expected one such as P1D")),
    }
}

fn is_date(property: &Property<'_>) -> bool {
    property.val.as_str().len() == 8
}

/// The date of a value that is a date, or local midnight.
fn whole_date(property: &Property<'_>) -> Result<NaiveDate, String> {
    let text = property.val.as_str();
    let name = property.name.as_str();
    if !is_date(property) && text.get(8..) != Some("T000000") {
        return Err(format!(
            "{name} {text:?} is not a whole day: expected an all-day event, such as {name};VALUE=DATE:20261225"
        ));
    }
    date(text).map_err(|reason| format!("{name} {reason}"))
}

/// The date at the start of a value: `20261225`, `20261225T000000`.
fn date(text: &str) -> Result<NaiveDate, String> {
    let text = text.trim();
    let (day, time) = text.split_at_checked(8).unwrap_or((text, ""));
    let is_local = time.is_empty() || (time.len() == 7 && time.starts_with('T'));
    let digits = is_local && day.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| NaiveDate::parse_from_str(day, "%Y%m%d").ok()).flatten().ok_or_else(|| {
        format!("{:?} is not a date: expected one such as 20261225", text.chars().take(40).collect::<String>())
    })
}

/// The dates of a rule from its first one to 2106.
fn recurrences(rule: &str, first: NaiveDate) -> Result<Vec<NaiveDate>, String> {
    let failed = |reason: &dyn std::fmt::Display| format!("RRULE {rule:?}: {reason}");
    let parts: Vec<String> = rule.split(';').map(|part| part.trim().to_ascii_uppercase()).map(until_in_utc).collect();
    if parts.iter().any(|part| matches!(part.as_str(), "FREQ=HOURLY" | "FREQ=MINUTELY" | "FREQ=SECONDLY")) {
        return Err(failed(&"a day recurs daily, weekly, monthly or yearly"));
    }
    // The library cuts texts at byte positions.
    if !rule.is_ascii() {
        return Err(failed(&"expected ASCII characters only"));
    }
    let start = midnight(first).ok_or_else(|| failed(&"its first day is out of range"))?;
    let last = NaiveDate::from_ymd_opt(2106, 12, 31).and_then(midnight).unwrap_or(start);
    let expand = || -> Result<RRuleResult, String> {
        let rule: RRule<Unvalidated> = parts.join(";").parse().map_err(|error| failed(&error))?;
        let rule = rule.validate(start).map_err(|error| failed(&error))?;
        Ok(RRuleSet::new(start).rrule(rule).before(last).all(MAX_SPECIAL_DAYS as u16 + 1))
    };
    // A rule of which the library makes a panic is an error of the file.
    let found = catch_unwind(AssertUnwindSafe(expand)).unwrap_or_else(|_| Err(failed(&"it cannot be read")))?;
    if found.limited {
        return Err(failed(&format!("it gives more than {MAX_SPECIAL_DAYS} days, or no day for too long")));
    }
    if found.dates.is_empty() {
        return Err(failed(&"it gives no day"));
    }
    Ok(found.dates.iter().map(DateTime::date_naive).collect())
}

/// An end that is a date or a local time would be read in a zone: it is written as the end of its day in UTC, as the days
/// represent dates.
fn until_in_utc(part: String) -> String {
    match part.strip_prefix("UNTIL=").and_then(|until| until.get(..8)) {
        Some(day) => format!("UNTIL={day}T235959Z"),
        None => part,
    }
}

fn midnight(date: NaiveDate) -> Option<DateTime<Tz>> {
    date.and_time(NaiveTime::MIN).and_local_timezone(Tz::UTC).single()
}

fn to_civil(date: NaiveDate) -> Option<Date> {
    Date::new(i16::try_from(date.year()).ok()?, date.month() as i8, date.day() as i8).ok()
}

#[cfg(test)]
mod tests;
