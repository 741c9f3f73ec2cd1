//! Bulk bodies in progress, and their limits.

use super::slots::Slots;
use crate::ingest::Budget;
use crate::limits::{MAX_BULK_LOADS, MAX_OPEN_LOADS, MAX_OPEN_LOADS_OF_A_TOKEN, MAX_TABLES_BYTES};
use crate::server::quota::Shares;
use std::sync::Arc;

/// Bulk bodies in progress.
#[derive(Debug)]
pub(crate) struct Loads {
    /// Open bodies: those with threads.
    pub open: Shares,
    /// Bodies that are being processed.
    pub slots: Arc<Slots>,
    /// Memory for the tables of all bodies together.
    pub tables: Arc<Budget>,
}

impl Default for Loads {
    fn default() -> Self {
        let open = Shares::new(MAX_OPEN_LOADS, MAX_OPEN_LOADS_OF_A_TOKEN);
        Self { open, slots: Arc::new(Slots::new(MAX_BULK_LOADS)), tables: Arc::new(Budget::new(MAX_TABLES_BYTES)) }
    }
}
