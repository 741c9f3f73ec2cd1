//! What history to generate.

use crate::time::DAY_MS;

/// What history to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub tickets: u64,
    /// First instant of the history; with a midnight UTC the days of the history are calendar days.
    pub start_ms: i64,
    pub days: u32,
    pub seed: u64,
}

impl Plan {
    /// End of the history: later events are omitted.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.days) * DAY_MS
    }
}
