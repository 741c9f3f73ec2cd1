//! The engine itself: labels, versions and shards together.

use super::clocks::TicketClocks;
use super::clocks::versions::{Apply, TooMany, Versions};
use super::interner::{Symbol, Symbols};
use super::output::{CatchUp, CycleRecord, Escalation, Outcome, RejectedRow};
use super::resolve::{Interners, ResolvedBatch};
use super::shard::policy_edit::Edit;
use super::shard::totals::{ClockTally, Counters, merge_clocks};
use super::shard::{Context, Shard};
use crate::limits::{MAX_PRIORITIES, MAX_SHARDS, MAX_VERSIONS};
use crate::policy::Policy;
use crate::ticket::{Batch, TicketLabel};
use crate::time::SECOND_MS;
use rayon::prelude::*;
use std::sync::Arc;
use thiserror::Error;

/// Fewer timers than this are processed on one thread: handing work to other threads costs 6 to 10 us (`benches/engine.rs`).
const PARALLEL_FROM: usize = 10_000;

/// Why an edit was rejected; it changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    #[error("priority {name:?} cannot be removed: {tickets} tickets have it")]
    InUse { name: String, tickets: u64 },
    #[error(
        "the policy cannot be edited any more: there would be {versions} versions of priorities, {priorities} priorities among \
         all versions; at most {MAX_VERSIONS} and {MAX_PRIORITIES}. To go on, start with the newest policy in a new data folder \
         and load the open tickets there"
    )]
    TooMany { versions: usize, priorities: usize },
    #[error("another edit came into force meanwhile")]
    Superseded,
    #[error("the policy cannot be edited while {shards} shards are held")]
    Held { shards: usize },
}

/// Watches tickets; see the [module](super).
#[derive(Debug)]
pub struct Engine {
    pub(crate) policy: Arc<Policy>,
    pub(crate) versions: Versions,
    pub(crate) clocks: Symbols,
    pub(crate) labels: Interners,
    pub(crate) shards: Vec<Shard>,
    pub(crate) now_ms: i64,
    /// Rows accepted so far; a ticket's place in the order of first sight is the row that introduced it.
    pub(crate) rows: u64,
    /// Shards that are skipped, by number; empty: none.
    pub(crate) held: Vec<bool>,
    /// The shards of the last batch: only they may have tickets that have left.
    pub(crate) touched: Vec<u16>,
}

impl Engine {
    /// An engine under a policy, at 1970, with this many shards (1 to [`MAX_SHARDS`]; other values are clamped).
    pub fn new(policy: Arc<Policy>, shards: usize) -> Self {
        let mut engine = Self {
            versions: Versions::default(),
            clocks: Symbols::default(),
            labels: Interners::default(),
            shards: (0..shards.clamp(1, MAX_SHARDS) as u16).map(Shard::new).collect(),
            now_ms: 0,
            rows: 0,
            held: Vec::new(),
            touched: Vec::new(),
            policy: Arc::clone(&policy),
        };
        // One policy never has too many priorities: its own bound is that of the engine.
        let _ = engine.versions.install(
            &policy,
            &mut engine.labels.symbols[TicketLabel::Priority],
            &mut engine.clocks,
            i64::MIN,
            Apply::FromStart,
        );
        engine.labels.by_policy = Interners::by_policy(&policy, &engine.labels.symbols[TicketLabel::Priority]);
        engine
    }

    /// The engine's time: whole seconds, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// The policy in force.
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Tickets in the index.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.tickets.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Applies a batch of events at the engine's time. Invalid rows are rejected one by one.
    ///
    /// Events may lie ahead of the engine's time: their ticket is then settled up to them.
    pub fn apply(&mut self, batch: &Batch, catch_up: CatchUp) -> Outcome {
        self.apply_of("", batch, catch_up)
    }

    /// [`Engine::apply`] for an actor, to whose share the labels count that the batch introduces: of the channels, teams and
    /// categories, one actor may introduce at most a share ([`LABEL_SHARE`](crate::limits::LABEL_SHARE)), so that no actor uses
    /// them up for all. An empty name has no bound of its own.
    pub fn apply_of(&mut self, actor: &str, batch: &Batch, catch_up: CatchUp) -> Outcome {
        self.reap();
        let first_row = self.rows;
        self.rows += batch.len() as u64;
        let resolved = ResolvedBatch::new(batch, &mut self.labels, &self.versions, actor);
        let parts = resolved.split(self.shards.len());
        let (policy, held) = (&self.policy, &self.held);
        let context = Context { versions: &self.versions, now_ms: self.now_ms, catch_up };
        self.touched.clear();
        self.touched.extend(parts.shards().filter(|shard| !is_held(held, *shard)));
        let apply = |shard: &mut Shard| resolved.apply(shard, parts.of(shard.number), &context, policy, first_row);
        let (mut outcome, rejected): (Outcome, Vec<Vec<RejectedRow>>) = if batch.len() < PARALLEL_FROM / 10 {
            // Most batches of a live service have a few rows: visit only their shards.
            let mut rejected = Vec::new();
            let mut outcome = Outcome::default();
            for &number in &self.touched {
                let shard = &mut self.shards[usize::from(number)];
                rejected.push(apply(shard));
                shard.output.drain_into(&mut outcome);
            }
            (outcome, rejected)
        } else {
            let touched = |shard: &&mut Shard| !parts.of(shard.number).is_empty() && !is_held(held, shard.number);
            let rejected = self.shards.par_iter_mut().filter(touched).map(apply).collect();
            (collect(&mut self.shards), rejected)
        };
        outcome.rejected = rejected.into_iter().flatten().collect();
        outcome.rejected.extend(resolved.into_rejected());
        outcome.sort();
        outcome
    }

    /// Advances the time: everything due up to `now_ms` (truncated to a whole second) fires. Time never runs backwards: an
    /// earlier time changes nothing.
    pub fn advance(&mut self, now_ms: i64) -> Outcome {
        self.pass_time(now_ms, i64::MIN, CatchUp::All)
    }

    /// Advances the time in one step after a gap: what fell due meanwhile is already due, and `catch_up` selects what fires.
    pub fn catch_up(&mut self, now_ms: i64, catch_up: CatchUp) -> Outcome {
        self.pass_time(now_ms, i64::MAX, catch_up)
    }

    fn pass_time(&mut self, now_ms: i64, passed_until_ms: i64, catch_up: CatchUp) -> Outcome {
        self.reap();
        let now_ms = now_ms.min(crate::time::HORIZON_MS) / SECOND_MS * SECOND_MS;
        if now_ms <= self.now_ms {
            return Outcome::default();
        }
        self.now_ms = now_ms;
        let until_s = (now_ms / SECOND_MS) as u32;
        let context = Context { versions: &self.versions, now_ms, catch_up };
        let entries: usize = self.shards.iter().map(|shard| shard.wheel.entries_until(until_s)).sum();
        let held = &self.held;
        let each = |shard: &mut Shard| {
            if !is_held(held, shard.number) {
                shard.advance(&context, now_ms, passed_until_ms);
            }
        };
        if entries < PARALLEL_FROM {
            self.shards.iter_mut().for_each(each);
        } else {
            self.shards.par_iter_mut().for_each(each);
        }
        let mut outcome = collect(&mut self.shards);
        outcome.sort();
        outcome
    }

    /// Skips shards until the next call, by number: those for which `ahead` is true already contain the commands that are to be
    /// applied next, because they were exported later than the others. Time advances without them, and rows of their tickets
    /// are counted and their labels kept, but not applied. An empty slice releases all shards.
    ///
    /// The policy cannot be edited meanwhile.
    pub fn hold(&mut self, ahead: &[bool]) {
        self.held = if ahead.contains(&true) { ahead.to_vec() } else { Vec::new() };
    }

    /// Brings another policy into force at the engine's time. Priorities that differ get a new version; `apply` selects the
    /// tickets that change to it, `catch_up` the levels that fire of those already due as a result.
    ///
    /// # Errors
    /// If the edit would remove a priority that tickets still have, if there would be too many versions, or while shards are
    /// [held](Engine::hold).
    pub fn edit(&mut self, policy: Arc<Policy>, apply: Apply, catch_up: CatchUp) -> Result<Outcome, EditError> {
        let shards = self.held.iter().filter(|held| **held).count();
        if shards > 0 {
            return Err(EditError::Held { shards });
        }
        self.reap();
        let mut edited = self.edited(&policy, apply)?;
        let before = std::mem::take(&mut self.versions);
        let edit = Edit::new(&before, &edited.versions, apply);
        let context = Context { versions: &edited.versions, now_ms: self.now_ms, catch_up };
        self.shards.par_iter_mut().for_each(|shard| shard.edit(&context, &edit));
        self.versions = std::mem::take(&mut edited.versions);
        self.labels.symbols[TicketLabel::Priority] = edited.priorities;
        self.clocks = edited.clocks;
        self.labels.by_policy = Interners::by_policy(&edited.policy, &self.labels.symbols[TicketLabel::Priority]);
        self.policy = edited.policy;
        self.drop_unused_timelines();
        let mut outcome = collect(&mut self.shards);
        outcome.sort();
        Ok(outcome)
    }

    pub(crate) fn edited(&self, policy: &Arc<Policy>, apply: Apply) -> Result<PendingEdit, EditError> {
        for (priority, tickets) in self.tickets_by_priority().into_iter().enumerate() {
            let name = self.labels.symbols[TicketLabel::Priority].label(priority as Symbol).unwrap_or("");
            if tickets > 0 && policy.priority_id(name).is_none() {
                return Err(EditError::InUse { name: name.to_owned(), tickets });
            }
        }
        let mut edited = PendingEdit {
            policy: Arc::new(self.versions.share(policy, &self.labels.symbols[TicketLabel::Priority])),
            versions: self.versions.clone(),
            priorities: self.labels.symbols[TicketLabel::Priority].clone(),
            clocks: self.clocks.clone(),
        };
        edited
            .versions
            .install(&edited.policy, &mut edited.priorities, &mut edited.clocks, self.now_ms, apply)
            .map_err(|TooMany { versions, priorities }| EditError::TooMany { versions, priorities })?;
        Ok(edited)
    }

    /// Cycles that are open at the engine's time, by ticket and clock.
    pub fn open_cycles(&mut self) -> Vec<CycleRecord> {
        let (versions, now_ms) = (&self.versions, self.now_ms);
        let mut cycles: Vec<CycleRecord> = self
            .shards
            .par_iter()
            .flat_map_iter(|shard| {
                let slots: Vec<u32> = shard.tickets.live().collect();
                let (mut ticket_clocks, mut cycles) = (TicketClocks::default(), Vec::new());
                for slot in slots {
                    shard.open_cycles(versions, slot, now_ms, &mut ticket_clocks, &mut cycles);
                }
                cycles
            })
            .collect();
        cycles.sort_by_key(|cycle| (cycle.ticket.ordinal, cycle.clock, cycle.cycle));
        cycles
    }

    /// The totals, as of the last command.
    pub fn counters(&self) -> Counters {
        let mut counters = Counters::default();
        self.shards.iter().for_each(|shard| counters.merge(&shard.counters));
        counters
    }

    /// The totals of clocks alone: they are read after each group, so their cost must not depend on the number of teams.
    pub fn clock_totals(&self) -> Vec<ClockTally> {
        let mut totals = Vec::new();
        self.shards.iter().for_each(|shard| merge_clocks(&mut totals, &shard.counters.by_clock));
        totals
    }

    /// The tickets of each priority, open and done.
    pub(crate) fn tickets_by_priority(&self) -> Vec<u64> {
        let mut tickets: Vec<u64> = vec![0; self.labels.symbols[TicketLabel::Priority].len()];
        for shard in &self.shards {
            for (sum, tally) in tickets.iter_mut().zip(&shard.counters.by_label[TicketLabel::Priority]) {
                *sum = sum.wrapping_add(tally.open).wrapping_add(tally.done);
            }
        }
        tickets
    }

    /// Armed timers: tickets with a pending level or mark.
    pub fn armed(&self) -> usize {
        self.shards.iter().map(|shard| shard.wheel.armed()).sum()
    }

    pub(crate) fn reap(&mut self) {
        for &number in &self.touched {
            self.shards[usize::from(number)].tickets.reap();
        }
        self.touched.clear();
    }
}

/// Collects the output of the shards.
pub(crate) fn collect(shards: &mut [Shard]) -> Outcome {
    let output = |shard: &mut Shard| {
        shard.output.escalations.sort_by_key(Escalation::order);
        shard.output.cycles.sort_by_key(CycleRecord::order);
    };
    let records: usize = shards.iter().map(|shard| shard.output.escalations.len() + shard.output.cycles.len()).sum();
    if records < PARALLEL_FROM {
        shards.iter_mut().for_each(output);
    } else {
        shards.par_iter_mut().for_each(output);
    }
    let mut outcome = Outcome::default();
    outcome.escalations.reserve(shards.iter().map(|shard| shard.output.escalations.len()).sum());
    shards.iter_mut().for_each(|shard| shard.output.drain_into(&mut outcome));
    outcome
}

pub(crate) fn is_held(held: &[bool], shard: u16) -> bool {
    held.get(usize::from(shard)).is_some_and(|held| *held)
}

/// What an edit would bring into force.
#[derive(Debug)]
pub(crate) struct PendingEdit {
    policy: Arc<Policy>,
    pub versions: Versions,
    priorities: Symbols,
    clocks: Symbols,
}
