//! The rows of one body on their way to the engine.

use super::{LoadAnswer, LoadQuery, OnError, RowsAre, problem_of_ingest};
use crate::ingest::{IngestError, Numbered};
use crate::server::idempotency::IdempotencyKey;
use crate::server::problem::{Answer, Problem};
use crate::service::{Applied, Load, Service, View};
use crate::store::input::Origin;
use crate::ticket::{Batch, Column, NO_LABEL};
use std::sync::Arc;

/// Keys of the batches of one request lie so far apart that requests do not meet: 2^128 divided by the golden ratio, odd.
const KEY_STEP: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// What is known of a body while it is read.
pub struct Rows {
    pub rows_are: RowsAre,
    pub query: LoadQuery,
    pub answer: LoadAnswer,
    actor: Arc<str>,
    key: IdempotencyKey,
    batches: u128,
}

impl Rows {
    pub fn new(rows_are: RowsAre, query: LoadQuery, actor: Arc<str>, key: IdempotencyKey) -> Self {
        Self { rows_are, query, answer: LoadAnswer::default(), actor, key, batches: 0 }
    }

    /// The command for a batch, without the rows that have one of the `unknown` priorities, and the lines of its rows.
    ///
    /// All events of such a row go with it: the engine by itself would refuse the opening and then open the ticket at its
    /// next event.
    ///
    /// # Errors
    /// With `on_error=abort` for such a row.
    pub fn next_load(&mut self, numbered: Numbered, unknown: &[String]) -> Answer<(Load, Vec<u64>)> {
        let Numbered { batch, lines } =
            if unknown.is_empty() { numbered } else { self.without_unknown(&numbered, unknown) };
        self.stop_at_refused()?;
        let key = self.key.0.map(|key| key.wrapping_add(KEY_STEP.wrapping_mul(self.batches)));
        self.batches += 1;
        let origin = Origin { actor: Arc::clone(&self.actor), key };
        Ok((Load { batch, passed: self.query.levels.into(), origin }, lines))
    }

    /// Notes what became of a batch.
    ///
    /// # Errors
    /// With `on_error=abort` when a row of it was refused.
    pub fn applied(&mut self, applied: &Applied, lines: &[u64]) -> Answer<()> {
        self.answer.add(applied, lines);
        self.stop_at_refused()
    }

    fn stop_at_refused(&self) -> Answer<()> {
        if self.query.on_error == OnError::Abort && self.answer.refused > 0 {
            return Err(self.with_errors(Problem::invalid(format!(
                "the load was stopped at a row that cannot be taken; {} events before it were taken",
                self.answer.events
            ))));
        }
        Ok(())
    }

    /// Why the body was not read to its end.
    pub fn problem(&self, error: IngestError) -> Problem {
        let problem = self.stopped(problem_of_ingest(&error));
        match error {
            IngestError::Rejected(_) => self.with_errors(problem),
            _ => problem,
        }
    }

    /// A problem that came when part of the rows was taken already.
    pub fn stopped(&self, mut problem: Problem) -> Problem {
        if self.answer.events > 0 && problem.errors.is_empty() {
            let taken = self.answer.events;
            problem.detail +=
                &format!("; {taken} events before it were taken, and are left out when they are sent again");
        }
        problem
    }

    fn with_errors(&self, problem: Problem) -> Problem {
        problem.with_errors(self.answer.errors.iter().cloned())
    }

    fn without_unknown(&mut self, numbered: &Numbered, unknown: &[String]) -> Numbered {
        let Numbered { batch, lines } = numbered;
        let mut bad_lines = Vec::new();
        for (row, line) in lines.iter().enumerate() {
            let Some(name) = batch.priority.get(row).filter(|name| unknown.iter().any(|other| other == name)) else {
                continue;
            };
            if bad_lines.last() != Some(line) {
                bad_lines.push(*line);
                self.answer.unknown_priority(*line, name);
            }
        }
        let mut kept = Numbered::default();
        kept.batch.restates = batch.restates;
        for (row, line) in lines.iter().enumerate() {
            if bad_lines.binary_search(line).is_err() {
                copy_row(batch, row, &mut kept.batch);
                kept.lines.push(*line);
            }
        }
        for column in Column::ALL {
            kept.batch.labels_mut(column).words.clone_from(&batch.labels(column).words);
        }
        kept
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

/// Priorities that rows of a batch name and no ticket in view has: those may be unknown.
pub fn unheard(batch: &Batch, view: &View) -> Vec<String> {
    let is_heard = |word: &str| view.by_priority.iter().any(|priority| &*priority.name == word);
    let words = batch.priority.words.iter().enumerate().filter(|(_, word)| !is_heard(word));
    let is_used = |code: usize| batch.priority.codes.iter().any(|used| *used != NO_LABEL && *used as usize == code);
    words.filter(|(code, _)| is_used(*code)).map(|(_, word)| word.clone()).collect()
}

/// Those of the names that the policy in force does not have. Blocks: not for async threads.
pub fn unknown(names: Vec<String>, service: &Service) -> Vec<String> {
    let policy = service.read(|engine| Arc::clone(engine.policy()));
    names.into_iter().filter(|name| policy.priority_id(name).is_none()).collect()
}
