//! Compiles a definition to opening intervals in UTC.
//!
//! One rule decides everything: an instant is open exactly when the local wall clock shows a time inside the hours of its local
//! date. So each period of constant offset is walked by local dates, the hours of each date are shifted by the offset and cut
//! to the period: times that the clock skips are cut away, times that it repeats are found in both periods.

use super::definition::{CalendarDefinition, Holiday};
use super::error::CalendarError;
use super::hours::Interval;
use super::zone::{Zone, date_of};
use crate::time::{DAY_MS, HORIZON_MS, SECOND_MS, civil_ms};
use hashbrown::HashMap;
use jiff::civil::Date;

/// From and to, in UTC seconds since 1970, of each open interval; sorted, disjoint, not touching.
pub(super) type Openings = Vec<(u32, u32)>;

/// The first local date of any zone at 1970-01-01T00:00Z, with margin: dates are numbered from 1970-01-01.
pub(super) const FIRST_DATE: i64 = -2;

/// Local dates from [`FIRST_DATE`] to the last one before the horizon in any zone, with margin.
pub(super) const DATES: usize = (HORIZON_MS / DAY_MS + 2 - FIRST_DATE) as usize + 1;

const DAY_S: i64 = DAY_MS / SECOND_MS;
const HORIZON_S: i64 = HORIZON_MS / SECOND_MS;

/// The replacement of the weekly hours on a date.
#[derive(Clone, Copy)]
enum Exception<'a> {
    Holiday,
    Special(&'a [Interval]),
}

/// The hours of every local date.
struct Dates<'a> {
    weekly: &'a [Vec<Interval>; 7],
    exceptions: HashMap<i64, Exception<'a>, foldhash::fast::RandomState>,
    /// Parts of dates that are closed, in seconds of the wall clock.
    closed_parts: HashMap<i64, Vec<(u32, u32)>, foldhash::fast::RandomState>,
}

impl<'a> Dates<'a> {
    fn new(definition: &'a CalendarDefinition) -> Result<Self, CalendarError> {
        let mut exceptions = HashMap::default();
        let mut closed_parts: HashMap<i64, Vec<(u32, u32)>, _> = HashMap::default();
        for holiday in &definition.holidays {
            match holiday {
                Holiday::Event { date, part: Some(part), .. } => {
                    closed_parts.entry(number(*date)).or_default().push(*part);
                }
                Holiday::On(date) | Holiday::Event { date, part: None, .. } => {
                    exceptions.insert(number(*date), Exception::Holiday);
                }
                Holiday::Yearly { month, day } => {
                    let dates = (1969..=2106).filter_map(|year| Date::new(year, *month, *day).ok());
                    exceptions.extend(dates.map(|date| (number(date), Exception::Holiday)));
                }
                Holiday::File(choice) => {
                    let reason = "it was not read before the calendar was compiled".to_owned();
                    return Err(CalendarError::File { file: choice.file.clone(), reason });
                }
            }
        }
        // After the holidays: the hours of a special day apply even if it is a holiday too.
        for (date, hours) in &definition.special {
            closed_parts.remove(&number(*date));
            exceptions.insert(number(*date), Exception::Special(hours));
        }
        Ok(Self { weekly: &definition.weekly, exceptions, closed_parts })
    }

    /// Writes the hours of a date, in seconds of its wall clock, in order of their beginning.
    fn hours(&self, date: i64, out: &mut Vec<(u32, u32)>) {
        out.clear();
        let exception = self.exceptions.get(&date);
        if !matches!(exception, Some(Exception::Holiday)) {
            out.extend(self.written(date).iter().map(|interval| interval.on_its_date()));
        }
        if exception.is_none() {
            // Hours after midnight belong to the date on which they fall, so those written for a holiday continue on this one.
            out.extend(self.written(date - 1).iter().filter_map(|interval| interval.on_the_next_date()));
        }
        for closed in self.closed_parts.get(&date).into_iter().flatten() {
            close(out, *closed);
        }
        out.sort_unstable();
    }

    /// The intervals written for a date, whether it is a holiday or not.
    fn written(&self, date: i64) -> &'a [Interval] {
        match self.exceptions.get(&date) {
            Some(Exception::Special(hours)) => hours,
            // 1970-01-01 was a Thursday.
            _ => &self.weekly[(date + 3).rem_euclid(7) as usize],
        }
    }
}

/// Removes a closed part from the intervals of a date.
fn close(intervals: &mut Vec<(u32, u32)>, (from, to): (u32, u32)) {
    for at in 0..intervals.len() {
        let (open, end) = intervals[at];
        if from < end && to > open {
            intervals[at] = (open, from.max(open));
            intervals.push((to.min(end), end));
        }
    }
    intervals.retain(|(open, end)| open < end);
}

/// A date's number, counted from 1970-01-01.
pub(super) fn number(date: Date) -> i64 {
    date_of(civil_ms(date.into()))
}

/// All opening intervals from 1970 to the horizon, and for each local date (from [`FIRST_DATE`]) whether it has any.
///
/// # Errors
/// [`CalendarError::NeverOpens`]; [`CalendarError::File`] for a holiday file that is not resolved.
pub(super) fn openings(definition: &CalendarDefinition, zone: &Zone) -> Result<(Openings, Vec<bool>), CalendarError> {
    let dates = Dates::new(definition)?;
    let mut openings = Openings::new();
    let mut is_working = vec![false; DATES];
    let mut hours = Vec::new();
    let stretches = zone.stretches();
    for (at, stretch) in stretches.iter().enumerate() {
        let offset_s = stretch.offset_ms / SECOND_MS;
        let begin_s = stretch.from_ms.max(0) / SECOND_MS;
        let end_s = stretches.get(at + 1).map_or(HORIZON_S, |next| next.from_ms / SECOND_MS);
        for date in (begin_s + offset_s).div_euclid(DAY_S)..=(end_s - 1 + offset_s).div_euclid(DAY_S) {
            dates.hours(date, &mut hours);
            let midnight_s = date * DAY_S - offset_s;
            for &(from, to) in &hours {
                let from_s = (midnight_s + i64::from(from)).max(begin_s) as u32;
                let to_s = (midnight_s + i64::from(to)).clamp(0, end_s) as u32;
                if from_s >= to_s {
                    continue;
                }
                is_working[(date - FIRST_DATE) as usize] = true;
                match openings.last_mut() {
                    Some(last) if from_s <= last.1 => last.1 = last.1.max(to_s),
                    _ => openings.push((from_s, to_s)),
                }
            }
        }
    }
    if openings.is_empty() { Err(CalendarError::NeverOpens) } else { Ok((openings, is_working)) }
}
