//! The event log of a ticket as the engine stores it: primitive events, 16 bytes each, in order of time.

use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::ticket::{EventKind, State};

const TIME_BITS: u32 = 42;
const KIND_SHIFT: u32 = TIME_BITS;
const STATE_SHIFT: u32 = KIND_SHIFT + 4;
const PRIORITY_SHIFT: u32 = STATE_SHIFT + 3;
/// Set for an opening that no `opened` event has reported.
const IMPLIED_SHIFT: u32 = PRIORITY_SHIFT + 12;

/// A primitive event: `opened` with state, priority, owner and team; `priority_changed` with the priority; a state event with
/// the state; `assigned` with owner and team; any other with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    bits: u64,
    pub owner: Symbol,
    pub team: Symbol,
}

impl StoredEvent {
    pub(crate) fn new(at_ms: i64, kind: EventKind) -> Self {
        debug_assert!((0..1 << TIME_BITS).contains(&at_ms), "time {at_ms} out of range");
        Self { bits: at_ms as u64 | (kind as u64) << KIND_SHIFT, owner: NO_SYMBOL, team: NO_SYMBOL }
    }

    pub(crate) fn with_state(mut self, state: State) -> Self {
        self.bits |= (state as u64) << STATE_SHIFT;
        self
    }

    pub(crate) fn with_priority(mut self, priority: Symbol) -> Self {
        debug_assert!(priority < 1 << 12, "priority {priority} out of range");
        self.bits |= u64::from(priority) << PRIORITY_SHIFT;
        self
    }

    pub(crate) fn with_people(mut self, owner: Symbol, team: Symbol) -> Self {
        self.owner = owner;
        self.team = team;
        self
    }

    pub(crate) fn implied(mut self) -> Self {
        self.bits |= 1 << IMPLIED_SHIFT;
        self
    }

    pub(crate) fn is_implied(self) -> bool {
        self.bits >> IMPLIED_SHIFT & 1 != 0
    }

    /// The same event at another time.
    pub(crate) fn at(mut self, at_ms: i64) -> Self {
        self.bits = self.bits & !((1 << TIME_BITS) - 1) | at_ms as u64;
        self
    }

    #[inline]
    pub(crate) fn at_ms(self) -> i64 {
        (self.bits & ((1 << TIME_BITS) - 1)) as i64
    }

    #[inline]
    pub(crate) fn kind(self) -> EventKind {
        EventKind::ALL[(self.bits >> KIND_SHIFT & 15) as usize]
    }

    /// The kind of the event for a ticket in this state: late events may lie between a report of a state and the state that
    /// preceded it on arrival. `None`: the ticket is in that state already.
    pub(crate) fn kind_after(self, before: State) -> Option<EventKind> {
        match self.state() {
            None => Some(self.kind()),
            Some(_) if self.kind() == EventKind::Opened => Some(EventKind::Opened),
            Some(state) => state_event(before, state),
        }
    }

    /// The same event, but not before the ticket's opening.
    #[inline]
    pub(crate) fn not_before(self, opened_ms: i64) -> Self {
        if self.at_ms() < opened_ms { self.at(opened_ms) } else { self }
    }

    /// The ticket's state from this event on, if the event reports it.
    pub(crate) fn state(self) -> Option<State> {
        matches!(
            self.kind(),
            EventKind::Opened | EventKind::StateChanged | EventKind::Resolved | EventKind::Closed | EventKind::Reopened
        )
        .then(|| State::ALL[(self.bits >> STATE_SHIFT & 7) as usize])
    }

    /// The ticket's priority from this event on, if the event reports it.
    pub(crate) fn priority(self) -> Option<Symbol> {
        matches!(self.kind(), EventKind::Opened | EventKind::PriorityChanged)
            .then(|| (self.bits >> PRIORITY_SHIFT & 0xfff) as Symbol)
    }
}

/// The event that changes a ticket from one state to another; `None` for the same state.
pub(crate) fn state_event(before: State, after: State) -> Option<EventKind> {
    match after {
        _ if after == before => None,
        State::Resolved => Some(EventKind::Resolved),
        State::Closed => Some(EventKind::Closed),
        _ if before.is_done() => Some(EventKind::Reopened),
        _ => Some(EventKind::StateChanged),
    }
}

/// Levels that fired in a cycle that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PastFires {
    pub clock: Symbol,
    pub cycle: u16,
    pub levels: u16,
}

/// The event log of a ticket with more events than its opening.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// The first is the opening. The others are in order of time, at equal times in order of arrival; those before the opening
    /// count at it.
    pub entries: Vec<StoredEvent>,
    pub past_fires: Vec<PastFires>,
    /// How often late events have changed what was reported.
    pub revision: u16,
}

/// State, priority, owner and team of a ticket after the events up to a place in its log.
pub(crate) fn standing(entries: &[StoredEvent]) -> CurrentState {
    let mut standing = CurrentState { state: State::New, priority: 0, owner: NO_SYMBOL, team: NO_SYMBOL };
    for entry in entries {
        standing.apply(*entry);
    }
    standing
}

/// What later rows are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurrentState {
    pub state: State,
    pub priority: Symbol,
    pub owner: Symbol,
    pub team: Symbol,
}

impl CurrentState {
    pub(crate) fn apply(&mut self, entry: StoredEvent) {
        self.state = entry.state().unwrap_or(self.state);
        self.priority = entry.priority().unwrap_or(self.priority);
        if entry.owner != NO_SYMBOL {
            self.owner = entry.owner;
        }
        if entry.team != NO_SYMBOL {
            self.team = entry.team;
        }
    }
}
