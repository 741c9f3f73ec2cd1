//! Edits of the policy: every ticket of an edited priority moves to the new version, for good or on trial.

use super::change::Ignore;
use super::clock_state::BREACH;
use super::fold::{Fold, Reached, Sink};
use super::live::{Live, Trace};
use super::outcome::Passed;
use super::shard::{Scene, Shard, tell};
use super::symbols::Symbol;
use super::versions::{Apply, VersionId, Versions};
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
    pub(super) fn add(&mut self, other: &Effects) {
        self.tickets += other.tickets;
        self.earlier += other.earlier;
        self.later += other.later;
        self.newly_breached += other.newly_breached;
        self.no_longer_breached += other.no_longer_breached;
        self.levels_firing += other.levels_firing;
    }
}

/// Effects by number of a word.
pub(super) type EffectsBy = BTreeMap<Symbol, Effects>;

/// What an edit would do, by priority and team (`None`: tickets without one).
#[derive(Debug, Default)]
pub(super) struct Effected {
    pub by_priority: EffectsBy,
    pub by_team: EffectsBy,
}

/// An edit as shards see it: `before` without the new versions, `after` with them.
#[derive(Clone, Copy)]
pub(super) struct Edit<'a> {
    pub before: &'a Versions,
    pub after: &'a Versions,
    pub apply: Apply,
}

impl Edit<'_> {
    /// Whether a version has a successor that the edit brought.
    fn touches(&self, version: VersionId) -> bool {
        let priority = self.before.get(version).priority;
        self.after.chain(priority).len() > self.before.chain(priority).len()
    }

    /// Whether both versions of a priority know the same clocks, so that a ticket's history is not asked for new ones.
    fn same_clocks(&self, version: VersionId) -> bool {
        let old = self.before.get(version);
        let new = self.after.newest(old.priority);
        new.is_some_and(|new| {
            old.meters.len() == new.meters.len()
                && old.meters.iter().all(|meter| new.meters.iter().any(|other| other.clock == meter.clock))
        })
    }
}

impl Shard {
    /// Moves the tickets that the edit reaches to their new versions.
    pub(super) fn edit(&mut self, scene: &Scene<'_>, edit: &Edit<'_>) {
        for slot in 0..self.tickets.records.len() {
            let record = self.tickets.records[slot];
            self.tickets.prefetch_clocks((slot + 8).min(self.tickets.records.len() - 1));
            if !record.is_live() || !edit.touches(record.version()) {
                continue;
            }
            if self.is_ahead(slot, scene.now_ms) {
                self.retell_edited(scene, edit, slot);
            } else if edit.apply != Apply::NewTickets {
                self.edit_ticket(scene, edit, slot);
            }
        }
    }

    /// Whether a ticket has told of times at or after the edit: then the edit comes late for it.
    fn is_ahead(&self, slot: u32, now_ms: i64) -> bool {
        self.tickets.records[slot].opened_ms() >= now_ms || self.tickets.has_events_after(slot, now_ms)
    }

    fn retell_edited(&mut self, scene: &Scene<'_>, edit: &Edit<'_>, slot: u32) {
        let priority = edit.before.get(self.tickets.records[slot].version()).priority;
        let entries = self.tickets.entries(slot, priority);
        let mut old = Trace::default();
        tell(edit.before, &entries, scene.now_ms, &mut old);
        self.retell(scene, slot, edit.after, &old, &entries);
    }

    /// A ticket before the edit, and all that it takes to change it.
    fn before_edit(&mut self, scene: &Scene<'_>, edit: &Edit<'_>, slot: u32) -> Fold {
        let version = self.tickets.records[slot].version();
        if edit.same_clocks(version) {
            return self.fold_of(edit.before, slot, scene.now_ms);
        }
        let entries = self.tickets.entries(slot, edit.before.get(version).priority);
        self.rebuild(edit.before, slot, &entries, scene.now_ms)
    }

    fn edit_ticket(&mut self, scene: &Scene<'_>, edit: &Edit<'_>, slot: u32) {
        let mut fold = self.before_edit(scene, edit, slot);
        let version = fold.version;
        let entries = if edit.same_clocks(version) {
            Vec::new()
        } else {
            self.tickets.entries(slot, edit.before.get(version).priority)
        };
        let counted = (self.place(edit.before, slot), fold.clone());
        let mut told = std::mem::take(&mut self.told);
        let mut counters = std::mem::take(&mut self.counters);
        let ticket = self.ticket_ref(slot);
        let now_ms = scene.now_ms;
        let mut live = Live::new(&mut told, &mut counters, ticket, version, scene.passed, now_ms, now_ms);
        live.revision = self.tickets.history(slot).map_or(0, |history| history.revision);
        fold.edits_until(edit.after, now_ms + 1, &entries, &mut live);
        live.version = fold.version;
        fold.settle(edit.after, now_ms + 1, &mut live);
        live.choose(edit.after, &mut fold);
        let next_ms = fold.settle(edit.after, now_ms + 1, &mut live);
        self.told = told;
        self.counters = counters;
        self.keep_past_fires(edit.after, slot, &fold);
        self.store(edit.after, slot, &fold, Some((counted.0, &counted.1)), next_ms);
    }

    /// What the edit would do to the shard's open tickets.
    pub(super) fn preview(&mut self, scene: &Scene<'_>, edit: &Edit<'_>, effected: &mut Effected) {
        for slot in 0..self.tickets.records.len() {
            let record = self.tickets.records[slot];
            if !record.is_live() || record.state().is_done() || !edit.touches(record.version()) {
                continue;
            }
            let mut effects = Effects { tickets: 1, ..Effects::default() };
            if edit.apply != Apply::NewTickets || self.is_ahead(slot, scene.now_ms) {
                self.preview_ticket(scene, edit, slot, &mut effects);
            }
            let priority = edit.before.get(record.version()).priority;
            effected.by_priority.entry(priority).or_default().add(&effects);
            effected.by_team.entry(record.team()).or_default().add(&effects);
        }
    }

    fn preview_ticket(&mut self, scene: &Scene<'_>, edit: &Edit<'_>, slot: u32, effects: &mut Effects) {
        let now_ms = scene.now_ms;
        let before = self.before_edit(scene, edit, slot);
        let mut levels = Levels { passed: scene.passed, count: 0, latest: Vec::new() };
        let after = if self.is_ahead(slot, now_ms) {
            let entries = self.tickets.entries(slot, edit.before.get(before.version).priority);
            tell(edit.after, &entries, now_ms, &mut Ignore)
        } else {
            let entries = if edit.same_clocks(before.version) {
                Vec::new()
            } else {
                self.tickets.entries(slot, edit.before.get(before.version).priority)
            };
            let mut after = before.clone();
            after.edits_until(edit.after, now_ms + 1, &entries, &mut levels);
            after.settle(edit.after, now_ms + 1, &mut levels);
            after
        };
        effects.levels_firing += levels.firing(&after, edit.after);
        for (meter, run) in before.clocks(edit.before).filter(|(_, run)| run.state.open) {
            let same = after.clocks(edit.after).find(|(other, _)| other.clock == meter.clock);
            let Some((new_meter, new_run)) = same.filter(|(_, run)| run.state.open) else { continue };
            let due_ms = run.target_due_ms(meter, now_ms);
            let new_due_ms = new_run.target_due_ms(new_meter, now_ms);
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
    passed: Passed,
    count: u64,
    latest: Vec<(Symbol, u16)>,
}

impl Levels {
    fn firing(&self, fold: &Fold, versions: &Versions) -> u64 {
        let open = |&&(clock, cycle): &&(Symbol, u16)| {
            fold.clocks(versions).any(|(meter, run)| meter.clock == clock && run.state.open && run.state.cycle == cycle)
        };
        self.count + self.latest.iter().filter(open).count() as u64
    }
}

impl Sink for Levels {
    fn reached(&mut self, reached: Reached) -> bool {
        match self.passed {
            Passed::All => self.count += 1,
            Passed::Latest if self.latest.contains(&(reached.clock, reached.cycle)) => {}
            Passed::Latest => self.latest.push((reached.clock, reached.cycle)),
            Passed::None => {}
        }
        false
    }

    fn ended(&mut self, _: super::fold::Ended) {}
}
