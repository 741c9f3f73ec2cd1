//! Holidays from iCalendar files.
//!
//! A holiday file is a list of events, most of them all-day, some of them recurring. Only dates on the calendar's wall clock
//! matter. An event is all-day if it starts on a date, or lasts from midnight to midnight, in its own zone or in the calendar's.
//! Understood are `DTEND` and `DURATION`, any number of `RRULE`, `EXRULE`, `RDATE` and `EXDATE`, occurrences that another event
//! replaces (`RECURRENCE-ID`), revisions (`SEQUENCE`) and cancellations (`STATUS`, `METHOD`). An event that cannot be read is
//! reported and left out; the others count.

mod lines;
mod recurrence;
mod when;

use super::holiday_file::{EventTexts, HolidayFile, Partial};
use super::hours::{DAY_S, TimeOfDay};
use super::zone::Zone;
use crate::limits::{MAX_HOLIDAY_NOTES, MAX_SPECIAL_DAYS};
use crate::time::{SECOND_MS, civil, civil_ms};
use jiff::civil::{Date, DateTime};
use jiff::{Span, ToSpan};
use lines::{Event, Property, listed, unescaped};
use recurrence::Rule;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use when::{When, Zones, duration_s};

/// A day, or a part of one, that an event closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClosedDay {
    pub date: Date,
    /// Seconds of the wall-clock day, from and to; all of it if missing.
    pub part: Option<(u32, u32)>,
    pub event: Arc<str>,
}

/// What a reader of the file should know: an event that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolidayNote {
    /// The file's name.
    pub file: String,
    /// The line of the event; 0 if it does not concern one event.
    pub line: usize,
    /// The event's summary.
    pub event: String,
    pub message: String,
}

impl fmt::Display for HolidayNote {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "holiday file {:?}: {}", self.file, self.message),
            line => write!(out, "holiday file {:?}, line {line}, event {:?}: {}", self.file, self.event, self.message),
        }
    }
}

/// A date, and the part of it in seconds of the wall-clock day; all of it if missing.
type DayPart = (Date, Option<(u32, u32)>);

/// The days that the events of an iCalendar text close, in order, and what was left out.
///
/// # Errors
/// Text that is not iCalendar or has no event; more than [`MAX_SPECIAL_DAYS`] days.
pub(super) fn closed_days(
    text: &str,
    zone: &Zone,
    choice: &HolidayFile,
) -> Result<(Vec<ClosedDay>, Vec<HolidayNote>), String> {
    let events = lines::events(text)?;
    let mut reader = Reader { zones: Zones::new(zone), choice, notes: Vec::new(), unlisted: 0 };
    let events: Vec<Revision<'_>> = events.iter().map(|event| reader.revision(event)).collect();
    let texts: Vec<EventTexts> = events.iter().map(|event| texts_of(&event.properties)).collect();
    for (setting, pattern) in choice.unused(&texts) {
        reader.note(0, "", format!("{setting} {pattern:?} fits no event"));
    }
    let newest = newest(&events);
    let replaced = replaced(&events, &newest);
    let mut days: BTreeMap<DayPart, Arc<str>> = BTreeMap::new();
    for ((event, texts), is_newest) in events.iter().zip(&texts).zip(&newest) {
        if !is_newest || event.is_cancelled || !choice.takes(texts) {
            continue;
        }
        let mut remarks = Vec::new();
        match reader.days_of(event, &replaced, &mut remarks) {
            Ok(closed) => {
                let name: Arc<str> = event.name.as_str().into();
                for day in closed {
                    days.entry(day).or_insert_with(|| Arc::clone(&name));
                }
            }
            Err(reason) => remarks.push(format!("{reason}; the event is left out")),
        }
        remarks.into_iter().for_each(|remark| reader.note(event.line, &event.name, remark));
        if days.len() > MAX_SPECIAL_DAYS {
            return Err(format!("its events close more than {MAX_SPECIAL_DAYS} days"));
        }
    }
    let closed = days.into_iter().map(|((date, part), event)| ClosedDay { date, part, event });
    Ok((closed.collect(), reader.into_notes()))
}

/// An event as one revision of its series, or of one occurrence of it.
struct Revision<'t> {
    line: usize,
    /// Its summary, shortened.
    name: String,
    properties: Vec<Property<'t>>,
    uid: Option<&'t str>,
    sequence: i64,
    /// The occurrence that it replaces.
    occurrence: Option<When>,
    /// The same on the calendar's wall clock: revisions may write it differently.
    occurrence_at: Option<DateTime>,
    is_cancelled: bool,
}

impl<'t> Revision<'t> {
    /// Its series, and the occurrence that it replaces.
    fn key(&self) -> Option<(&'t str, Option<DateTime>)> {
        Some((self.uid?, self.occurrence_at))
    }

    fn rank(&self) -> (i64, bool) {
        (self.sequence, self.is_cancelled)
    }

    fn property(&self, name: &str) -> Option<&Property<'t>> {
        self.properties.iter().find(|property| property.name == name)
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property<'t>> {
        self.properties.iter().filter(move |property| property.name == name)
    }
}

/// Occurrences that other events replace, by the id of their series.
type Replaced<'t> = BTreeMap<&'t str, Vec<When>>;

/// Which events are in force: of a series, or of an occurrence, those with the highest `SEQUENCE`; of several with the same, a
/// cancelled one. A cancelled series has no occurrences.
fn newest(events: &[Revision<'_>]) -> Vec<bool> {
    let mut best: BTreeMap<(&str, Option<DateTime>), (i64, bool)> = BTreeMap::new();
    for event in events {
        if let Some(key) = event.key() {
            let known = best.entry(key).or_insert_with(|| event.rank());
            *known = (*known).max(event.rank());
        }
    }
    let is_newest = |event: &Revision<'_>| {
        let Some(key) = event.key() else { return true };
        let series = best.get(&(key.0, None));
        let is_ended = series.is_some_and(|(ended, is_cancelled)| *is_cancelled && *ended >= event.sequence);
        best.get(&key) == Some(&event.rank()) && !is_ended
    };
    events.iter().map(is_newest).collect()
}

fn replaced<'t>(events: &[Revision<'t>], newest: &[bool]) -> Replaced<'t> {
    let mut replaced = Replaced::new();
    for (event, _) in events.iter().zip(newest).filter(|(_, is_newest)| **is_newest) {
        if let (Some(uid), Some(occurrence)) = (event.uid, &event.occurrence) {
            replaced.entry(uid).or_default().push(occurrence.clone());
        }
    }
    replaced
}

fn texts_of(properties: &[Property<'_>]) -> EventTexts {
    let text = |name: &str| properties.iter().find(|property| property.name == name).map(|it| unescaped(it.value));
    let categories = properties.iter().filter(|property| property.name == "CATEGORIES");
    EventTexts {
        summary: text("SUMMARY").unwrap_or_default(),
        categories: categories.flat_map(|property| listed(property.value)).collect(),
        description: text("DESCRIPTION").unwrap_or_default(),
    }
}

struct Reader<'a> {
    zones: Zones<'a>,
    choice: &'a HolidayFile,
    notes: Vec<HolidayNote>,
    /// Further notes.
    unlisted: usize,
}

/// When an event starts, and how long it lasts.
enum Extent {
    /// From midnight, so many days.
    Days(Date, usize),
    /// A part of a day or more, so many seconds.
    Part(i64),
}

impl Reader<'_> {
    fn note(&mut self, line: usize, event: &str, message: String) {
        if self.notes.len() < MAX_HOLIDAY_NOTES {
            let (file, event) = (self.choice.file.clone(), event.to_owned());
            self.notes.push(HolidayNote { file, line, event, message });
        } else {
            self.unlisted += 1;
        }
    }

    fn into_notes(mut self) -> Vec<HolidayNote> {
        if self.unlisted > 0 {
            let (file, message) = (self.choice.file.clone(), format!("{} more notes", self.unlisted));
            self.notes.push(HolidayNote { file, line: 0, event: String::new(), message });
        }
        self.notes
    }

    fn revision<'t>(&mut self, event: &'t Event) -> Revision<'t> {
        let (properties, odd_line) = event.properties();
        let find = |name: &str| properties.iter().find(|property| property.name == name);
        let name = find("SUMMARY").map_or_else(|| "without a SUMMARY".to_owned(), |summary| unescaped(summary.value));
        let name: String = name.chars().take(80).collect();
        if let Some(odd) = odd_line {
            self.note(event.line, &name, format!("line {odd} is not a property such as NAME:value, and is not read"));
        }
        if !event.is_complete {
            self.note(event.line, &name, "the text ends before its END:VEVENT".to_owned());
        }
        let occurrence = find("RECURRENCE-ID").map(When::list).transpose();
        let occurrence = occurrence.unwrap_or_else(|reason| {
            self.note(event.line, &name, format!("{reason}; it is read as an event of its own"));
            None
        });
        if find("RECURRENCE-ID").is_some_and(|id| id.parameter("RANGE").is_some()) {
            self.note(event.line, &name, "RANGE is not supported: it replaces one occurrence".to_owned());
        }
        let occurrence = occurrence.and_then(|mut list| list.pop());
        let on_the_wall = |when: &When| self.zones.on_the_wall(when).unwrap_or_else(|_| when.written());
        Revision {
            line: event.line,
            occurrence_at: occurrence.as_ref().map(on_the_wall),
            uid: find("UID").map(|uid| uid.value).filter(|uid| !uid.is_empty()),
            sequence: find("SEQUENCE").and_then(|sequence| sequence.value.parse().ok()).unwrap_or(0),
            occurrence,
            is_cancelled: event.is_cancelled
                || find("STATUS").is_some_and(|status| status.value.eq_ignore_ascii_case("CANCELLED")),
            name,
            properties,
        }
    }

    /// The days and parts of days that an event closes.
    fn days_of(
        &mut self,
        event: &Revision<'_>,
        replaced: &Replaced<'_>,
        remarks: &mut Vec<String>,
    ) -> Result<BTreeSet<DayPart>, String> {
        let property = event.property("DTSTART").ok_or("it has no DTSTART")?;
        let start = When::list(property)?.into_iter().next().ok_or("it has no DTSTART")?;
        let extent = self.extent(event, &start, remarks)?;
        // All-day events that are written as times in UTC recur by the calendar's dates.
        let start = match extent {
            Extent::Days(first, _) if matches!(start, When::Utc(_)) || start.written().date() != first => {
                When::Date(first)
            }
            _ => start,
        };
        let mut starts = self.starts(event, &start, &extent)?;
        if event.occurrence.is_none() {
            let others = event.uid.and_then(|uid| replaced.get(uid)).map_or(&[][..], Vec::as_slice);
            others.iter().for_each(|other| self.remove(&mut starts, other, &extent));
        }
        if starts.is_empty() {
            remarks.push("it gives no day".to_owned());
        }
        let mut days = BTreeSet::new();
        for start in starts {
            match extent {
                Extent::Days(_, length) => {
                    days.extend(start.date().series(1.day()).take(length).map(|date| (date, None)));
                }
                Extent::Part(length_s) => parts(start, length_s, &mut days),
            }
            if days.len() > MAX_SPECIAL_DAYS {
                return Err(format!("it closes more than {MAX_SPECIAL_DAYS} days"));
            }
        }
        days.retain(|(date, _)| (1969..=2106).contains(&date.year()));
        match days.iter().find_map(|(date, part)| part.map(|part| (date, part))) {
            Some((date, (from, to))) if self.choice.partial == Partial::Skip => Err(format!(
                "it closes part of a day ({date} {}-{}), which counts with partial = \"close\" only",
                TimeOfDay(from),
                TimeOfDay(to)
            )),
            _ => Ok(days),
        }
    }

    fn extent(&mut self, event: &Revision<'_>, start: &When, remarks: &mut Vec<String>) -> Result<Extent, String> {
        let end = event.property("DTEND").map(When::list).transpose().map(|list| list.and_then(|mut list| list.pop()));
        let duration_s = event.property("DURATION").map(|duration| duration_s(duration.value)).transpose();
        if let When::Date(first) = *start {
            let days = match (end, duration_s) {
                (Err(reason), _) | (Ok(None), Err(reason)) => {
                    remarks.push(format!("{reason}: it is taken as one day"));
                    1
                }
                // As written, whatever it is: some programs write a time, or the same date as the start for one day.
                (Ok(Some(end)), _) => i64::from(days_between(first, end.written().date())),
                (Ok(None), Ok(Some(seconds))) => whole_days(seconds),
                (Ok(None), Ok(None)) => 1,
            };
            if days < 0 {
                remarks.push("DTEND lies before DTSTART: it is taken as one day".to_owned());
            }
            return Ok(Extent::Days(first, length(days.max(1))?));
        }
        let end = match (end?, duration_s?) {
            (Some(end), _) => end,
            (None, Some(seconds)) => start.with(later(start.written(), seconds)),
            (None, None) => {
                return Err("it begins at a time of day and has no end: expected an all-day event".to_owned());
            }
        };
        let same_frame = start.with(end.written()) == end;
        let is_midnight = |at: DateTime| at.time() == jiff::civil::Time::midnight();
        let wall = (self.zones.on_the_wall(start), self.zones.on_the_wall(&end));
        let as_written = (Ok(start.written()), Ok(end.written()));
        for (from, to) in
            [as_written, wall.clone()].into_iter().skip(usize::from(!same_frame || matches!(start, When::Utc(_))))
        {
            if let (Ok(from), Ok(to)) = (from, to)
                && is_midnight(from)
                && is_midnight(to)
                && from < to
            {
                return Ok(Extent::Days(from.date(), length(i64::from(days_between(from.date(), to.date())))?));
            }
        }
        let (from, to) = (wall.0?, wall.1?);
        match (civil_ms(to) - civil_ms(from)) / SECOND_MS {
            ..=0 => Err("it ends at or before its start".to_owned()),
            seconds => {
                length(whole_days(seconds))?;
                Ok(Extent::Part(seconds))
            }
        }
    }

    /// When the occurrences of an event start, on the calendar's wall clock; all-day ones at midnight.
    fn starts(&mut self, event: &Revision<'_>, start: &When, extent: &Extent) -> Result<BTreeSet<DateTime>, String> {
        let mut starts = BTreeSet::new();
        let is_series = event.occurrence.is_none() && event.property("RRULE").is_some();
        if is_series {
            for rule in event.all("RRULE") {
                starts.append(&mut self.recurrences(rule.value, start, extent)?);
            }
        } else {
            starts.insert(self.start_of(start, extent)?);
        }
        for property in event.all("RDATE").filter(|_| event.occurrence.is_none()) {
            for when in When::list(property)? {
                // A date alone has the time of the series.
                let when = match when {
                    When::Date(date) => start.with(date.to_datetime(start.written().time())),
                    when => when,
                };
                starts.insert(self.start_of(&when, extent)?);
            }
        }
        if event.occurrence.is_none() {
            for rule in event.all("EXRULE") {
                let excluded = self.recurrences(rule.value, start, extent)?;
                starts.retain(|start| !excluded.contains(start));
            }
        }
        for property in event.all("EXDATE") {
            for when in When::list(property)? {
                self.remove(&mut starts, &when, extent);
            }
        }
        Ok(starts)
    }

    /// The start of an occurrence on the calendar's wall clock.
    fn start_of(&mut self, when: &When, extent: &Extent) -> Result<DateTime, String> {
        match (extent, when) {
            (Extent::Days(..), When::Utc(_)) => Ok(self.zones.on_the_wall(when)?.date().into()),
            (Extent::Days(..), _) => Ok(when.written().date().into()),
            (Extent::Part(_), _) => self.zones.on_the_wall(when),
        }
    }

    /// Removes the occurrence that starts at `when`, or all that start on it if it is a date.
    fn remove(&mut self, starts: &mut BTreeSet<DateTime>, when: &When, extent: &Extent) {
        match (extent, when) {
            (Extent::Part(_), When::Date(date)) => starts.retain(|start| start.date() != *date),
            _ => {
                if let Ok(at) = self.start_of(when, extent) {
                    starts.remove(&at);
                }
            }
        }
    }

    fn recurrences(&mut self, rule: &str, start: &When, extent: &Extent) -> Result<BTreeSet<DateTime>, String> {
        let zone = match start {
            When::Zoned(_, zone) => Some(zone),
            _ => None,
        };
        let rule = Rule::parse(rule, zone)?;
        let until = rule.until.as_ref().map(|until| self.until(until, start, extent)).transpose()?;
        // A day more: the date on the wall clock may be the next one.
        let last = Date::constant(2106, 12, 31).min(until.map_or(Date::MAX, |until| later(until, 86_400).date()));
        let mut starts = BTreeSet::new();
        for date in rule.dates(start.written().date(), last)? {
            let at = self.start_of(&start.with(date.to_datetime(start.written().time())), extent)?;
            if until.is_none_or(|until| at <= until) {
                starts.insert(at);
            }
        }
        Ok(starts)
    }

    /// The end of a series on the calendar's wall clock, inclusive.
    fn until(&mut self, until: &When, start: &When, extent: &Extent) -> Result<DateTime, String> {
        let last_second = |date: Date| date.at(23, 59, 59, 0);
        match (extent, until) {
            // A date means the dates of the series as it is written.
            (Extent::Part(_), When::Date(date)) => self.zones.on_the_wall(&start.with(last_second(*date))),
            (Extent::Days(..), When::Date(date)) => Ok(last_second(*date)),
            (Extent::Days(..), When::Local(at) | When::Zoned(at, _)) => Ok(*at),
            (Extent::Part(_), When::Local(at)) => self.zones.on_the_wall(&start.with(*at)),
            (_, until) => self.zones.on_the_wall(until),
        }
    }
}

/// Whole days of a number of seconds, rounded up.
fn whole_days(seconds: i64) -> i64 {
    (seconds + i64::from(DAY_S) - 1) / i64::from(DAY_S)
}

fn length(days: i64) -> Result<usize, String> {
    match usize::try_from(days) {
        Ok(days @ 1..=MAX_SPECIAL_DAYS) => Ok(days),
        _ => Err(format!("it lasts {days} days: expected 1 to {MAX_SPECIAL_DAYS}, DTEND being the day after the last")),
    }
}

fn days_between(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span: Span| span.get_days())
}

fn later(at: DateTime, seconds: i64) -> DateTime {
    civil(civil_ms(at).saturating_add(seconds * SECOND_MS))
}

/// The parts of dates from a start, for a length.
fn parts(start: DateTime, length_s: i64, days: &mut BTreeSet<DayPart>) {
    let day_s = i64::from(DAY_S);
    let begin_s = civil_ms(start) / SECOND_MS;
    let end_s = begin_s + length_s;
    let mut at_s = begin_s;
    while at_s < end_s {
        let midnight_s = at_s.div_euclid(day_s) * day_s;
        let to_s = end_s.min(midnight_s + day_s);
        let part = ((at_s - midnight_s) as u32, (to_s - midnight_s) as u32);
        days.insert((civil(midnight_s * SECOND_MS).date(), (part != (0, DAY_S)).then_some(part)));
        at_s = to_s;
    }
}

#[cfg(test)]
mod tests;
