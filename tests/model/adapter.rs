//! The engine behind the model's types: commands go in, output and counters come out.

use super::commands::{ClockTally, TicketTally, Totals};
use super::run::{Command, batch};
use super::{Apply, CatchUp, CycleRecord, Escalation, Kind, Model, Output};
use overdue::engine;
use overdue::engine::{CycleResult, Engine, EscalationKind, Outcome, Tally};
use overdue::policy::Policy;
use std::collections::BTreeMap;
use std::sync::Arc;

pub struct Subject {
    engine: Engine,
    last_row_ms: i64,
    /// Last revision of each cycle, and its number of records. The engine's revisions may skip numbers; the model's do not.
    revisions: BTreeMap<(u64, String, u16), (u16, u32)>,
}

impl Subject {
    pub fn new(policy: Arc<Policy>, shards: usize) -> Subject {
        Subject { engine: Engine::new(policy, shards), last_row_ms: 0, revisions: BTreeMap::new() }
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn engine_mut(&mut self) -> &mut Engine {
        &mut self.engine
    }

    pub fn hold(&mut self, ahead: &[bool]) {
        self.engine.hold(ahead);
    }

    /// The same with another engine.
    pub fn with(&self, engine: Engine) -> Subject {
        Subject { engine, last_row_ms: self.last_row_ms, revisions: self.revisions.clone() }
    }

    pub fn run(&mut self, command: &Command) -> Result<Output, String> {
        let outcome = self.outcome(command)?;
        self.converted(&outcome)
    }

    /// The outcome of a command in the engine's own types.
    pub fn outcome(&mut self, command: &Command) -> Result<Outcome, String> {
        Ok(match command {
            Command::Apply(rows, choice) => {
                self.last_row_ms = rows.iter().map(|row| row.at_ms).fold(self.last_row_ms, i64::max);
                self.engine.apply(&batch(rows), catch_up(*choice))
            }
            Command::Edit(policy, mode, choice) => {
                let policy = Arc::clone(&policy.0);
                let hash = self.engine.state_hash();
                let preview = self.engine.preview(&policy, apply(*mode), catch_up(*choice));
                if self.engine.state_hash() != hash {
                    return Err("the preview changed the engine".to_owned());
                }
                let outcome = self.engine.edit(policy, apply(*mode), catch_up(*choice));
                let outcome = outcome.map_err(|error| format!("edit failed: {error}"))?;
                let preview = preview.map_err(|error| format!("preview failed: {error}"))?;
                // The preview counts open tickets only.
                let is_open = |ticket| !self.engine.ticket(ticket).state.is_done();
                let fired = outcome.escalations.iter().filter(|e| e.kind == EscalationKind::Fired && is_open(e.ticket));
                let (fired, foreseen) = (fired.count() as u64, preview.all.levels_firing);
                if self.engine.state_hash() == hash && fired > 0 {
                    return Err("levels fired and the state hash is the same".to_owned());
                }
                // choice: with events ahead of the engine's time a preview is not exact.
                if foreseen != fired && self.last_row_ms <= self.engine.now_ms() {
                    return Err(format!("the preview foresees {foreseen} levels, {fired} fired"));
                }
                outcome
            }
            Command::Advance(now_ms) => self.engine.advance(*now_ms),
            Command::CatchUp(now_ms, choice) => self.engine.catch_up(*now_ms, catch_up(*choice)),
            Command::Rewind(now_ms, choice) => self.engine.rewind(*now_ms, catch_up(*choice)),
            Command::FreeLabels => {
                let before = (self.engine.state_hash(), self.engine.len(), self.engine.clock_totals());
                self.engine.free_labels();
                if before != (self.engine.state_hash(), self.engine.len(), self.engine.clock_totals()) {
                    return Err("labels in use were freed".to_owned());
                }
                if self.engine.free_labels() != 0 {
                    return Err("not all unused labels were freed".to_owned());
                }
                Outcome::default()
            }
        })
    }

    pub fn state_hash(&self) -> u64 {
        self.engine.state_hash()
    }

    /// Everything that a command emits, in the engine's order: the same on every number of shards.
    pub fn emit(&mut self, command: &Command) -> Result<Vec<String>, String> {
        let outcome = self.outcome(command)?;
        let engine = &self.engine;
        let escalations = outcome.escalations.iter().map(|e| {
            let (ticket, clock) = (engine.ticket_id(e.ticket), engine.clock_name(e.clock));
            format!("{:?} {} {} {ticket} {clock} {} {}", e.kind, e.due_ms, e.fired_ms, e.cycle, e.level)
        });
        let cycles = outcome.cycles.iter().map(|c| {
            let (ticket, clock) = (engine.ticket_id(c.ticket), engine.clock_name(c.clock));
            let times = [c.started_ms, c.due_ms, c.stopped_ms, c.business_ms, c.wall_ms];
            format!("{ticket} {clock} {} {} {times:?} {:?}", c.cycle, c.revision, c.result)
        });
        let rejected = outcome.rejected.iter().map(|rejected| format!("{rejected:?}"));
        Ok(escalations.chain(cycles).chain(rejected).collect())
    }

    fn converted(&mut self, outcome: &Outcome) -> Result<Output, String> {
        let engine = &self.engine;
        if !outcome.escalations.is_sorted_by_key(|escalation| escalation.due_ms) {
            return Err("escalations are not in order of their due times".to_owned());
        }
        let escalations = outcome.escalations.iter().map(|escalation| {
            let (kind, clock, cycle) = match escalation.kind {
                EscalationKind::Fired => (Kind::Fired, engine.clock_name(escalation.clock), escalation.cycle),
                EscalationKind::Withdrawn => (Kind::Withdrawn, engine.clock_name(escalation.clock), escalation.cycle),
                EscalationKind::Manual => (Kind::Manual, "", 0),
            };
            // Of a manual escalation only the ticket is compared.
            Escalation {
                due_ms: if kind == Kind::Manual { 0 } else { escalation.due_ms },
                ticket: engine.ticket_id(escalation.ticket).to_owned(),
                clock: clock.to_owned(),
                cycle,
                level: escalation.level,
                kind,
            }
        });
        let mut output = Output { escalations: escalations.collect(), ..Output::default() };
        for cycle in &outcome.cycles {
            let ticket = engine.ticket_id(cycle.ticket).to_owned();
            let clock = engine.clock_name(cycle.clock).to_owned();
            let (last, count) = self.revisions.entry((cycle.ticket.ordinal, clock.clone(), cycle.cycle)).or_default();
            if *count > 0 && cycle.revision <= *last {
                return Err(format!(
                    "revision {} of {ticket} {clock} {} comes after {last}",
                    cycle.revision, cycle.cycle
                ));
            }
            (*last, *count) = (cycle.revision, *count + 1);
            output.cycles.push(CycleRecord {
                revision: *count,
                ticket,
                clock,
                cycle: cycle.cycle,
                started_ms: cycle.started_ms,
                due_ms: cycle.due_ms,
                stopped_ms: cycle.stopped_ms,
                business_ms: cycle.business_ms,
                wall_ms: cycle.wall_ms,
                met: match cycle.result {
                    CycleResult::Met => Some(true),
                    CycleResult::Missed => Some(false),
                    CycleResult::NoTarget | CycleResult::Void => None,
                    CycleResult::Open | CycleResult::OpenMissed => return Err(format!("reported as open: {cycle:?}")),
                },
                is_void: cycle.result == CycleResult::Void,
            });
        }
        output.rejected = outcome.rejected.iter().map(|rejected| rejected.row).collect();
        output.gone = outcome.ignored.gone.count;
        output.sort();
        Ok(output)
    }

    /// Compares time and counters.
    pub fn differs_from(&self, model: &Model) -> Option<String> {
        if self.engine.now_ms() != model.now_ms() {
            return Some(format!("the time is {}, the time of the engine {}", model.now_ms(), self.engine.now_ms()));
        }
        let (expected, found) = (model.totals(), self.totals());
        (expected != found).then(|| {
            let mut text = format!("\n  all {:?}, counted {:?}", expected.all, found.all);
            for (label, tally) in &expected.tickets {
                let other = found.tickets.get(label);
                if other != Some(tally) {
                    text += &format!("\n  {label:?} {tally:?}, counted {other:?}");
                }
            }
            for (clock, tally) in &expected.clocks {
                let other = found.clocks.get(clock);
                if other != Some(tally) {
                    text += &format!("\n  {clock} {tally:?}\n  counted {other:?}");
                }
            }
            for clock in found.clocks.keys().filter(|clock| !expected.clocks.contains_key(*clock)) {
                text += &format!("\n  {clock}: nothing expected, counted {:?}", found.clocks[clock]);
            }
            for label in found.tickets.keys().filter(|label| !expected.tickets.contains_key(*label)) {
                text += &format!("\n  {label:?}: nothing expected, counted {:?}", found.tickets[label]);
            }
            text
        })
    }

    fn totals(&self) -> Totals {
        let counters = self.engine.counters();
        let mut totals = Totals { all: tally(&counters.all), ..Totals::default() };
        let engine = &self.engine;
        for (label, tallies) in counters.by_label.iter() {
            for (symbol, counted) in tallies.iter().enumerate() {
                let counted = tally(counted);
                if counted != TicketTally::default() {
                    let name = engine.label_name(label, symbol as engine::Symbol).to_owned();
                    totals.tickets.insert((label.name(), name), counted);
                }
            }
        }
        for (symbol, clock) in counters.by_clock.iter().enumerate() {
            let mut counted = ClockTally::default();
            counted[..6].copy_from_slice(&[
                clock.running,
                clock.paused,
                clock.at_risk,
                clock.breached,
                clock.met,
                clock.missed,
            ]);
            counted[6..].copy_from_slice(&clock.fired);
            if counted != ClockTally::default() {
                totals.clocks.insert(engine.clock_name(symbol as engine::Symbol).to_owned(), counted);
            }
        }
        totals
    }
}

fn tally(tally: &Tally) -> TicketTally {
    [tally.open, tally.waiting, tally.at_risk, tally.breached, tally.done]
}

pub fn catch_up(catch_up: CatchUp) -> engine::CatchUp {
    match catch_up {
        CatchUp::All => engine::CatchUp::All,
        CatchUp::Latest => engine::CatchUp::Latest,
        CatchUp::None => engine::CatchUp::None,
    }
}

pub fn apply(apply: Apply) -> engine::Apply {
    match apply {
        Apply::FromStart => engine::Apply::FromStart,
        Apply::FromNow => engine::Apply::FromNow,
        Apply::NewTickets => engine::Apply::NewTickets,
    }
}
