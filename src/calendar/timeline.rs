//! Compiled calendars.

use super::compile::{DATES, FIRST_DATE, openings};
use super::day_index::Table;
use super::definition::CalendarDefinition;
use super::error::CalendarError;
use super::zone::{Zone, date_of};
use crate::time::{DAY_MS, HORIZON_MS, NEVER_MS};

/// Opening intervals over 1970 to 2106 in a form in which business time is added and measured without a time-zone look-up.
///
/// Instants are UTC milliseconds since the epoch. Before 1970 and after the horizon no calendar is open; a result there is
/// [`NEVER_MS`].
#[derive(Debug)]
pub struct Timeline {
    zone: Zone,
    hours: Hours,
    working_days: WorkingDays,
}

#[derive(Debug)]
enum Hours {
    /// Around the clock, always: business time is real time.
    Always,
    Some(Table),
}

impl Timeline {
    /// Compiles a definition whose holiday files are [resolved](CalendarDefinition::resolved).
    ///
    /// # Errors
    /// An unknown zone; hours that never open; a holiday file that is not resolved.
    pub fn compile(definition: &CalendarDefinition) -> Result<Self, CalendarError> {
        let zone = Zone::named(&definition.time_zone)?;
        let (openings, is_working) = openings(definition, &zone)?;
        let hours = match openings[..] {
            [(0, u32::MAX)] => Hours::Always,
            _ => Hours::Some(Table::new(&openings)),
        };
        Ok(Self { zone, hours, working_days: WorkingDays::new(&is_working) })
    }

    /// Open around the clock, always.
    pub fn always(zone: Zone) -> Self {
        let mut is_working = vec![false; DATES];
        for (at, stretch) in zone.stretches().iter().enumerate() {
            let to_ms = zone.stretches().get(at + 1).map_or(HORIZON_MS, |next| next.from_ms);
            let first = date_of(stretch.from_ms.max(0) + stretch.offset_ms);
            let last = date_of(to_ms - 1 + stretch.offset_ms);
            is_working[(first - FIRST_DATE) as usize..=(last - FIRST_DATE) as usize].fill(true);
        }
        Self { zone, hours: Hours::Always, working_days: WorkingDays::new(&is_working) }
    }

    /// Open only for the last second before the horizon: represents hours that never open.
    pub fn never() -> Self {
        let openings = vec![(u32::MAX - 1, u32::MAX)];
        let is_working = vec![false; DATES];
        Self {
            zone: Zone::utc(),
            hours: Hours::Some(Table::new(&openings)),
            working_days: WorkingDays::new(&is_working),
        }
    }

    /// The earliest instant at which `amount_ms` of business time have elapsed since `start_ms`; `add(start, 0) == start`.
    /// [`NEVER_MS`] if the timeline ends first.
    #[inline]
    pub fn add(&self, start_ms: i64, amount_ms: i64) -> i64 {
        if amount_ms <= 0 {
            return start_ms;
        }
        match &self.hours {
            Hours::Always => until_horizon(start_ms.saturating_add(amount_ms)),
            // The amount ends with the end of its last millisecond, which is in open time even at closing time.
            Hours::Some(table) => {
                table.instant_of(table.before(start_ms).saturating_add(amount_ms - 1)).map_or(NEVER_MS, |last| last + 1)
            }
        }
    }

    /// Business time between two instants; 0 when `to_ms <= from_ms`.
    #[inline]
    pub fn elapsed(&self, from_ms: i64, to_ms: i64) -> i64 {
        match &self.hours {
            Hours::Always => (to_ms.clamp(0, HORIZON_MS) - from_ms.clamp(0, HORIZON_MS)).max(0),
            Hours::Some(table) => (table.before(to_ms) - table.before(from_ms)).max(0),
        }
    }

    /// The first open instant at or after `at_ms`; `NEVER_MS` if there is none.
    #[inline]
    pub fn next_open(&self, at_ms: i64) -> i64 {
        match &self.hours {
            Hours::Always => until_horizon(at_ms.max(0)),
            Hours::Some(table) => table.instant_of(table.before(at_ms)).unwrap_or(NEVER_MS),
        }
    }

    /// The first closed instant after an open one; `at_ms` itself if it is closed.
    pub fn next_close(&self, at_ms: i64) -> i64 {
        let Hours::Some(table) = &self.hours else {
            return at_ms.max(HORIZON_MS);
        };
        let mut end_ms = table.piece_end(at_ms);
        // Open time over midnight UTC is one piece in each day.
        while end_ms % DAY_MS == 0 && end_ms < HORIZON_MS {
            let next_ms = table.piece_end(end_ms);
            if next_ms == end_ms {
                break;
            }
            end_ms = next_ms;
        }
        end_ms
    }

    /// Whether an instant is business time.
    pub fn is_open(&self, at_ms: i64) -> bool {
        self.next_open(at_ms) == at_ms
    }

    /// Whether every instant is business time.
    pub fn is_always(&self) -> bool {
        matches!(self.hours, Hours::Always)
    }

    /// The intervals of business time between two instants, cut to them, in order.
    pub fn open_intervals(&self, from_ms: i64, to_ms: i64) -> OpenIntervals<'_> {
        OpenIntervals { timeline: self, at_ms: from_ms, to_ms: to_ms.min(HORIZON_MS) }
    }

    /// The same wall-clock time `days` working days later, with the start first moved into opening hours.
    ///
    /// A working day is a local date on which the calendar is open at some instant: hours belong to the civil date on which
    /// they fall, so the morning after a night shift is one. `NEVER_MS` if the timeline ends first.
    pub fn add_business_days(&self, start_ms: i64, days: u32) -> i64 {
        let open_ms = self.next_open(start_ms);
        if open_ms == NEVER_MS || days == 0 {
            return open_ms;
        }
        let local_ms = self.zone.local_ms(open_ms);
        let date = date_of(local_ms);
        match self.working_days.later(date, days) {
            Some(due) => until_horizon(self.zone.first_instant_at(local_ms + (due - date) * DAY_MS)),
            None => NEVER_MS,
        }
    }

    /// The same wall-clock time `days` calendar days later, whatever the opening hours; of a wall time that occurs twice the
    /// first, of one that is skipped the instant of the change.
    pub fn add_calendar_days(&self, start_ms: i64, days: u32) -> i64 {
        if days == 0 || start_ms > HORIZON_MS {
            return start_ms;
        }
        until_horizon(self.zone.first_instant_at(self.zone.local_ms(start_ms) + i64::from(days) * DAY_MS))
    }

    /// The zone whose wall clock the hours refer to.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }
}

#[inline]
fn until_horizon(at_ms: i64) -> i64 {
    if at_ms > HORIZON_MS { NEVER_MS } else { at_ms }
}

/// Iterates over business time; see [`Timeline::open_intervals`].
#[derive(Debug, Clone)]
pub struct OpenIntervals<'a> {
    timeline: &'a Timeline,
    at_ms: i64,
    to_ms: i64,
}

impl Iterator for OpenIntervals<'_> {
    /// From its first instant to before its last.
    type Item = (i64, i64);

    fn next(&mut self) -> Option<(i64, i64)> {
        let from_ms = self.timeline.next_open(self.at_ms);
        if from_ms >= self.to_ms {
            return None;
        }
        let to_ms = self.timeline.next_close(from_ms).min(self.to_ms);
        self.at_ms = to_ms;
        Some((from_ms, to_ms))
    }
}

/// Local dates with business time, numbered. Sixteen bits are enough: 136 years have 49,711 days.
#[derive(Debug)]
struct WorkingDays {
    /// For each date from [`FIRST_DATE`], the number of working days before it.
    rank: Box<[u16]>,
    /// For each working day, its date from [`FIRST_DATE`].
    date: Box<[u16]>,
}

impl WorkingDays {
    fn new(is_working: &[bool]) -> Self {
        let mut rank = Vec::with_capacity(is_working.len());
        let mut date = Vec::new();
        for (at, &is_working) in is_working.iter().enumerate() {
            rank.push(date.len() as u16);
            date.extend(is_working.then_some(at as u16));
        }
        Self { rank: rank.into(), date: date.into() }
    }

    fn later(&self, date: i64, days: u32) -> Option<i64> {
        let rank = self.rank.get(usize::try_from(date - FIRST_DATE).ok()?)?;
        let later = self.date.get(usize::from(*rank) + days as usize)?;
        Some(i64::from(*later) + FIRST_DATE)
    }
}

#[cfg(test)]
mod tests;
