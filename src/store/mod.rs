//! The data on disk: the journal of inputs, snapshots of the engine, the history of its records.
//!
//! ```text
//! DATA/lock                                     locked while a process uses the folder
//! DATA/epoch.json                               the epochs of the folder: numbers are assigned once in each
//! DATA/journal/00000000000000000001.log         groups of inputs, from that number on
//! DATA/snapshots/00000000000000004711/          the engine as of that group: Parquet tables and manifest.json
//! DATA/history/escalations/2026-11-22/A-B.SUM.EPOCH.parquet   records A to B, by day of record
//! DATA/history/cycles/2026-11-22/A-B.SUM.EPOCH.parquet
//! ```
//!
//! Everything acknowledged is in the journal. Groups that lie before a snapshot's first position, and whose records are in the
//! history, may be removed.

pub mod backup;
mod checked_json;
pub mod codec;
pub mod disk;
pub mod epochs;
pub(crate) mod folder_identity;
pub mod history;
pub mod input;
pub mod journal;
pub(crate) mod lock;
pub mod record;
pub mod snapshot;
mod table;
