//! Events grouped into chunks, one per request.
//!
//! Chunk boundaries depend on the events alone, not on their batches: a second run over the same input produces the same
//! chunks, and so recognises those acknowledged before.

use crate::ingest::Numbered;
use crate::limits::{LOAD_CHUNK_BYTES, LOAD_CHUNK_ROWS};
use crate::ticket::{Batch, Openings};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a row beside its id and text: a time and a dozen codes.
const ROW_BYTES: usize = 48;

/// Some rows of a batch.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub batch: Arc<Batch>,
    /// For each row of the batch, its line in the input; empty if there is none.
    pub lines: Arc<Vec<u64>>,
    pub rows: Range<usize>,
}

/// Events of one request.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    /// Index of the input, in the order of the command line.
    pub input: usize,
    /// Index of the chunk in the input, from 0.
    pub number: u64,
    /// What the `opened` rows report.
    pub openings: Openings,
    pub parts: Vec<Part>,
}

impl Chunk {
    pub(crate) fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows.len()).sum()
    }

    /// The part with a row (counted from 1, as services count), and the row's index in the part's batch.
    pub(crate) fn row(&self, number: u64) -> Option<(&Part, usize)> {
        let mut before = usize::try_from(number).ok()?.checked_sub(1)?;
        for part in &self.parts {
            if before < part.rows.len() {
                return Some((part, part.rows.start + before));
            }
            before -= part.rows.len();
        }
        None
    }
}

/// Cuts the events of one input into chunks.
pub(super) struct Cutter {
    input: usize,
    next: u64,
    most_rows: usize,
    /// Those of the input's batches.
    openings: Openings,
    parts: Vec<Part>,
    rows: usize,
    bytes: usize,
}

impl Cutter {
    pub(super) fn new(input: usize) -> Self {
        Self::with_rows(input, LOAD_CHUNK_ROWS)
    }

    pub(crate) fn with_rows(input: usize, most_rows: usize) -> Self {
        Self { input, next: 0, most_rows, openings: Openings::default(), parts: Vec::new(), rows: 0, bytes: 0 }
    }

    /// Adds a batch; returns the chunks that are full.
    pub(super) fn push(&mut self, numbered: Numbered) -> Vec<Chunk> {
        self.openings = numbered.batch.openings;
        let (batch, lines) = (Arc::new(numbered.batch), Arc::new(numbered.lines));
        let part = |rows| Part { batch: Arc::clone(&batch), lines: Arc::clone(&lines), rows };
        let mut full = Vec::new();
        let mut start = 0;
        for row in 0..batch.len() {
            let text_bytes = if batch.text.is_empty() { 0 } else { batch.text.get(row).len() };
            self.rows += 1;
            self.bytes += ROW_BYTES + batch.ticket.get(row).len() + text_bytes;
            if self.rows >= self.most_rows || self.bytes >= LOAD_CHUNK_BYTES {
                self.parts.push(part(start..row + 1));
                start = row + 1;
                full.extend(self.finish());
            }
        }
        if start < batch.len() {
            self.parts.push(part(start..batch.len()));
        }
        full
    }

    /// The remaining rows, if any.
    pub(super) fn finish(&mut self) -> Option<Chunk> {
        (self.rows, self.bytes) = (0, 0);
        if self.parts.is_empty() {
            return None;
        }
        let parts = std::mem::take(&mut self.parts);
        let chunk = Chunk { input: self.input, number: self.next, openings: self.openings, parts };
        self.next += 1;
        Some(chunk)
    }
}
