//! The live service: one sequencer thread owns the engine; all other threads send it commands, or read what it has published.
//!
//! A command goes over a bounded channel to the sequencer, which collects the queued commands, writes them to the journal as
//! one group, syncs, lets the time pass, applies the group, and only then replies: a reply means durable. The same inputs in
//! the same groups give the same records with the same numbers (`state_machine`), so a crash loses nothing and duplicates
//! nothing.
//!
//! Readers use the published [`View`] (counters, lag, queue), or take the engine's read lock briefly ([`Service::read`]). Only
//! the engine's own jobs run on rayon, and none of them takes that lock, so there is no deadlock.

mod command;
mod config;
mod data_folder;
mod feed;
mod history_writer;
mod inspect;
mod lifecycle;
mod publisher;
mod pulse;
mod readiness;
mod recovery;
mod scanner;
mod sequencer;
mod snapshotter;
mod start_time;
pub mod state_machine;
pub(crate) mod view;
mod wall_clock;

pub use command::{Acknowledge, Applied, CommandError, Edit, Edited, SnapshotDone};
pub use config::{ClockChoice, Config, Seed, StartError, Trust};
pub use inspect::{Inspected, inspect};
pub use lifecycle::{Started, Stopper};
pub use pulse::Obstacle;
pub use readiness::NotReady;
pub use sequencer::EXIT_SYNC_FAILED;
pub use view::{ClockView, Gauges, NamedTally, Scan, Totals, View};
pub use wall_clock::{WallClock, machine_wall};

use crate::engine::{EditError, Engine, Preview};
use crate::limits::MAX_BATCH_ROWS;
use crate::policy;
use crate::store::epochs::Epochs;
use crate::store::history::Page;
use crate::store::input::{AcknowledgeInput, BatchInput};
use crate::store::record::{EscalationFilter, EscalationRecord, RecordKind};
use crate::store::snapshot::{Acknowledgement, PolicyVersion};
use command::{Command, Reply};
use crossbeam_channel::{Sender, TrySendError};
use feed::Feed;
use publisher::Published;
use state_machine::{Acknowledgements, SharedEngine};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::ScopedJoinHandle;
use tokio::sync::{oneshot, watch};
use wall_clock::Clock;

/// The exit code of a process whose sequencer has panicked (EX_SOFTWARE).
pub const EXIT_PANICKED: i32 = 70;

/// The service, as the server sees it. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    commands: Sender<Command>,
    published: Arc<Published>,
    engine: SharedEngine,
    feed: Arc<Feed>,
    clock: Arc<Clock>,
    acknowledgements: Acknowledgements,
    data_dir: PathBuf,
    epochs: Epochs,
}

impl Service {
    /// Sends events and waits until they are durable and applied. For threads: blocks while the queue is full.
    ///
    /// # Errors
    /// [`CommandError`].
    pub fn load_blocking(&self, input: BatchInput) -> Result<Applied, CommandError> {
        let (reply, receiver) = oneshot::channel();
        let command = self.load_command(input, reply)?;
        self.inner.commands.send(command).map_err(|_| CommandError::Stopping)?;
        receiver.blocking_recv().map_err(|_| CommandError::Stopping)?
    }

    /// Sends events and waits until they are durable and applied. Rejected at once when the queue is full.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn load(&self, input: BatchInput) -> Result<Applied, CommandError> {
        let (reply, receiver) = oneshot::channel();
        self.send(self.load_command(input, reply)?)?;
        receiver.await.map_err(|_| CommandError::Stopping)?
    }

    fn load_command(&self, mut input: BatchInput, reply: Reply<Applied>) -> Result<Command, CommandError> {
        if input.batch.len() > MAX_BATCH_ROWS {
            return Err(CommandError::Invalid(format!(
                "{} rows at once, at most {MAX_BATCH_ROWS} are accepted",
                input.batch.len()
            )));
        }
        if !self.is_ready() {
            return Err(CommandError::Stopping);
        }
        // Texts are read here and not kept: the journal records what the rules derive from them.
        if let Some(policy) = self.inner.published.policy() {
            policy::assign(&policy, &mut input.batch);
        }
        Ok(Command::Load(Arc::new(input), reply))
    }

    /// Checks a policy and brings it into force; on a dry run, reports what that would do.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn edit(&self, edit: Edit) -> Result<Edited, CommandError> {
        let service = self.clone();
        let prepared = tokio::task::spawn_blocking(move || service.prepare(edit)).await;
        match prepared.map_err(|error| CommandError::Failed(error.to_string()))?? {
            Prepared::InputResult(edited) => Ok(edited),
            Prepared::Edit { command, receiver, problems } => {
                self.send(command)?;
                let (version, since_ms) = receiver.await.map_err(|_| CommandError::Stopping)??;
                Ok(Edited { version, preview: None, problems, since_ms, is_unchanged: false })
            }
        }
    }

    /// Compiles a policy; with `dry_run`, applies it to every open ticket without effect.
    fn prepare(&self, edit: Edit) -> Result<Prepared, CommandError> {
        let policies = self.policies();
        let current = policies.last().ok_or(CommandError::Stopping)?;
        let Edit { mut input, dry_run, if_version } = edit;
        if let Some(expected) = if_version.filter(|expected| *expected != current.number) {
            return Err(CommandError::Version { expected, is: current.number });
        }
        let mut files = current.files.clone();
        files.retain(|(name, _)| !input.files.iter().any(|(other, _)| other == name));
        files.append(&mut input.files);
        input.files = files;
        let is_unchanged = input.text == current.text && input.files == current.files;
        let (policy, problems) = state_machine::compile(&input).map_err(CommandError::Policy)?;
        let policy = Arc::new(policy);
        if is_unchanged || dry_run {
            let preview = dry_run.then(|| self.preview(&policy, input.apply, input.catch_up)).transpose()?;
            let (version, since_ms) = (current.number, current.since_ms);
            return Ok(Prepared::InputResult(Edited { version, preview, problems, since_ms, is_unchanged }));
        }
        let (reply, receiver) = oneshot::channel();
        let command = Command::Edit { input: Arc::new(input), policy, if_version, reply };
        Ok(Prepared::Edit { command, receiver, problems })
    }

    /// Preview of an edit: shard by shard, so that the sequencer gets its slot between them, on several threads (of its own:
    /// the engine's must never take its lock).
    fn preview(
        &self,
        policy: &Arc<policy::Policy>,
        apply: crate::engine::Apply,
        catch_up: crate::engine::CatchUp,
    ) -> Result<Preview, CommandError> {
        let planned = self.read(|engine| engine.plan(policy, apply, catch_up).map(|plan| (plan, engine.shards())));
        let (plan, shards) = planned.map_err(|error| CommandError::Conflict(error.to_string()))?;
        let next_shard = AtomicU16::new(0);
        let count_shards = || {
            let mut preview = Preview::default();
            loop {
                let shard = next_shard.fetch_add(1, Ordering::Relaxed);
                if shard >= shards {
                    return Ok(preview);
                }
                preview.merge(&self.read(|engine| engine.preview_shard(&plan, shard))?);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let parts: Vec<_> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(count_shards)).collect();
            workers.into_iter().map(ScopedJoinHandle::join).collect()
        });
        let mut preview = Preview::default();
        for part in parts {
            let part: Result<Preview, EditError> =
                part.map_err(|_| CommandError::Failed("the preview of the edit has panicked".to_owned()))?;
            preview.merge(&part.map_err(|error| CommandError::Conflict(error.to_string()))?);
        }
        Ok(preview)
    }

    /// Acknowledges an escalation. The first acknowledgement stays.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn acknowledge(&self, acknowledge: Acknowledge) -> Result<Acknowledgement, CommandError> {
        let Acknowledge { sequence, note, origin } = acknowledge;
        // With a key, the sequencer first checks whether it is a repeat, or the key of another request.
        if origin.key.is_none()
            && let Some(known) = self.acknowledgement(sequence)
        {
            return Ok(known);
        }
        let service = self.clone();
        let record = tokio::task::spawn_blocking(move || service.escalation(sequence)).await;
        let record = record.map_err(|error| CommandError::Failed(error.to_string()))??;
        if !matches!(record.kind, RecordKind::Fired | RecordKind::Manual) {
            let kind = record.kind.name();
            return Err(CommandError::Conflict(format!(
                "record {sequence} is {kind}: only fired and manual can be acknowledged"
            )));
        }
        let input = AcknowledgeInput {
            sequence,
            ticket: record.ticket,
            clock: record.clock.map_or_else(String::new, |clock| clock.to_string()),
            cycle: record.cycle,
            level: record.level,
            at_ms: self.now_ms(),
            note,
            origin,
        };
        let (reply, receiver) = oneshot::channel();
        self.send(Command::Acknowledge(Arc::new(input), reply))?;
        receiver.await.map_err(|_| CommandError::Stopping)??;
        self.acknowledgement(sequence)
            .ok_or_else(|| CommandError::Failed("the acknowledgement was not found".to_owned()))
    }

    /// One escalation record. Blocking: it may be read from the history.
    ///
    /// # Errors
    /// [`CommandError::NotFound`], or [`CommandError::Failed`] when the history cannot be read.
    pub fn escalation(&self, sequence: u64) -> Result<EscalationRecord, CommandError> {
        let looked = self.escalations(sequence.saturating_sub(1), &EscalationFilter::default(), 1)?;
        if let Some(gap) = looked.gaps.iter().find(|gap| (gap.from..=gap.to).contains(&sequence)) {
            return Err(CommandError::NotFound(format!("escalation record {sequence} cannot be read: {}", gap.reason)));
        }
        let found = looked.records.into_iter().find(|record| record.sequence == sequence);
        found.ok_or_else(|| CommandError::NotFound(format!("there is no escalation record {sequence}")))
    }

    /// Takes a snapshot; returns when it is published.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn snapshot(&self) -> Result<SnapshotDone, CommandError> {
        let (reply, receiver) = oneshot::channel();
        self.send(Command::Snapshot(reply))?;
        receiver.await.map_err(|_| CommandError::Stopping)?
    }

    fn send(&self, command: Command) -> Result<(), CommandError> {
        if !self.is_ready() {
            return Err(CommandError::Stopping);
        }
        self.inner.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => CommandError::Busy,
            TrySendError::Disconnected(_) => CommandError::Stopping,
        })
    }

    /// Reads the engine. Takes its read lock, which may wait some ten milliseconds for a batch being applied: not for async
    /// threads (use `web::block`). Keep it short: nothing is applied meanwhile. Walk many tickets a shard at a time.
    pub fn read<T>(&self, look: impl FnOnce(&Engine) -> T) -> T {
        look(&self.inner.engine.read())
    }

    /// The view published last; never waits.
    pub fn view(&self) -> Arc<View> {
        self.inner.published.view()
    }

    /// The compiled policy in force, as published; `None` before the service is ready.
    pub fn policy(&self) -> Option<Arc<policy::Policy>> {
        self.inner.published.policy()
    }

    /// All versions of the policy, oldest first; the last one is in force.
    pub fn policies(&self) -> Arc<Vec<PolicyVersion>> {
        self.inner.published.policies()
    }

    /// Whether commands are accepted: not while starting or stopping.
    pub fn is_ready(&self) -> bool {
        self.inner.published.is_ready()
    }

    /// Escalation records after this number, oldest first, at most `limit` of those that match the filter; from memory or from
    /// the history on disk (blocking: not for async threads). The number to continue from is returned with them: it may lie
    /// beyond the last record, when later ones were read and did not match. Files of the history that cannot be read are
    /// skipped and reported.
    ///
    /// # Errors
    /// [`CommandError::Failed`] when the disk cannot be read.
    pub fn escalations(&self, after: u64, filter: &EscalationFilter, limit: usize) -> Result<Page, CommandError> {
        self.inner.feed.after(after, filter, limit)
    }

    /// The number of the last escalation record, as a watch channel that a feed waits on.
    pub fn last_escalation(&self) -> watch::Receiver<u64> {
        self.inner.feed.last()
    }

    /// The number of acknowledgements.
    pub fn acknowledged(&self) -> usize {
        self.inner.acknowledgements.read().len()
    }

    /// The epochs of the data folder: in each, a number stands for one record.
    pub fn epochs(&self) -> &Epochs {
        &self.inner.epochs
    }

    /// The acknowledgement of an escalation, if there is one.
    pub fn acknowledgement(&self, sequence: u64) -> Option<Acknowledgement> {
        self.inner.acknowledgements.read().get(&sequence).cloned()
    }

    /// The data folder: snapshots are listed from it, and bulk tables are spooled to it.
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// The service's clock, in milliseconds since 1970 (UTC). In fast motion it runs faster than the wall clock.
    pub fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }
}

/// An edit that has been checked.
enum Prepared {
    /// Nothing to do, or a dry run.
    InputResult(Edited),
    Edit {
        command: Command,
        receiver: oneshot::Receiver<Result<(u64, i64), CommandError>>,
        problems: Vec<policy::Problem>,
    },
}

impl Service {
    /// Whether the service should receive requests. Cheap: for health checks, on async threads.
    ///
    /// # Errors
    /// [`NotReady`].
    pub fn readiness(&self) -> Result<(), NotReady> {
        let inner = &self.inner;
        readiness::readiness(&inner.published, &inner.clock, &inner.data_dir)
    }
}
