//! Edits of the policy: every ticket of an edited priority moves to the new version, permanently or in a dry run.

use super::late_events::Trace;
use super::{Buffers, Context, Shard};
use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::StoredEvent;
use crate::engine::clocks::migrate::Ignore;
use crate::engine::clocks::state::BREACH;
use crate::engine::clocks::versions::{Apply, Version, VersionId, Versions};
use crate::engine::clocks::{ClockRun, Reached, Sink, TicketClocks};
use crate::engine::interner::Symbol;
use crate::engine::output::CatchUp;
use std::collections::BTreeMap;

/// What an edit would do to tickets of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Effects {
    /// Open tickets under an edited priority.
    pub tickets: u64,
    /// Open cycles whose target would end earlier.
    pub earlier: u64,
    /// Open cycles whose target would end later.
    pub later: u64,
    /// Open cycles that are within their target and would be past it.
    pub newly_breached: u64,
    /// Open cycles that are past their target and would be within it.
    pub no_longer_breached: u64,
    /// Levels that would fire at once.
    pub levels_firing: u64,
}

impl Effects {
    pub(crate) fn add(&mut self, other: &Effects) {
        self.tickets += other.tickets;
        self.earlier += other.earlier;
        self.later += other.later;
        self.newly_breached += other.newly_breached;
        self.no_longer_breached += other.no_longer_breached;
        self.levels_firing += other.levels_firing;
    }
}

/// Effects by symbol.
pub(crate) type EffectsBy = BTreeMap<Symbol, Effects>;

/// Effects of an edit, by priority and team (`None`: tickets without one).
#[derive(Debug, Default)]
pub(crate) struct Effected {
    pub by_priority: EffectsBy,
    pub by_team: EffectsBy,
}

/// An edit as shards process it: `before` without the new versions, `after` with them.
pub(crate) struct Edit<'a> {
    before: &'a Versions,
    after: &'a Versions,
    apply: Apply,
    /// The effect of the edit on each version before it.
    touches: Vec<EditScope>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EditScope {
    /// The version's priority has no new version.
    Not,
    /// The new version has the same clocks.
    SameClocks,
    /// The new version has other clocks: their state depends on the ticket's event log.
    OtherClocks,
}

impl<'a> Edit<'a> {
    pub(crate) fn new(before: &'a Versions, after: &'a Versions, apply: Apply) -> Self {
        let touch = |priority: Symbol, clocks: Vec<Symbol>| match after.newest(priority) {
            Some(_) if after.chain(priority).len() == before.chain(priority).len() => EditScope::Not,
            Some(new) if new.compiled.iter().map(|compiled| compiled.clock).eq(clocks) => EditScope::SameClocks,
            _ => EditScope::OtherClocks,
        };
        let clocks = |version: &Version| version.compiled.iter().map(|compiled| compiled.clock).collect();
        let touches = before.all.iter().map(|version| touch(version.priority, clocks(version))).collect();
        Self { before, after, apply, touches }
    }

    /// Whether an event log includes an edited priority: one that a ticket left after the edit is edited too.
    fn touches_any(&self, entries: &[StoredEvent]) -> bool {
        let is_edited = |priority: Symbol| self.after.chain(priority).len() > self.before.chain(priority).len();
        entries.iter().filter_map(|entry| entry.priority()).any(is_edited)
    }

    fn touch(&self, version: VersionId) -> EditScope {
        self.touches[usize::from(version)]
    }
}

impl Shard {
    /// Moves the tickets that the edit affects to their new versions.
    pub(crate) fn edit(&mut self, context: &Context<'_>, edit: &Edit<'_>) {
        let mut buffers = Buffers::default();
        for slot in 0..self.tickets.records.len() {
            let record = self.tickets.records[slot];
            self.tickets.prefetch_clocks((slot + 8).min(self.tickets.records.len() - 1));
            if !record.is_live() {
                continue;
            }
            if self.is_ahead(slot, context.now_ms) {
                if edit.touches_any(&self.entries(edit.before, slot)) {
                    self.report_edited(&mut buffers, context, edit, slot);
                }
            } else if edit.apply != Apply::NewTickets && edit.touch(record.version()) != EditScope::Not {
                self.edit_ticket(&mut buffers, context, edit, slot);
            }
        }
    }

    /// Whether a ticket has events or output at or after the edit: then the edit is late for it.
    pub(crate) fn is_ahead(&self, slot: u32, now_ms: i64) -> bool {
        self.tickets.records[slot].opened_ms() >= now_ms || self.tickets.has_events_after(slot, now_ms)
    }

    fn report_edited(&mut self, buffers: &mut Buffers, context: &Context<'_>, edit: &Edit<'_>, slot: u32) {
        let entries = self.entries(edit.before, slot);
        let mut old = Trace::default();
        TicketClocks::default().replay(edit.before, &entries, context.now_ms, &mut old);
        self.report_differences(buffers, context, slot, edit.after, &old, &entries);
    }

    /// A ticket before the edit; returns its events if they are needed to change it.
    fn before_edit(
        &self,
        context: &Context<'_>,
        edit: &Edit<'_>,
        slot: u32,
        ticket_clocks: &mut TicketClocks,
    ) -> Vec<StoredEvent> {
        if edit.touch(self.tickets.records[slot].version()) == EditScope::SameClocks {
            self.load(edit.before, slot, context.now_ms, ticket_clocks);
            return Vec::new();
        }
        let entries = self.entries(edit.before, slot);
        self.rebuild(edit.before, slot, &entries, context.now_ms, ticket_clocks);
        entries
    }

    fn edit_ticket(
        &mut self,
        Buffers { clocks: ticket_clocks, counted, .. }: &mut Buffers,
        context: &Context<'_>,
        edit: &Edit<'_>,
        slot: u32,
    ) {
        let entries = self.before_edit(context, edit, slot, ticket_clocks);
        self.read_counted(edit.before, slot, counted);
        let (ticket, revision, now_ms) = (self.ticket_ref(slot), self.next_revision(slot), context.now_ms);
        let mut emitter = self.emitter(context, ticket, ticket_clocks.version, revision);
        let cycles_reported = emitter.output.cycles.len();
        ticket_clocks.edits_until(edit.after, now_ms + 1, &entries, &mut emitter);
        emitter.version = ticket_clocks.version;
        let mut next_ms = ticket_clocks.settle(edit.after, now_ms + 1, &mut emitter);
        if emitter.choose(edit.after, ticket_clocks) {
            next_ms = ticket_clocks.settle(edit.after, now_ms + 1, &mut emitter);
        }
        self.keep_past_fires(edit.after, slot, ticket_clocks);
        self.keep_revision(slot, self.output.cycles.len() > cycles_reported);
        self.store(edit.after, slot, ticket_clocks, Some(counted), next_ms);
    }

    /// Effects of the edit on the shard's open tickets.
    pub(crate) fn preview(&self, context: &Context<'_>, edit: &Edit<'_>, effected: &mut Effected) {
        let mut ticket_clocks = (Box::<TicketClocks>::default(), Box::<TicketClocks>::default());
        for slot in 0..self.tickets.records.len() {
            let record = self.tickets.records[slot];
            if !record.is_live() || record.state().is_done() || edit.touch(record.version()) == EditScope::Not {
                continue;
            }
            let mut effects = Effects { tickets: 1, ..Effects::default() };
            if edit.apply != Apply::NewTickets || self.is_ahead(slot, context.now_ms) {
                self.preview_ticket(context, edit, slot, &mut ticket_clocks, &mut effects);
            }
            let priority = edit.before.get(record.version()).priority;
            effected.by_priority.entry(priority).or_default().add(&effects);
            effected.by_team.entry(record.team()).or_default().add(&effects);
        }
    }

    fn preview_ticket(
        &self,
        context: &Context<'_>,
        edit: &Edit<'_>,
        slot: u32,
        (before, after): &mut (Box<TicketClocks>, Box<TicketClocks>),
        effects: &mut Effects,
    ) {
        let now_ms = context.now_ms;
        let entries = self.before_edit(context, edit, slot, before);
        after.clone_from(before);
        let mut levels = Levels { catch_up: context.catch_up, count: 0, latest: Vec::new() };
        if self.is_ahead(slot, now_ms) {
            after.replay(edit.after, &self.events(edit.before, slot), now_ms, &mut Ignore);
        } else {
            after.edits_until(edit.after, now_ms + 1, &entries, &mut levels);
            after.settle(edit.after, now_ms + 1, &mut levels);
        }
        effects.levels_firing += levels.firing(after, edit.after);
        for (compiled, run) in before.clocks(edit.before).filter(|(_, run)| run.state.open) {
            let same = after.clocks(edit.after).find(|(other, _)| other.clock == compiled.clock);
            let Some((new_compiled, new_run)) = same.filter(|(_, run)| run.state.open) else { continue };
            let due_ms = run.target_due_ms(compiled, now_ms);
            let new_due_ms = new_run.target_due_ms(new_compiled, now_ms);
            effects.earlier += u64::from(new_due_ms < due_ms);
            effects.later += u64::from(new_due_ms > due_ms);
            let breached = |done: u16| done & (1 << BREACH) != 0;
            let (was, is) = (breached(run.state.done), breached(new_run.state.done));
            effects.newly_breached += u64::from(is && !was);
            effects.no_longer_breached += u64::from(was && !is);
        }
    }
}

/// Counts the levels that would fire.
struct Levels {
    catch_up: CatchUp,
    count: u64,
    latest: Vec<(Symbol, u16)>,
}

impl Levels {
    fn firing(&self, ticket_clocks: &TicketClocks, versions: &Versions) -> u64 {
        let open = |&&(clock, cycle): &&(Symbol, u16)| {
            ticket_clocks
                .clocks(versions)
                .any(|(compiled, run)| compiled.clock == clock && run.state.open && run.state.cycle == cycle)
        };
        self.count + self.latest.iter().filter(open).count() as u64
    }
}

impl Sink for Levels {
    fn reached(&mut self, reached: Reached) -> bool {
        match self.catch_up {
            CatchUp::All => self.count += 1,
            CatchUp::Latest if self.latest.contains(&(reached.clock, reached.cycle)) => {}
            CatchUp::Latest => self.latest.push((reached.clock, reached.cycle)),
            CatchUp::None => {}
        }
        false
    }

    fn ended(&mut self, _: crate::engine::clocks::Ended, _: &CompiledClock, _: &ClockRun) {}
}
