//! A clock of a priority, compiled for measuring: the instants at which its marks are due.
//!
//! A *mark* is anything that a cycle reaches as its business time grows: each level, "at risk" and the target itself
//! (`BREACH`). Their amounts are the same for every cycle unless days are involved; a target in days becomes an amount only
//! when the cycle's start is known.

use super::state::{AT_RISK, BREACH, ClockState, MARKS};
use crate::calendar::{Calendar, Span};
use crate::engine::interner::Symbol;
use crate::policy::{Clock, Effect, Threshold, effect_in};
use crate::ticket::{EventKind, State, StateSet};
use crate::time::NEVER_MS;
use std::sync::Arc;

/// The amount of a mark, and, for spans in days, the instant at which it is due if nothing pauses the cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    index: u8,
    amount_ms: i64,
    /// For a mark in business days or calendar days: its instant in an uninterrupted cycle.
    exact_ms: Option<i64>,
    /// In business days: after a pause it is due at the next opening, not at closing time.
    in_business_days: bool,
}

/// A clock compiled for measuring.
#[derive(Debug, Clone)]
pub(crate) struct CompiledClock {
    /// The clock's name.
    pub clock: Symbol,
    pub on: [Effect; EventKind::COUNT],
    pub pause_while: StateSet,
    starts_when_done: bool,
    pub levels: usize,
    definition: Clock,
    calendar: Arc<Calendar>,
    real_time: bool,
    /// By amount; `None` if spans in days make them depend on the start.
    fixed: Option<Vec<Mark>>,
}

impl CompiledClock {
    /// What an event does to the clock of a ticket that is in `state` after it.
    #[inline]
    pub(crate) fn effect(&self, kind: EventKind, state: State) -> Effect {
        effect_in(state, kind, self.on[kind as usize], self.starts_when_done)
    }

    pub(crate) fn new(clock: &Clock, name: Symbol, calendar: &Arc<Calendar>) -> Self {
        let mut compiled = Self {
            clock: name,
            on: clock.on,
            pause_while: clock.pause_while,
            starts_when_done: clock.starts_when_done,
            levels: clock.levels.len(),
            definition: clock.clone(),
            calendar: Arc::clone(calendar),
            real_time: matches!(clock.target, Some(Span::CalendarDays(_))),
            fixed: None,
        };
        let in_days = |span: &Span| !matches!(span, Span::Business { .. });
        let depends = clock.target.iter().any(in_days)
            || clock.levels.iter().any(|level| match &level.at {
                Threshold::Percent(_) => false,
                Threshold::After(span) | Threshold::AfterTarget(span) => in_days(span),
            });
        if !depends {
            compiled.fixed = Some(compiled.marks_from(0));
        }
        compiled
    }

    /// Replaces the calendar by an equal one.
    pub(crate) fn set_calendar(&mut self, calendar: &Arc<Calendar>) {
        self.calendar = Arc::clone(calendar);
    }

    pub(crate) fn definition(&self) -> &Clock {
        &self.definition
    }

    pub(crate) fn has_target(&self) -> bool {
        self.definition.target.is_some()
    }

    /// Business time between two instants, as this clock counts it.
    #[inline]
    pub(crate) fn elapsed(&self, from_ms: i64, to_ms: i64) -> i64 {
        if self.real_time { (to_ms - from_ms).max(0) } else { self.calendar.timeline().elapsed(from_ms, to_ms) }
    }

    #[inline]
    fn add(&self, start_ms: i64, amount_ms: i64) -> i64 {
        let due_ms =
            if self.real_time { start_ms + amount_ms } else { self.calendar.timeline().add(start_ms, amount_ms) };
        due_ms.min(NEVER_MS)
    }

    /// The intervals between two instants that count.
    pub(crate) fn intervals(&self, from_ms: i64, to_ms: i64) -> impl Iterator<Item = (i64, i64)> {
        let whole = (self.real_time && from_ms < to_ms).then_some((from_ms, to_ms));
        let open = (!self.real_time).then(|| self.calendar.timeline().open_intervals(from_ms, to_ms));
        whole.into_iter().chain(open.into_iter().flatten())
    }

    fn next_open(&self, at_ms: i64) -> i64 {
        if self.real_time { at_ms } else { self.calendar.timeline().next_open(at_ms).min(NEVER_MS) }
    }

    /// The instant at which a span from `start_ms` ends, if it is in days.
    fn end_of_days(&self, start_ms: i64, span: Span) -> Option<i64> {
        match span {
            Span::Business { .. } => None,
            Span::BusinessDays(days) => Some(self.calendar.timeline().add_business_days(start_ms, days).min(NEVER_MS)),
            Span::CalendarDays(days) => Some(self.calendar.timeline().add_calendar_days(start_ms, days).min(NEVER_MS)),
        }
    }

    /// The mark of a span from the cycle's start.
    fn mark_after(&self, index: usize, started_ms: i64, span: Span) -> Mark {
        self.mark_between(index, started_ms, started_ms, span)
    }

    /// The mark of a cycle that is due a span after `from_ms`.
    fn mark_between(&self, index: usize, started_ms: i64, from_ms: i64, span: Span) -> Mark {
        let exact_ms = self.end_of_days(from_ms, span);
        let amount_ms = match (span, exact_ms) {
            (Span::Business { ms }, _) => ms,
            (_, Some(NEVER_MS)) => NEVER_MS,
            (_, Some(exact_ms)) => self.elapsed(started_ms, exact_ms),
            (_, None) => NEVER_MS,
        };
        Mark { index: index as u8, amount_ms, exact_ms, in_business_days: matches!(span, Span::BusinessDays(_)) }
    }

    /// All marks of a cycle that starts at `started_ms`, by amount. Levels precede "at risk" and breach of the same amount only
    /// in their index; all of them are reached at the same instant.
    fn marks_from(&self, started_ms: i64) -> Vec<Mark> {
        let target = self.definition.target.map(|span| self.mark_after(BREACH, started_ms, span));
        let percent = |index: usize, hundredths: u32| {
            let target = target?;
            let amount_ms = (i128::from(target.amount_ms) * i128::from(hundredths) + 9_999) / 10_000;
            let exact_ms = if hundredths == 10_000 { target.exact_ms } else { None };
            Some(Mark { index: index as u8, amount_ms: (amount_ms as i64).min(NEVER_MS), exact_ms, ..target })
        };
        let mut marks: Vec<Mark> = Vec::with_capacity(MARKS);
        for (index, level) in self.definition.levels.iter().enumerate() {
            let mark = match level.at {
                Threshold::Percent(hundredths) => percent(index, hundredths),
                Threshold::After(span) => Some(self.mark_after(index, started_ms, span)),
                Threshold::AfterTarget(Span::Business { ms }) => target.map(|target| Mark {
                    index: index as u8,
                    amount_ms: target.amount_ms.saturating_add(ms).min(NEVER_MS),
                    exact_ms: None,
                    ..target
                }),
                Threshold::AfterTarget(days) => target.map(|target| {
                    let target_ms = target.exact_ms.unwrap_or_else(|| self.add(started_ms, target.amount_ms));
                    let mark = self.mark_between(index, started_ms, target_ms, days);
                    Mark { in_business_days: mark.in_business_days || target.in_business_days, ..mark }
                }),
            };
            marks.extend(mark);
        }
        marks.extend(percent(AT_RISK, self.definition.at_risk));
        marks.extend(target);
        marks.sort_by_key(|mark| (mark.amount_ms, mark.index));
        marks
    }

    /// When a mark falls due if the running segment lasts.
    #[inline]
    fn due(&self, state: &ClockState, mark: &Mark) -> i64 {
        if let (false, Some(exact_ms)) = (state.broken, mark.exact_ms) {
            return exact_ms;
        }
        let left_ms = mark.amount_ms - state.spent_ms;
        if left_ms <= 0 {
            return self.next_open(state.segment_ms);
        }
        if mark.amount_ms >= NEVER_MS {
            return NEVER_MS;
        }
        let due_ms = self.add(state.segment_ms, left_ms);
        if mark.in_business_days && state.broken { self.next_open(due_ms) } else { due_ms }
    }

    /// The next mark that a running clock has not reached, and when it is due. `None` when all are reached.
    #[inline]
    pub(crate) fn next(&self, state: &ClockState) -> Option<(usize, i64)> {
        match &self.fixed {
            Some(marks) => {
                let mark = marks.iter().find(|mark| state.done & (1 << mark.index) == 0)?;
                Some((usize::from(mark.index), self.due(state, mark)))
            }
            None => {
                let marks = self.marks_from(state.started_ms);
                marks
                    .iter()
                    .filter(|mark| state.done & (1 << mark.index) == 0)
                    .map(|mark| (self.due(state, mark), usize::from(mark.index)))
                    .min()
                    .map(|(due_ms, index)| (index, due_ms))
            }
        }
    }

    /// The marks that a running clock has not reached, and when each is due.
    pub(crate) fn each_ahead(&self, state: &ClockState, mut tell: impl FnMut(usize, i64)) {
        let made;
        let marks = match &self.fixed {
            Some(marks) => marks,
            None => {
                made = self.marks_from(state.started_ms);
                &made
            }
        };
        for mark in marks.iter().filter(|mark| state.done & (1 << mark.index) == 0) {
            tell(usize::from(mark.index), self.due(state, mark));
        }
    }

    /// When a mark would be due in the running segment; `NEVER_MS` for a mark that the clock does not have.
    pub(crate) fn due_of(&self, state: &ClockState, index: usize) -> i64 {
        let find = |marks: &[Mark]| {
            marks.iter().find(|mark| usize::from(mark.index) == index).map_or(NEVER_MS, |mark| self.due(state, mark))
        };
        match &self.fixed {
            Some(marks) => find(marks),
            None => find(&self.marks_from(state.started_ms)),
        }
    }

    /// When the target of a running cycle that was never paused ends, or ended.
    pub(crate) fn target_due_ms(&self, state: &ClockState) -> i64 {
        match (&self.fixed, self.definition.target) {
            (None, Some(span)) => self.due(state, &self.mark_after(BREACH, state.started_ms, span)),
            _ => self.due_of(state, BREACH),
        }
    }

    /// The amount of a mark for a cycle with this start; `NEVER_MS` for a mark that the clock does not have.
    pub(crate) fn amount_of(&self, started_ms: i64, index: usize) -> i64 {
        let find = |marks: &[Mark]| {
            marks.iter().find(|mark| usize::from(mark.index) == index).map_or(NEVER_MS, |mark| mark.amount_ms)
        };
        match &self.fixed {
            Some(marks) => find(marks),
            None => find(&self.marks_from(started_ms)),
        }
    }
}
