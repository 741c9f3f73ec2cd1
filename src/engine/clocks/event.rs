//! The event log of a ticket as the engine stores it: primitive events, 16 bytes each, in order of time.

use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::ticket::{EventKind, Openings, State, TicketLabel};

const TIME_BITS: u32 = 42;
const KIND_SHIFT: u32 = TIME_BITS;
const STATE_SHIFT: u32 = KIND_SHIFT + 4;
const PRIORITY_SHIFT: u32 = STATE_SHIFT + 3;
/// Of an opening, its [`Basis`] (2 bits); of any other event, [`REPORT`] and [`STATED`].
const FLAGS_SHIFT: u32 = PRIORITY_SHIFT + 12;
const REPORT: u64 = 1 << FLAGS_SHIFT;
const STATED: u64 = 2 << FLAGS_SHIFT;

/// What an opening is based on, in the order of precedence: a higher one replaces a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Basis {
    /// No `opened` row: the ticket's first event opens it.
    Implied,
    /// `opened` rows that report only the time. The priority is the first one that the ticket's log reports.
    Known,
    /// The same, with priority, owner and team from the log.
    Current,
    /// An `opened` row with its own values.
    Opened,
}

impl Basis {
    /// By the two bits of an event; an opening that was stored without them has its own values.
    const BY_BITS: [Self; 4] = [Self::Opened, Self::Implied, Self::Current, Self::Known];

    /// What the `opened` rows of its batch report, if they report only the time.
    pub(crate) fn only_time(self) -> Option<Openings> {
        match self {
            Self::Known => Some(Openings::Known),
            Self::Current => Some(Openings::Current),
            Self::Implied | Self::Opened => None,
        }
    }

    pub(crate) fn has_only_time(self) -> bool {
        self.only_time().is_some()
    }
}

/// A primitive event: `opened` with state, priority, owner and team; `priority_changed` with the priority; a state event with
/// the state; `assigned` with owner and team; any other with nothing.
///
/// Whether it changes something depends on the events before it, so that is decided when the log is replayed
/// ([`CurrentState::kind_of`]), never when a row arrives.
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
        self.bits = self.bits & !(7 << STATE_SHIFT) | (state as u64) << STATE_SHIFT;
        self
    }

    pub(crate) fn with_priority(mut self, priority: Symbol) -> Self {
        debug_assert!(priority < 1 << 12, "priority {priority} out of range");
        self.bits = self.bits & !(0xfff << PRIORITY_SHIFT) | u64::from(priority) << PRIORITY_SHIFT;
        self
    }

    pub(crate) fn with_people(mut self, owner: Symbol, team: Symbol) -> Self {
        self.owner = owner;
        self.team = team;
        self
    }

    /// An opening with this basis.
    pub(crate) fn based_on(mut self, basis: Basis) -> Self {
        let bits = Basis::BY_BITS.iter().position(|other| *other == basis).unwrap_or(0);
        self.bits = self.bits & !(3 << FLAGS_SHIFT) | (bits as u64) << FLAGS_SHIFT;
        self
    }

    /// What the opening is based on.
    pub(crate) fn basis(self) -> Basis {
        Basis::BY_BITS[(self.bits >> FLAGS_SHIFT & 3) as usize]
    }

    /// What the event is based on if it is an opening.
    pub(crate) fn opening_basis(self) -> Option<Basis> {
        (self.kind() == EventKind::Opened).then(|| self.basis())
    }

    /// An assignment that only reports who has the ticket: it is an event if that differs from what was known.
    pub(crate) fn as_report(mut self) -> Self {
        self.bits |= REPORT;
        self
    }

    pub(crate) fn is_report(self) -> bool {
        self.kind() != EventKind::Opened && self.bits & REPORT != 0
    }

    /// Reported by the row of an export that does not know since when: see [`Openings::Current`].
    pub(crate) fn as_stated(mut self) -> Self {
        self.bits |= STATED;
        self
    }

    pub(crate) fn is_stated(self) -> bool {
        self.kind() != EventKind::Opened && self.bits & STATED != 0
    }

    /// Its basis, or whether it is a report and stated.
    pub(crate) fn flags(self) -> u8 {
        (self.bits >> FLAGS_SHIFT) as u8
    }

    /// Whether both report the same at the same time.
    pub(crate) fn reports_the_same(self, other: Self) -> bool {
        (self.bits | STATED, self.owner, self.team) == (other.bits | STATED, other.owner, other.team)
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
    /// When the rows happened that reported each of the [descriptive labels](TicketLabel::DESCRIPTIVE).
    pub described_ms: [i64; TicketLabel::DESCRIPTIVE.len()],
    /// How often late events have changed what was reported.
    pub revision: u16,
}

/// State, priority, owner and team of a ticket after the events up to a place in its log.
pub(crate) fn standing(entries: &[StoredEvent]) -> CurrentState {
    let mut standing = CurrentState::default();
    for entry in entries {
        standing.apply(*entry);
    }
    standing
}

/// What later events are compared with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CurrentState {
    pub state: State,
    pub priority: Symbol,
    pub owner: Symbol,
    pub team: Symbol,
}

impl Default for CurrentState {
    fn default() -> Self {
        Self { state: State::New, priority: 0, owner: NO_SYMBOL, team: NO_SYMBOL }
    }
}

impl CurrentState {
    /// What an event is for a ticket with these values; `None` if the ticket already has all that it reports.
    pub(crate) fn kind_of(&self, entry: StoredEvent) -> Option<EventKind> {
        let differs = |reported: Symbol, known: Symbol| reported != NO_SYMBOL && reported != known;
        let changes = match entry.kind() {
            EventKind::PriorityChanged => entry.priority() != Some(self.priority),
            EventKind::Assigned if entry.is_report() => {
                differs(entry.owner, self.owner) || differs(entry.team, self.team)
            }
            _ => true,
        };
        match entry.state() {
            _ if !changes => None,
            Some(state) if entry.kind() != EventKind::Opened => state_event(self.state, state),
            _ => Some(entry.kind()),
        }
    }

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
