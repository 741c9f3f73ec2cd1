//! How much memory a table may take while it is read: by itself, and together with all others that are read at the same time.
//!
//! Tables are read with libraries that allocate what a file claims. So each claim is compared with a bound before the library
//! sees it, and what is about to be held is taken from a budget that all readers share. A budget is never waited for: who holds
//! some of it may be waiting for whoever asks.

use crate::ingest::error::IngestError;
use crate::limits::{
    MAX_OWN_TABLE_FOOTER_BYTES, MAX_OWN_TABLE_PAGE_BYTES, MAX_OWN_TABLE_READ_BYTES, MAX_TABLE_BATCH_BYTES,
    MAX_TABLE_DICTIONARY_BYTES, MAX_TABLE_FOOTER_BYTES, MAX_TABLE_PAGE_BYTES, MAX_TABLE_READ_BYTES,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that readers of tables may hold together.
#[derive(Debug)]
pub struct Budget {
    most: u64,
    free: AtomicU64,
}

/// A part of a budget, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Option<Arc<Budget>>,
    bytes: u64,
}

impl Budget {
    pub fn new(most: u64) -> Self {
        Self { most, free: AtomicU64::new(most) }
    }

    /// Bytes that nobody holds.
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

/// What one table may take.
#[derive(Debug, Clone)]
pub struct TableBounds {
    /// A page of a Parquet column, unpacked.
    pub(crate) page_bytes: u64,
    /// The pages that one read of rows holds.
    pub(crate) read_bytes: u64,
    /// The description at the end of a Parquet file.
    pub(crate) footer_bytes: u64,
    /// Dictionaries of an Arrow stream.
    pub(crate) dictionary_bytes: u64,
    /// An Arrow record batch, unpacked.
    pub(crate) batch_bytes: u64,
    budget: Option<Arc<Budget>>,
}

impl Default for TableBounds {
    /// For files of the user's own: wide, but no claim is taken for granted.
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
    /// For tables that others send: all that are read at the same time share a budget.
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

    /// Takes so many bytes of the budget.
    ///
    /// # Errors
    /// [`IngestError::Busy`] when others hold too much of it.
    pub(crate) fn take(&self, source_name: &str, bytes: u64) -> Result<Share, IngestError> {
        let Some(budget) = &self.budget else { return Ok(Share { budget: None, bytes }) };
        let taken = budget.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes));
        match taken {
            Ok(_) => Ok(Share { budget: Some(Arc::clone(budget)), bytes }),
            Err(free) => Err(IngestError::Busy { source_name: source_name.to_owned(), bytes, free, most: budget.most }),
        }
    }
}

/// Compares something that a table has with its bound.
///
/// # Errors
/// [`IngestError::TooLarge`].
pub(crate) fn within(source_name: &str, what: &'static str, found: u64, most: u64) -> Result<(), IngestError> {
    if found <= most {
        return Ok(());
    }
    Err(IngestError::TooLarge { source_name: source_name.to_owned(), what, found, most })
}
