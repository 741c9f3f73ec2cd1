//! What history to generate.

use crate::time::DAY_MS;

/// What history to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    pub tickets: u64,
    /// First instant of the history; a midnight UTC makes the days come out as days.
    pub start_ms: i64,
    pub days: u32,
    pub seed: u64,
}

impl Plan {
    /// The instant from which on nothing is known: what would have happened later has not happened yet.
    pub fn end_ms(&self) -> i64 {
        self.start_ms + i64::from(self.days) * DAY_MS
    }
}
