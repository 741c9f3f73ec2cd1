//! The thread that writes records to the history. They wait until they fill a file, or until a snapshot needs them on disk.

use super::feed::Feed;
use super::state_machine::{GroupOutput, InputResult};
use crate::limits::HISTORY_FLUSH_RECORDS;
use crate::store::history::History;
use crate::store::record::{CycleBlock, EscalationBlock};
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Messages to the thread.
pub(super) enum Work {
    Escalations(Arc<EscalationBlock>),
    Cycles(Arc<CycleBlock>),
    /// Write everything that waits, and report the result.
    Flush(Sender<Result<(), String>>),
}

/// Passes a group's records to the feed and to the history; returns its replies.
pub(super) fn keep(feed: &Feed, history: &Sender<Work>, output: GroupOutput) -> Vec<InputResult> {
    let GroupOutput { escalations, cycles, replies } = output;
    if !escalations.is_empty() {
        let block = Arc::new(escalations);
        feed.push(&block);
        // The thread ends only when this sender is dropped.
        let _ = history.send(Work::Escalations(block));
    }
    if !cycles.rows.is_empty() {
        let _ = history.send(Work::Cycles(Arc::new(cycles)));
    }
    replies
}

/// State of the thread.
struct HistoryWriter {
    history: Arc<History>,
    escalations: Vec<Arc<EscalationBlock>>,
    cycles: Vec<Arc<CycleBlock>>,
    waiting: usize,
}

/// Starts the thread; it ends when the sender is dropped.
///
/// # Errors
/// When the system cannot create the thread.
pub(super) fn start(history: Arc<History>, work: Receiver<Work>) -> std::io::Result<JoinHandle<()>> {
    let history_thread = HistoryWriter { history, escalations: Vec::new(), cycles: Vec::new(), waiting: 0 };
    std::thread::Builder::new().name("history".into()).spawn(move || history_thread.run(&work))
}

impl HistoryWriter {
    fn run(mut self, work: &Receiver<Work>) {
        for work in work {
            match work {
                Work::Escalations(block) => {
                    self.waiting += block.len();
                    self.escalations.push(block);
                }
                Work::Cycles(block) => {
                    self.waiting += block.rows.len();
                    self.cycles.push(block);
                }
                Work::Flush(reply) => {
                    // The caller may have stopped waiting.
                    let _ = reply.send(self.flush());
                    continue;
                }
            }
            if self.waiting >= HISTORY_FLUSH_RECORDS
                && let Err(error) = self.flush()
            {
                // Nothing is lost: the journal has the groups that they follow from. They keep waiting.
                tracing::error!(error, waiting = self.waiting, "cannot write the history; the write will be retried");
            }
        }
        if let Err(error) = self.flush() {
            tracing::error!(error, "cannot write the history; the next start writes it");
        }
    }

    fn flush(&mut self) -> Result<(), String> {
        let escalations = self.history.write_escalations(&self.escalations);
        escalations.map_err(|error| error.to_string())?;
        self.escalations.clear();
        self.history.write_cycles(&self.cycles).map_err(|error| error.to_string())?;
        self.cycles.clear();
        self.waiting = 0;
        Ok(())
    }
}
