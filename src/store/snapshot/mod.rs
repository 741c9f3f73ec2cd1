//! Snapshots: the engine and the service as Parquet tables, with a manifest that says what belongs together.
//!
//! ```text
//! DATA/snapshots/00000000000000004711/manifest.json     positions of the shards, lengths and checksums of all files
//!                                     tickets.parquet   a row a ticket
//!                                     clocks.parquet    a row a clock of a ticket, with its segments and its due time
//!                                     events.parquet    a row an event of a ticket's history
//!                                     fires.parquet     a row an ended cycle in which levels fired
//!                                     counters.parquet, clock_counters.parquet   totals of the shards
//!                                     words.parquet     the engine's numbers of words
//!                                     policy_versions.parquet, policy_files.parquet, answers.parquet, days.parquet,
//!                                     acknowledgements.parquet   what the service holds
//! ```
//!
//! A shard's rows are row groups of their own, so that shards are written as they are taken (each has its own position: the
//! last group that it includes) and read by several threads. The tables have words, timestamps with their zone and no
//! blobs: they open in DuckDB or pandas. Numbers of words are found again through `labels.parquet`; the order of columns
//! means nothing, only their names do.
//!
//! All of it is written to `NUMBER.partial`, synced, read again, and then renamed ([`Staged`](crate::atomic_file::Staged)).
//! No Parquet reader sees a byte before the lengths and checksums of the manifest are found to be right: such readers may
//! panic or take any amount of memory over damaged files.

mod clocks;
mod columns;
mod counters;
mod error;
mod events;
mod folder;
mod manifest;
mod reader;
mod service_state;
mod service_tables;
mod symbols;
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
pub use tickets::NAME as TICKETS;
pub use writer::{Finish, SnapshotWriter, StartHead};
