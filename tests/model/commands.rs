//! The model's commands, and the output that the engine must emit.

use super::history::{Primitive, What};
use super::log::Log;
use super::ticket::Ticket;
use overdue::limits::MAX_LEVELS;
use overdue::policy::{Facts, Policy};
use overdue::ticket::{Batch, Column, EventKind};
use overdue::time::{MAX_INPUT_MS, SECOND_MS};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which of the levels fire that are due already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    All,
    Latest,
    None,
}

/// What an edit does to tickets opened before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Apply {
    FromStart,
    FromNow,
    NewTickets,
}

/// A policy and the instant from which it holds.
#[derive(Debug, Clone)]
pub struct Version {
    pub at_ms: i64,
    pub policy: Arc<Policy>,
    pub apply: Apply,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Fired,
    Withdrawn,
    Manual,
}

/// In the order of the engine's output, except for tickets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Escalation {
    pub due_ms: i64,
    pub ticket: String,
    /// Empty for a manual escalation, with cycle and level 0.
    pub clock: String,
    pub cycle: u16,
    pub level: u8,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CycleRecord {
    pub ticket: String,
    pub clock: String,
    pub cycle: u16,
    pub revision: u32,
    pub started_ms: i64,
    pub due_ms: i64,
    pub stopped_ms: i64,
    pub business_ms: i64,
    pub wall_ms: i64,
    pub met: Option<bool>,
    pub is_void: bool,
}

/// What a command emits, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    pub escalations: Vec<Escalation>,
    pub cycles: Vec<CycleRecord>,
    /// Rejected rows of the batch.
    pub rejected: Vec<usize>,
    /// Number of rows that reported something of tickets that are gone.
    pub gone: u64,
}

#[derive(Debug, Clone)]
pub struct Model {
    now_ms: i64,
    versions: Vec<Version>,
    tickets: BTreeMap<String, Ticket>,
    /// Tickets that have left at some time, and when they left last.
    gone: BTreeMap<String, i64>,
    /// Results of the clocks of deleted tickets.
    deleted: BTreeMap<String, ClockTally>,
}

/// Counts: open, waiting, at risk, breached, done.
pub type TicketTally = [u64; 5];

/// Counts: running, paused, at risk, breached, met, missed; then fired, by level.
pub type ClockTally = [u64; 6 + MAX_LEVELS];

/// The expected counters; labels and clocks without counts are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub all: TicketTally,
    /// By column and label.
    pub tickets: BTreeMap<(&'static str, String), TicketTally>,
    pub clocks: BTreeMap<String, ClockTally>,
}

impl Model {
    pub fn new(policy: Arc<Policy>) -> Model {
        let first = Version { at_ms: i64::MIN, policy, apply: Apply::NewTickets };
        Model {
            now_ms: 0,
            versions: vec![first],
            tickets: BTreeMap::new(),
            gone: BTreeMap::new(),
            deleted: BTreeMap::new(),
        }
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.tickets.keys().map(String::as_str)
    }

    pub fn apply(&mut self, batch: &Batch, catch_up: CatchUp) -> Output {
        let mut output = Output::default();
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in 0..batch.len() {
            match batch.label(Column::Priority, row) {
                Some(name) if self.policy().priority_id(name).is_none() => output.rejected.push(row),
                _ => rows.entry(batch.ticket.get(row)).or_default().push(row),
            }
        }
        for (id, mut rows) in rows {
            // Within one instant the opening comes first.
            rows.sort_by_key(|row| (batch.at_ms[*row], batch.kind[*row] != EventKind::Opened));
            self.apply_rows(id, batch, &rows, catch_up, &mut output);
        }
        output.sort();
        output
    }

    pub fn edit(&mut self, policy: Arc<Policy>, apply: Apply, catch_up: CatchUp) -> Output {
        let mut output = Output::default();
        self.versions.push(Version { at_ms: self.now_ms, policy, apply });
        for ticket in self.tickets.values_mut() {
            ticket.compare(&self.versions, self.now_ms, catch_up, &mut output);
            ticket.report(&self.versions, &mut output);
        }
        output.sort();
        output
    }

    pub fn advance(&mut self, now_ms: i64) -> Output {
        let mut output = Output::default();
        self.tick(now_ms);
        for ticket in self.tickets.values_mut() {
            ticket.settle(&self.versions, self.now_ms + 1, &mut output);
        }
        output.sort();
        output
    }

    pub fn catch_up(&mut self, now_ms: i64, catch_up: CatchUp) -> Output {
        let mut output = Output::default();
        self.tick(now_ms);
        for ticket in self.tickets.values_mut() {
            ticket.compare(&self.versions, self.now_ms, catch_up, &mut output);
            ticket.report(&self.versions, &mut output);
        }
        output.sort();
        output
    }

    /// The time was ahead: every ticket has the state of an earlier time, and edits count from that time on.
    pub fn rewind(&mut self, now_ms: i64, catch_up: CatchUp) -> Output {
        let now_ms = now_ms / SECOND_MS * SECOND_MS;
        if now_ms < self.now_ms {
            self.now_ms = now_ms;
            self.versions.iter_mut().for_each(|version| version.at_ms = version.at_ms.min(now_ms));
        }
        self.catch_up(now_ms, catch_up)
    }

    /// Advances the time, in whole seconds; it never runs backwards.
    fn tick(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms / SECOND_MS * SECOND_MS);
    }

    fn policy(&self) -> &Policy {
        &self.versions[self.versions.len() - 1].policy
    }

    /// Applies the rows of a ticket, in order of time.
    fn apply_rows(&mut self, id: &str, batch: &Batch, mut rows: &[usize], catch_up: CatchUp, output: &mut Output) {
        let is_removal = |row: &usize| matches!(batch.kind[*row], EventKind::Deleted | EventKind::Merged);
        while let Some(first) = rows.first() {
            let at_ms = batch.at_ms[*first];
            if let Some(left_ms) = self.gone.get_mut(id) {
                let is_back = self.tickets.contains_key(id);
                let brings_back = matches!(batch.kind[*first], EventKind::Opened | EventKind::Reopened);
                if at_ms <= *left_ms || !is_back && !brings_back {
                    if is_removal(first) {
                        *left_ms = at_ms.max(*left_ms);
                    } else {
                        output.gone += 1;
                    }
                    rows = &rows[1..];
                    continue;
                }
            }
            let end = rows.iter().position(is_removal).unwrap_or(rows.len());
            let (life, rest) = rows.split_at(end);
            // Levels that are due already do not fire for a ticket that is gone by now.
            let is_gone = rest.first().is_some_and(|removal| batch.at_ms[*removal] <= self.now_ms);
            let catch_up = if is_gone { CatchUp::None } else { catch_up };
            if self.tickets.contains_key(id) {
                self.continue_ticket(id, batch, life, catch_up, output);
            } else if !life.is_empty() {
                self.open_ticket(id, batch, life, catch_up, output);
            }
            let Some((removal, rest)) = rest.split_first() else { return };
            let opened_ms = self
                .tickets
                .get(id)
                .filter(|ticket| !ticket.log.is_implied())
                .map_or(0, |ticket| ticket.history.opened_ms);
            self.remove(id, batch.at_ms[*removal], batch.kind[*removal], catch_up, output);
            let left_ms = batch.at_ms[*removal].max(opened_ms);
            self.gone.entry(id.to_owned()).and_modify(|known| *known = left_ms.max(*known)).or_insert(left_ms);
            rows = rest;
        }
    }

    fn log_row(&self, log: &mut Log, batch: &Batch, row: usize, was_known: bool) {
        log.add(batch, row, self.priority_of(batch, row), self.now_ms, was_known);
    }

    /// A new ticket: its rows open it together; then those ahead of the engine's time apply one after the other.
    fn open_ticket(&mut self, id: &str, batch: &Batch, rows: &[usize], catch_up: CatchUp, output: &mut Output) {
        let mut log = Log::default();
        rows.iter().for_each(|row| self.log_row(&mut log, batch, *row, false));
        let mut ticket = Ticket::new(id, log);
        ticket.report_manual(None, output);
        let all = ticket.history.clone();
        let until_ms = self.now_ms.max(all.opened_ms);
        ticket.history.events.retain(|event| event.at_ms <= until_ms);
        ticket.compare(&self.versions, self.now_ms, catch_up, output);
        for event in all.events.iter().filter(|event| event.at_ms > until_ms) {
            ticket.settle(&self.versions, event.at_ms, output);
            ticket.history.insert(event.clone());
            ticket.compare(&self.versions, self.now_ms, catch_up, output);
        }
        ticket.report(&self.versions, output);
        self.tickets.insert(id.to_owned(), ticket);
    }

    fn continue_ticket(&mut self, id: &str, batch: &Batch, rows: &[usize], catch_up: CatchUp, output: &mut Output) {
        let now_ms = self.now_ms;
        let Some(mut ticket) = self.tickets.remove(id) else { return };
        // Late rows are applied together with those up to the engine's time.
        let done = ticket.fired.values().chain(ticket.suppressed.values());
        let late_until_ms = done.copied().fold(ticket.history.last_ms() - 1, i64::max);
        let until_ms = now_ms.max(late_until_ms);
        let (past, ahead) = rows.split_at(rows.partition_point(|row| batch.at_ms[*row] <= until_ms));
        let before = ticket.history.clone();
        past.iter().for_each(|row| self.log_row(&mut ticket.log, batch, *row, true));
        ticket.history = ticket.log.history();
        ticket.report_manual(Some(&before), output);
        if !past.is_empty() {
            ticket.compare(&self.versions, now_ms, catch_up, output);
            ticket.report(&self.versions, output);
        }
        for row in ahead {
            let before = ticket.history.clone();
            self.log_row(&mut ticket.log, batch, *row, true);
            ticket.history = ticket.log.history();
            ticket.report_manual(Some(&before), output);
            ticket.step(&self.versions, before, batch.at_ms[*row], now_ms, catch_up, output);
            ticket.report(&self.versions, output);
        }
        self.tickets.insert(id.to_owned(), ticket);
    }

    /// Removes a ticket that is deleted or merged, after its last output.
    fn remove(&mut self, id: &str, at_ms: i64, kind: EventKind, catch_up: CatchUp, output: &mut Output) {
        let Some(mut ticket) = self.tickets.remove(id) else { return };
        let before = ticket.history.clone();
        ticket.history.insert(Primitive { at_ms, what: What::Event(kind), is_stated: false });
        if at_ms > self.now_ms && at_ms >= before.last_ms() {
            ticket.settle(&self.versions, at_ms, output);
        }
        ticket.compare(&self.versions, self.now_ms, catch_up, output);
        ticket.report(&self.versions, output);
        ticket.count_past(&mut self.deleted);
    }

    fn priority_of(&self, batch: &Batch, row: usize) -> String {
        if let Some(name) = batch.label(Column::Priority, row) {
            return name.to_owned();
        }
        let policy = self.policy();
        let facts = Facts {
            customer: batch.label(Column::Customer, row),
            segment: batch.label(Column::Segment, row),
            category: batch.label(Column::Category, row),
            channel: batch.label(Column::Channel, row),
            team: batch.label(Column::Team, row),
            text: if batch.text.is_empty() { "" } else { batch.text.get(row) },
        };
        let id = policy.rules.assign(&facts).unwrap_or(policy.default_priority);
        policy.priorities[usize::from(id)].name.clone()
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals { clocks: self.deleted.clone(), ..Totals::default() };
        for ticket in self.tickets.values() {
            ticket.count(&self.versions, self.now_ms, &mut totals);
            ticket.count_past(&mut totals.clocks);
        }
        totals.clocks.retain(|_, tally| tally.iter().any(|count| *count != 0));
        totals
    }

    /// Every due time of a ticket's levels, reached or not.
    pub fn dues(&self, id: &str) -> Vec<i64> {
        let levels = self.tickets.get(id).map(|ticket| ticket.levels(&self.versions).1).unwrap_or_default();
        levels.into_values().map(|due| due.at_ms).filter(|due_ms| *due_ms < MAX_INPUT_MS).collect()
    }

    /// The history of a ticket, for messages.
    pub fn describe(&self, id: &str) -> String {
        let Some(ticket) = self.tickets.get(id) else { return format!("{id}: not in the index") };
        let history = &ticket.history;
        let mut text = format!("{id}: opened {} as {} {:?}\n", history.opened_ms, history.priority, history.state);
        for event in &history.events {
            text += &format!("  {} {:?}\n", history.effective_ms(event.at_ms), event.what);
        }
        text + &format!("  fired {:?}\n  suppressed {:?}\n", ticket.fired, ticket.suppressed)
    }
}

impl Output {
    pub fn sort(&mut self) {
        self.escalations.sort();
        self.cycles.sort();
        self.rejected.sort_unstable();
    }
}
