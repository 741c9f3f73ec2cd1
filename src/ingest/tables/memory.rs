//! Memory limits of table readers: of each table, and of all tables that are read at the same time.
//!
//! Tables are read with libraries that allocate what a file claims. So each claim is compared with a limit before the library
//! sees it, and memory is reserved from a budget that all readers share. Readers never wait for the budget: a reader that
//! holds a part of it may itself be waiting for the one that asks.

use crate::ingest::error::IngestError;
use crate::limits::{
    MAX_OWN_TABLE_FOOTER_BYTES, MAX_OWN_TABLE_PAGE_BYTES, MAX_OWN_TABLE_READ_BYTES, MAX_TABLE_BATCH_BYTES,
    MAX_TABLE_DICTIONARY_BYTES, MAX_TABLE_FOOTER_BYTES, MAX_TABLE_PAGE_BYTES, MAX_TABLE_READ_BYTES,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that readers of tables may use together.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    free: AtomicU64,
}

/// A part of a budget, released when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Option<Arc<Budget>>,
    bytes: u64,
}

impl Budget {
    pub fn new(most: u64) -> Self {
        Self { most, free: AtomicU64::new(most) }
    }

    /// Unreserved bytes.
    pub fn free(&self) -> u64 {
        self.free.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(budget) = &self.budget {
            budget.free.fetch_add(self.bytes, Ordering::Relaxed);
        }
    }
}

/// Memory limits of one table.
#[derive(Debug, Clone)]
pub struct TableBounds {
    /// A page of a Parquet column, decompressed.
    pub(crate) page_bytes: u64,
    /// The pages of one read of rows.
    pub(crate) read_bytes: u64,
    /// The footer of a Parquet file.
    pub(crate) footer_bytes: u64,
    /// Dictionaries of an Arrow stream.
    pub(crate) dictionary_bytes: u64,
    /// An Arrow record batch, decompressed.
    pub(crate) batch_bytes: u64,
    budget: Option<Arc<Budget>>,
}

impl Default for TableBounds {
    /// For local files of the user: wide limits, but every claim is checked.
    fn default() -> Self {
        Self {
            page_bytes: MAX_OWN_TABLE_PAGE_BYTES,
            read_bytes: MAX_OWN_TABLE_READ_BYTES,
            footer_bytes: MAX_OWN_TABLE_FOOTER_BYTES,
            dictionary_bytes: MAX_OWN_TABLE_READ_BYTES,
            batch_bytes: MAX_TABLE_BATCH_BYTES,
            budget: None,
        }
    }
}

impl TableBounds {
    /// For tables from clients: all that are read at the same time share a budget.
    pub fn shared(budget: Arc<Budget>) -> Self {
        Self {
            page_bytes: MAX_TABLE_PAGE_BYTES,
            read_bytes: MAX_TABLE_READ_BYTES,
            footer_bytes: MAX_TABLE_FOOTER_BYTES,
            dictionary_bytes: MAX_TABLE_DICTIONARY_BYTES,
            batch_bytes: MAX_TABLE_BATCH_BYTES.min(budget.most),
            budget: Some(budget),
        }
    }

    /// Reserves bytes of the budget.
    ///
    /// # Errors
    /// [`IngestError::Busy`] if others use too much of it.
    pub(crate) fn take(&self, source_name: &str, bytes: u64) -> Result<Share, IngestError> {
        let Some(budget) = &self.budget else { return Ok(Share { budget: None, bytes }) };
        let taken = budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes));
        match taken {
            Ok(_) => Ok(Share { budget: Some(Arc::clone(budget)), bytes }),
            Err(free) => Err(IngestError::Busy { source_name: source_name.to_owned(), bytes, free, most: budget.most }),
        }
    }
}

/// Compares a size in a table with its limit.
///
/// # Errors
/// [`IngestError::TooLarge`].
pub(crate) fn within(source_name: &str, what: &'static str, found: u64, most: u64) -> Result<(), IngestError> {
    if found <= most {
        return Ok(());
    }
    Err(IngestError::TooLarge { source_name: source_name.to_owned(), what, found, most })
}
