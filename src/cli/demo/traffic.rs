//! The traffic of a synthetic contact centre, released as its time comes.

use crate::cli::load::{Chunk, Part};
use crate::generate::{History, Plan};
use crate::limits::{GENERATED_ROWS, LOAD_CHUNK_ROWS};
use crate::ticket::{Batch, Openings};
use std::sync::Arc;

/// A history, and how much of it has been released.
pub(super) struct Traffic {
    history: History,
    batch: Arc<Batch>,
    /// The first row of the batch that has not been released.
    next: usize,
    chunks: u64,
}

impl Traffic {
    pub(super) fn new(plan: Plan) -> Self {
        Self { history: History::new(plan), batch: Arc::default(), next: 0, chunks: 0 }
    }

    /// The events up to `now_ms` that were not released yet, oldest first; as many as fit in a request.
    pub(super) fn until(&mut self, now_ms: i64) -> Option<Chunk> {
        let mut parts = Vec::new();
        let mut rows = 0;
        while rows < LOAD_CHUNK_ROWS {
            if self.next == self.batch.len() {
                let Some(batch) = self.history.next_batch(GENERATED_ROWS) else { break };
                (self.batch, self.next) = (Arc::new(batch), 0);
            }
            let happened = self.batch.at_ms[self.next..].partition_point(|at_ms| *at_ms <= now_ms);
            if happened == 0 {
                break;
            }
            let end = self.next + happened.min(LOAD_CHUNK_ROWS - rows);
            parts.push(Part { batch: Arc::clone(&self.batch), lines: Arc::default(), rows: self.next..end });
            rows += end - self.next;
            self.next = end;
        }
        if parts.is_empty() {
            return None;
        }
        self.chunks += 1;
        Some(Chunk { input: 0, number: self.chunks, openings: Openings::Log, parts })
    }
}

#[cfg(test)]
mod tests;
