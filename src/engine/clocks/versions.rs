//! The versions of every priority, and when each came into force.

use super::deadlines::CompiledClock;
use crate::engine::interner::{Symbol, Symbols};
use crate::limits::{MAX_PRIORITIES, MAX_VERSIONS};
use crate::policy::{OnPriorityChange, Policy, Priority};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// One version of one priority, as an index into [`Versions::all`].
pub(crate) type VersionId = u16;

/// Which tickets an edit of the policy affects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Apply {
    /// Every open cycle is re-measured from its start.
    #[default]
    FromStart,
    /// Time already spent stays; the rest runs under the new version.
    FromNow,
    /// Tickets opened before the edit stay under the version they have.
    NewTickets,
}

impl Apply {
    pub const ALL: [Apply; 3] = [Self::FromStart, Self::FromNow, Self::NewTickets];

    pub fn name(self) -> &'static str {
        match self {
            Self::FromStart => "from_start",
            Self::FromNow => "from_now",
            Self::NewTickets => "new_tickets",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|apply| apply.name() == name)
    }
}

/// A version of a priority, compiled for measuring.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// The priority's name.
    pub priority: Symbol,
    pub definition: Arc<Priority>,
    pub compiled: Vec<CompiledClock>,
    pub on_priority_change: OnPriorityChange,
    /// When it came into force; the first of a priority is always in force.
    pub since_ms: i64,
    pub apply: Apply,
}

/// All versions of all priorities.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions {
    pub all: Vec<Version>,
    /// By priority: its versions, oldest first.
    chains: Vec<Vec<VersionId>>,
    /// Whether the policy in force names the priority.
    in_force: Vec<bool>,
}

/// The totals that an edit would lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    pub versions: usize,
    pub priorities: usize,
}

/// A priority of a policy that differs from the version in force.
pub(crate) struct ChangedPriority {
    pub priority: Symbol,
    pub definition: Arc<Priority>,
}

impl Versions {
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The same with the versions from index `from` on in force since another time.
    pub(crate) fn moved(&self, from: usize, since_ms: i64) -> Self {
        let mut moved = self.clone();
        for version in moved.all.iter_mut().skip(from).filter(|version| version.since_ms != i64::MIN) {
            version.since_ms = since_ms;
        }
        moved
    }

    /// The same with every version in force at this time, at the latest.
    pub(crate) fn not_after(&self, now_ms: i64) -> Self {
        let mut moved = self.clone();
        moved.all.iter_mut().for_each(|version| version.since_ms = version.since_ms.min(now_ms));
        moved
    }

    pub(crate) fn get(&self, version: VersionId) -> &Version {
        &self.all[usize::from(version)]
    }

    /// The versions of every priority, oldest first.
    pub(crate) fn chains(&self) -> &[Vec<VersionId>] {
        &self.chains
    }

    pub(crate) fn chain(&self, priority: Symbol) -> &[VersionId] {
        &self.chains[priority as usize]
    }

    /// Whether rows may name this priority.
    pub(crate) fn is_in_force(&self, priority: Symbol) -> bool {
        self.in_force[priority as usize]
    }

    /// The newest version of a priority.
    pub(crate) fn newest(&self, priority: Symbol) -> Option<&Version> {
        self.chains.get(priority as usize)?.last().map(|&version| self.get(version))
    }

    /// When the newest version of a priority came into force; before all time if it is the first.
    #[inline]
    pub(crate) fn last_edit_ms(&self, priority: Symbol) -> i64 {
        self.newest(priority).map_or(i64::MIN, |version| version.since_ms)
    }

    /// The version under which a ticket opened at this time starts.
    pub(crate) fn at_opening(&self, priority: Symbol, opened_ms: i64) -> VersionId {
        self.latest(priority, |since_ms| since_ms <= opened_ms)
    }

    /// The version that a change to this priority at this time leads to: an edit at the same instant comes after.
    pub(crate) fn at_change(&self, priority: Symbol, at_ms: i64) -> VersionId {
        self.latest(priority, |since_ms| since_ms < at_ms)
    }

    fn latest(&self, priority: Symbol, in_force: impl Fn(i64) -> bool) -> VersionId {
        let chain = self.chain(priority);
        let newest = chain.iter().rev().find(|&&version| in_force(self.get(version).since_ms));
        *newest.unwrap_or(&chain[0])
    }

    /// The first edit of the ticket's priority that moves the ticket on, after the version it has and before `before_ms`.
    pub(crate) fn next_move(&self, priority: Symbol, has: VersionId, before_ms: i64) -> Option<VersionId> {
        self.chain(priority)
            .iter()
            .copied()
            .filter(|&version| version > has)
            .take_while(|&version| self.get(version).since_ms < before_ms)
            .find(|&version| self.get(version).apply != Apply::NewTickets)
    }

    /// Priorities of `policy` that are new or differ from their newest version.
    pub(crate) fn touched(&self, policy: &Policy, names: &Symbols) -> Vec<ChangedPriority> {
        let differs = |priority: &Arc<Priority>| {
            names
                .find(&priority.name)
                .and_then(|symbol| self.newest(symbol))
                .is_none_or(|version| version.definition != *priority)
        };
        policy
            .priorities
            .iter()
            .filter(|priority| differs(priority))
            .map(|priority| ChangedPriority {
                priority: names.find(&priority.name).unwrap_or(Symbol::MAX),
                definition: Arc::clone(priority),
            })
            .collect()
    }

    /// Brings `policy` into force; returns the versions that are new, in the policy's order.
    ///
    /// # Errors
    /// [`TooMany`] versions or priorities; nothing has changed then.
    pub(crate) fn install(
        &mut self,
        policy: &Policy,
        priorities: &mut Symbols,
        clocks: &mut Symbols,
        since_ms: i64,
        apply: Apply,
    ) -> Result<Vec<VersionId>, TooMany> {
        let touched = self.touched(policy, priorities);
        let versions = self.all.len() + touched.len();
        let fresh = touched.iter().filter(|touched| touched.priority == Symbol::MAX).count();
        if versions > MAX_VERSIONS || priorities.len() + fresh > MAX_PRIORITIES {
            return Err(TooMany { versions, priorities: priorities.len() + fresh });
        }
        let mut installed = Vec::with_capacity(touched.len());
        for ChangedPriority { definition, .. } in touched {
            let Some(priority) = priorities.intern(&definition.name, MAX_PRIORITIES) else { continue };
            let compiled = definition
                .clocks
                .iter()
                .filter_map(|clock| {
                    Some(CompiledClock::new(clock, clocks.intern(&clock.name, usize::MAX)?, &definition.calendar))
                })
                .collect();
            if self.chains.len() <= priority as usize {
                self.chains.resize_with(priority as usize + 1, Vec::new);
            }
            let first = self.chains[priority as usize].is_empty();
            let version = self.all.len() as VersionId;
            self.all.push(Version {
                priority,
                on_priority_change: definition.on_priority_change,
                definition,
                compiled,
                since_ms: if first { i64::MIN } else { since_ms },
                apply,
            });
            self.chains[priority as usize].push(version);
            installed.push(version);
        }
        self.in_force = (0..self.chains.len())
            .map(|priority| priorities.label(priority as Symbol).is_some_and(|name| policy.priority_id(name).is_some()))
            .collect();
        Ok(installed)
    }
}
