//! The model's commands: what the engine is told, and what it must say.

use super::history::{Ended, History, Primitive, Replay, What, dues, state_event};
use super::measure::{Amount, Due};
use overdue::limits::MAX_LEVELS;
use overdue::policy::{Facts, Policy};
use overdue::ticket::{Batch, Column, EventKind, State};
use overdue::time::{MAX_INPUT_MS, SECOND_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which passed levels fire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
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
    ByHand,
}

/// In the order in which they come out, but for the ticket's place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Escalation {
    pub due_ms: i64,
    pub ticket: String,
    /// Empty, cycle and level 0: by hand.
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

/// What a command brings about, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    pub escalations: Vec<Escalation>,
    pub cycles: Vec<CycleRecord>,
    /// Rows of the batch.
    pub refused: Vec<usize>,
}

/// A clock's name, a cycle, a level.
type LevelKey = (String, u16, u8);

#[derive(Debug, Clone)]
struct Ticket {
    id: String,
    history: History,
    labels: BTreeMap<&'static str, String>,
    /// With the due time of each, as it was known last.
    fired: BTreeMap<LevelKey, i64>,
    marked: BTreeMap<LevelKey, i64>,
    reported: BTreeMap<(String, u16), CycleRecord>,
}

#[derive(Debug, Clone)]
pub struct Model {
    now_ms: i64,
    versions: Vec<Version>,
    tickets: BTreeMap<String, Ticket>,
    /// What happened to the clocks of tickets that are gone.
    gone: BTreeMap<String, ClockTally>,
}

/// Counts: open, waiting, at risk, breached, done.
pub type TicketTally = [u64; 5];

/// Counts: running, paused, at risk, breached, met, missed; then fired, by level.
pub type ClockTally = [u64; 6 + MAX_LEVELS];

/// What the counters must say; words and clocks with nothing to count are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    pub all: TicketTally,
    /// By column and word.
    pub tickets: BTreeMap<(&'static str, String), TicketTally>,
    pub clocks: BTreeMap<String, ClockTally>,
}

impl Model {
    pub fn new(policy: Arc<Policy>) -> Model {
        let first = Version { at_ms: i64::MIN, policy, apply: Apply::NewTickets };
        Model { now_ms: 0, versions: vec![first], tickets: BTreeMap::new(), gone: BTreeMap::new() }
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.tickets.keys().map(String::as_str)
    }

    pub fn apply(&mut self, batch: &Batch, passed: Passed) -> Output {
        let mut output = Output::default();
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for row in 0..batch.len() {
            match batch.priority.get(row) {
                Some(name) if self.policy().priority_id(name).is_none() => output.refused.push(row),
                _ => rows.entry(batch.ticket.get(row)).or_default().push(row),
            }
        }
        for (id, mut rows) in rows {
            rows.sort_by_key(|row| batch.at_ms[*row]);
            self.apply_rows(id, batch, &rows, passed, &mut output);
        }
        output.sort();
        output
    }

    pub fn edit(&mut self, policy: Arc<Policy>, apply: Apply, passed: Passed) -> Output {
        let mut output = Output::default();
        self.versions.push(Version { at_ms: self.now_ms, policy, apply });
        for ticket in self.tickets.values_mut() {
            ticket.compare(&self.versions, self.now_ms, passed, &mut output);
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

    pub fn catch_up(&mut self, now_ms: i64, passed: Passed) -> Output {
        let mut output = Output::default();
        self.tick(now_ms);
        for ticket in self.tickets.values_mut() {
            ticket.compare(&self.versions, self.now_ms, passed, &mut output);
            ticket.report(&self.versions, &mut output);
        }
        output.sort();
        output
    }

    /// Time never runs backwards, and runs in whole seconds.
    fn tick(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms / SECOND_MS * SECOND_MS);
    }

    fn policy(&self) -> &Policy {
        &self.versions[self.versions.len() - 1].policy
    }

    fn apply_rows(&mut self, id: &str, batch: &Batch, rows: &[usize], passed: Passed, output: &mut Output) {
        let now_ms = self.now_ms;
        // choice: rows of an unknown ticket up to the opening that its batch brings are taken together.
        let is_opened = |row: &usize| batch.kind[*row] == EventKind::Opened;
        let opening = rows.iter().copied().find(|row| !self.tickets.contains_key(id) && is_opened(row));
        let opening_ms = opening.map_or(i64::MIN, |row| batch.at_ms[row]);
        // Late rows are taken together with those up to the engine's time.
        let late_until_ms = self.tickets.get(id).map_or(i64::MIN, |ticket| {
            let done = ticket.fired.values().chain(ticket.marked.values());
            done.copied().fold(ticket.history.last_ms() - 1, i64::max)
        });
        let until_ms = now_ms.max(opening_ms).max(late_until_ms);
        let (past, ahead) = rows.split_at(rows.partition_point(|row| batch.at_ms[*row] <= until_ms));
        for row in past {
            self.insert(id, batch, *row, output);
            self.let_go(id, passed, output);
        }
        if let Some(ticket) = self.tickets.get_mut(id)
            && !past.is_empty()
        {
            ticket.compare(&self.versions, now_ms, passed, output);
        }
        for row in ahead {
            let before = self.tickets.get(id).map(|ticket| ticket.history.clone());
            self.insert(id, batch, *row, output);
            if let Some(ticket) = self.tickets.get_mut(id) {
                ticket.step(&self.versions, before, batch.at_ms[*row], now_ms, passed, output);
            }
            self.let_go(id, passed, output);
        }
        if let Some(ticket) = self.tickets.get_mut(id) {
            ticket.report(&self.versions, output);
        }
    }

    /// Takes a ticket that has gone out of the index; its last word first.
    fn let_go(&mut self, id: &str, passed: Passed, output: &mut Output) {
        if let Some(ticket) = self.tickets.get_mut(id)
            && ticket.history.events.iter().any(|event| event.what.is_gone())
        {
            // Nothing that had passed fires for a ticket that is gone by now.
            let is_gone = ticket.history.last_ms() <= self.now_ms;
            let passed = if is_gone { Passed::None } else { passed };
            ticket.compare(&self.versions, self.now_ms, passed, output);
            ticket.report(&self.versions, output);
            ticket.count_past(&mut self.gone);
            self.tickets.remove(id);
        }
    }

    /// Adds a row's primitive events to its ticket's history.
    fn insert(&mut self, id: &str, batch: &Batch, row: usize, output: &mut Output) {
        let (at_ms, kind) = (batch.at_ms[row], batch.kind[row]);
        let word = |column| batch.labels(column).get(row).map(str::to_owned);
        let known = self.tickets.contains_key(id);
        if !known {
            // A row of another kind opens its ticket with its priority, owner and team, and as new.
            let is_opened = kind == EventKind::Opened;
            let state = if is_opened { batch.state[row] } else { None };
            let history = History {
                opened_ms: at_ms,
                is_implied: !is_opened,
                priority: self.priority_of(batch, row),
                state: state.unwrap_or(State::New),
                owner: word(Column::Owner),
                team: word(Column::Team),
                events: Vec::new(),
            };
            let ticket = Ticket {
                id: id.to_owned(),
                history,
                labels: BTreeMap::new(),
                fired: BTreeMap::new(),
                marked: BTreeMap::new(),
                reported: BTreeMap::new(),
            };
            self.tickets.insert(id.to_owned(), ticket);
        }
        let Some(ticket) = self.tickets.get_mut(id) else { return };
        ticket.label(batch, row);
        if kind == EventKind::Opened {
            // One at or after the opening of a ticket that was opened by one changes nothing but these words.
            if known && (ticket.history.is_implied || at_ms < ticket.history.opened_ms) {
                ticket.move_opening(batch, row);
            }
            return;
        }
        ticket.insert(batch, row, output);
    }

    fn priority_of(&self, batch: &Batch, row: usize) -> String {
        if let Some(name) = batch.priority.get(row) {
            return name.to_owned();
        }
        let policy = self.policy();
        let facts = Facts {
            customer: batch.customer.get(row),
            segment: batch.segment.get(row),
            category: batch.category.get(row),
            channel: batch.channel.get(row),
            team: batch.team.get(row),
            text: if batch.text.is_empty() { "" } else { batch.text.get(row) },
        };
        let id = policy.rules.assign(&facts).unwrap_or(policy.default_priority);
        policy.priorities[usize::from(id)].name.clone()
    }

    pub fn totals(&self) -> Totals {
        let mut totals = Totals { clocks: self.gone.clone(), ..Totals::default() };
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

    /// A ticket's history in words.
    pub fn describe(&self, id: &str) -> String {
        let Some(ticket) = self.tickets.get(id) else { return format!("{id}: not in the index") };
        let history = &ticket.history;
        let mut text = format!("{id}: opened {} as {} {:?}\n", history.opened_ms, history.priority, history.state);
        for event in &history.events {
            text += &format!("  {} {:?}\n", history.counts_ms(event.at_ms), event.what);
        }
        text + &format!("  fired {:?}\n  marked {:?}\n", ticket.fired, ticket.marked)
    }
}

impl Ticket {
    fn label(&mut self, batch: &Batch, row: usize) {
        for column in [Column::Channel, Column::Category, Column::Customer] {
            if let Some(word) = batch.labels(column).get(row) {
                self.labels.insert(column.name(), word.to_owned());
            }
        }
    }

    /// The first `opened` row, or one that lies earlier; choice: what it does not say stays as the ticket started, but for the
    /// state, which is new.
    fn move_opening(&mut self, batch: &Batch, row: usize) {
        let word = |column| batch.labels(column).get(row).map(str::to_owned);
        let history = &mut self.history;
        history.opened_ms = batch.at_ms[row];
        history.is_implied = false;
        history.state = batch.state[row].unwrap_or(State::New);
        history.priority = word(Column::Priority).unwrap_or_else(|| history.priority.clone());
        history.owner = word(Column::Owner).or(history.owner.take());
        history.team = word(Column::Team).or(history.team.take());
    }

    fn insert(&mut self, batch: &Batch, row: usize, output: &mut Output) {
        let (at_ms, kind) = (batch.at_ms[row], batch.kind[row]);
        let (state, priority) = self.history.at(at_ms);
        let (old_owner, old_team) = self.history.assigned_at(at_ms);
        let (owner, team) = (batch.owner.get(row), batch.team.get(row));
        let mut events = Vec::new();
        if let Some(name) = batch.priority.get(row)
            && name != priority
        {
            events.push(What::Priority(name.to_owned()));
        }
        let has_other = |new: Option<&str>, old: Option<&str>| new.is_some() && new != old;
        if kind == EventKind::Assigned || has_other(owner, old_owner) || has_other(team, old_team) {
            events.push(What::Assigned(owner.map(str::to_owned), team.map(str::to_owned)));
        }
        let implied = match kind {
            EventKind::Resolved => Some(State::Resolved),
            EventKind::Closed => Some(State::Closed),
            EventKind::Reopened => Some(State::Open),
            EventKind::Opened | EventKind::PriorityChanged | EventKind::Assigned | EventKind::StateChanged => None,
            _ => {
                events.push(What::Event(kind));
                None
            }
        };
        if let Some(next) = batch.state[row].or(implied)
            && let Some(kind) = state_event(state, next)
        {
            events.push(What::State(kind, next));
        }
        for what in events {
            let by_hand = what == What::Event(EventKind::Escalated);
            if self.history.insert(Primitive { at_ms, what }) && by_hand {
                output.escalations.push(Escalation {
                    due_ms: 0,
                    ticket: self.id.clone(),
                    clock: String::new(),
                    cycle: 0,
                    level: 0,
                    kind: Kind::ByHand,
                });
            }
        }
    }

    /// Comes up to a row that lies ahead: what is due before it fires, then each of its primitive events is done. An `opened`
    /// row of a known ticket counts at a time that has come already.
    fn step(
        &mut self,
        versions: &[Version],
        before: Option<History>,
        at_ms: i64,
        now_ms: i64,
        passed: Passed,
        output: &mut Output,
    ) {
        let after = self.history.clone();
        let before = before.unwrap_or_else(|| History { events: Vec::new(), ..after.clone() });
        if after != before && before.opened_ms == after.opened_ms {
            let news = after.events.iter().filter(|event| !before.events.contains(event)).cloned();
            let news: Vec<Primitive> = news.collect();
            self.history = before;
            if news.iter().any(|event| event.at_ms == at_ms) {
                self.settle(versions, at_ms, output);
            }
            for event in news {
                self.history.insert(event);
                self.compare(versions, now_ms, passed, output);
            }
        }
        self.history = after;
        self.compare(versions, now_ms, passed, output);
    }

    /// Every level that is reached or will be, with its due time; and the cycles that are open.
    fn levels(&self, versions: &[Version]) -> (Replay, BTreeMap<LevelKey, Due>, BTreeSet<(String, u16)>) {
        let replay = Replay::of(&self.history, versions);
        let mut levels = BTreeMap::new();
        for (name, run) in &replay.runs {
            for ended in &run.ended {
                levels.extend(ended.levels.iter().map(|(level, due)| ((name.clone(), ended.number, *level), *due)));
            }
        }
        let mut open = BTreeSet::new();
        for (clock, cycle) in replay.open() {
            open.insert((clock.name.clone(), cycle.number));
            let dues = dues(cycle, Replay::ruler(&replay.priority, clock));
            levels.extend(dues.into_iter().map(|(level, due)| ((clock.name.clone(), cycle.number, level), due)));
        }
        (replay, levels, open)
    }

    fn fire(&mut self, key: LevelKey, due_ms: i64, kind: Kind, output: &mut Output) {
        let (clock, cycle, level) = key.clone();
        output.escalations.push(Escalation { due_ms, ticket: self.id.clone(), clock, cycle, level, kind });
        match kind {
            Kind::Fired => self.fired.insert(key, due_ms),
            Kind::Withdrawn | Kind::ByHand => self.fired.remove(&key),
        };
    }

    /// Fires what is due before an instant.
    fn settle(&mut self, versions: &[Version], before_ms: i64, output: &mut Output) {
        let (_, levels, _) = self.levels(versions);
        for (key, due) in levels {
            if due.at_ms < before_ms && !self.fired.contains_key(&key) && !self.marked.contains_key(&key) {
                self.fire(key, due.at_ms, Kind::Fired, output);
            }
        }
    }

    /// Compares what has been said of the ticket with what its history says now.
    fn compare(&mut self, versions: &[Version], now_ms: i64, passed: Passed, output: &mut Output) {
        let (_, levels, open) = self.levels(versions);
        let last_ms = self.history.last_ms();
        let is_reached = |due: &Due| due.at_ms <= now_ms || due.at_ms < last_ms;
        let reached: BTreeMap<LevelKey, Due> = levels.into_iter().filter(|(_, due)| is_reached(due)).collect();
        for (key, due_ms) in self.fired.clone() {
            match reached.get(&key) {
                Some(due) => drop(self.fired.insert(key, due.at_ms)),
                None => self.fire(key, due_ms, Kind::Withdrawn, output),
            }
        }
        // choice: a mark goes with what it marked; a level whose deadline moves into the future is a level to come.
        self.marked.retain(|key, due_ms| reached.get(key).inspect(|due| *due_ms = due.at_ms).is_some());
        let is_new = |key: &LevelKey| !self.fired.contains_key(key) && !self.marked.contains_key(key);
        let found: Vec<(LevelKey, Due)> = reached.into_iter().filter(|(key, _)| is_new(key)).collect();
        let is_passed = |due: &Due| due.at_ms <= now_ms || due.is_passed;
        let (found, as_reached): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, due)| is_passed(due));
        for (key, due) in as_reached {
            self.fire(key, due.at_ms, Kind::Fired, output);
        }
        for (key, due) in &found {
            let is_last = || {
                let rivals = found.iter().filter(|(other, _)| (&other.0, other.1) == (&key.0, key.1));
                open.contains(&(key.0.clone(), key.1))
                    && rivals.map(|(other, due)| (due.at_ms, other.2)).max() == Some((due.at_ms, key.2))
            };
            let fires = match passed {
                Passed::All => true,
                Passed::Latest => is_last(),
                Passed::None => false,
            };
            if fires {
                self.fire(key.clone(), due.at_ms, Kind::Fired, output);
            } else {
                self.marked.insert(key.clone(), due.at_ms);
            }
        }
    }

    /// Reports cycles that have ended, or ended otherwise than was said.
    fn report(&mut self, versions: &[Version], output: &mut Output) {
        let replay = Replay::of(&self.history, versions);
        let mut ended: BTreeMap<(String, u16), &Ended> = BTreeMap::new();
        for (name, run) in &replay.runs {
            let with_result = run.ended.iter().filter(|cycle| !cycle.without_result);
            ended.extend(with_result.map(|cycle| ((name.clone(), cycle.number), cycle)));
        }
        for (key, record) in &mut self.reported {
            if !ended.contains_key(key) && !record.is_void {
                record.is_void = true;
                record.met = None;
                record.revision += 1;
                output.cycles.push(record.clone());
            }
        }
        for (key, cycle) in ended {
            let revision = self.reported.get(&key).map_or(0, |record| record.revision);
            let mut record = CycleRecord {
                ticket: self.id.clone(),
                clock: key.0.clone(),
                cycle: cycle.number,
                revision,
                started_ms: cycle.started_ms,
                due_ms: cycle.due_ms,
                stopped_ms: cycle.stopped_ms,
                business_ms: cycle.business_ms,
                wall_ms: cycle.stopped_ms - cycle.started_ms,
                met: cycle.met,
                is_void: false,
            };
            if self.reported.get(&key) != Some(&record) {
                record.revision += 1;
                output.cycles.push(record.clone());
                self.reported.insert(key, record);
            }
        }
    }

    /// Counts a ticket where it stands.
    fn count(&self, versions: &[Version], now_ms: i64, totals: &mut Totals) {
        let replay = Replay::of(&self.history, versions);
        let last_ms = self.history.last_ms();
        let (mut at_risk, mut breached) = (false, false);
        for (clock, cycle) in replay.open() {
            let ruler = Replay::ruler(&replay.priority, clock);
            let is_reached = |amount: Option<Amount>| {
                let reached = amount.and_then(|amount| ruler.reach(cycle, amount).at_ms);
                reached.is_some_and(|due_ms| due_ms <= now_ms || due_ms < last_ms)
            };
            let is_breached = is_reached(ruler.target(cycle.started_ms));
            let is_at_risk = is_reached(ruler.at_risk(cycle.started_ms)) && !is_breached;
            let is_running = cycle.segments.last().is_some_and(|last| last.to_ms.is_none());
            let tally = totals.clocks.entry(clock.name.clone()).or_default();
            let counts = [is_running, !is_running, is_at_risk, is_breached];
            counts.iter().zip(tally).for_each(|(counts, count)| *count += u64::from(*counts));
            at_risk |= is_at_risk;
            breached |= is_breached;
        }
        let is_open = !replay.state.is_done();
        let waits = replay.state == State::Waiting;
        let counts = [is_open, waits, is_open && at_risk && !breached, is_open && breached, !is_open];
        let (_, team) = self.history.assigned_at(last_ms);
        let mut words = vec![("priority", replay.priority.name.clone())];
        words.extend(team.map(|team| ("team", team.to_owned())));
        words.extend(self.labels.iter().map(|(column, word)| (*column, word.clone())));
        let add = |tally: &mut TicketTally| {
            counts.iter().zip(tally).for_each(|(counts, count)| *count += u64::from(*counts));
        };
        add(&mut totals.all);
        for word in words.into_iter().filter(|(column, _)| *column != Column::Customer.name()) {
            add(totals.tickets.entry(word).or_default());
        }
    }

    /// Counts what has happened to a ticket's clocks: it stays when the ticket goes.
    fn count_past(&self, clocks: &mut BTreeMap<String, ClockTally>) {
        for record in self.reported.values().filter(|record| !record.is_void) {
            let tally = clocks.entry(record.clock.clone()).or_default();
            tally[4] += u64::from(record.met == Some(true));
            tally[5] += u64::from(record.met == Some(false));
        }
        for (clock, _, level) in self.fired.keys() {
            clocks.entry(clock.clone()).or_default()[5 + usize::from(*level)] += 1;
        }
    }
}

impl Output {
    pub fn sort(&mut self) {
        self.escalations.sort();
        self.cycles.sort();
        self.refused.sort_unstable();
    }
}
