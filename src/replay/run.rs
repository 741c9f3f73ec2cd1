//! Drives the engine over sorted events.
//!
//! Events are applied to the engine in windows of a fixed number of rows. The engine settles a ticket exactly up to each of
//! its events, so a window may cover days: `apply` accepts the events, then `advance` moves the tickets without an event to
//! the end of the window, one millisecond before its last event, because the next window may begin with another event of that
//! instant. The results do not depend on where windows end, and windows do not depend on memory, shards or threads.
//!
//! One thread assembles the next window while the engine processes the current one; writers have their own threads.

use super::output::{OutputError, Outputs};
use super::sort::{SortError, Sorted};
use super::summary::{Input, Span, Summary, Tally};
use crate::engine::{CatchUp, Engine, Outcome, RejectedReason};
use crate::limits;
use crate::policy::Policy;
use crate::ticket::{Batch, EventKind, TicketLabel};
use crate::time::{SECOND_MS, format_rfc3339};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// Options of a replay.
#[derive(Debug, Clone)]
pub struct Options {
    pub policy: Arc<Policy>,
    pub shards: usize,
    /// Which levels fire that are already due.
    pub catch_up: CatchUp,
    /// End of simulated time; later events are skipped. None: at the last event.
    pub until_ms: Option<i64>,
    /// Whether the first rejected event ends the replay.
    pub strict: bool,
}

/// Why a replay was not completed.
#[derive(Debug, Error)]
pub enum ReplayError {
    #[error(transparent)]
    Sort(#[from] SortError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error("stopped at the first rejected event: {0}")]
    RejectedRow(String),
    #[error("the sorting thread has stopped without a reason")]
    Stopped,
}

/// An event that the engine rejected.
#[derive(Debug, Clone, Copy)]
pub struct RejectedEvent<'a> {
    pub ticket: &'a str,
    pub at_ms: i64,
    pub kind: EventKind,
    pub reason: &'a RejectedReason,
}

impl fmt::Display for RejectedEvent<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ticket {:?} at {}: {}", self.ticket, format_rfc3339(self.at_ms), self.reason)
    }
}

/// Receives the progress of a replay.
pub trait Listener {
    /// This number of events has been processed since the last call.
    fn done(&mut self, events: u64);

    /// An event was rejected.
    fn rejected(&mut self, event: &RejectedEvent<'_>);
}

/// Replays events. `outputs` receives the rows as they are emitted; the caller publishes them.
///
/// # Errors
/// Events that cannot be read back from disk, results that cannot be written.
pub fn run(
    mut events: Sorted,
    options: &Options,
    outputs: Option<&mut Outputs>,
    listener: &mut dyn Listener,
) -> Result<Summary, ReplayError> {
    let total = events.rows();
    let mut run = Run {
        engine: Engine::new(Arc::clone(&options.policy), options.shards),
        catch_up: options.catch_up,
        strict: options.strict,
        outputs,
        listener,
        tally: Tally::default(),
        input: Input::default(),
        span: Span { until_ms: options.until_ms, ..Span::default() },
        gone: BTreeSet::new(),
    };
    events.end_at(options.until_ms.unwrap_or(i64::MAX));
    std::thread::scope(|scope| -> Result<(), ReplayError> {
        let (sender, windows) = crossbeam_channel::bounded::<Batch>(1);
        let (give_back, used) = crossbeam_channel::bounded::<Batch>(1);
        let gather = scope.spawn(move || -> Result<(), SortError> {
            while let Some(window) = events.next_batch(limits::REPLAY_WINDOW_ROWS, used.try_recv().ok())? {
                if sender.send(window).is_err() {
                    break;
                }
            }
            Ok(())
        });
        // On an error the receiver is dropped, and the thread stops gathering.
        windows.into_iter().try_for_each(|window| -> Result<(), ReplayError> {
            run.window(&window)?;
            // Its memory is reused for the window after the next; an error here is harmless.
            let _ = give_back.try_send(window);
            Ok(())
        })?;
        gather.join().map_err(|_| ReplayError::Stopped)??;
        Ok(())
    })?;
    run.input.events_after_end = total - run.input.events;
    run.finish()
}

struct Run<'a> {
    engine: Engine,
    catch_up: CatchUp,
    strict: bool,
    outputs: Option<&'a mut Outputs>,
    listener: &'a mut dyn Listener,
    tally: Tally,
    input: Input,
    span: Span,
    /// Deleted or merged tickets, by id: the engine forgets them.
    gone: BTreeSet<Box<str>>,
}

impl Run<'_> {
    fn window(&mut self, window: &Batch) -> Result<(), ReplayError> {
        let (Some(first_ms), Some(last_ms)) = (window.at_ms.first(), window.at_ms.last()) else { return Ok(()) };
        self.span.first_ms.get_or_insert(*first_ms);
        self.span.last_ms = Some(*last_ms);
        self.input.events += window.len() as u64;
        let outcome = self.engine.apply(window, self.catch_up);
        for rejected in &outcome.rejected {
            let (ticket, at_ms) = (window.ticket.get(rejected.row), window.at_ms[rejected.row]);
            let event = RejectedEvent { ticket, at_ms, kind: window.kind[rejected.row], reason: &rejected.reason };
            self.listener.rejected(&event);
            if self.strict {
                return Err(ReplayError::RejectedRow(event.to_string()));
            }
        }
        self.input.rejected_events += outcome.rejected.len() as u64;
        for (row, kind) in window.kind.iter().enumerate() {
            if matches!(kind, EventKind::Deleted | EventKind::Merged) {
                self.gone.insert(window.ticket.get(row).into());
            }
        }
        self.take(window, &outcome);
        let outcome = self.engine.advance(last_ms - 1);
        self.take(window, &outcome);
        if let Some(outputs) = &mut self.outputs {
            outputs.end_window(&self.engine)?;
        }
        self.listener.done(window.len() as u64);
        Ok(())
    }

    fn take(&mut self, window: &Batch, outcome: &Outcome) {
        outcome.escalations.iter().for_each(|escalation| self.tally.escalation(escalation));
        outcome.cycles.iter().for_each(|cycle| self.tally.cycle(cycle, self.engine.cycle_priority(cycle)));
        if let Some(outputs) = &mut self.outputs {
            outputs.add(&self.engine, window, &outcome.escalations, &outcome.cycles);
        }
    }

    /// Advances the last tickets and counts open cycles.
    fn finish(mut self) -> Result<Summary, ReplayError> {
        let nothing = Batch::default();
        self.span.until_ms = self.span.until_ms.or(self.span.last_ms);
        if let Some(until_ms) = self.span.until_ms {
            // The engine's time is whole seconds: it must include the last event.
            let outcome = self.engine.advance(until_ms + (SECOND_MS - until_ms.rem_euclid(SECOND_MS)) % SECOND_MS);
            self.take(&nothing, &outcome);
        }
        let open = self.engine.open_cycles();
        for chunk in open.chunks(limits::REPLAY_WINDOW_ROWS) {
            chunk.iter().for_each(|cycle| self.tally.cycle(cycle, self.engine.cycle_priority(cycle)));
            if let Some(outputs) = &mut self.outputs {
                outputs.end_window(&self.engine)?;
                outputs.add(&self.engine, &nothing, &[], chunk);
            }
        }
        if let Some(outputs) = &mut self.outputs {
            outputs.end_window(&self.engine)?;
        }
        let gone = self.gone.iter().filter(|id| self.engine.find(id).is_none()).count();
        self.input.tickets = (self.engine.len() + gone) as u64;
        let (engine, tally) = (&self.engine, self.tally);
        let summary = tally.finish(
            &self.span,
            self.input,
            |priority| engine.label_name(TicketLabel::Priority, priority).to_owned(),
            |clock| engine.clock_name(clock).to_owned(),
        );
        Ok(summary)
    }
}
