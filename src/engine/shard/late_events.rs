//! Late events: replays a ticket's event log with them and reports the difference to what was reported before.

use super::emit::Emitter;
use super::event_builder::EventLogBuilder;
use super::{Buffers, Context, CountedAs, Shard};
use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::{PastFires, StoredEvent};
use crate::engine::clocks::versions::Versions;
use crate::engine::clocks::{ClockRun, CycleResult, Ended, Reached, Sink, TicketClocks};
use crate::engine::interner::Symbol;
use crate::engine::output::{CatchUp, Escalation, EscalationKind};

/// A level of a cycle of a clock.
type Key = (Symbol, u16, usize);

fn key(reached: &Reached) -> Key {
    (reached.clock, reached.cycle, reached.level)
}

/// Everything that a replayed event log reaches and ends.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub reached: Vec<Reached>,
    pub ended: Vec<Ended>,
}

impl Sink for Trace {
    fn reached(&mut self, reached: Reached) -> bool {
        self.reached.push(reached);
        false
    }

    fn ended(&mut self, ended: Ended, _: &CompiledClock, _: &ClockRun) {
        self.ended.push(ended);
    }
}

impl Shard {
    /// Replays a ticket's event log with events that lie before its reported output.
    pub(crate) fn replay_late_events(
        &mut self,
        buffers: &mut Buffers,
        context: &Context<'_>,
        slot: u32,
        builder: &EventLogBuilder,
    ) {
        let known = builder.before.as_deref().unwrap_or(&builder.entries[..builder.known()]);
        let mut old = Trace::default();
        TicketClocks::default().replay(context.versions, known, context.now_ms, &mut old);
        self.report_differences(buffers, context, slot, context.versions, &old, &builder.entries);
    }

    /// Compares an earlier replay (`old`) with a replay of `entries` under `versions`, and reports the differences.
    pub(crate) fn report_differences(
        &mut self,
        Buffers { clocks: ticket_clocks, counted, .. }: &mut Buffers,
        context: &Context<'_>,
        slot: u32,
        versions: &Versions,
        old: &Trace,
        entries: &[StoredEvent],
    ) {
        let mut new = Trace::default();
        ticket_clocks.replay(versions, entries, context.now_ms, &mut new);
        self.read_counted(versions, slot, counted);
        let mut fired = self.fired(versions, slot, counted);

        let priority = versions.get(ticket_clocks.version).priority;
        let first_priority = entries[0].priority().unwrap_or(priority);
        let changes = differences(&old.ended, &new.ended);
        let history = self.tickets.history_mut(slot, first_priority);
        // Cycles that were never reported are reported as if they had arrived in time.
        let revises = history.revision > 0 || changes.iter().any(|(before, _)| before.is_some());
        history.revision = history.revision.saturating_add(u16::from(revises && !changes.is_empty()));
        let revision = history.revision;

        let ticket = self.ticket_ref(slot);
        let mut emitter = self.emitter(context, ticket, ticket_clocks.version, revision);
        report_changes(&mut emitter, changes);
        fired.retain(|level| {
            let stays = new.reached.iter().any(|reached| key(reached) == *level);
            if !stays {
                withdraw(&mut emitter, *level, old);
            }
            stays
        });
        let newly = new.reached.iter().filter(|reached| {
            !fired.contains(&key(reached)) && !old.reached.iter().any(|other| key(other) == key(reached))
        });
        let newly: Vec<Reached> = newly.copied().collect();
        fired.extend(choose(&mut emitter, versions, ticket_clocks, &newly));

        self.set_fired(versions, slot, ticket_clocks, &fired, first_priority);
        let next_ms = ticket_clocks.settle(versions, context.now_ms + 1, &mut crate::engine::clocks::migrate::Ignore);
        self.store(versions, slot, ticket_clocks, Some(counted), next_ms);
    }

    /// A ticket has left at a past time: levels that fired since are withdrawn, and cycles that ended since are void.
    pub(crate) fn withdraw_after(
        &mut self,
        Buffers { counted, .. }: &mut Buffers,
        context: &Context<'_>,
        slot: u32,
        leaves_ms: i64,
    ) {
        let versions = context.versions;
        self.read_counted(versions, slot, counted);
        let fired = self.fired(versions, slot, counted);
        if fired.is_empty() && leaves_ms >= self.tickets.last_ms(slot) {
            return;
        }
        let entries = self.entries(versions, slot);
        let kept = 1 + entries[1..].partition_point(|entry| entry.at_ms() <= leaves_ms);
        let until_ms = leaves_ms.max(entries[0].at_ms());
        let (mut old, mut new) = (Trace::default(), Trace::default());
        TicketClocks::default().replay(versions, &entries, context.now_ms, &mut old);
        TicketClocks::default().replay(versions, &entries[..kept], until_ms - 1, &mut new);
        let changes = differences(&old.ended, &new.ended);
        let ticket = self.ticket_ref(slot);
        let version = self.tickets.records[slot].version();
        let known = self.tickets.history(slot).map_or(0, |history| history.revision);
        let context = Context { catch_up: CatchUp::None, ..*context };
        let mut emitter = self.emitter(&context, ticket, version, known.saturating_add(1));
        report_changes(&mut emitter, changes);
        for level in fired {
            if !new.reached.iter().any(|reached| key(reached) == level) {
                withdraw(&mut emitter, level, &old);
            }
        }
    }

    /// Every level of the ticket that has fired.
    fn fired(&self, versions: &Versions, slot: u32, counted: &CountedAs) -> Vec<Key> {
        let past = self.tickets.history(slot).map_or(&[][..], |history| &history.past_fires);
        let compiled = &versions.get(counted.version).compiled;
        let open = compiled.iter().zip(&counted.clocks).map(|(compiled, state)| PastFires {
            clock: compiled.clock,
            cycle: state.cycle,
            levels: state.fired,
        });
        past.iter()
            .copied()
            .chain(open)
            .flat_map(|fires| {
                (0..u16::BITS as usize)
                    .filter(move |level| fires.levels & (1 << level) != 0)
                    .map(move |level| (fires.clock, fires.cycle, level))
            })
            .collect()
    }

    /// Stores which levels have fired: those of open cycles with the clock, the others in the event log.
    fn set_fired(
        &mut self,
        versions: &Versions,
        slot: u32,
        ticket_clocks: &mut TicketClocks,
        fired: &[Key],
        priority: Symbol,
    ) {
        let mut past: Vec<PastFires> = Vec::new();
        let compiled = &versions.get(ticket_clocks.version).compiled;
        for &(clock, cycle, level) in fired {
            let place = compiled.iter().position(|compiled| compiled.clock == clock);
            let state = place.map(|place| &mut ticket_clocks.runs[place].state);
            if let Some(state) = state.filter(|state| state.open && state.cycle == cycle) {
                state.fired |= 1 << level;
                continue;
            }
            match past.iter_mut().find(|fires| fires.clock == clock && fires.cycle == cycle) {
                Some(fires) => fires.levels |= 1 << level,
                None => past.push(PastFires { clock, cycle, levels: 1 << level }),
            }
        }
        self.tickets.history_mut(slot, priority).past_fires = past;
    }
}

/// Pairs of a cycle's result before and after, where they differ.
fn differences<'a>(old: &'a [Ended], new: &'a [Ended]) -> Vec<(Option<&'a Ended>, Option<&'a Ended>)> {
    let same = |a: &Ended, b: &Ended| (a.clock, a.cycle) == (b.clock, b.cycle);
    let gone = old.iter().filter(|before| !new.iter().any(|after| same(before, after)));
    let others = new.iter().filter_map(|after| {
        let before = old.iter().find(|before| same(before, after));
        (before != Some(after)).then_some((before, Some(after)))
    });
    gone.map(|before| (Some(before), None)).chain(others).collect()
}

fn report_changes(emitter: &mut Emitter<'_>, changes: Vec<(Option<&Ended>, Option<&Ended>)>) {
    for (before, after) in changes {
        if let Some(before) = before {
            emitter.counters.count_ended(before, false);
        }
        match (before, after) {
            (_, Some(after)) => {
                emitter.counters.count_ended(after, true);
                emitter.report(after, after.result());
            }
            (Some(before), None) => emitter.report(before, CycleResult::Void),
            (None, None) => {}
        }
    }
}

fn withdraw(emitter: &mut Emitter<'_>, (clock, cycle, level): Key, old: &Trace) {
    let due_ms = old.reached.iter().find(|reached| key(reached) == (clock, cycle, level));
    emitter.counters.count_fired(clock, level, false);
    emitter.output.escalations.push(Escalation {
        kind: EscalationKind::Withdrawn,
        due_ms: due_ms.map_or(emitter.now_ms, |reached| reached.due_ms),
        fired_ms: emitter.now_ms,
        ticket: emitter.ticket,
        clock,
        cycle,
        level: level as u8 + 1,
        version: emitter.version,
        row: 0,
    });
}

/// Applies catch-up to the levels that are reached now and were not before; returns those that fired.
fn choose(emitter: &mut Emitter<'_>, versions: &Versions, ticket_clocks: &TicketClocks, newly: &[Reached]) -> Vec<Key> {
    let (passed_until_ms, catch_up) = (emitter.passed_until_ms, emitter.catch_up);
    let is_passed = |reached: &Reached| reached.remeasured || reached.due_ms <= passed_until_ms;
    let is_open = |reached: &Reached| {
        ticket_clocks.clocks(versions).any(|(compiled, run)| {
            compiled.clock == reached.clock && run.state.open && run.state.cycle == reached.cycle
        })
    };
    let is_latest = |reached: &Reached| {
        !newly.iter().any(|other| {
            is_passed(other)
                && (other.clock, other.cycle) == (reached.clock, reached.cycle)
                && (other.due_ms, other.level) > (reached.due_ms, reached.level)
        })
    };
    let fires: Vec<Reached> = newly
        .iter()
        .filter(|reached| {
            !is_passed(reached)
                || match catch_up {
                    CatchUp::All => true,
                    CatchUp::Latest => is_open(reached) && is_latest(reached),
                    CatchUp::None => false,
                }
        })
        .copied()
        .collect();
    for reached in &fires {
        let fired_ms = if is_passed(reached) { emitter.now_ms.max(reached.due_ms) } else { reached.due_ms };
        emitter.fire(reached, fired_ms);
    }
    fires.iter().map(key).collect()
}
