//! One number for all that a shard holds, made of names rather than numbers so that engines with other shards, or other
//! orders of first sight, agree.

use crate::engine::clocks::TicketClocks;
use crate::engine::clocks::versions::Versions;
use crate::engine::commands::Engine;
use crate::engine::interner::Symbols;
use crate::engine::resolve::Interners;
use crate::engine::shard::Shard;
use rayon::prelude::*;
use std::hash::{BuildHasher, Hash, Hasher};

impl Engine {
    /// A number that is equal for engines that hold the same tickets in the same state, whatever their shards.
    pub fn state_hash(&self) -> u64 {
        self.shards
            .par_iter()
            .map(|shard| shard_digest(shard, &self.versions, &self.words, &self.clocks))
            .reduce(|| 0, u64::wrapping_add)
    }
}

/// The sum of the digests of a shard's tickets.
fn shard_digest(shard: &Shard, versions: &Versions, words: &Interners, clocks: &Symbols) -> u64 {
    shard.tickets.live().fold(0, |sum: u64, slot| sum.wrapping_add(ticket_digest(shard, slot, versions, words, clocks)))
}

fn ticket_digest(shard: &Shard, slot: u32, versions: &Versions, words: &Interners, clocks: &Symbols) -> u64 {
    let mut hasher = foldhash::quality::FixedState::default().build_hasher();
    let record = &shard.tickets.records[slot];
    let mut fold = TicketClocks::default();
    shard.unpack(versions, slot, &mut fold);
    shard.tickets.id(slot).hash(&mut hasher);
    record.opened_ms().hash(&mut hasher);
    record.state().hash(&mut hasher);
    words.owners.word(record.owner).hash(&mut hasher);
    words.teams.word(record.team()).hash(&mut hasher);
    words.channels.word(record.channel()).hash(&mut hasher);
    words.categories.word(record.category()).hash(&mut hasher);
    words.customers.word(record.customer).hash(&mut hasher);
    let version = versions.get(fold.version);
    words.priorities.word(version.priority).hash(&mut hasher);
    version.since_ms.hash(&mut hasher);
    for (meter, run) in fold.clocks(versions) {
        clocks.word(meter.clock).hash(&mut hasher);
        let state = &run.state;
        (state.started_ms, state.segment_ms, state.spent_ms, state.cycle).hash(&mut hasher);
        (state.open, state.running, state.held, state.broken, state.done, state.fired).hash(&mut hasher);
    }
    shard.wheel.due(slot).hash(&mut hasher);
    if let Some(history) = shard.tickets.history(slot) {
        for entry in &history.entries {
            (entry.at_ms(), entry.kind(), entry.state()).hash(&mut hasher);
            entry.priority().and_then(|priority| words.priorities.word(priority)).hash(&mut hasher);
            words.owners.word(entry.owner).hash(&mut hasher);
            words.teams.word(entry.team).hash(&mut hasher);
        }
        // In whatever order they were put aside.
        let fires = history.past_fires.iter().map(|fires| {
            let state = foldhash::quality::FixedState::default();
            state.hash_one((clocks.word(fires.clock), fires.cycle, fires.levels))
        });
        fires.fold(0, u64::wrapping_add).hash(&mut hasher);
    }
    hasher.finish()
}
