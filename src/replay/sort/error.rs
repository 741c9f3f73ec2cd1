//! Errors of sorting.

use std::path::PathBuf;
use thiserror::Error;

/// Why events could not be sorted.
#[derive(Debug, Error)]
pub enum SortError {
    #[error("cannot sort on disk in {}: {source}", folder.display())]
    Disk { folder: PathBuf, source: std::io::Error },
    #[error("cannot read back the runs sorted on disk: {0}")]
    ReadBack(#[from] arrow::error::ArrowError),
}
