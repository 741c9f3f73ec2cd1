//! Converts rows of a batch to primitive events of a ticket's log.
//!
//! The log keeps what was reported, when it held: its entries follow from the set of rows, not from the order in which they arrived
//! (but for rows of one instant that contradict each other). What an entry changes is decided when the log is replayed.

use crate::engine::clocks::event::{Basis, CurrentState, StoredEvent, standing};
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::ticket::{EventKind, Openings, State};

/// The most events that a row gives: priority, people, its own, state.
pub(crate) const EVENTS_A_ROW: usize = 4;

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
    /// What `opened` rows of its batch report.
    pub openings: Openings,
}

impl Row {
    fn has_people(&self) -> bool {
        self.owner != NO_SYMBOL || self.team != NO_SYMBOL
    }

    /// Whether the ticket leaves.
    pub(crate) fn is_removal(&self) -> bool {
        matches!(self.kind, EventKind::Deleted | EventKind::Merged)
    }

    /// Whether the row changes something for a ticket that left at `left_ms`: one that is back takes what happened since, one that
    /// is gone only what brings it back.
    pub(crate) fn changes_after(&self, left_ms: i64, is_back: bool) -> bool {
        self.at_ms > left_ms && (is_back || matches!(self.kind, EventKind::Opened | EventKind::Reopened))
    }

    /// Whether the row reports current values of a ticket, without a time of their own.
    pub(crate) fn restates(&self) -> bool {
        self.openings == Openings::Current && self.kind == EventKind::Opened && self.basis() == Basis::Opened
    }

    /// What an opening by this row is based on. A row with values of its own needs no others to report them.
    fn basis(&self) -> Basis {
        let has_values = self.state.is_some() || self.priority != NO_SYMBOL || self.has_people();
        match self.openings {
            _ if self.kind != EventKind::Opened => Basis::Implied,
            Openings::Current if !has_values => Basis::Current,
            Openings::Known => Basis::Known,
            Openings::Log | Openings::Current => Basis::Opened,
        }
    }
}

/// A ticket's events while rows are added to them.
pub(crate) struct EventLogBuilder {
    pub entries: Vec<StoredEvent>,
    /// The events before the first one that was not simply appended; `None` as long as all were.
    pub before: Option<Vec<StoredEvent>>,
    /// Manual escalations among the new events: the time and the row of each.
    pub manual: Vec<(i64, u32)>,
    /// `opened` rows that change nothing, because an earlier one counts.
    pub opened_again: Vec<u32>,
    /// Whether an appended event changes the priority.
    pub changes_priority: bool,
    /// Number of events before the rows are added.
    known: usize,
    last: CurrentState,
}

impl EventLogBuilder {
    pub(crate) fn new(entries: Vec<StoredEvent>) -> Self {
        let last = standing(&entries);
        let known = entries.len();
        let (manual, opened_again) = (Vec::new(), Vec::new());
        Self { known, last, before: None, manual, opened_again, changes_priority: false, entries }
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

    /// Adds the events of a row. `assign` gives the priority of a ticket whose rows report none.
    pub(crate) fn add(&mut self, row: &Row, now_ms: i64, assign: impl FnOnce() -> Symbol) {
        let reported = row.basis();
        match self.entries.first() {
            None => self.open(row, reported, assign()),
            Some(opening) => {
                let (known, is_earlier) = (opening.basis(), row.at_ms < opening.at_ms());
                if row.restates() && known != Basis::Implied {
                    // What the ticket was opened with may follow from the rows before.
                    self.finish();
                    self.restate(row, now_ms);
                } else if reported.has_only_time() && known.has_only_time() {
                    let basis = reported.max(known);
                    if is_earlier {
                        self.open(row, basis, assign());
                    } else {
                        self.set_opening(opening.based_on(basis));
                    }
                } else if reported > known || reported == known && is_earlier {
                    self.open(row, reported, assign());
                } else if row.kind == EventKind::Opened && !self.repeats_opening(row) {
                    self.opened_again.push(row.number);
                }
            }
        }
        if row.kind != EventKind::Opened {
            self.report(row, |event| event);
        }
    }

    /// Whether a row reports what the ticket's opening reported already.
    fn repeats_opening(&self, row: &Row) -> bool {
        let opening = self.entries[0];
        let same = |reported: Symbol, known: Symbol| reported == NO_SYMBOL || reported == known;
        row.at_ms == opening.at_ms()
            && row.state.is_none_or(|state| opening.state() == Some(state))
            && (row.priority == NO_SYMBOL || opening.priority() == Some(row.priority))
            && same(row.owner, opening.owner)
            && same(row.team, opening.team)
    }

    /// Whether a row that is not late may change the values of the opening, so that it is applied by itself. `log` is the ticket's
    /// stored log; without one its opening has its own values.
    pub(crate) fn may_change_opening(log: &[StoredEvent], row: &Row) -> bool {
        if row.kind == EventKind::Opened {
            return true;
        }
        let [opening, events @ ..] = log else { return false };
        let reports_first =
            |reported: Symbol, known: &dyn Fn(&StoredEvent) -> bool| reported != NO_SYMBOL && !events.iter().any(known);
        let reports_priority = || reports_first(row.priority, &|entry| entry.priority().is_some());
        match opening.basis() {
            Basis::Opened => false,
            Basis::Implied => row.at_ms <= opening.at_ms(),
            Basis::Known => reports_priority(),
            Basis::Current => {
                reports_priority()
                    || reports_first(row.owner, &|entry| entry.owner != NO_SYMBOL)
                    || reports_first(row.team, &|entry| entry.team != NO_SYMBOL)
            }
        }
    }

    /// Sets the opening to a row's values.
    fn open(&mut self, row: &Row, basis: Basis, assigned: Symbol) {
        let priority = if row.priority == NO_SYMBOL { assigned } else { row.priority };
        let opening = StoredEvent::new(row.at_ms, EventKind::Opened).with_priority(priority).based_on(basis);
        self.set_opening(match basis {
            Basis::Opened => opening.with_people(row.owner, row.team).with_state(row.state.unwrap_or(State::New)),
            _ => opening.with_state(State::New),
        });
    }

    fn set_opening(&mut self, opening: StoredEvent) {
        match self.entries.first() {
            None => self.entries.push(opening),
            Some(known) if *known == opening => return,
            Some(_) => {
                self.first_change();
                self.entries[0] = opening;
            }
        }
        self.last = standing(&self.entries);
    }

    /// All rows are in: an opening without values of its own takes those that the log reports first (an implied one, those of its
    /// instant).
    pub(crate) fn finish(&mut self) {
        let Some(&opening) = self.entries.first().filter(|opening| opening.basis() != Basis::Opened) else { return };
        let first = |reports: &dyn Fn(&StoredEvent) -> Option<Symbol>| {
            let mut reported = self.entries[1..].iter().filter_map(|entry| Some((entry.at_ms(), reports(entry)?)));
            let (first_ms, first) = reported.next()?;
            let is_meant = opening.basis() != Basis::Implied || first_ms == opening.at_ms();
            // Of one instant the last counts.
            is_meant
                .then(|| reported.take_while(|(at_ms, _)| *at_ms == first_ms).last().map_or(first, |(_, last)| last))
        };
        let priority = first(&|entry| entry.priority()).or(opening.priority()).unwrap_or(0);
        let mut settled = opening.with_priority(priority);
        if opening.basis() != Basis::Known {
            let some = |symbol: Symbol| (symbol != NO_SYMBOL).then_some(symbol);
            let owner = first(&|entry| some(entry.owner)).unwrap_or(NO_SYMBOL);
            let team = first(&|entry| some(entry.team)).unwrap_or(NO_SYMBOL);
            settled = settled.with_people(owner, team);
        }
        self.set_opening(settled);
    }

    /// An export's row of a known ticket reports its current values, and not since when: they hold from now on. A value that the
    /// export reported before is no news, whatever has happened since.
    fn restate(&mut self, row: &Row, now_ms: i64) {
        let opening = self.entries[0];
        let at_ms = row.at_ms.max(now_ms);
        if at_ms <= opening.at_ms() && opening.basis() == Basis::Opened {
            return self.correct_opening(row);
        }
        let mut stated = standing(&self.entries[..1]);
        self.entries[1..].iter().filter(|entry| entry.is_stated()).for_each(|entry| stated.apply(*entry));
        let news = |reported: Symbol, known: Symbol| if reported == known { NO_SYMBOL } else { reported };
        let news = Row {
            at_ms,
            kind: EventKind::StateChanged,
            state: row.state.filter(|state| *state != stated.state),
            priority: news(row.priority, stated.priority),
            owner: news(row.owner, stated.owner),
            team: news(row.team, stated.team),
            ..*row
        };
        self.report(&news, StoredEvent::as_stated);
    }

    /// The same for a ticket that opens at that instant: the later row counts.
    fn correct_opening(&mut self, row: &Row) {
        let opening = self.entries[0];
        let either = |reported: Symbol, known: Symbol| if reported == NO_SYMBOL { known } else { reported };
        let priority = either(row.priority, opening.priority().unwrap_or(0));
        let people = (either(row.owner, opening.owner), either(row.team, opening.team));
        let state = row.state.or(opening.state()).unwrap_or(State::New);
        self.set_opening(opening.with_priority(priority).with_people(people.0, people.1).with_state(state));
    }

    /// Adds what a row other than `opened` reports, each event marked.
    fn report(&mut self, row: &Row, mark: fn(StoredEvent) -> StoredEvent) {
        let (at_ms, kind) = (row.at_ms, row.kind);
        if row.priority != NO_SYMBOL {
            self.insert(mark(StoredEvent::new(at_ms, EventKind::PriorityChanged).with_priority(row.priority)));
        }
        if kind == EventKind::Assigned || row.has_people() {
            let assigned = StoredEvent::new(at_ms, EventKind::Assigned).with_people(row.owner, row.team);
            self.insert(mark(if kind == EventKind::Assigned { assigned } else { assigned.as_report() }));
        }
        let implied = match kind {
            EventKind::Resolved => Some(State::Resolved),
            EventKind::Closed => Some(State::Closed),
            EventKind::Reopened => Some(State::Open),
            EventKind::PriorityChanged | EventKind::Assigned | EventKind::StateChanged => None,
            _ => {
                if self.insert(mark(StoredEvent::new(at_ms, kind))) && kind == EventKind::Escalated {
                    self.manual.push((at_ms, row.number));
                }
                None
            }
        };
        if let Some(state) = row.state.or(implied) {
            self.insert(mark(state_entry(at_ms, state)));
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
        if same_time.into_iter().any(|other| other.reports_the_same(entry)) {
            return false;
        }
        if place == self.entries.len() {
            self.changes_priority |= entry.kind() == EventKind::PriorityChanged && self.last.kind_of(entry).is_some();
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

/// A report of a state, with the kind that it has after a state that is not done.
fn state_entry(at_ms: i64, state: State) -> StoredEvent {
    let kind = match state {
        State::Resolved => EventKind::Resolved,
        State::Closed => EventKind::Closed,
        _ => EventKind::StateChanged,
    };
    StoredEvent::new(at_ms, kind).with_state(state)
}
