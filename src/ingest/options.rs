//! How an input is read, and what it may expand to.

use super::source::Format;
use super::tables::memory::TableBounds;
use crate::limits::{BLOCK_BYTES, EXPANSION_ALLOWANCE_BYTES, MAX_EXPANSION, MAX_ROWS_A_BYTE, ROWS_ALLOWANCE};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How to read.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format of all inputs; otherwise each tells its own by its first bytes and its name.
    pub format: Option<Format>,
    /// Whether the first bad row ends the run.
    pub strict: bool,
    /// Threads that parse, beside one that reads; with 0 the caller's thread does both.
    pub threads: usize,
    /// Bytes of text that are parsed as one piece.
    pub block_bytes: usize,
    /// Grows by the bytes read of the inputs as they are stored: for a progress bar.
    pub read_bytes: Arc<AtomicU64>,
    /// Whether [`Numbered::lines`](super::Numbered::lines) are wanted.
    pub lines: bool,
    /// Where a stream goes that must be read from its end; without it where the system keeps temporary files.
    pub spool_dir: Option<PathBuf>,
    /// What a table may take.
    pub tables: TableBounds,
}

impl Default for Options {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            format: None,
            strict: false,
            threads,
            block_bytes: BLOCK_BYTES,
            read_bytes: Arc::default(),
            lines: false,
            spool_dir: None,
            tables: TableBounds::default(),
        }
    }
}

/// Bytes that an input of so many bytes, as it is stored, may expand to.
pub(crate) fn expansion_of(bytes: u64) -> u64 {
    bytes.saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_ALLOWANCE_BYTES)
}

/// Rows that an input of so many bytes, as it is stored, may have.
pub(crate) fn rows_of(bytes: u64) -> u64 {
    bytes.saturating_mul(MAX_ROWS_A_BYTE).saturating_add(ROWS_ALLOWANCE)
}
