//! Snapshots beside the running engine: a shard between two rounds, written by a thread of its own.
//!
//! The sequencer copies one shard at a time into columns, which is the only time for which commands wait, and goes on. So
//! shards stand at different groups; the manifest has each one's. What recovery needs is then in this order on disk: the
//! history up to the last shard's group, the snapshot, and the journal from the first shard's group on.

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
use std::sync::{Arc, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shards that wait for the writing thread.
const WAITING_SHARDS: usize = 2;

/// Takes snapshots, one at a time.
pub struct Snapshots {
    folder: PathBuf,
    stored: usize,
    every: Duration,
    history: Sender<Work>,
    epoch: Option<Epoch>,
    since_last: Stopwatch,
    /// The one that the start found, and the last one since: they are called by the group at which they were begun.
    found: u64,
    last: Option<SnapshotDone>,
    pending: bool,
    replies: Vec<Reply<SnapshotDone>>,
    running: Option<Running>,
    /// The thread of one that was given up: until it has ended, the folder is its own.
    ending: Option<JoinHandle<()>>,
}

/// A snapshot that is being taken.
struct Running {
    number: u64,
    next_shard: u16,
    shards: u16,
    /// Time and rows of the engine when the first shard was taken.
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

/// What a step led to.
pub enum Step {
    Nothing,
    /// A snapshot is there; groups before this one are needed by none that is kept.
    Published {
        oldest_needed: u64,
    },
}

impl Snapshots {
    /// `found` is the number of the one that the start began with, or 0.
    pub fn new(
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

    pub fn is_running(&self) -> bool {
        self.running.is_some() || self.pending
    }

    /// Asks for a snapshot now.
    pub fn ask(&mut self, reply: Option<Reply<SnapshotDone>>) {
        self.pending = true;
        self.replies.extend(reply);
    }

    /// Gives up the snapshot that is being taken, if one is, to begin another.
    pub fn begin_anew(&mut self) {
        if let Some(running) = self.running.take() {
            self.pending = true;
            self.ending = Some(running.give_up());
        }
    }

    /// Whether the next step begins a snapshot.
    pub fn is_due(&self, machine: &StateMachine) -> bool {
        let is_free = self.running.is_none() && self.ending.as_ref().is_none_or(JoinHandle::is_finished);
        is_free && (self.pending || self.since_last.elapsed() >= self.every && self.has_news(machine))
    }

    /// Does what can be done without waiting.
    pub fn step(&mut self, machine: &StateMachine, clock: &Clock) -> Step {
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

    /// Takes a last snapshot, while nothing else happens. One that is being taken is ended first, if it is of the state as it
    /// is now, or only has to be published; else it is given up. So this takes the time of one snapshot, and a little.
    ///
    /// # Errors
    /// In words, when it cannot be written.
    pub fn take_at_once(&mut self, machine: &StateMachine, clock: &Clock) -> Result<Step, String> {
        let mut step = Step::Nothing;
        if let Some(running) = self.running.take_if(|it| !it.is_complete && it.number < machine.group) {
            self.ending = Some(running.give_up());
        } else if self.running.is_some() {
            match self.end_running(machine, clock) {
                Ok(published) => step = published,
                Err(reason) => tracing::warn!(reason, "a snapshot could not be written; a last one is tried"),
            }
        }
        if let Some(thread) = self.ending.take() {
            // It says over its channel how it ended; nobody listens any more.
            let _ = thread.join();
        }
        if !self.has_news(machine) {
            return Ok(step);
        }
        self.begin(machine);
        self.end_running(machine, clock)
    }

    /// Waits until the snapshot that is being taken is published.
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
            // Nothing has happened since: the last one is as good.
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
            // The sequencer may have given this snapshot up.
            let _ = result.send(task.write(&work));
        });
        let thread = match thread {
            Ok(thread) => thread,
            Err(error) => {
                drop(engine);
                self.failed(&format!("no thread for it: {error}"));
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
            tickets: manifest.rows_of(snapshot::TICKETS),
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
        tracing::error!(reason, "the snapshot could not be written; the journal has everything, the next try follows");
        for reply in self.replies.drain(..) {
            let _ = reply.send(Err(CommandError::Failed(format!("the snapshot could not be written: {reason}"))));
        }
        Step::Nothing
    }
}

impl Running {
    /// Its thread ends at the next shard, and nothing is published.
    fn give_up(self) -> JoinHandle<()> {
        self.thread
    }

    /// Hands over the next shard, or what comes after the last, if the writing thread has room for it.
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
            // The thread has ended early and says why over the other channel.
            Err(TrySendError::Disconnected(_)) => self.is_complete = true,
            Err(TrySendError::Full(_)) => {}
        }
    }
}

fn read(machine: &StateMachine) -> std::sync::RwLockReadGuard<'_, Engine> {
    machine.engine.read().unwrap_or_else(PoisonError::into_inner)
}

/// Removes snapshots beyond those that are kept; returns the first group that the oldest of the others needs.
///
/// # Errors
/// In words, when a snapshot that is kept cannot be read: then nothing may go.
pub fn oldest_needed(folder: &Path, stored: usize) -> Result<u64, String> {
    snapshot::prune(folder, stored).map_err(|error| error.to_string())?;
    let mut oldest = u64::MAX;
    let found = snapshot::list(folder).map_err(|error| error.to_string())?;
    if found.len() < stored {
        // The snapshot before the first is the journal from its beginning.
        return Ok(0);
    }
    for found in found {
        let manifest = Manifest::of(&found.path).map_err(|damage| damage.to_string())?;
        oldest = oldest.min(manifest.first_position() + 1);
    }
    Ok(oldest)
}

/// What the writing thread does.
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
                Part::Shard(position, state) => writer.shard(position, &state, &self.names).map_err(labels)?,
                Part::Finish(rest) => {
                    let (head, state) = *rest;
                    // Once the snapshot is there, the records before it are not computed again.
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
        Err("given up: the policy was edited, or the service stops".to_owned())
    }
}
