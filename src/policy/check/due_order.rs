//! When a clock's levels are due, for clocks that start at various times: the checks that need a calendar.
//!
//! Whether "1bd" comes after "6h" depends on the calendar and on the start, so it is tested by trial: a clock is started at
//! instants throughout the years that calendars cover, and what is true for every one of them is assumed to be true.

use crate::calendar::{Span, Timeline};
use crate::policy::Threshold;
use crate::time::{DAY_MS, HORIZON_MS, NEVER_MS};
use std::cmp::Ordering;

/// How one clock counts: its calendar and its target.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measure<'c> {
    pub timeline: &'c Timeline,
    pub target: Option<Span>,
}

const STARTS: i64 = 32;

/// The first leaves a clock the longest time; the others fall on all days of the week and times of day.
fn starts() -> impl Iterator<Item = i64> {
    const STEP_MS: i64 = HORIZON_MS / STARTS / 7 * 7;
    (0..STARTS).map(|number| number * STEP_MS)
}

impl Measure<'_> {
    /// Whether the threshold is reached from any start.
    pub(super) fn is_ever_due(&self, threshold: Threshold) -> bool {
        starts().any(|start_ms| self.due_ms(start_ms, threshold) < NEVER_MS)
    }

    /// Minimum number of days from start to due, over the starts that reach it, if that is more than `long_days`.
    pub(super) fn days_if_longer(&self, threshold: Threshold, long_days: i64) -> Option<i64> {
        let mut shortest: Option<i64> = None;
        for start_ms in starts() {
            let due_ms = self.due_ms(start_ms, threshold);
            if due_ms < NEVER_MS {
                let days = (due_ms - start_ms) / DAY_MS;
                if days <= long_days {
                    return None;
                }
                shortest = Some(shortest.map_or(days, |shortest| shortest.min(days)));
            }
        }
        shortest
    }

    /// The order of two thresholds, if it is the same for all starts.
    pub(super) fn compare(&self, one: Threshold, other: Threshold) -> Option<Ordering> {
        if let (Some(one_ms), Some(other_ms)) = (self.amount_ms(one), self.amount_ms(other)) {
            return Some(one_ms.cmp(&other_ms));
        }
        let mut orders = starts().filter_map(|start_ms| {
            let (one_ms, other_ms) = (self.due_ms(start_ms, one), self.due_ms(start_ms, other));
            (one_ms < NEVER_MS || other_ms < NEVER_MS).then(|| one_ms.cmp(&other_ms))
        });
        let first = orders.next()?;
        orders.all(|order| order == first).then_some(first)
    }

    /// The threshold as business time, if it is the same for all starts.
    fn amount_ms(&self, threshold: Threshold) -> Option<i64> {
        let business_ms = |span| match span {
            Some(Span::Business { ms }) => Some(ms),
            _ => None,
        };
        match threshold {
            Threshold::Percent(percent) => Some(part_ms(business_ms(self.target)?, percent)),
            Threshold::After(span) => business_ms(Some(span)),
            Threshold::AfterTarget(span) => Some(business_ms(self.target)? + business_ms(Some(span))?),
        }
    }

    /// The engine's rules for a cycle that never pauses (see its module page).
    fn due_ms(&self, start_ms: i64, threshold: Threshold) -> i64 {
        match (threshold, self.target) {
            (Threshold::After(span), _) => self.end_ms(start_ms, span),
            (_, None) => NEVER_MS,
            // Not by its amount: two business days can end at an opening, their amount at the closing before.
            (Threshold::Percent(10_000), Some(target)) => self.end_ms(start_ms, target),
            (Threshold::Percent(percent), Some(target)) => match self.spent_ms(start_ms, self.end_ms(start_ms, target))
            {
                Some(amount_ms) => self.add_ms(start_ms, part_ms(amount_ms, percent)),
                None => NEVER_MS,
            },
            (Threshold::AfterTarget(span), Some(target)) => match self.end_ms(start_ms, target) {
                NEVER_MS => NEVER_MS,
                target_ms => self.end_ms(target_ms, span),
            },
        }
    }

    fn end_ms(&self, start_ms: i64, span: Span) -> i64 {
        match span {
            Span::Business { ms } => self.add_ms(start_ms, ms),
            Span::BusinessDays(days) => self.timeline.add_business_days(start_ms, days),
            Span::CalendarDays(days) => self.timeline.add_calendar_days(start_ms, days),
        }
    }

    /// Real time if the target is in calendar days, else business time.
    fn add_ms(&self, start_ms: i64, amount_ms: i64) -> i64 {
        match self.target {
            Some(Span::CalendarDays(_)) if start_ms + amount_ms <= HORIZON_MS => start_ms + amount_ms,
            Some(Span::CalendarDays(_)) => NEVER_MS,
            _ => self.timeline.add(start_ms, amount_ms),
        }
    }

    fn spent_ms(&self, start_ms: i64, end_ms: i64) -> Option<i64> {
        match self.target {
            _ if end_ms >= NEVER_MS => None,
            Some(Span::CalendarDays(_)) => Some(end_ms - start_ms),
            _ => Some(self.timeline.elapsed(start_ms, end_ms)),
        }
    }
}

/// Hundredths of a percent of an amount, rounded up to a millisecond.
fn part_ms(amount_ms: i64, percent: u32) -> i64 {
    // An amount is below 2^42 and a percentage below 2^17.
    (amount_ms * i64::from(percent) + 9_999) / 10_000
}

#[cfg(test)]
mod tests;
