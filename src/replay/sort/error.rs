//! Why events could not be sorted.

use std::path::PathBuf;
use thiserror::Error;

/// Why events could not be put in order.
#[derive(Debug, Error)]
pub enum SortError {
    #[error("cannot sort on disk in {}: {source}", folder.display())]
    Disk { folder: PathBuf, source: std::io::Error },
    #[error("cannot read back what was sorted on disk: {0}")]
    ReadBack(#[from] arrow::error::ArrowError),
}
