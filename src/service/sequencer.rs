//! The one thread that owns the engine.
//!
//! Each round, it collects the queued commands, writes them to the journal as one group with the time at which they are
//! accepted, syncs, lets that time pass, applies them, publishes, and replies. Time passes without commands too: as soon as
//! something is due, a group without inputs is written and applied. While more is due than fits a round, the time advances in
//! smaller steps, so that commands get their slot between them; but what is due in one second is one step.

use super::command::{Applied, Command, CommandError, Reply};
use super::feed::Feed;
use super::history_writer;
use super::history_writer::Work;
use super::publisher::Publisher;
use super::pulse::Obstacle;
use super::snapshotter::{Snapshots, Step};
use super::state_machine::{InputResult, KeyReused, StateMachine};
use super::wall_clock::{Clock, Stopwatch};
use crate::engine::CatchUp;
use crate::limits::{MAX_GROUP_COMMANDS, MAX_GROUP_ROWS, MAX_SILENCE_MS, STORM_TIMERS};
use crate::policy::Policy;
use crate::store::codec;
use crate::store::input::{Group, Input, Origin, Passage};
use crate::store::journal::{AppendError, Journal};
use crate::store::lock::DataLock;
use crate::time::SECOND_MS;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::sync::Arc;
use std::time::Duration;

/// The exit code of a process whose journal could not be written or synced (EX_IOERR).
pub const EXIT_SYNC_FAILED: i32 = 74;

/// Interval between checks that the data folder is still in place.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A command of the current group.
enum PendingReply {
    Load(Reply<Applied>),
    Edit(Reply<(u64, i64)>),
    Acknowledge(Reply<u64>),
}

impl PendingReply {
    fn fail(self, error: CommandError) {
        // The caller may have stopped waiting.
        match self {
            Self::Load(reply) => drop(reply.send(Err(error))),
            Self::Edit(reply) => drop(reply.send(Err(error))),
            Self::Acknowledge(reply) => drop(reply.send(Err(error))),
        }
    }
}

/// State of the thread.
pub(super) struct Sequencer {
    pub machine: StateMachine,
    pub journal: Journal,
    pub clock: Arc<Clock>,
    pub commands: Receiver<Command>,
    pub feed: Arc<Feed>,
    pub history: Sender<Work>,
    pub snapshots: Snapshots,
    pub publisher: Publisher,
    /// Buffer for an encoded group.
    pub bytes: Vec<u8>,
    /// A command that has to wait for the next group.
    pub held_back: Option<Command>,
    /// Catch-up: which of the levels that fell due during downtime fire.
    pub catch_up_after_downtime: CatchUp,
    /// How the time advances to that of the first group after the start, and the catch-up for the levels due until then.
    pub opening: Option<(Passage, CatchUp)>,
    /// The time of the last group of the journal.
    pub written_ms: i64,
    /// The time of the last attempt to write one.
    pub tried_ms: i64,
    pub lock: Arc<DataLock>,
    /// Disconnects when the stopper is dropped; carries no messages.
    pub held: Receiver<()>,
    pub is_over: bool,
    /// Time since the last check that the data folder is in place.
    pub since_check: Stopwatch,
}

impl Sequencer {
    /// Runs until it is stopped.
    pub(super) fn run(mut self) {
        loop {
            let first = self.wait();
            if let Some(Command::Stop(reply)) = first {
                return self.stop(&reply);
            }
            if self.since_check.elapsed() >= CHECK_EVERY {
                self.check_folder();
            }
            self.round(first);
            self.step_snapshot();
            if self.is_over {
                return;
            }
        }
    }

    /// Ends the process when the data folder is no longer in place: another process may use it.
    fn check_folder(&mut self) {
        self.since_check = Stopwatch::start();
        if let Err(error) = self.lock.check() {
            self.give_up(&error.to_string());
        } else if let Err(error) = self.journal.check_in_place() {
            self.give_up(&error.to_string());
        }
    }

    /// Ends, because nothing can be made durable any more. A service whose owner has dropped it, and may have removed its
    /// folder, ends by itself; any other ends the process.
    fn give_up(&mut self, reason: &str) -> CommandError {
        if self.held.try_recv() != Err(TryRecvError::Disconnected) {
            die(reason);
        }
        tracing::error!(reason, "a service without an owner ends");
        self.is_over = true;
        CommandError::Stopping
    }

    /// The next command, or none when it is time to check the clock.
    fn wait(&mut self) -> Option<Command> {
        if let Some(command) = self.held_back.take() {
            return Some(command);
        }
        let patience = if self.snapshots.is_running() {
            Duration::from_millis(1)
        } else {
            self.clock.until_next_second().min(self.publisher.patience())
        };
        match self.commands.recv_timeout(patience) {
            Ok(command) => Some(command),
            Err(RecvTimeoutError::Timeout) => None,
            // Every handle is dropped, the stopper too: no caller is left.
            Err(RecvTimeoutError::Disconnected) => Some(Command::Stop(crossbeam_channel::bounded(1).0)),
        }
    }

    /// Processes one group.
    pub(super) fn round(&mut self, first: Option<Command>) {
        let (inputs, pending, policy) = self.gather(first);
        let (clock_ms, has_resumed) = self.clock.now_and_whether_resumed();
        if has_resumed {
            self.opening.get_or_insert((Passage::AfterDowntime, self.catch_up_after_downtime));
        }
        let now_ms = self.step_to(clock_ms.div_euclid(SECOND_MS) * SECOND_MS);
        let due = self.due_by(now_ms);
        self.publisher.rounds(due);
        let is_idle = due == 0 && self.opening.is_none();
        // An obstructed write is retried once a second, also without a command: only a write shows that the obstacle is gone.
        let is_obstructed = self.publisher.is_obstructed();
        let is_wanted = !is_idle || is_obstructed || now_ms - self.written_ms >= MAX_SILENCE_MS;
        if inputs.is_empty() && (!is_wanted || is_obstructed && now_ms == self.tried_ms) {
            if is_idle {
                self.machine.pass_idle(now_ms);
            }
            self.publish(false);
            return;
        }
        self.tried_ms = now_ms;
        let (passage, catch_up) = self.opening.unwrap_or((Passage::Watched, CatchUp::All));
        let group = Group { number: self.machine.group + 1, now_ms, catch_up, passage, has_label_share: true, inputs };
        if let Err(error) = self.write(&group) {
            pending.into_iter().for_each(|pending| pending.fail(error.clone()));
            if is_idle {
                self.machine.pass_idle(now_ms);
            }
            self.publish(true);
            return;
        }
        self.opening = None;
        self.written_ms = now_ms;
        let output = self.machine.apply(&group, policy.as_ref());
        self.publisher.count_group(&output);
        let replies = history_writer::keep(&self.feed, &self.history, output);
        // A caller that edits and then reads must see the edit.
        self.publish(policy.is_some());
        for (pending, reply) in pending.into_iter().zip(replies) {
            send_reply(pending, reply);
        }
    }

    /// Collects the queued commands, up to the bounds of a group. An edit is a group of its own.
    fn gather(&mut self, first: Option<Command>) -> (Vec<Input>, Vec<PendingReply>, Option<Arc<Policy>>) {
        let (mut inputs, mut pending, mut policy) = (Vec::new(), Vec::new(), None);
        let mut rows = 0;
        let mut keys: Vec<u128> = Vec::new();
        let mut next = first;
        while let Some(command) = next.take().or_else(|| self.commands.try_recv().ok()) {
            let ends_group = matches!(command, Command::Edit { .. } | Command::Stop(_));
            let repeats = origin_of(&command).and_then(|origin| origin.key).is_some_and(|key| keys.contains(&key));
            if repeats || ends_group && !inputs.is_empty() {
                self.held_back = Some(command);
                break;
            }
            if let Some(command) = self.unless_repeat(command) {
                keys.extend(origin_of(&command).and_then(|origin| origin.key));
                match command {
                    Command::Load(input, reply) => {
                        rows += input.batch.len();
                        inputs.push(Input::Batch(input));
                        pending.push(PendingReply::Load(reply));
                    }
                    Command::Acknowledge(input, reply) => {
                        inputs.push(Input::Acknowledge(input));
                        pending.push(PendingReply::Acknowledge(reply));
                    }
                    Command::Edit { input, policy: compiled, if_version, reply } => {
                        let is = self.machine.policies.last().map_or(0, |version| version.number);
                        match if_version {
                            Some(expected) if expected != is => {
                                let _ = reply.send(Err(CommandError::Version { expected, is }));
                            }
                            _ => {
                                // Shards of a snapshot are at different groups; all of them must be under one policy.
                                self.snapshots.begin_anew();
                                inputs.push(Input::Edit(input));
                                pending.push(PendingReply::Edit(reply));
                                policy = Some(compiled);
                            }
                        }
                        break;
                    }
                    Command::Snapshot(reply) => self.snapshots.ask(Some(reply)),
                    Command::Stop(reply) => {
                        self.held_back = Some(Command::Stop(reply));
                        break;
                    }
                }
            }
            if inputs.len() >= MAX_GROUP_COMMANDS || rows >= MAX_GROUP_ROWS {
                break;
            }
        }
        (inputs, pending, policy)
    }

    /// Replies to a command that was executed before under the same key, and to a repeated acknowledgement.
    fn unless_repeat(&self, command: Command) -> Option<Command> {
        let stored = match origin_of(&command).map(|origin| self.machine.repeat_of(origin)).transpose() {
            Ok(stored) => stored.flatten().cloned(),
            Err(KeyReused) => {
                command.fail(CommandError::KeyReused);
                return None;
            }
        };
        let Some(stored) = stored else {
            return match command {
                Command::Acknowledge(input, reply) if self.machine.is_acknowledged(input.sequence) => {
                    drop(reply.send(Ok(input.sequence)));
                    None
                }
                command => Some(command),
            };
        };
        match command {
            Command::Load(_, reply) => {
                let applied = Applied {
                    accepted: stored.accepted,
                    rejected: Vec::new(),
                    rejected_count: stored.rejected,
                    escalations: (stored.result, stored.result),
                    is_repeat: true,
                    ..Applied::default()
                };
                drop(reply.send(Ok(applied)));
            }
            Command::Edit { reply, .. } => drop(reply.send(Ok((stored.result, stored.at_ms)))),
            Command::Acknowledge(_, reply) => drop(reply.send(Ok(stored.result))),
            command => return Some(command),
        }
        None
    }

    /// The time up to which this round advances: now, or less while very much is due before.
    fn step_to(&self, clock_ms: i64) -> i64 {
        let engine = self.machine.engine.read();
        let from_ms = engine.now_ms();
        if matches!(self.opening, Some((Passage::Accepted, _))) {
            return clock_ms;
        }
        let mut to_ms = clock_ms.max(from_ms);
        while self.opening.is_none() && to_ms > from_ms + SECOND_MS && engine.due_by(to_ms) > STORM_TIMERS {
            to_ms = (from_ms + (to_ms - from_ms) / 2).div_euclid(SECOND_MS) * SECOND_MS;
        }
        to_ms.max(from_ms)
    }

    fn due_by(&self, ms: i64) -> u64 {
        self.machine.engine.read().due_by(ms)
    }

    /// Makes a group durable.
    fn write(&mut self, group: &Group) -> Result<(), CommandError> {
        self.bytes.clear();
        // Our own readers build batches; an inconsistent one is rejected before anything is written.
        codec::encode(group, &mut self.bytes).map_err(|error| CommandError::Invalid(error.to_string()))?;
        match self.journal.append(group.number, &self.bytes) {
            Ok(()) => {}
            Err(AppendError::Full { .. }) => {
                self.publisher.obstructed(Some(Obstacle::DiskFull));
                return Err(CommandError::DiskFull);
            }
            Err(error @ AppendError::NoSegment { .. }) => {
                self.publisher.obstructed(Some(Obstacle::NoSegment(error.to_string())));
                return Err(CommandError::NoSegment(error.to_string()));
            }
            Err(AppendError::TooLarge { bytes, most, .. }) => {
                let reason =
                    format!("the request takes {bytes} bytes in the journal, at most {most} fit: send it in parts");
                return Err(CommandError::Invalid(reason));
            }
            Err(error) => return Err(self.give_up(&error.to_string())),
        }
        let watch = Stopwatch::start();
        if let Err(error) = self.journal.sync() {
            return Err(self.give_up(&error.to_string()));
        }
        if !self.lock.is_there() {
            self.check_folder();
        }
        if self.is_over {
            return Err(CommandError::Stopping);
        }
        self.publisher.synced(watch.elapsed(), self.journal.bytes());
        self.publisher.obstructed(None);
        Ok(())
    }

    fn publish(&mut self, always: bool) {
        let is_quiet = self.commands.is_empty() && self.held_back.is_none();
        self.publisher.publish(&self.machine, &self.clock, self.commands.len(), always, is_quiet);
    }

    /// Frees labels that no ticket has, if there are enough of them. Only while no snapshot is in progress: all its shards must
    /// have the same symbols.
    fn free_labels(&mut self) {
        let (labels, now_ms) = {
            let engine = self.machine.engine.read();
            (engine.labels_to_free(), engine.now_ms())
        };
        // What fell due during downtime comes first.
        if labels == 0 || self.opening.is_some() {
            return;
        }
        let number = self.machine.group + 1;
        let inputs = vec![Input::FreeLabels];
        let group =
            Group { number, now_ms, catch_up: CatchUp::All, passage: Passage::Watched, has_label_share: true, inputs };
        // If nothing can be written now, the next snapshot frees them.
        if self.write(&group).is_ok() {
            let output = self.machine.apply(&group, None);
            history_writer::keep(&self.feed, &self.history, output);
            tracing::info!(labels, "freed labels that no ticket has");
        }
    }

    /// Hands the next shard to the snapshot in progress, or begins one.
    fn step_snapshot(&mut self) {
        if matches!(self.opening, Some((Passage::Accepted, _))) {
            // All shards of a snapshot are from before the time was set back, or all from after it.
            return;
        }
        if self.snapshots.is_due(&self.machine) {
            self.check_folder();
            self.free_labels();
            self.machine.drop_unused_timelines();
        }
        match self.snapshots.step(&self.machine, &self.clock) {
            Step::Nothing => {}
            Step::Published { oldest_needed } => {
                // What no kept snapshot needs may go. A failure leaves a segment too many, for the next attempt.
                if let Err(error) = self.journal.retire(oldest_needed) {
                    tracing::warn!(%error, "cannot remove old journal segments");
                }
                self.publisher.snapshot_published(self.clock.now_ms(), self.journal.bytes());
            }
        }
    }

    /// Executes what is queued, takes a snapshot, and replies. The journal needs no closing: everything accepted is synced.
    fn stop(mut self, reply: &Sender<Result<(), String>>) {
        while let Ok(command) = self.commands.try_recv() {
            if !matches!(command, Command::Stop(_)) {
                self.round(Some(command));
            }
        }
        let accepted = self.snapshots.take_at_once(&self.machine, &self.clock);
        if let Ok(Step::Published { oldest_needed }) = &accepted
            && let Err(error) = self.journal.retire(*oldest_needed)
        {
            tracing::warn!(%error, "cannot remove old journal segments");
        }
        // The caller waits for this, or has gone.
        let _ = reply.send(accepted.map(|_| ()));
    }
}

/// After a failed sync, or without its folder, the contents of the disk are unknown: only a restart can establish them.
fn die(reason: &str) -> ! {
    tracing::error!(
        reason,
        "nothing can be made durable any more; stopping, so that nothing is acknowledged that is not durable"
    );
    eprintln!("overdue: nothing can be made durable any more: {reason}; stopping at once");
    std::process::exit(EXIT_SYNC_FAILED)
}

fn origin_of(command: &Command) -> Option<&Origin> {
    match command {
        Command::Load(input, _) => Some(&input.origin),
        Command::Edit { input, .. } => Some(&input.origin),
        Command::Acknowledge(input, _) => Some(&input.origin),
        Command::Snapshot(_) | Command::Stop(_) => None,
    }
}

/// Replies to a command. The caller may have stopped waiting.
fn send_reply(pending: PendingReply, reply: InputResult) {
    match (pending, reply) {
        (PendingReply::Load(reply), InputResult::Batch { accepted, rejected, escalations, ignored }) => {
            let rejected_count = rejected.len() as u64;
            let applied = Applied { accepted, rejected, rejected_count, escalations, ignored, is_repeat: false };
            drop(reply.send(Ok(applied)));
        }
        (PendingReply::Edit(reply), InputResult::Edit { version, since_ms }) => {
            drop(reply.send(Ok((version, since_ms))));
        }
        (PendingReply::Acknowledge(reply), InputResult::Acknowledged { sequence }) => drop(reply.send(Ok(sequence))),
        (pending, InputResult::Rejected(reason)) => pending.fail(CommandError::Conflict(reason)),
        (pending, reply) => pending.fail(CommandError::Failed(format!("unexpected reply {reply:?}"))),
    }
}
