//! Converts rows of a batch to primitive events of a ticket's log.

use crate::engine::clocks::event::{CurrentState, StoredEvent, standing, state_event};
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::ticket::{EventKind, State};

/// A row with its labels resolved to symbols.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Place in the batch.
    pub number: u32,
    pub at_ms: i64,
    pub kind: EventKind,
    pub state: Option<State>,
    /// `NO_SYMBOL` if the row has no value, here and below.
    pub priority: Symbol,
    pub owner: Symbol,
    pub team: Symbol,
    /// Reports the current values of a ticket that is open already.
    pub restates: bool,
}

/// The current values that a ticket's rows of one batch report: those of the last `opened` row, except for values that a row of
/// another kind reports with a time of its own.
pub(crate) fn restated(rows: &[Row]) -> Option<Row> {
    let mut restated = Row { restates: true, ..*rows.iter().rfind(|row| row.kind == EventKind::Opened)? };
    for row in rows.iter().filter(|row| row.kind != EventKind::Opened) {
        let ends = matches!(row.kind, EventKind::Resolved | EventKind::Closed | EventKind::Reopened);
        let unless = |says: bool, output: Symbol| if says { NO_SYMBOL } else { output };
        restated.priority = unless(row.priority != NO_SYMBOL, restated.priority);
        restated.owner = unless(row.owner != NO_SYMBOL, restated.owner);
        restated.team = unless(row.team != NO_SYMBOL, restated.team);
        restated.state = restated.state.filter(|_| row.state.is_none() && !ends);
    }
    Some(restated)
}

/// A ticket's events while rows are added to them.
pub(crate) struct EventLogBuilder {
    pub entries: Vec<StoredEvent>,
    /// The events before the first one that was not simply appended; `None` as long as all were.
    pub before: Option<Vec<StoredEvent>>,
    /// Manual escalations among the new events: the time and the row of each.
    pub manual: Vec<(i64, u32)>,
    /// Number of events before the rows are added.
    known: usize,
    last: CurrentState,
}

impl EventLogBuilder {
    pub(crate) fn new(entries: Vec<StoredEvent>) -> Self {
        let last = standing(&entries);
        Self { known: entries.len(), last, before: None, manual: Vec::new(), entries }
    }

    /// The ticket's values after its last event.
    pub(crate) fn standing(&self) -> CurrentState {
        self.last
    }

    /// Number of events before the rows were added.
    pub(crate) fn known(&self) -> usize {
        self.known
    }

    fn first_change(&mut self) {
        if self.before.is_none() {
            self.before = Some(self.entries[..self.known].to_vec());
        }
    }

    /// Adds the events of a row. `assign` gives the priority of a ticket without one.
    pub(crate) fn add(&mut self, row: &Row, assign: impl FnOnce() -> Symbol) {
        if self.entries.is_empty() {
            let priority = if row.priority == NO_SYMBOL { assign() } else { row.priority };
            let opening =
                StoredEvent::new(row.at_ms, EventKind::Opened).with_priority(priority).with_people(row.owner, row.team);
            let opening = match (row.kind, row.state) {
                (EventKind::Opened, state) => opening.with_state(state.unwrap_or(State::New)),
                _ => opening.implied(),
            };
            self.entries.push(opening);
            self.last = standing(&self.entries);
            if row.kind == EventKind::Opened {
                return;
            }
        }
        match row.kind {
            EventKind::Opened if row.restates => self.restate(row),
            EventKind::Opened => self.open_again(row),
            _ => self.apply_events(row),
        }
    }

    /// A row that reports the ticket's current values: a changed value is an event now. A value that the ticket was opened with
    /// is not a change, so that a repeat of the row that opened it changes nothing, whatever has happened since.
    fn restate(&mut self, row: &Row) {
        let opening = standing(&self.entries[..1]);
        let has = self.last;
        let news = |output: Symbol, opened: Symbol, has: Symbol| {
            if output == opened || output == has { NO_SYMBOL } else { output }
        };
        let priority = news(row.priority, opening.priority, has.priority);
        if priority != NO_SYMBOL {
            self.insert(StoredEvent::new(row.at_ms, EventKind::PriorityChanged).with_priority(priority));
        }
        let owner = news(row.owner, opening.owner, has.owner);
        let team = news(row.team, opening.team, has.team);
        if (owner, team) != (NO_SYMBOL, NO_SYMBOL) {
            self.insert(StoredEvent::new(row.at_ms, EventKind::Assigned).with_people(owner, team));
        }
        if let Some(state) = row.state.filter(|state| *state != opening.state)
            && let Some(kind) = state_event(has.state, state)
        {
            self.insert(StoredEvent::new(row.at_ms, kind).with_state(state));
        }
    }

    /// An `opened` row of a ticket that is open already.
    fn open_again(&mut self, row: &Row) {
        let opening = self.entries[0];
        if !opening.is_implied() && row.at_ms >= opening.at_ms() {
            return;
        }
        self.first_change();
        let priority = if row.priority == NO_SYMBOL { opening.priority().unwrap_or(0) } else { row.priority };
        let either = |output: Symbol, known: Symbol| if output == NO_SYMBOL { known } else { output };
        self.entries[0] = StoredEvent::new(row.at_ms, EventKind::Opened)
            .with_state(row.state.unwrap_or(State::New))
            .with_priority(priority)
            .with_people(either(row.owner, opening.owner), either(row.team, opening.team));
        self.last = standing(&self.entries);
    }

    /// Any other row.
    fn apply_events(&mut self, row: &Row) {
        let at_ms = row.at_ms;
        let place = self.place_of(at_ms);
        let here = if place == self.entries.len() { self.last } else { standing(&self.entries[..place]) };
        let kind = row.kind;
        if row.priority != NO_SYMBOL && row.priority != here.priority {
            self.insert(StoredEvent::new(at_ms, EventKind::PriorityChanged).with_priority(row.priority));
        }
        let other_people =
            row.owner != NO_SYMBOL && row.owner != here.owner || row.team != NO_SYMBOL && row.team != here.team;
        if kind == EventKind::Assigned || other_people {
            self.insert(StoredEvent::new(at_ms, EventKind::Assigned).with_people(row.owner, row.team));
        }
        let implied = match kind {
            EventKind::Resolved => Some(State::Resolved),
            EventKind::Closed => Some(State::Closed),
            EventKind::Reopened => Some(State::Open),
            EventKind::Opened | EventKind::PriorityChanged | EventKind::Assigned | EventKind::StateChanged => None,
            _ => {
                if self.insert(StoredEvent::new(at_ms, kind)) && kind == EventKind::Escalated {
                    self.manual.push((at_ms, row.number));
                }
                None
            }
        };
        if let Some(state) = row.state.or(implied)
            && let Some(kind) = state_event(here.state, state)
        {
            self.insert(StoredEvent::new(at_ms, kind).with_state(state));
        }
    }

    /// The position of an event with this time: after those of the same time, and always after the opening.
    fn place_of(&self, at_ms: i64) -> usize {
        1 + self.entries[1..].partition_point(|entry| entry.at_ms() <= at_ms)
    }

    /// Inserts an event by time, after those of the same time, unless it is a duplicate; returns whether it is new.
    fn insert(&mut self, entry: StoredEvent) -> bool {
        let place = self.place_of(entry.at_ms());
        let same_time = self.entries[1..place].iter().rev().take_while(|other| other.at_ms() == entry.at_ms());
        if same_time.into_iter().any(|other| *other == entry) {
            return false;
        }
        if place == self.entries.len() {
            self.entries.push(entry);
            self.last.apply(entry);
        } else {
            self.first_change();
            self.entries.insert(place, entry);
            self.last = standing(&self.entries);
        }
        true
    }
}
