//! Sends the rows of one body to the engine, batch by batch.

use super::problems::problem_of_ingest;
use super::query::{LoadQuery, OnError, RowKind};
use super::report::BulkReport;
use crate::ingest::{IngestError, Numbered};
use crate::server::problem::{ApiResult, Problem};
use crate::service::{Applied, Load, Service, View};
use crate::store::input::Origin;
use crate::ticket::{Batch, Column, NO_LABEL, Texts, TicketLabel};
use std::sync::Arc;
use twox_hash::xxhash3_128::Hasher;

/// Distance between the keys of a request's batches, large enough that the keys of different requests do not collide: 2^128
/// divided by the golden ratio, odd.
const KEY_STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// Number of column values hashed in one call.
const HASHED_AT_ONCE: usize = 1 << 12;

/// State of a body while it is read.
pub struct BulkLoader {
    pub rows_are: RowKind,
    pub query: LoadQuery,
    pub response: BulkReport,
    actor: Arc<str>,
    /// The request's key; each batch has a key derived from it.
    key: Option<u128>,
    batches: u128,
}

impl BulkLoader {
    pub fn new(rows_are: RowKind, query: LoadQuery, actor: Arc<str>, key: Option<u128>) -> Self {
        Self { rows_are, query, response: BulkReport::default(), actor, key, batches: 0 }
    }

    /// The command for a batch, without the rows that have one of the `unknown` priorities, and the lines of its rows.
    ///
    /// All events of such a row are removed: otherwise the engine would reject the opening and then open the ticket at its next
    /// event.
    ///
    /// # Errors
    /// With `on_error=abort` for such a row.
    pub fn next_load(&mut self, numbered: Numbered, unknown: &[String]) -> ApiResult<(Load, Vec<u64>)> {
        let key = self.key.map(|key| key.wrapping_add(KEY_STEP.wrapping_mul(self.batches)));
        // Hash the rows as sent: at a repeat, other priorities may be unknown.
        let fingerprint = key.map(|_| fingerprint(&numbered.batch, self.query));
        let Numbered { batch, lines } =
            if unknown.is_empty() { numbered } else { self.without_unknown(&numbered, unknown) };
        self.stop_at_rejected()?;
        self.batches += 1;
        let origin = Origin { actor: Arc::clone(&self.actor), key, fingerprint };
        Ok((Load { batch, catch_up: self.query.catch_up, origin }, lines))
    }

    /// Records the result of a batch.
    ///
    /// # Errors
    /// With `on_error=abort` if a row was rejected.
    pub fn applied(&mut self, applied: &Applied, lines: &[u64]) -> ApiResult<()> {
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
    pub fn problem(&self, error: IngestError) -> Problem {
        let problem = self.stopped(problem_of_ingest(&error));
        match error {
            IngestError::Rejected(_) => self.with_errors(problem),
            _ => problem,
        }
    }

    /// Adds to a problem how many events had been accepted before it.
    pub fn stopped(&self, mut problem: Problem) -> Problem {
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

    fn without_unknown(&mut self, numbered: &Numbered, unknown: &[String]) -> Numbered {
        let Numbered { batch, lines } = numbered;
        let mut bad_lines = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let Some(name) =
                batch.label(Column::Priority, row).filter(|name| unknown.iter().any(|other| other == name))
            else {
                continue;
            };
            if bad_lines.last() != Some(line) {
                bad_lines.push(*line);
                self.response.unknown_priority(*line, name);
            }
        }
        let mut cached = Numbered::default();
        cached.batch.restates = batch.restates;
        for (row, line) in lines.iter().enumerate() {
            if bad_lines.binary_search(line).is_err() {
                copy_row(batch, row, &mut cached.batch);
                cached.lines.push(*line);
            }
        }
        for column in Column::ALL {
            cached.batch.labels_mut(column).labels.clone_from(&batch.labels(column).labels);
        }
        cached
    }
}

fn copy_row(from: &Batch, row: usize, to: &mut Batch) {
    to.ticket.push(from.ticket.get(row));
    to.at_ms.push(from.at_ms[row]);
    to.kind.push(from.kind[row]);
    to.state.push(from.state[row]);
    for column in Column::ALL {
        to.labels_mut(column).codes.push(from.labels(column).codes[row]);
    }
    if !from.text.is_empty() {
        to.text.push(from.text.get(row));
    }
}

/// A hash of rows and load options. It is written to the journal, so the same rows must give the same number in every release.
fn fingerprint(batch: &Batch, query: LoadQuery) -> u128 {
    let mut hash = Hasher::new();
    hash.write(&[query.on_error as u8, query.catch_up as u8, u8::from(batch.restates)]);
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

/// Priorities that rows of a batch name and no ticket in the published view has: these may be unknown.
pub fn unheard(batch: &Batch, view: &View) -> Vec<String> {
    let is_heard =
        |label: &str| view.totals.by_label[TicketLabel::Priority].iter().any(|priority| &*priority.name == label);
    let labels = batch.labels(Column::Priority).labels.iter().enumerate().filter(|(_, label)| !is_heard(label));
    let is_used = |code: usize| {
        batch.labels(Column::Priority).codes.iter().any(|used| *used != NO_LABEL && *used as usize == code)
    };
    labels.filter(|(code, _)| is_used(*code)).map(|(_, label)| label.clone()).collect()
}

/// The names that are not priorities of the policy in force. Blocks: not for async threads.
pub fn unknown(names: Vec<String>, service: &Service) -> Vec<String> {
    let policy = service.read(|engine| Arc::clone(engine.policy()));
    names.into_iter().filter(|name| policy.priority_id(name).is_none()).collect()
}
