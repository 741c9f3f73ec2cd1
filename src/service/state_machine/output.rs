//! Results of a group of inputs.

use crate::engine::{Ignored, RejectedRow};
use crate::store::record::{CycleBlock, EscalationBlock};

/// Results of a group.
#[derive(Debug, Default)]
pub struct GroupOutput {
    pub escalations: EscalationBlock,
    pub cycles: CycleBlock,
    /// One for each input.
    pub replies: Vec<InputResult>,
}

/// Result of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputResult {
    Batch {
        accepted: u64,
        rejected: Vec<RejectedRow>,
        escalations: (u64, u64),
        ignored: Ignored,
    },
    Edit {
        version: u64,
        since_ms: i64,
    },
    /// The number of the record.
    Acknowledged {
        sequence: u64,
    },
    /// Labels that no ticket had.
    Freed {
        labels: usize,
    },
    Rejected(String),
}
