//! The tables of a snapshot, in order.

use super::clocks::CLOCKS;
use super::columns::Table;
use super::counters::{CLOCK_COUNTERS, COUNTERS};
use super::events::{EVENTS, FIRES};
use super::gone::GONE;
use super::manifest::{Part, ShardEntry};
use super::service_state::ServiceState;
use super::service_tables::{ACKNOWLEDGEMENTS, DAYS, POLICIES, POLICY_FILES, REPLIES};
use super::symbols::SYMBOLS;
use super::tickets::TICKETS;
use crate::engine::ShardState;

/// Where a manifest has a shard's rows of a table.
type PartOf = fn(&mut ShardEntry) -> &mut Part;

/// Tables with a part for each shard.
pub(super) static SHARD_TABLES: [(Table<ShardState>, PartOf); 7] = [
    (TICKETS, |shard| &mut shard.tickets),
    (CLOCKS, |shard| &mut shard.clocks),
    (EVENTS, |shard| &mut shard.events),
    (FIRES, |shard| &mut shard.fires),
    (COUNTERS, |shard| &mut shard.counters),
    (CLOCK_COUNTERS, |shard| &mut shard.clock_counters),
    (GONE, |shard| &mut shard.gone),
];

/// Tables of the service's own state.
pub(super) const SERVICE_TABLES: [Table<ServiceState>; 5] = [POLICIES, POLICY_FILES, REPLIES, DAYS, ACKNOWLEDGEMENTS];

/// The shards' tables in snapshots of a schema version.
pub(super) fn shard_tables(schema_version: u32) -> impl Iterator<Item = &'static (Table<ShardState>, PartOf)> {
    SHARD_TABLES.iter().filter(move |(table, _)| schema_version >= 2 || table.name != GONE.name)
}

/// Names of all tables in snapshots of a schema version.
pub(super) fn names(schema_version: u32) -> impl Iterator<Item = &'static str> {
    let of_shards = shard_tables(schema_version).map(|(table, _)| table.name);
    of_shards.chain([SYMBOLS.name]).chain(SERVICE_TABLES.iter().map(|table| table.name))
}
