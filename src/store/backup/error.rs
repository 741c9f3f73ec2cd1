//! Errors of backups.

use crate::store::epochs::EpochsError;
use crate::store::history::HistoryError;
use crate::store::journal::JournalError;
use crate::store::lock::LockError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a backup was not created, is damaged, or was not restored.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Locked(#[from] LockError),
    #[error(transparent)]
    Epochs(#[from] EpochsError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the journal in {}: {source}", folder.display())]
    Journal { folder: PathBuf, source: JournalError },
    #[error("{} is not a data folder of a service: it has no journal", path.display())]
    NoData { path: PathBuf },
    #[error("there are no backups in {}", path.display())]
    None { path: PathBuf },
    #[error("{} has backups of another data folder: use another folder for those of {}", store.display(), data.display())]
    OtherData { store: PathBuf, data: PathBuf },
    #[error("no snapshot in {} can be used, and the journal does not reach back to the beginning: {reasons}", path.display())]
    NoSnapshot { path: PathBuf, reasons: String },
    #[error("{} kept changing while it was copied: try again", path.display())]
    Unsettled { path: PathBuf },
    #[error("{}: {reason}", path.display())]
    Damaged { path: PathBuf, reason: String },
    #[error("{} is not empty: a backup is restored into a new or an empty folder", path.display())]
    NotEmpty { path: PathBuf },
}

impl BackupError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path: path.clone(), source }
    }

    /// Whether the source changed meanwhile, so that another attempt may succeed.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Io { source, .. }
            | Self::History(HistoryError::Io { source, .. })
            | Self::Journal { source: JournalError::Io { source, .. }, .. } => source.kind() == io::ErrorKind::NotFound,
            Self::Unsettled { .. } | Self::History(HistoryError::NotContiguous { .. }) => true,
            _ => false,
        }
    }
}
