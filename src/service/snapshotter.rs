//! Snapshots of the running engine: one shard between two rounds, written by a separate thread.
//!
//! The sequencer copies one shard at a time into columns, and commands wait only for that copy. So shards are at different
//! groups; the manifest has the group of each. What recovery needs is then on disk in this order: the history up to the last
//! shard's group, the snapshot, and the journal from the first shard's group on.

use super::command::{CommandError, Reply, SnapshotDone};
use super::history_writer::Work;
use super::state_machine::StateMachine;
use super::wall_clock::{Clock, Stopwatch};
use crate::calendar::zone_data_version;
use crate::engine::{Engine, Head, ShardState};
use crate::store::epochs::Epoch;
use crate::store::record::LabelTable;
use crate::store::snapshot;
use crate::store::snapshot::{Finish, Manifest, ServiceState, SnapshotWriter, StartHead};
use crossbeam_channel::{Receiver, Sender, TryRecvError, TrySendError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Shards queued for the writing thread.
const WAITING_SHARDS: usize = 2;

/// Takes snapshots, one at a time.
pub(super) struct Snapshots {
    folder: PathBuf,
    stored: usize,
    every: Duration,
    history: Sender<Work>,
    epoch: Option<Epoch>,
    since_last: Stopwatch,
    /// Number of the snapshot that the start found; then the last one since. A snapshot is numbered by the group at which it
    /// began.
    found: u64,
    last: Option<SnapshotDone>,
    pending: bool,
    replies: Vec<Reply<SnapshotDone>>,
    running: Option<Running>,
    /// The thread of an abandoned snapshot: until it has ended, the snapshot's folder belongs to it.
    ending: Option<JoinHandle<()>>,
}

/// A snapshot in progress.
struct Running {
    number: u64,
    next_shard: u16,
    shards: u16,
    /// Time and rows of the engine when the first shard was copied.
    first: (i64, u64),
    parts: Sender<Part>,
    done: Receiver<Result<Manifest, String>>,
    thread: JoinHandle<()>,
    watch: Stopwatch,
    longest_stall: Duration,
    is_complete: bool,
}

enum Part {
    Shard(u64, Box<ShardState>),
    Finish(Box<(Head, ServiceState)>),
}

/// Result of a step.
pub(super) enum Step {
    Nothing,
    /// A snapshot is published; no kept snapshot needs the groups before this one.
    Published {
        oldest_needed: u64,
    },
}

impl Snapshots {
    /// `found` is the number of the snapshot that the start began with, or 0.
    pub(super) fn new(
        folder: PathBuf,
        stored: usize,
        every: Duration,
        history: Sender<Work>,
        epoch: Option<Epoch>,
        found: u64,
    ) -> Self {
        Self {
            folder,
            stored: stored.max(2),
            every,
            history,
            epoch,
            since_last: Stopwatch::start(),
            found,
            last: None,
            pending: false,
            replies: Vec::new(),
            running: None,
            ending: None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some() || self.pending
    }

    /// Requests a snapshot now.
    pub(super) fn ask(&mut self, reply: Option<Reply<SnapshotDone>>) {
        self.pending = true;
        self.replies.extend(reply);
    }

    /// Abandons the snapshot in progress, if there is one, to begin another.
    pub(super) fn begin_anew(&mut self) {
        if let Some(running) = self.running.take() {
            self.pending = true;
            self.ending = Some(running.give_up());
        }
    }

    /// Whether the next step begins a snapshot.
    pub(super) fn is_due(&self, machine: &StateMachine) -> bool {
        let is_free = self.running.is_none() && self.ending.as_ref().is_none_or(JoinHandle::is_finished);
        is_free && (self.pending || self.since_last.elapsed() >= self.every && self.has_news(machine))
    }

    /// Advances as far as possible without waiting.
    pub(super) fn step(&mut self, machine: &StateMachine, clock: &Clock) -> Step {
        if self.is_due(machine) {
            self.ending = None;
            self.begin(machine);
        }
        let Some(running) = &mut self.running else { return Step::Nothing };
        if !running.is_complete {
            running.hand_over(machine);
        }
        match running.done.try_recv() {
            Err(TryRecvError::Empty) => Step::Nothing,
            Ok(Ok(manifest)) => self.published(&manifest, clock),
            Ok(Err(reason)) => self.failed(&reason),
            Err(TryRecvError::Disconnected) => self.failed("the writing thread has ended"),
        }
    }

    /// Takes a last snapshot, while nothing else runs. One in progress is finished first, if it is of the current state or only
    /// has to be published; otherwise it is abandoned. So this takes little longer than one snapshot.
    ///
    /// # Errors
    /// A message, when it cannot be written.
    pub(super) fn take_at_once(&mut self, machine: &StateMachine, clock: &Clock) -> Result<Step, String> {
        let mut step = Step::Nothing;
        if let Some(running) = self.running.take_if(|it| !it.is_complete && it.number < machine.group) {
            self.ending = Some(running.give_up());
        } else if self.running.is_some() {
            match self.end_running(machine, clock) {
                Ok(published) => step = published,
                Err(reason) => tracing::warn!(reason, "a snapshot could not be written; trying a last one"),
            }
        }
        if let Some(thread) = self.ending.take() {
            // Its result goes to its channel, which has no reader any more.
            let _ = thread.join();
        }
        if !self.has_news(machine) {
            return Ok(step);
        }
        self.begin(machine);
        self.end_running(machine, clock)
    }

    /// Waits until the snapshot in progress is published.
    fn end_running(&mut self, machine: &StateMachine, clock: &Clock) -> Result<Step, String> {
        let Some(running) = &mut self.running else { return Ok(Step::Nothing) };
        while !running.is_complete {
            running.hand_over(machine);
            std::thread::yield_now();
        }
        match running.done.recv() {
            Ok(Ok(manifest)) => Ok(self.published(&manifest, clock)),
            Ok(Err(reason)) => Err(reason),
            Err(_) => Err("the thread that writes the snapshot has ended".to_owned()),
        }
    }

    fn has_news(&self, machine: &StateMachine) -> bool {
        machine.group > self.last.as_ref().map_or(self.found, |last| last.number)
    }

    fn begin(&mut self, machine: &StateMachine) {
        self.pending = false;
        self.since_last = Stopwatch::start();
        if let Some(last) = self.last.as_ref().filter(|last| last.number >= machine.group) {
            // Nothing has happened since: the last one is current.
            for reply in self.replies.drain(..) {
                let _ = reply.send(Ok(last.clone()));
            }
            return;
        }
        let (parts, work) = crossbeam_channel::bounded(WAITING_SHARDS);
        let (result, done) = crossbeam_channel::bounded(1);
        let engine = read(machine);
        let number = machine.group;
        let first = (engine.now_ms(), engine.rows());
        let task = Task {
            folder: self.folder.clone(),
            number,
            first,
            names: Arc::clone(&machine.names),
            history: self.history.clone(),
            epoch: self.epoch,
        };
        let thread = std::thread::Builder::new().name("snapshot".into()).spawn(move || {
            // The sequencer may have abandoned this snapshot.
            let _ = result.send(task.write(&work));
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                drop(engine);
                self.failed(&format!("cannot create its thread: {error}"));
                return;
            }
        };
        let shards = engine.shards();
        self.running = Some(Running {
            number,
            next_shard: 0,
            shards,
            first,
            parts,
            done,
            thread,
            watch: Stopwatch::start(),
            longest_stall: Duration::ZERO,
            is_complete: false,
        });
        drop(engine);
    }

    fn published(&mut self, manifest: &Manifest, clock: &Clock) -> Step {
        let Some(running) = self.running.take() else { return Step::Nothing };
        let done = SnapshotDone {
            number: running.number,
            tickets: manifest.shards.iter().map(|shard| shard.tickets.rows).sum(),
            bytes: manifest.bytes(),
            took_ms: running.watch.elapsed_ms(),
            longest_stall_ms: running.longest_stall.as_millis() as u64,
        };
        tracing::info!(
            number = done.number,
            tickets = done.tickets,
            bytes = done.bytes,
            took_ms = done.took_ms,
            longest_stall_ms = done.longest_stall_ms,
            engine_now_ms = running.first.0,
            clock_ms = clock.now_ms(),
            "snapshot published"
        );
        for reply in self.replies.drain(..) {
            let _ = reply.send(Ok(done.clone()));
        }
        self.last = Some(done);
        match oldest_needed(&self.folder, self.stored) {
            Ok(oldest_needed) => Step::Published { oldest_needed },
            Err(reason) => {
                tracing::warn!(reason, "old snapshots and journal segments are kept");
                Step::Published { oldest_needed: 0 }
            }
        }
    }

    fn failed(&mut self, reason: &str) -> Step {
        self.running = None;
        tracing::error!(
            reason,
            "the snapshot could not be written; the journal has everything, and the snapshot will be retried"
        );
        for reply in self.replies.drain(..) {
            let _ = reply.send(Err(CommandError::Failed(format!("the snapshot could not be written: {reason}"))));
        }
        Step::Nothing
    }
}

impl Running {
    /// Its thread ends at the next shard; nothing is published.
    fn give_up(self) -> JoinHandle<()> {
        self.thread
    }

    /// Hands over the next shard, or what comes after the last, if the writing thread has capacity.
    fn hand_over(&mut self, machine: &StateMachine) {
        if self.parts.is_full() {
            return;
        }
        let watch = Stopwatch::start();
        let engine = read(machine);
        let part = if self.next_shard < self.shards {
            Part::Shard(machine.group, Box::new(engine.export(self.next_shard)))
        } else {
            Part::Finish(Box::new((engine.head(), machine.state())))
        };
        drop(engine);
        self.longest_stall = self.longest_stall.max(watch.elapsed());
        match self.parts.try_send(part) {
            Ok(()) => {
                self.is_complete = self.next_shard == self.shards;
                self.next_shard += 1;
            }
            // The thread has ended early; the other channel has the reason.
            Err(TrySendError::Disconnected(_)) => self.is_complete = true,
            Err(TrySendError::Full(_)) => {}
        }
    }
}

fn read(machine: &StateMachine) -> parking_lot::RwLockReadGuard<'_, Engine> {
    machine.engine.read()
}

/// Removes snapshots beyond those to keep; returns the first group that the oldest kept one needs.
///
/// # Errors
/// A message, when a kept snapshot cannot be read: then nothing may be removed.
pub(super) fn oldest_needed(folder: &Path, stored: usize) -> Result<u64, String> {
    snapshot::prune(folder, stored).map_err(|error| error.to_string())?;
    let mut oldest = u64::MAX;
    let found = snapshot::list(folder).map_err(|error| error.to_string())?;
    if found.len() < stored {
        // Before the first snapshot, the journal from its beginning is needed.
        return Ok(0);
    }
    for found in found {
        let manifest = Manifest::of(&found.path).map_err(|damage| damage.to_string())?;
        oldest = oldest.min(manifest.first_position() + 1);
    }
    Ok(oldest)
}

/// The work of the writing thread.
struct Task {
    folder: PathBuf,
    number: u64,
    first: (i64, u64),
    names: Arc<LabelTable>,
    history: Sender<Work>,
    epoch: Option<Epoch>,
}

impl Task {
    fn write(&self, parts: &Receiver<Part>) -> Result<Manifest, String> {
        let labels = |error: snapshot::SnapshotError| error.to_string();
        let mut writer = SnapshotWriter::begin(&self.folder, self.number).map_err(labels)?;
        for part in parts {
            match part {
                Part::Shard(position, state) => writer.shard(position, *state, &self.names).map_err(labels)?,
                Part::Finish(rest) => {
                    let (head, state) = *rest;
                    // Once the snapshot is published, the records before it are not recalculated.
                    let (reply, flushed) = crossbeam_channel::bounded(1);
                    let pending = self.history.send(Work::Flush(reply)).map_err(|_| "the history thread has ended");
                    pending?;
                    flushed.recv().map_err(|_| "the history thread has ended")??;
                    let (now_ms, rows) = self.first;
                    let finish = Finish {
                        first: StartHead { now_ms, rows },
                        head: &head,
                        state: &state,
                        zone_data_version: zone_data_version(),
                        epoch: self.epoch,
                    };
                    return writer.finish(finish).map_err(labels);
                }
            }
        }
        Err("abandoned: the policy was edited, or the service stops".to_owned())
    }
}
