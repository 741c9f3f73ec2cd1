//! One ticket: its history, and the output so far.

use super::commands::{CatchUp, ClockTally, CycleRecord, Escalation, Kind, Output, TicketTally, Totals, Version};
use super::history::{Ended, History, Primitive, Replay, What, dues};
use super::log::Log;
use super::measure::{Amount, Due};
use overdue::ticket::{Column, EventKind, State};
use std::collections::{BTreeMap, BTreeSet};

/// Name of the clock, cycle, level.
pub type LevelKey = (String, u16, u8);

#[derive(Debug, Clone)]
pub struct Ticket {
    pub id: String,
    pub log: Log,
    /// As it follows from the log.
    pub history: History,
    /// Fired levels with their due times.
    pub fired: BTreeMap<LevelKey, i64>,
    /// Suppressed levels with their due times.
    pub suppressed: BTreeMap<LevelKey, i64>,
    pub reported: BTreeMap<(String, u16), CycleRecord>,
}

impl Ticket {
    /// A ticket of which nothing is known yet.
    pub fn new(id: &str, log: Log) -> Ticket {
        let history = log.history();
        let (fired, suppressed, reported) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Ticket { id: id.to_owned(), log, history, fired, suppressed, reported }
    }

    /// Reports manual escalations that are new in the history.
    pub fn report_manual(&self, before: Option<&History>, output: &mut Output) {
        let is_manual = |event: &&Primitive| event.what == What::Event(EventKind::Escalated);
        let is_new = |event: &&Primitive| before.is_none_or(|before| !before.events.contains(event));
        for _ in self.history.events.iter().filter(is_manual).filter(is_new) {
            output.escalations.push(Escalation {
                due_ms: 0,
                ticket: self.id.clone(),
                clock: String::new(),
                cycle: 0,
                level: 0,
                kind: Kind::Manual,
            });
        }
    }

    /// Advances the ticket to a row ahead of time: levels that are due before it fire, then its primitive events are applied. An
    /// `opened` row of a known ticket takes effect at a time in the past.
    pub fn step(
        &mut self,
        versions: &[Version],
        before: History,
        at_ms: i64,
        now_ms: i64,
        catch_up: CatchUp,
        output: &mut Output,
    ) {
        let after = self.history.clone();
        if after != before && before.opening() == after.opening() {
            let added: Vec<Primitive> =
                after.events.iter().filter(|event| !before.events.contains(event)).cloned().collect();
            self.history = before;
            if added.iter().any(|event| event.at_ms == at_ms) {
                self.settle(versions, at_ms, output);
            }
            for event in added {
                self.history.insert(event);
                self.compare(versions, now_ms, catch_up, output);
            }
        }
        self.history = after;
        self.compare(versions, now_ms, catch_up, output);
    }

    /// All levels that are reached or pending, with their due times; and the open cycles.
    pub fn levels(&self, versions: &[Version]) -> (Replay, BTreeMap<LevelKey, Due>, BTreeSet<(String, u16)>) {
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
            Kind::Withdrawn | Kind::Manual => self.fired.remove(&key),
        };
    }

    /// Fires what is due before an instant.
    pub fn settle(&mut self, versions: &[Version], before_ms: i64, output: &mut Output) {
        let (_, levels, _) = self.levels(versions);
        for (key, due) in levels {
            if due.at_ms < before_ms && !self.fired.contains_key(&key) && !self.suppressed.contains_key(&key) {
                self.fire(key, due.at_ms, Kind::Fired, output);
            }
        }
    }

    /// Compares the output so far with the history, and emits the differences.
    pub fn compare(&mut self, versions: &[Version], now_ms: i64, catch_up: CatchUp, output: &mut Output) {
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
        // choice: a suppressed level whose due time moves into the future is pending again.
        self.suppressed.retain(|key, due_ms| reached.get(key).inspect(|due| *due_ms = due.at_ms).is_some());
        let is_new = |key: &LevelKey| !self.fired.contains_key(key) && !self.suppressed.contains_key(key);
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
            let fires = match catch_up {
                CatchUp::All => true,
                CatchUp::Latest => is_last(),
                CatchUp::None => false,
            };
            if fires {
                self.fire(key.clone(), due.at_ms, Kind::Fired, output);
            } else {
                self.suppressed.insert(key.clone(), due.at_ms);
            }
        }
    }

    /// Reports cycles that have ended, or whose result has changed.
    pub fn report(&mut self, versions: &[Version], output: &mut Output) {
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

    /// Counts a ticket in its current state.
    pub fn count(&self, versions: &[Version], now_ms: i64, totals: &mut Totals) {
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
        let is_waiting = replay.state == State::Waiting;
        let counts = [is_open, is_waiting, is_open && at_risk && !breached, is_open && breached, !is_open];
        let (_, team) = self.history.assigned_at(last_ms);
        let mut labels = vec![("priority", replay.priority.name.clone())];
        labels.extend(team.map(|team| ("team", team.to_owned())));
        for column in [Column::Channel, Column::Category] {
            labels.extend(self.log.label(column.name()).map(|label| (column.name(), label.clone())));
        }
        let add = |tally: &mut TicketTally| {
            counts.iter().zip(tally).for_each(|(counts, count)| *count += u64::from(*counts));
        };
        add(&mut totals.all);
        for label in labels {
            add(totals.tickets.entry(label).or_default());
        }
    }

    /// Counts the results of the clocks of a ticket; they stay when the ticket is deleted.
    pub fn count_past(&self, clocks: &mut BTreeMap<String, ClockTally>) {
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
