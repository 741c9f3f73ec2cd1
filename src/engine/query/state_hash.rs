//! A hash of a shard's whole state, computed from labels rather than symbols so that engines with other shards, or other orders
//! of first sight, agree.

use crate::engine::clocks::TicketClocks;
use crate::engine::clocks::versions::Versions;
use crate::engine::commands::Engine;
use crate::engine::interner::{NO_SYMBOL, Symbols};
use crate::engine::resolve::Interners;
use crate::engine::shard::Shard;
use crate::ticket::TicketLabel;
use rayon::prelude::*;
use std::hash::{BuildHasher, Hash, Hasher};

impl Engine {
    /// A number that is equal for engines with the same tickets in the same state, whatever their shards.
    pub fn state_hash(&self) -> u64 {
        self.shards
            .par_iter()
            .map(|shard| shard_digest(shard, &self.versions, &self.labels, &self.clocks))
            .reduce(|| 0, u64::wrapping_add)
    }
}

/// The sum of the digests of a shard's tickets.
fn shard_digest(shard: &Shard, versions: &Versions, labels: &Interners, clocks: &Symbols) -> u64 {
    let tickets = shard.tickets.live().map(|slot| ticket_digest(shard, slot, versions, labels, clocks));
    let gone = shard.gone.iter().map(|gone| foldhash::quality::FixedState::default().hash_one(gone));
    tickets.chain(gone).fold(0, u64::wrapping_add)
}

fn ticket_digest(shard: &Shard, slot: u32, versions: &Versions, labels: &Interners, clocks: &Symbols) -> u64 {
    let mut hasher = foldhash::quality::FixedState::default().build_hasher();
    let record = &shard.tickets.records[slot];
    let mut ticket_clocks = TicketClocks::default();
    shard.unpack(versions, slot, &mut ticket_clocks);
    shard.tickets.id(slot).hash(&mut hasher);
    record.opened_ms().hash(&mut hasher);
    record.state().hash(&mut hasher);
    let symbols = &labels.symbols;
    for label in TicketLabel::INTRODUCED {
        symbols[label].label(record.label(versions, label)).hash(&mut hasher);
    }
    for (label, at_ms) in TicketLabel::DESCRIPTIVE.into_iter().zip(shard.tickets.described_ms(slot)) {
        (record.label(versions, label) != NO_SYMBOL).then_some(at_ms).hash(&mut hasher);
    }
    let version = versions.get(ticket_clocks.version);
    symbols[TicketLabel::Priority].label(version.priority).hash(&mut hasher);
    version.since_ms.hash(&mut hasher);
    for (compiled, run) in ticket_clocks.clocks(versions) {
        clocks.label(compiled.clock).hash(&mut hasher);
        let state = &run.state;
        (state.started_ms, state.segment_ms, state.spent_ms, state.cycle).hash(&mut hasher);
        (state.open, state.running, state.held, state.broken, state.done, state.fired).hash(&mut hasher);
    }
    shard.wheel.due(slot).hash(&mut hasher);
    if let Some(history) = shard.tickets.history(slot) {
        for entry in &history.entries {
            (entry.at_ms(), entry.kind(), entry.state(), entry.flags()).hash(&mut hasher);
            entry.priority().and_then(|priority| symbols[TicketLabel::Priority].label(priority)).hash(&mut hasher);
            symbols[TicketLabel::Owner].label(entry.owner).hash(&mut hasher);
            symbols[TicketLabel::Team].label(entry.team).hash(&mut hasher);
        }
        // They are stored in no particular order.
        let fires = history.past_fires.iter().map(|fires| {
            let state = foldhash::quality::FixedState::default();
            state.hash_one((clocks.label(fires.clock), fires.cycle, fires.levels))
        });
        fires.fold(0, u64::wrapping_add).hash(&mut hasher);
    }
    hasher.finish()
}
