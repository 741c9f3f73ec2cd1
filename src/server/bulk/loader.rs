//! Sends the rows of one body to the engine, batch by batch.

use super::problems::problem_of_ingest;
use super::query::{LoadQuery, OnError, RowKind};
use super::report::BulkReport;
use crate::engine::CatchUp;
use crate::ingest::{IngestError, Numbered};
use crate::policy::{Policy, without_unknown_priorities};
use crate::server::problem::{ApiResult, Problem};
use crate::service::Applied;
use crate::store::input::{BatchInput, Origin};
use crate::ticket::{Batch, Column, Openings, Texts};
use std::sync::Arc;
use twox_hash::xxhash3_128::Hasher;

/// Distance between the keys of a request's batches, large enough that the keys of different requests do not collide: 2^128
/// divided by the golden ratio, odd.
const KEY_STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Number of column values hashed in one call.
const HASHED_AT_ONCE: usize = 1 << 12;

/// State of a body while it is read.
pub(super) struct BulkLoader {
    pub rows_are: RowKind,
    pub query: LoadQuery,
    pub response: BulkReport,
    actor: Arc<str>,
    /// The request's key; each batch has a key derived from it.
    key: Option<u128>,
    batches: u128,
}

impl BulkLoader {
    pub(super) fn new(rows_are: RowKind, query: LoadQuery, actor: Arc<str>, key: Option<u128>) -> Self {
        Self { rows_are, query, response: BulkReport::default(), actor, key, batches: 0 }
    }

    /// The input of a batch and the lines of its rows, without the source rows whose priority `policy` does not know.
    ///
    /// # Errors
    /// With `on_error=abort`, if there is such a row.
    pub(super) fn next_input(&mut self, mut numbered: Numbered, policy: &Policy) -> ApiResult<(BatchInput, Vec<u64>)> {
        if let RowKind::Events(openings) = self.rows_are {
            numbered.batch.openings = openings;
        }
        let key = self.key.map(|key| key.wrapping_add(KEY_STEP.wrapping_mul(self.batches)));
        // Of the rows as they were sent: another policy may know other priorities when the request is repeated.
        let fingerprint = key.map(|_| fingerprint(&numbered.batch, self.query));
        let (batch, lines, unknown) = without_unknown_priorities(policy, numbered.batch, numbered.lines);
        unknown.iter().for_each(|row| self.response.unknown_priority(row.line, &row.name));
        self.stop_at_rejected()?;
        self.batches += 1;
        let origin = Origin { actor: Arc::clone(&self.actor), key, fingerprint };
        Ok((BatchInput { batch, catch_up: self.query.catch_up, origin }, lines))
    }

    /// Records the result of a batch.
    ///
    /// # Errors
    /// With `on_error=abort` if a row was rejected.
    pub(super) fn applied(&mut self, applied: &Applied, lines: &[u64]) -> ApiResult<()> {
        self.response.add(applied, lines);
        self.stop_at_rejected()
    }

    fn stop_at_rejected(&self) -> ApiResult<()> {
        if self.query.on_error == OnError::Abort && self.response.rejected > 0 {
            return Err(self.with_errors(Problem::invalid(format!(
                "the load was stopped at a rejected row; {} events before it were accepted",
                self.response.events
            ))));
        }
        Ok(())
    }

    /// Converts the error that ended the reading.
    pub(super) fn problem(&self, error: IngestError) -> Problem {
        let problem = self.stopped(problem_of_ingest(&error));
        match error {
            IngestError::Rejected(_) => self.with_errors(problem),
            _ => problem,
        }
    }

    /// Adds to a problem how many events had been accepted before it.
    pub(super) fn stopped(&self, mut problem: Problem) -> Problem {
        if self.response.events > 0 && problem.errors.is_empty() {
            let accepted = self.response.events;
            problem.detail +=
                &format!("; {accepted} events before it were accepted; sending them again changes nothing");
        }
        problem
    }

    fn with_errors(&self, problem: Problem) -> Problem {
        problem.with_errors(self.response.errors.iter().cloned())
    }
}

/// A hash of rows and load options. It is written to the journal, so the same rows must give the same number in every release.
fn fingerprint(batch: &Batch, query: LoadQuery) -> u128 {
    let mut hash = Hasher::new();
    hash.write(&[on_error_number(query.on_error), catch_up_number(query.catch_up), openings_number(batch.openings)]);
    hash_numbers(&mut hash, &batch.at_ms, |at_ms| at_ms.to_le_bytes());
    hash_numbers(&mut hash, &batch.kind, |kind| [*kind as u8]);
    hash_numbers(&mut hash, &batch.state, |state| [state.map_or(0, |state| state as u8 + 1)]);
    hash_texts(&mut hash, &batch.ticket);
    hash_texts(&mut hash, &batch.text);
    for column in Column::ALL {
        let labels = batch.labels(column);
        hash.write(&(labels.labels.len() as u64).to_le_bytes());
        for label in &labels.labels {
            hash.write(&(label.len() as u64).to_le_bytes());
            hash.write(label.as_bytes());
        }
        if !labels.labels.is_empty() {
            hash_numbers(&mut hash, &labels.codes, |code| code.to_le_bytes());
        }
    }
    hash.finish_128()
}

/// Never renumbered.
fn openings_number(openings: Openings) -> u8 {
    match openings {
        Openings::Log => 0,
        Openings::Current => 1,
        Openings::Known => 2,
    }
}

/// Never renumbered.
pub(super) fn on_error_number(on_error: OnError) -> u8 {
    match on_error {
        OnError::Skip => 0,
        OnError::Abort => 1,
    }
}

/// Never renumbered.
pub(super) fn catch_up_number(catch_up: CatchUp) -> u8 {
    match catch_up {
        CatchUp::Latest => 0,
        CatchUp::All => 1,
        CatchUp::None => 2,
    }
}

fn hash_texts(hash: &mut Hasher, texts: &Texts) {
    let (bytes, ends) = texts.parts();
    hash_numbers(hash, ends, |end| end.to_le_bytes());
    hash.write(bytes.as_bytes());
}

/// Hashes a column, many numbers per call: a call for each number would take longer than the hashing.
fn hash_numbers<T, const N: usize>(hash: &mut Hasher, numbers: &[T], bytes: impl Fn(&T) -> [u8; N]) {
    hash.write(&(numbers.len() as u64).to_le_bytes());
    let mut buffer = Vec::with_capacity(HASHED_AT_ONCE * N);
    for part in numbers.chunks(HASHED_AT_ONCE) {
        buffer.clear();
        part.iter().for_each(|number| buffer.extend_from_slice(&bytes(number)));
        hash.write(&buffer);
    }
}
