//! What happens to levels as a ticket's clocks reach them: they fire, wait for [`CatchUp`], or are suppressed.

use super::totals::Counters;
use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::PastFires;
use crate::engine::clocks::state::ClockState;
use crate::engine::clocks::versions::{VersionId, Versions};
use crate::engine::clocks::{ClockRun, CycleResult, Ended, Reached, Sink, TicketClocks};
use crate::engine::interner::Symbol;
use crate::engine::output::{CatchUp, CycleRecord, Escalation, EscalationKind, Ignored, Outcome, TicketRef};
use crate::time::NEVER_MS;

/// The output of a shard's tickets during a command.
#[derive(Debug, Default)]
pub(crate) struct ShardOutput {
    pub escalations: Vec<Escalation>,
    pub cycles: Vec<CycleRecord>,
    /// Levels that fired in cycles of the current ticket that have ended since.
    pub past_fires: Vec<PastFires>,
    pub ignored: Ignored,
}

impl ShardOutput {
    /// Moves escalations and cycles to the outcome of the command.
    pub(crate) fn drain_into(&mut self, outcome: &mut Outcome) {
        outcome.escalations.append(&mut self.escalations);
        outcome.cycles.append(&mut self.cycles);
        outcome.ignored.join(std::mem::take(&mut self.ignored));
    }
}

/// The sink of one ticket.
pub(crate) struct Emitter<'a> {
    pub output: &'a mut ShardOutput,
    pub counters: &'a mut Counters,
    pub ticket: TicketRef,
    pub version: VersionId,
    pub revision: u16,
    /// Levels due until this time count as already due.
    pub passed_until_ms: i64,
    pub catch_up: CatchUp,
    /// The time at which levels already due fire.
    pub now_ms: i64,
    /// Of each open cycle the already due level that was due last.
    candidates: Vec<Reached>,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(
        output: &'a mut ShardOutput,
        counters: &'a mut Counters,
        ticket: TicketRef,
        version: VersionId,
        catch_up: CatchUp,
        passed_until_ms: i64,
        now_ms: i64,
    ) -> Self {
        let candidates = Vec::new();
        Self { output, counters, ticket, version, revision: 0, passed_until_ms, catch_up, now_ms, candidates }
    }

    pub(crate) fn fire(&mut self, reached: &Reached, fired_ms: i64) {
        self.counters.count_fired(reached.clock, reached.level, true);
        self.output.escalations.push(Escalation {
            kind: EscalationKind::Fired,
            due_ms: reached.due_ms,
            fired_ms,
            ticket: self.ticket,
            clock: reached.clock,
            cycle: reached.cycle,
            level: reached.level as u8 + 1,
            version: self.version,
            row: 0,
        });
    }

    /// Applies catch-up to the levels found already due so far; returns whether there were any.
    pub(crate) fn choose(&mut self, versions: &Versions, ticket_clocks: &mut TicketClocks) -> bool {
        if self.candidates.is_empty() {
            return false;
        }
        for (compiled, run) in versions.get(ticket_clocks.version).compiled.iter().zip(&mut ticket_clocks.runs) {
            self.choose_for(compiled.clock, &mut run.state);
        }
        self.candidates.clear();
        true
    }

    /// Applies catch-up for one clock.
    pub(crate) fn choose_for(&mut self, clock: Symbol, state: &mut ClockState) {
        let Some(index) = self.candidates.iter().position(|reached| reached.clock == clock) else { return };
        let reached = self.candidates.swap_remove(index);
        if state.open && state.cycle == reached.cycle {
            state.fired |= 1 << reached.level;
            self.fire(&reached, self.now_ms.max(reached.due_ms));
        }
    }

    pub(crate) fn report(&mut self, ended: &Ended, result: CycleResult) {
        self.output.cycles.push(CycleRecord {
            ticket: self.ticket,
            clock: ended.clock,
            cycle: ended.cycle,
            revision: self.revision,
            started_ms: ended.started_ms,
            due_ms: if ended.met.is_some() { ended.due_ms } else { NEVER_MS },
            stopped_ms: ended.stopped_ms,
            business_ms: ended.spent_ms,
            wall_ms: ended.stopped_ms - ended.started_ms,
            result,
            version: self.version,
        });
    }
}

impl Sink for Emitter<'_> {
    #[inline]
    fn reached(&mut self, reached: Reached) -> bool {
        let is_passed = reached.remeasured || reached.due_ms <= self.passed_until_ms;
        if !is_passed {
            self.fire(&reached, reached.due_ms);
            return true;
        }
        match self.catch_up {
            CatchUp::All => {
                self.fire(&reached, self.now_ms.max(reached.due_ms));
                true
            }
            CatchUp::None => false,
            CatchUp::Latest => {
                let known = self.candidates.iter_mut().find(|other| other.clock == reached.clock);
                match known {
                    Some(known) => {
                        let later =
                            (reached.cycle, reached.due_ms, reached.level) > (known.cycle, known.due_ms, known.level);
                        if later {
                            *known = reached;
                        }
                    }
                    None => self.candidates.push(reached),
                }
                false
            }
        }
    }

    fn ended(&mut self, ended: Ended, _: &CompiledClock, _: &ClockRun) {
        self.counters.count_ended(&ended, true);
        if ended.fired != 0 {
            self.output.past_fires.push(PastFires { clock: ended.clock, cycle: ended.cycle, levels: ended.fired });
        }
        self.report(&ended, ended.result());
    }
}
