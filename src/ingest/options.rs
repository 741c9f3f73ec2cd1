//! How an input is read, and how far it may expand.

use super::source::Format;
use super::tables::memory::TableBounds;
use crate::limits::{BLOCK_BYTES, EXPANSION_ALLOWANCE_BYTES, MAX_EXPANSION, MAX_ROWS_A_BYTE, ROWS_ALLOWANCE};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

/// Options of a run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The format of all inputs; otherwise each is detected by its first bytes and its name.
    pub format: Option<Format>,
    /// Whether the first invalid row ends the run.
    pub strict: bool,
    /// Parser threads, beside one that reads; with 0 the caller's thread does both.
    pub threads: usize,
    /// Bytes of text that are parsed as one block.
    pub block_bytes: usize,
    /// Counts the bytes read of the inputs as stored: for a progress bar.
    pub read_bytes: Arc<AtomicU64>,
    /// Whether [`Numbered::lines`](super::Numbered::lines) are filled.
    pub lines: bool,
    /// Folder for streams that must be read from their end; without it the system's folder for temporary files.
    pub spool_dir: Option<PathBuf>,
    /// Memory limits of a table.
    pub tables: TableBounds,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            strict: false,
            threads: cores(),
            block_bytes: BLOCK_BYTES,
            read_bytes: Arc::default(),
            lines: false,
            spool_dir: None,
            tables: TableBounds::default(),
        }
    }
}

/// Bytes that an input of this stored size may expand to.
pub(crate) fn expansion_of(bytes: u64) -> u64 {
    bytes.saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_ALLOWANCE_BYTES)
}

/// Rows that an input of this stored size may have.
pub(crate) fn rows_of(bytes: u64) -> u64 {
    bytes.saturating_mul(MAX_ROWS_A_BYTE).saturating_add(ROWS_ALLOWANCE)
}

/// The cores that this process may use. Found out once: the system reads files for it.
pub fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
