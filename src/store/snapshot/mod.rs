//! Snapshots: the engine and the service as Parquet tables, with a manifest that lists what belongs together.
//!
//! ```text
//! DATA/snapshots/00000000000000004711/manifest.json     positions of the shards, lengths and checksums of all files
//!                                     tickets.parquet   a row per ticket
//!                                     clocks.parquet    a row per clock of a ticket, with its segments and its due time
//!                                     events.parquet    a row per event of a ticket's history
//!                                     fires.parquet     a row per ended cycle in which levels fired
//!                                     gone.parquet      a row per ticket that has left
//!                                     counters.parquet, clock_counters.parquet   totals of the shards
//!                                     words.parquet     the engine's labels and their symbols
//!                                     policy_versions.parquet, policy_files.parquet, answers.parquet, days.parquet,
//!                                     acknowledgements.parquet   the service's own state
//! ```
//!
//! A shard's rows are row groups of their own, so that shards are written as they are copied (each has its own position: the
//! last group that it includes) and read by several threads. The tables have labels as text, timestamps with their zone and no
//! blobs: they open in DuckDB or pandas. Labels are mapped back to symbols through `words.parquet`; columns are found by name,
//! their order is irrelevant.
//!
//! Everything is written to `NUMBER.partial`, synced, read again, and then renamed ([`Staged`](crate::atomic_file::Staged)). No
//! Parquet reader sees a byte before the lengths and checksums of the manifest are verified: such readers may panic or take any
//! amount of memory on damaged files.

mod clocks;
mod columns;
mod counters;
mod error;
mod events;
mod folder;
mod gone;
mod manifest;
mod reader;
mod service_state;
mod service_tables;
mod symbols;
mod tables;
mod tickets;
mod writer;

#[cfg(test)]
mod tests;

pub use error::{Damage, SnapshotError};
pub use folder::{Found, list, prune, set_aside};
pub(crate) use manifest::hexadecimal;
pub use manifest::{FileEntry, MANIFEST, Manifest, Part, SCHEMA_VERSION, ShardEntry};
pub use reader::{Snapshot, open};
pub use service_state::{Acknowledgement, DayRow, PolicyVersion, ServiceState, StoredReply};
pub use writer::{Finish, SnapshotWriter, StartHead};
