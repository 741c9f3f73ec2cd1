//! The engine itself: words, versions and shards put together.

use super::counters::Counters;
use super::edit::{Edit, Effected, Effects};
use super::live::Told;
use super::outcome::{CycleRecord, Escalation, Outcome, Passed, Refused, TicketRef};
use super::shard::{Scene, Shard};
use super::symbols::{NO_SYMBOL, Symbol, Symbols};
use super::versions::{Apply, Versions};
use super::words::{Resolved, Words};
use crate::limits::{MAX_PRIORITIES, MAX_SHARDS, MAX_VERSIONS};
use crate::policy::{Actions, Policy};
use crate::ticket::{Batch, State};
use crate::time::SECOND_MS;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// Fewer timers than this are walked by one thread: handing work to others costs 6 to 10 us (`benches/engine.rs`).
const PARALLEL_FROM: usize = 10_000;

/// Why an edit was refused; nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EditError {
    #[error("priority {name:?} cannot be removed: {tickets} tickets have it")]
    InUse { name: String, tickets: u64 },
    #[error("{versions} versions of {MAX_PRIORITIES} priorities at most: an engine keeps {MAX_VERSIONS}")]
    TooMany { versions: usize },
}

/// What an edit would do to the open tickets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    pub all: Effects,
    pub by_priority: BTreeMap<String, Effects>,
    /// Tickets without a team stand under the empty name.
    pub by_team: BTreeMap<String, Effects>,
}

/// What is known of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketView<'a> {
    pub id: &'a str,
    pub opened_ms: i64,
    pub state: State,
    pub priority: &'a str,
    pub owner: Option<&'a str>,
    pub team: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub category: Option<&'a str>,
    pub customer: Option<&'a str>,
    /// The second by which the next level or mark is looked at; `None` when nothing is to come.
    pub next_due_s: Option<u32>,
}

/// Watches tickets; see the [module](super).
#[derive(Debug)]
pub struct Engine {
    policy: Arc<Policy>,
    versions: Versions,
    clocks: Symbols,
    words: Words,
    shards: Vec<Shard>,
    now_ms: i64,
    /// Rows taken so far; a ticket's place in the order of first sight is the row that brought it.
    rows: u64,
}

impl Engine {
    /// An engine under a policy, at 1970, with this many shards (1 to [`MAX_SHARDS`], what lies outside is moved there).
    pub fn new(policy: Arc<Policy>, shards: usize) -> Self {
        let mut engine = Self {
            versions: Versions::default(),
            clocks: Symbols::default(),
            words: Words::default(),
            shards: (0..shards.clamp(1, MAX_SHARDS) as u16).map(Shard::new).collect(),
            now_ms: 0,
            rows: 0,
            policy: Arc::clone(&policy),
        };
        // A policy alone never has too many priorities: its own bound is that of the engine.
        let _ = engine.versions.install(
            &policy,
            &mut engine.words.priorities,
            &mut engine.clocks,
            i64::MIN,
            Apply::FromStart,
        );
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

    /// Takes a batch of events at the engine's time. Rows that cannot be taken are refused one by one.
    ///
    /// Events may lie ahead of the engine's time: their ticket is then settled up to them.
    pub fn apply(&mut self, batch: &Batch, passed: Passed) -> Outcome {
        self.reap();
        let first_row = self.rows;
        self.rows += batch.len() as u64;
        let resolved = Resolved::new(batch, &mut self.words, &self.versions, &self.policy);
        let parts = resolved.split(self.shards.len());
        let policy = &self.policy;
        let scene = Scene { versions: &self.versions, now_ms: self.now_ms, passed };
        let each = |(shard, part): (&mut Shard, &Vec<u32>)| resolved.apply(shard, part, &scene, policy, first_row);
        let refused: Vec<Vec<Refused>> = if batch.len() < PARALLEL_FROM / 10 {
            self.shards.iter_mut().zip(&parts).map(each).collect()
        } else {
            self.shards.par_iter_mut().zip(&parts).map(each).collect()
        };
        let mut outcome = self.collect();
        outcome.refused = refused.into_iter().flatten().collect();
        outcome.refused.extend(resolved.into_refused());
        outcome.sort();
        outcome
    }

    /// Lets time pass: everything due up to `now_ms` (cut to a whole second) fires. Time never runs backwards: an earlier
    /// time changes nothing.
    pub fn advance(&mut self, now_ms: i64) -> Outcome {
        self.pass_time(now_ms, i64::MIN, Passed::All)
    }

    /// Lets time pass in one step after nobody watched: what fell due meanwhile is passed, and fires by choice.
    pub fn catch_up(&mut self, now_ms: i64, passed: Passed) -> Outcome {
        self.pass_time(now_ms, i64::MAX, passed)
    }

    fn pass_time(&mut self, now_ms: i64, passed_until_ms: i64, passed: Passed) -> Outcome {
        self.reap();
        let now_ms = now_ms.min(crate::time::HORIZON_MS) / SECOND_MS * SECOND_MS;
        if now_ms <= self.now_ms {
            return Outcome::default();
        }
        self.now_ms = now_ms;
        let until_s = (now_ms / SECOND_MS) as u32;
        let scene = Scene { versions: &self.versions, now_ms, passed };
        let entries: usize = self.shards.iter().map(|shard| shard.wheel.entries_until(until_s)).sum();
        if entries < PARALLEL_FROM {
            self.shards.iter_mut().for_each(|shard| shard.advance(&scene, now_ms, passed_until_ms));
        } else {
            self.shards.par_iter_mut().for_each(|shard| shard.advance(&scene, now_ms, passed_until_ms));
        }
        let mut outcome = self.collect();
        outcome.sort();
        outcome
    }

    /// Brings another policy into force at the engine's time. Priorities that differ get a new version; what becomes of
    /// their tickets is for `apply` to say, which of the levels passed by it fire, for `passed`.
    ///
    /// # Errors
    /// When a priority would go that tickets still have, or when there would be too many versions.
    pub fn edit(&mut self, policy: Arc<Policy>, apply: Apply, passed: Passed) -> Result<Outcome, EditError> {
        self.reap();
        let mut edited = self.edited(&policy, apply)?;
        let before = std::mem::take(&mut self.versions);
        let edit = Edit::new(&before, &edited.versions, apply);
        let scene = Scene { versions: &edited.versions, now_ms: self.now_ms, passed };
        self.shards.par_iter_mut().for_each(|shard| shard.edit(&scene, &edit));
        self.versions = std::mem::take(&mut edited.versions);
        self.words.priorities = edited.priorities;
        self.clocks = edited.clocks;
        self.policy = policy;
        let mut outcome = self.collect();
        outcome.sort();
        Ok(outcome)
    }

    /// What [`Engine::edit`] would do, counted over every open ticket; nothing changes.
    ///
    /// # Errors
    /// Those of [`Engine::edit`].
    pub fn preview(&mut self, policy: &Arc<Policy>, apply: Apply, passed: Passed) -> Result<Preview, EditError> {
        let edited = self.edited(policy, apply)?;
        let edit = Edit::new(&self.versions, &edited.versions, apply);
        let scene = Scene { versions: &edited.versions, now_ms: self.now_ms, passed };
        let parts: Vec<Effected> = self
            .shards
            .par_iter_mut()
            .map(|shard| {
                let mut effected = Effected::default();
                shard.preview(&scene, &edit, &mut effected);
                effected
            })
            .collect();
        let mut preview = Preview::default();
        for part in parts {
            for (priority, effects) in part.by_priority {
                preview.all.add(&effects);
                let name = self.words.priorities.word(priority).unwrap_or("");
                preview.by_priority.entry(name.to_owned()).or_default().add(&effects);
            }
            for (team, effects) in part.by_team {
                let name = self.words.teams.word(team).unwrap_or("");
                preview.by_team.entry(name.to_owned()).or_default().add(&effects);
            }
        }
        Ok(preview)
    }

    fn edited(&self, policy: &Arc<Policy>, apply: Apply) -> Result<Edited, EditError> {
        let counters = self.counters();
        for (priority, tally) in counters.by_priority.iter().enumerate() {
            let tickets = tally.open.wrapping_add(tally.done);
            let name = self.words.priorities.word(priority as Symbol).unwrap_or("");
            if tickets > 0 && policy.priority_id(name).is_none() {
                return Err(EditError::InUse { name: name.to_owned(), tickets });
            }
        }
        let mut edited = Edited {
            versions: self.versions.clone(),
            priorities: self.words.priorities.clone(),
            clocks: self.clocks.clone(),
        };
        edited
            .versions
            .install(policy, &mut edited.priorities, &mut edited.clocks, self.now_ms, apply)
            .map_err(|versions| EditError::TooMany { versions })?;
        Ok(edited)
    }

    /// Cycles that are open at the engine's time, by ticket and clock.
    pub fn open_cycles(&mut self) -> Vec<CycleRecord> {
        let (versions, now_ms) = (&self.versions, self.now_ms);
        let mut cycles: Vec<CycleRecord> = self
            .shards
            .par_iter_mut()
            .flat_map_iter(|shard| {
                let slots: Vec<u32> = shard.tickets.live().collect();
                let mut cycles = Vec::new();
                for slot in slots {
                    shard.open_cycles(versions, slot, now_ms, &mut cycles);
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

    /// Looks a ticket up by its id.
    pub fn find(&self, id: &str) -> Option<TicketRef> {
        let hash = super::hash_id(id.as_bytes());
        let shard = &self.shards[super::shard_of(hash, self.shards.len())];
        let slot = shard.tickets.find(hash, id)?;
        Some(shard.ticket_ref(slot))
    }

    /// A ticket's id in the source system.
    pub fn ticket_id(&self, ticket: TicketRef) -> &str {
        self.shards[usize::from(ticket.shard)].tickets.id(ticket.slot)
    }

    /// What is known of a ticket. Of one that has just left, `priority` is empty.
    pub fn ticket(&self, ticket: TicketRef) -> TicketView<'_> {
        let shard = &self.shards[usize::from(ticket.shard)];
        let record = &shard.tickets.records[ticket.slot];
        let priority = record.is_live().then(|| self.versions.get(record.version()).priority);
        let due_s = shard.wheel.due(ticket.slot);
        TicketView {
            id: shard.tickets.id(ticket.slot),
            opened_ms: record.opened_ms(),
            state: record.state(),
            priority: priority.and_then(|priority| self.words.priorities.word(priority)).unwrap_or(""),
            owner: self.words.owners.word(record.owner),
            team: self.words.teams.word(record.team()),
            channel: self.words.channels.word(record.channel()),
            category: self.words.categories.word(record.category()),
            customer: self.words.customers.word(record.customer),
            next_due_s: (due_s != 0).then_some(due_s),
        }
    }

    /// Numbers of a ticket's words, for writers of columns: priority, team, channel, category; `None` where it has none.
    pub fn ticket_symbols(&self, ticket: TicketRef) -> [Option<Symbol>; 4] {
        let record = &self.shards[usize::from(ticket.shard)].tickets.records[ticket.slot];
        let priority = if record.is_live() { self.versions.get(record.version()).priority } else { NO_SYMBOL };
        [priority, record.team(), record.channel(), record.category()]
            .map(|symbol| (symbol != NO_SYMBOL).then_some(symbol))
    }

    /// The name of a clock by its number.
    pub fn clock_name(&self, clock: Symbol) -> &str {
        self.clocks.word(clock).unwrap_or("")
    }

    /// The name of a priority by its number, as [`Counters::by_priority`] is indexed.
    pub fn priority_name(&self, priority: Symbol) -> &str {
        self.words.priorities.word(priority).unwrap_or("")
    }

    /// The name of a team by its number, as [`Counters::by_team`] is indexed.
    pub fn team_name(&self, team: Symbol) -> &str {
        self.words.teams.word(team).unwrap_or("")
    }

    /// The name of a channel by its number, as [`Counters::by_channel`] is indexed.
    pub fn channel_name(&self, channel: Symbol) -> &str {
        self.words.channels.word(channel).unwrap_or("")
    }

    /// The name of a category by its number, as [`Counters::by_category`] is indexed.
    pub fn category_name(&self, category: Symbol) -> &str {
        self.words.categories.word(category).unwrap_or("")
    }

    /// The number of the priority under which a level fired.
    pub fn escalation_priority(&self, escalation: &Escalation) -> Symbol {
        self.versions.get(escalation.version).priority
    }

    /// The number of the priority under which a cycle ended or runs.
    pub fn cycle_priority(&self, cycle: &CycleRecord) -> Symbol {
        self.versions.get(cycle.version).priority
    }

    /// What a fired level asks for; `None` for escalations by hand.
    pub fn actions(&self, escalation: &Escalation) -> Option<&Actions> {
        let version = self.versions.get(escalation.version);
        let meter = version.meters.iter().find(|meter| meter.clock == escalation.clock)?;
        let level = meter.definition().levels.get(usize::from(escalation.level).checked_sub(1)?)?;
        Some(&level.actions)
    }

    /// Timers that are armed: tickets with something to come.
    pub fn armed(&self) -> usize {
        self.shards.iter().map(|shard| shard.wheel.armed()).sum()
    }

    /// Timers due in each of `hours` hours (UTC), from the hour of `from_ms` on: how many tickets have something to come then.
    pub fn due_by_hour(&self, from_ms: i64, hours: usize) -> Vec<u64> {
        let mut sums = vec![0; hours];
        let from_s = (from_ms.clamp(0, crate::time::HORIZON_MS) / SECOND_MS) as u32;
        self.shards.iter().for_each(|shard| shard.due_histogram.add_to(from_s, &mut sums));
        sums
    }

    /// A number that is equal for engines that hold the same tickets in the same state, whatever their shards.
    pub fn state_hash(&self) -> u64 {
        self.shards
            .par_iter()
            .map(|shard| super::digest::shard_digest(shard, &self.versions, &self.words, &self.clocks))
            .reduce(|| 0, u64::wrapping_add)
    }

    fn reap(&mut self) {
        self.shards.iter_mut().for_each(|shard| shard.tickets.reap());
    }

    /// Takes what the shards have told.
    fn collect(&mut self) -> Outcome {
        let told = |shard: &mut Shard| {
            shard.told.escalations.sort_by_key(Escalation::order);
            shard.told.cycles.sort_by_key(CycleRecord::order);
        };
        let records: usize =
            self.shards.iter().map(|shard| shard.told.escalations.len() + shard.told.cycles.len()).sum();
        if records < PARALLEL_FROM {
            self.shards.iter_mut().for_each(told);
        } else {
            self.shards.par_iter_mut().for_each(told);
        }
        let mut outcome = Outcome::default();
        outcome.escalations.reserve(self.shards.iter().map(|shard| shard.told.escalations.len()).sum());
        for shard in &mut self.shards {
            let Told { escalations, cycles, .. } = &mut shard.told;
            outcome.escalations.append(escalations);
            outcome.cycles.append(cycles);
        }
        outcome
    }
}

/// What an edit would bring into force.
struct Edited {
    versions: Versions,
    priorities: Symbols,
    clocks: Symbols,
}
