//! Errors of the history.

use crate::store::table::reader::SchemaMismatch;
use crate::store::table::writer::TableError;
use crate::table::ColumnsError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why the history was not read or written.
#[derive(Debug, Error)]
pub enum HistoryError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot publish a file of the history: {0}")]
    Publish(#[from] io::Error),
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    #[error("{path}: expected record {expected} next, but got {found}: those between are missing")]
    Gap { path: PathBuf, expected: u64, found: u64 },
    #[error(
        "{path} begins with record {found}, expected {expected}: a file is missing or duplicated; put the missing one back \
         from a backup"
    )]
    NotContiguous { path: PathBuf, expected: u64, found: u64 },
    #[error("{path} has the checksum {found:08x}, expected {expected:08x} by its name: its contents have changed")]
    Damaged { path: PathBuf, expected: u32, found: u32 },
    #[error(
        "{path} has the schema version {found}, this program reads up to {known}: it was written by a newer version"
    )]
    Newer { path: PathBuf, found: String, known: u32 },
    #[error(transparent)]
    SchemaMismatch(#[from] SchemaMismatch),
}

/// The error code EIO: a part of the disk that cannot be read.
const EIO: i32 = 5;

impl HistoryError {
    /// Whether the file itself is the cause: a retry does not help.
    pub(crate) fn is_of_the_file(&self) -> bool {
        match self {
            Self::Damaged { .. } | Self::Newer { .. } | Self::SchemaMismatch(_) => true,
            Self::Io { source, .. } => {
                matches!(source.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof)
                    || source.raw_os_error() == Some(EIO)
            }
            _ => false,
        }
    }

    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }
}
