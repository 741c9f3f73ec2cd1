//! Bulk bodies under way, and their bounds.

use super::slots::Slots;
use crate::ingest::Budget;
use crate::limits::{MAX_BULK_LOADS, MAX_OPEN_LOADS, MAX_OPEN_LOADS_OF_A_TOKEN, MAX_TABLES_BYTES};
use crate::server::quota::Shares;
use std::sync::Arc;

/// Bulk bodies under way.
#[derive(Debug)]
pub struct Loads {
    /// Those that are open: they have threads.
    pub open: Shares,
    /// Those that are worked on.
    pub slots: Arc<Slots>,
    /// What their tables may take together.
    pub tables: Arc<Budget>,
}

impl Default for Loads {
    fn default() -> Self {
        let open = Shares::new(MAX_OPEN_LOADS, MAX_OPEN_LOADS_OF_A_TOKEN);
        Self { open, slots: Arc::new(Slots::new(MAX_BULK_LOADS)), tables: Arc::new(Budget::new(MAX_TABLES_BYTES)) }
    }
}
