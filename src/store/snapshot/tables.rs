//! The tables of a snapshot, in order.

use super::clocks::CLOCKS;
use super::columns::Table;
use super::counters::{CLOCK_COUNTERS, COUNTERS};
use super::events::{EVENTS, FIRES};
use super::manifest::{Part, ShardEntry};
use super::service_state::ServiceState;
use super::service_tables::{ACKNOWLEDGEMENTS, DAYS, POLICIES, POLICY_FILES, REPLIES};
use super::symbols::SYMBOLS;
use super::tickets::TICKETS;
use crate::engine::ShardState;

/// Where a manifest has a shard's rows of a table.
type PartOf = fn(&mut ShardEntry) -> &mut Part;

/// Tables with a part for each shard.
pub(super) const SHARD_TABLES: [(Table<ShardState>, PartOf); 6] = [
    (TICKETS, |shard| &mut shard.tickets),
    (CLOCKS, |shard| &mut shard.clocks),
    (EVENTS, |shard| &mut shard.events),
    (FIRES, |shard| &mut shard.fires),
    (COUNTERS, |shard| &mut shard.counters),
    (CLOCK_COUNTERS, |shard| &mut shard.clock_counters),
];

/// Tables of the service's own state.
pub(super) const SERVICE_TABLES: [Table<ServiceState>; 5] = [POLICIES, POLICY_FILES, REPLIES, DAYS, ACKNOWLEDGEMENTS];

/// Names of all tables.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let of_shards = SHARD_TABLES.iter().map(|(table, _)| table.name);
    of_shards.chain([SYMBOLS.name]).chain(SERVICE_TABLES.iter().map(|table| table.name))
}
