//! Parallel parsing with results in the order of the input.
//!
//! One thread feeds work, several threads do it, and the caller's thread receives the results. For each piece of work the
//! feeder creates a channel: the sender goes to the worker, the receiver into a queue that the caller drains in order. Every
//! queue is bounded, so memory does not depend on the size of the input, and the order of the results does not depend on the
//! threads.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use super::error::IngestError;
use crate::ticket::Batch;

/// Pieces of work per thread that may wait.
const WORK_A_THREAD: usize = 2;

/// Results per piece of work that may wait.
const RESULTS_A_PIECE: usize = 2;

/// A batch, with the origin of its rows.
#[derive(Debug, Clone, Default)]
pub struct Numbered {
    pub batch: Batch,
    /// For each row of the batch, its line (of a text) or row (of a table) in the input, from 1; empty unless
    /// [`Options::lines`](super::Options::lines) is set.
    pub lines: Vec<u64>,
}

/// Result of parsing some rows.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    pub batches: Vec<Numbered>,
    pub rejects: Vec<Rejected>,
    pub rows: u64,
    pub skipped: u64,
}

/// A rejected row.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub line: u64,
    pub column: String,
    pub value: String,
    pub reason: String,
}

type Outcome = Result<Parsed, IngestError>;

/// The output of a parser; it stops at `Break`: the receiver is gone.
pub(crate) struct Results(Sender<Outcome>);

impl Results {
    /// The last batches of a piece of work; a missing receiver is ignored.
    pub(super) fn put_last(&self, batches: Vec<Numbered>) {
        let _ = self.put(Parsed { batches, ..Parsed::default() });
    }

    pub(super) fn put(&self, parsed: Parsed) -> ControlFlow<()> {
        if self.0.send(Ok(parsed)).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Runs `next` (until it returns no more work), `parse` on `threads` threads, and `take` on the results in order. With no
/// threads everything runs on the caller's: for inputs so small that starting a thread would cost more than reading them.
pub(crate) fn run<W: Send>(
    source_name: &str,
    threads: usize,
    mut next: impl FnMut() -> Result<Option<W>, IngestError> + Send,
    parse: impl Fn(W, &Results) -> Result<(), IngestError> + Sync,
    mut take: impl FnMut(Parsed) -> Result<ControlFlow<()>, IngestError>,
) -> Result<ControlFlow<()>, IngestError> {
    if threads == 0 {
        return run_here(source_name, next, parse, take);
    }
    thread::scope(|scope| {
        let (work_in, work_out) = bounded::<(W, Sender<Outcome>)>(threads * WORK_A_THREAD);
        let (order_in, order_out) = bounded::<Receiver<Outcome>>(threads * WORK_A_THREAD);
        for _ in 0..threads {
            let (work_out, parse) = (work_out.clone(), &parse);
            scope.spawn(move || {
                for (work, results) in work_out {
                    let results = Results(results);
                    // Reader libraries have panicked on malformed files before.
                    let done = guarded(source_name, || parse(work, &results));
                    if let Err(error) = done {
                        // An error means that the receiver is gone.
                        let _ = results.0.send(Err(error));
                    }
                }
            });
        }
        drop(work_out);
        scope.spawn(move || {
            loop {
                let work = guarded(source_name, &mut next).transpose();
                let (result_in, result_out) = bounded(RESULTS_A_PIECE);
                let Some(work) = work else { return };
                if order_in.send(result_out).is_err() {
                    return;
                }
                match work {
                    Ok(work) => {
                        if work_in.send((work, result_in)).is_err() {
                            return;
                        }
                    }
                    Err(error) => {
                        // An error means that the receiver is gone.
                        let _ = result_in.send(Err(error));
                        return;
                    }
                }
            }
        });
        // By value: when the loop ends, the queue closes, and so do all stages before it.
        for results in order_out {
            for outcome in results {
                if take(outcome?)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })
}

fn run_here<W>(
    source_name: &str,
    mut next: impl FnMut() -> Result<Option<W>, IngestError>,
    parse: impl Fn(W, &Results) -> Result<(), IngestError>,
    mut take: impl FnMut(Parsed) -> Result<ControlFlow<()>, IngestError>,
) -> Result<ControlFlow<()>, IngestError> {
    while let Some(work) = guarded(source_name, &mut next)? {
        // Nothing is received while the piece is parsed, so all of its results wait.
        let (result_in, result_out) = unbounded();
        let results = Results(result_in);
        let done = guarded(source_name, || parse(work, &results));
        drop(results);
        for outcome in result_out {
            if take(outcome?)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        done?;
    }
    Ok(ControlFlow::Continue(()))
}

thread_local! {
    /// Whether this thread runs a library whose panic on a malformed input is an expected result, not a bug.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Silences panics of readers on malformed inputs: they are reported with the input, and their backtraces are of no use. All
/// other panics are reported as before.
fn keep_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                report(info);
            }
        }));
    });
}

pub(crate) fn guarded<T>(source_name: &str, run: impl FnOnce() -> Result<T, IngestError>) -> Result<T, IngestError> {
    keep_quiet();
    let was_guarded = IS_GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_GUARDED.set(was_guarded);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let reason = format!("is malformed: its reader panicked ({})", text.unwrap_or("no reason given"));
        Err(IngestError::Malformed { source_name: source_name.to_owned(), reason })
    })
}
