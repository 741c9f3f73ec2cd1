//! Bounds the memory of compiled calendars: equal ones exist once, unused ones not at all.
//!
//! A timeline takes about 1 MiB, and every edit of a calendar makes another. Versions that no ticket has keep only their
//! definition; a late event of a ticket that once was under such a version compiles it again.

use super::clocks::versions::{Version, Versions};
use super::commands::Engine;
use super::interner::Symbols;
use crate::calendar::Calendar;
use crate::policy::{Policy, Priority};
use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;
use std::sync::Arc;

/// Calendars by memory address: equal ones that are not the same have timelines of their own.
type Addresses = HashSet<usize, FixedState>;

fn address(version: &Version) -> usize {
    Arc::as_ptr(&version.definition.calendar).addr()
}

impl Engine {
    /// Drops the timelines of versions that no ticket has and no new ticket gets. Affects only memory.
    pub fn drop_unused_timelines(&mut self) {
        if !self.versions.has_spare_timelines() {
            return;
        }
        let none = || vec![false; self.versions.len()];
        let is_used = self
            .shards
            .par_iter()
            .fold(none, |mut used, shard| {
                shard.tickets.live().for_each(|slot| used[usize::from(shard.tickets.records[slot].version())] = true);
                used
            })
            .reduce(none, |mut used, other| {
                used.iter_mut().zip(other).for_each(|(used, other)| *used |= other);
                used
            });
        self.versions.drop_timelines(&is_used);
    }
}

impl Versions {
    /// The same policy, sharing the calendars and priorities of the policy in force where they are equal.
    pub(crate) fn share(&self, policy: &Policy, names: &Symbols) -> Policy {
        let known: HashMap<&str, &Arc<Calendar>, FixedState> = self
            .newest_of_all()
            .filter(|version| self.is_in_force(version.priority))
            .map(|version| (version.definition.calendar.name.as_str(), &version.definition.calendar))
            .collect();
        let shared = |calendar: &Arc<Calendar>| {
            let known = known.get(calendar.name.as_str()).filter(|known| **known == calendar);
            Arc::clone(known.copied().unwrap_or(calendar))
        };
        let calendars: Vec<_> = policy.calendars.iter().map(shared).collect();
        let priorities = policy.priorities.iter().map(|priority| {
            match names.find(&priority.name).and_then(|symbol| self.newest(symbol)) {
                Some(newest) if newest.definition == *priority => Arc::clone(&newest.definition),
                _ => Arc::new(Priority { calendar: shared(&priority.calendar), ..Priority::clone(priority) }),
            }
        });
        Policy { priorities: priorities.collect(), calendars, ..policy.clone() }
    }

    fn newest_of_all(&self) -> impl Iterator<Item = &Version> {
        self.chains().iter().filter_map(|chain| chain.last()).map(|&version| self.get(version))
    }

    /// Whether a version other than the newest of its priority has a timeline of its own.
    fn has_spare_timelines(&self) -> bool {
        let newest: Addresses = self.newest_of_all().map(address).collect();
        let is_spare = |version: &Version| {
            let calendar = &version.definition.calendar;
            calendar.is_compiled() && !newest.contains(&address(version))
        };
        self.all.iter().any(is_spare)
    }

    /// Drops the timelines of versions that are neither used nor the newest of their priority.
    fn drop_timelines(&mut self, is_used: &[bool]) {
        let used = self.all.iter().zip(is_used).filter(|(_, is_used)| **is_used).map(|(version, _)| version);
        let kept: Addresses = self.newest_of_all().chain(used).map(address).collect();
        let mut dropped: HashMap<usize, Arc<Calendar>, FixedState> = HashMap::default();
        for version in &mut self.all {
            let calendar = &version.definition.calendar;
            if !calendar.is_compiled() || kept.contains(&address(version)) {
                continue;
            }
            let fresh = dropped.entry(address(version)).or_insert_with(|| Arc::new(calendar.uncompiled()));
            let fresh = Arc::clone(fresh);
            version.compiled.iter_mut().for_each(|compiled| compiled.set_calendar(&fresh));
            version.definition = Arc::new(Priority { calendar: fresh, ..Priority::clone(&version.definition) });
        }
    }
}

#[cfg(test)]
mod tests;
