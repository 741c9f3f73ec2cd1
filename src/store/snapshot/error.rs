//! Errors of snapshots.

use crate::store::table::reader::SchemaMismatch;
use crate::store::table::writer::TableError;
use crate::table::ColumnsError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a snapshot was not written. Nothing is published then.
#[derive(Debug, Error)]
pub enum SnapshotError {
    #[error("cannot write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot publish the snapshot: {0}")]
    Publish(#[from] io::Error),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    #[error("{path} exists already")]
    Exists { path: PathBuf },
    #[error("shard {number} of {shards} was written {times} times, expected once")]
    Shards { number: u16, times: usize, shards: u16 },
    /// The data on disk differs from what was written.
    #[error("read back after writing: {0}")]
    ReadBack(#[from] Damage),
}

/// Why a snapshot cannot be used.
#[derive(Debug, Error)]
pub enum Damage {
    #[error("cannot read {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} is not a manifest of a snapshot: {reason}")]
    Manifest { path: PathBuf, reason: String },
    #[error(
        "{path} has the schema version {found}, this program reads up to {known}: \
         it was written by a newer version of overdue ({program})"
    )]
    Newer { path: PathBuf, found: u32, known: u32, program: String },
    #[error("{path} has {found} bytes, expected {expected} by its manifest")]
    Length { path: PathBuf, expected: u64, found: u64 },
    #[error("{path} has the checksum {found:08x}, expected {expected:08x} by its manifest: its contents have changed")]
    Checksum { path: PathBuf, expected: u32, found: u32 },
    #[error(transparent)]
    Table(#[from] SchemaMismatch),
}

impl Damage {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}
