//! One cycle measured by one clock: amounts, and the instants at which they are reached.

use overdue::calendar::{Span, Timeline};
use overdue::policy::{Clock, Threshold};
use overdue::time::NEVER_MS;
use std::collections::BTreeMap;

/// A period in which a cycle runs; the last one may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub from_ms: i64,
    pub to_ms: Option<i64>,
}

/// One run of a clock.
#[derive(Debug, Clone)]
pub struct Cycle {
    pub number: u16,
    pub started_ms: i64,
    /// The amount that counts as spent at an instant, in place of what was spent before: carried over a change, or the amount of
    /// the level that the cycle has reached.
    pub carried: Option<Carried>,
    /// Levels up to this one cannot be reached any more.
    pub floor: u8,
    pub segments: Vec<Segment>,
    pub paused_by_event: bool,
    /// When the cycle was last recalculated.
    pub measured_ms: i64,
    /// Levels reached under earlier versions or priorities; they stay reached.
    pub reached: BTreeMap<u8, Due>,
}

#[derive(Debug, Clone, Copy)]
pub struct Carried {
    pub at_ms: i64,
    pub spent_ms: i64,
}

impl Cycle {
    /// The amount before the segments that are measured, and those segments.
    fn measured(&self) -> (i64, Vec<Segment>) {
        let Some(carried) = self.carried else { return (0, self.segments.clone()) };
        let is_after = |segment: &&Segment| segment.to_ms.is_none_or(|to_ms| to_ms >= carried.at_ms);
        let rest = |segment: &Segment| Segment { from_ms: segment.from_ms.max(carried.at_ms), ..*segment };
        (carried.spent_ms, self.segments.iter().filter(is_after).map(rest).collect())
    }
}

/// When a level is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    pub at_ms: i64,
    /// The level was due already when the cycle was recalculated.
    pub is_passed: bool,
}

/// An amount of time of a cycle.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    pub ms: i64,
    /// For an amount in days: the instant at which it ends without a pause.
    pub exact_ms: Option<i64>,
    /// The amount, or its target, is in business days: after a pause it is never due at closing time.
    pub ends_open: bool,
}

/// When an amount is reached.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// The instant in a closed segment at which it was reached, or in the open one at which it is due.
    pub at_ms: Option<i64>,
    /// The due time if the last segment had continued; never, if the cycle never ran.
    pub due_ms: i64,
}

/// A clock and the calendar in which it measures.
#[derive(Clone, Copy)]
pub struct Ruler<'a> {
    pub timeline: &'a Timeline,
    pub clock: &'a Clock,
}

impl Ruler<'_> {
    /// Whether the clock measures real time: its target is in calendar days.
    fn is_real(&self) -> bool {
        matches!(self.clock.target, Some(Span::CalendarDays(_)))
    }

    fn has_business_days(&self) -> bool {
        matches!(self.clock.target, Some(Span::BusinessDays(_)))
    }

    pub fn elapsed(&self, from_ms: i64, to_ms: i64) -> i64 {
        if self.is_real() { (to_ms - from_ms).max(0) } else { self.timeline.elapsed(from_ms, to_ms) }
    }

    fn add(&self, start_ms: i64, amount_ms: i64) -> i64 {
        if amount_ms >= NEVER_MS {
            NEVER_MS
        } else if self.is_real() {
            (start_ms + amount_ms).min(NEVER_MS)
        } else {
            self.timeline.add(start_ms, amount_ms)
        }
    }

    fn next_open(&self, at_ms: i64) -> i64 {
        if self.is_real() { at_ms } else { self.timeline.next_open(at_ms) }
    }

    /// The amount of a span from the start, or from the end of the target. Choice: hours of a clock with a target in calendar days
    /// are real hours, and without a pause levels in days are due at exactly their instant.
    fn span(&self, start_ms: i64, target: Option<Amount>, span: Span) -> Amount {
        let in_business_days = matches!(span, Span::BusinessDays(_));
        let ends_open = in_business_days || (target.is_some() && self.has_business_days());
        let before_ms = target.map_or(0, |target| target.ms);
        let from_ms = match target {
            None => start_ms,
            Some(target) => target.exact_ms.unwrap_or_else(|| self.add(start_ms, target.ms)),
        };
        let end_ms = match span {
            Span::Business { ms } => return Amount { ms: before_ms + ms, exact_ms: None, ends_open },
            Span::BusinessDays(days) => self.timeline.add_business_days(from_ms, days),
            Span::CalendarDays(days) => self.timeline.add_calendar_days(from_ms, days),
        };
        let ms = if end_ms >= NEVER_MS { NEVER_MS } else { self.elapsed(start_ms, end_ms) };
        Amount { ms, exact_ms: Some(end_ms), ends_open }
    }

    pub fn target(&self, start_ms: i64) -> Option<Amount> {
        self.clock.target.map(|span| self.span(start_ms, None, span))
    }

    fn percent(&self, start_ms: i64, hundredths: u32) -> Option<Amount> {
        let target = self.target(start_ms)?;
        if hundredths == 10_000 {
            return Some(target);
        }
        let ms = (i128::from(target.ms) * i128::from(hundredths) + 9_999) / 10_000;
        Some(Amount { ms: i64::try_from(ms).unwrap_or(NEVER_MS), exact_ms: None, ends_open: self.has_business_days() })
    }

    pub fn at_risk(&self, start_ms: i64) -> Option<Amount> {
        self.percent(start_ms, self.clock.at_risk)
    }

    /// The amount of a level, numbered from 1.
    pub fn level(&self, start_ms: i64, level: u8) -> Option<Amount> {
        match self.clock.levels.get(usize::from(level) - 1)?.at {
            Threshold::Percent(hundredths) => self.percent(start_ms, hundredths),
            Threshold::After(span) => Some(self.span(start_ms, None, span)),
            Threshold::AfterTarget(span) => {
                let target = self.target(start_ms)?;
                Some(self.span(start_ms, Some(target), span))
            }
        }
    }

    /// The amount that counts as spent by a cycle at a level; after the end of the chain, at its last level.
    pub fn standing_at(&self, start_ms: i64, level: u8) -> i64 {
        let level = level.min(self.clock.levels.len() as u8);
        if level == 0 { 0 } else { self.level(start_ms, level).map_or(0, |amount| amount.ms) }
    }

    pub fn spent(&self, cycle: &Cycle, until_ms: i64) -> i64 {
        let run = |segment: &Segment| self.elapsed(segment.from_ms, segment.to_ms.unwrap_or(until_ms).min(until_ms));
        let (spent_ms, segments) = cycle.measured();
        spent_ms + segments.iter().map(run).sum::<i64>()
    }

    pub fn reach(&self, cycle: &Cycle, amount: Amount) -> Reach {
        let (mut spent_ms, segments) = cycle.measured();
        let mut due_ms = NEVER_MS;
        for (index, segment) in segments.iter().enumerate() {
            let never_paused = index == 0 && cycle.carried.is_none() && segment.from_ms == cycle.started_ms;
            let left_ms = amount.ms - spent_ms;
            due_ms = if never_paused && amount.exact_ms.is_some() {
                amount.exact_ms.unwrap_or(NEVER_MS)
            } else if left_ms <= 0 {
                self.next_open(segment.from_ms)
            } else if amount.ends_open && !never_paused {
                self.next_open(self.add(segment.from_ms, left_ms))
            } else {
                self.add(segment.from_ms, left_ms)
            };
            if due_ms < segment.to_ms.unwrap_or(NEVER_MS) {
                return Reach { at_ms: Some(due_ms), due_ms };
            }
            spent_ms += segment.to_ms.map_or(0, |to_ms| self.elapsed(segment.from_ms, to_ms));
        }
        Reach { at_ms: None, due_ms }
    }
}
