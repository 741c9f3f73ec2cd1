//! Sends chunks, several at once.
//!
//! The events of one ticket may be in different chunks, and with several connections a later chunk may be accepted first.
//! An event applies at its own time, and the engine handles late events as if they had arrived in order. Arrival decides only
//! between rows that time does not order: different values of one ticket at one instant, and rows of an export without times of
//! their own. Where an input has several such rows of one ticket, `--connections 1` keeps their order.
//! An escalation emitted in between and then contradicted (its level fired because the event that stops its clock was still
//! in transit) gets a `withdrawn` record, exactly as with one connection, where the stopping event is in a later chunk as well.

use super::chunk::Chunk;
use super::encode::{CONTENT_TYPE, encode};
use super::resume::{Done, Resume, sha256};
use super::retry::Patience;
use crate::cli::common::client::{Client, Failure};
use crate::cli::common::rejects::{RejectedEvent, Rejects, RejectsLine};
use crate::cli::common::shutdown::Stop;
use crate::server::bulk::{BulkReport, LoadNote};
use crate::server::problem::FieldError;
use crate::ticket::Openings;
use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use crossbeam_channel::Receiver;
use indicatif::ProgressBar;
use parking_lot::Mutex;
use std::time::Duration;

/// Timeout of one request. A service under load responds late; one that has died breaks the connection at once.
const ANSWER: Duration = Duration::from_secs(300);

/// An input, for messages and the resume file.
#[derive(Debug, Clone)]
pub(super) struct Input {
    pub name: String,
    pub bytes: Option<u64>,
}

/// Counts of one input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub accepted: u64,
    pub rejected: u64,
    /// Accepted in an earlier run, and so not sent.
    pub acknowledged_before: u64,
}

/// State shared by the connections.
pub(super) struct Upload<'a> {
    pub client: &'a Client,
    pub inputs: &'a [Input],
    /// The route, with its query but for `openings`.
    pub path: String,
    pub aborts_on_error: bool,
    pub stop: Stop,
    pub bar: ProgressBar,
    pub ledger: Mutex<Ledger>,
}

/// Results of the load so far.
pub(super) struct Ledger {
    pub resume: Resume,
    pub rejects: Rejects,
    /// Per input.
    pub counts: Vec<Counts>,
    /// Accepted events that changed nothing, by reason; the lines are those of the first request of each.
    pub notes: Vec<LoadNote>,
    pub retries: u64,
    /// Why the load was aborted; the first reason counts.
    pub failed: Option<anyhow::Error>,
}

impl Ledger {
    pub(super) fn accepted(&self) -> u64 {
        self.counts.iter().map(|counts| counts.accepted + counts.acknowledged_before).sum()
    }

    /// Reports rejected rows of a chunk by their events.
    fn describe(&mut self, chunk: &Chunk, input: &Input, errors: &[FieldError]) -> anyhow::Result<()> {
        for error in errors.iter().cloned() {
            let place = error.line.and_then(|line| chunk.row(line));
            let rejected = RejectsLine {
                source: input.name.clone(),
                line: place.and_then(|(part, row)| part.lines.get(row).copied()),
                event: place.map(|(part, row)| RejectedEvent::of(&part.batch, row)),
                field: error.field.unwrap_or_default(),
                value: error.value.unwrap_or_default(),
                reason: error.message,
            };
            self.rejects.add(&rejected).context("cannot write the file of --rejects")?;
        }
        Ok(())
    }
}

impl Upload<'_> {
    /// Sends chunks until there are no more, or the load is aborted.
    pub(super) fn work(&self, chunks: &Receiver<Chunk>) {
        for chunk in chunks {
            if self.stop.is_set() {
                return;
            }
            if let Err(error) = self.send(&chunk) {
                self.fail(error);
            }
        }
    }

    /// Aborts the load.
    pub(super) fn fail(&self, error: anyhow::Error) {
        self.with_ledger(|ledger| {
            ledger.failed.get_or_insert(error);
        });
        self.stop.set();
    }

    fn with_ledger<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.ledger.lock())
    }

    fn send(&self, chunk: &Chunk) -> anyhow::Result<()> {
        let input = &self.inputs[chunk.input];
        let body = encode(chunk, !self.client.is_local())
            .with_context(|| format!("{}: cannot write chunk {} as Arrow", input.name, chunk.number))?;
        let digest = sha256(&body);
        let before = self.with_ledger(|ledger| ledger.resume.done(&input.name, chunk.number, &digest).cloned());
        if let Some(done) = before {
            self.with_ledger(|ledger| ledger.counts[chunk.input].acknowledged_before += done.accepted);
            self.show();
            return Ok(());
        }
        let run = self.with_ledger(|ledger| ledger.resume.run().to_owned());
        let key = format!("{run}-{}-{}", chunk.number, &digest[..16]);
        let response = match self.send_until_response(&self.path_of(chunk), &key, &Bytes::from(body)) {
            Ok(response) => response,
            Err(failure) => {
                if let Failure::Rejected { errors, .. } = &failure {
                    self.with_ledger(|ledger| ledger.describe(chunk, input, errors))?;
                }
                return Err(explained(failure));
            }
        };
        if response.rows != chunk.rows() as u64 {
            bail!("{}: the service read {} of {} rows of a chunk", input.name, response.rows, chunk.rows());
        }
        self.record(chunk, digest, &response)?;
        self.show();
        if self.aborts_on_error && response.rejected > 0 {
            bail!("{}: the service rejected a row, and --on-error is abort", input.name);
        }
        Ok(())
    }

    /// The route of a chunk. The default is not written, so that services of earlier releases accept logs.
    fn path_of(&self, chunk: &Chunk) -> String {
        match chunk.openings {
            Openings::Log => self.path.clone(),
            Openings::Known => format!("{}&openings=known", self.path),
            Openings::Current => format!("{}&openings=current", self.path),
        }
    }

    /// The key makes a retry safe: a request that was executed, but whose response was lost, is not executed again.
    fn send_until_response(&self, path: &str, key: &str, body: &Bytes) -> Result<BulkReport, Failure> {
        let spread = f64::from(body.len() as u32 % 1_000) / 1_000.0;
        let mut patience = Patience::new(spread);
        loop {
            let failure = match self.client.post(path, CONTENT_TYPE, key, body.clone(), ANSWER) {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            let wait = if failure.is_passing() { patience.after_failure(failure.retry_after()) } else { None };
            let Some(wait) = wait else { return Err(failure) };
            self.with_ledger(|ledger| ledger.retries += 1);
            let message = format!("{failure}; retry in {:.1} s", wait.as_secs_f64());
            self.bar.set_message(message);
            if self.stop.wait(wait) {
                return Err(failure);
            }
        }
    }

    fn record(&self, chunk: &Chunk, sha256: String, response: &BulkReport) -> anyhow::Result<()> {
        let input = &self.inputs[chunk.input];
        let done = Done {
            input: input.name.clone(),
            input_bytes: input.bytes,
            chunk: chunk.number,
            sha256,
            accepted: response.accepted,
            rejected: response.rejected,
        };
        self.with_ledger(|ledger| {
            let counts = &mut ledger.counts[chunk.input];
            counts.accepted += response.accepted;
            counts.rejected += response.rejected;
            response.notes.iter().cloned().for_each(|note| note.join(&mut ledger.notes));
            ledger.describe(chunk, input, &response.errors)?;
            ledger.resume.record(&done).context("cannot write the file of --resume")
        })
    }

    fn show(&self) {
        let accepted = self.with_ledger(|ledger| ledger.accepted());
        self.bar.set_message(format!("{} accepted", crate::replay::grouped(accepted)));
    }
}

/// Advice for the user.
fn explained(failure: Failure) -> anyhow::Error {
    let advice = match failure {
        Failure::Rejected { status: 401, .. } => {
            ": name a token that the service knows (--token-file or OVERDUE_TOKEN)"
        }
        Failure::Rejected { status: 403, .. } => ": loading needs a token of an operator or admin",
        Failure::Rejected { status: 507, .. } => ": free space on the service's disk, then load again",
        _ => "",
    };
    anyhow!("the service does not accept the load: {failure}{advice}")
}
