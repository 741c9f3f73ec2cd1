//! The live service: one sequencer thread owns the engine; everything else asks it, or reads what it has published.
//!
//! A command goes over a bounded channel to the sequencer, which takes what waits, writes it to the journal as one group,
//! syncs, lets the time pass, applies the group, and only then answers: an answer means durable. The same inputs in the same
//! groups give the same records with the same numbers, so a crash loses nothing and doubles nothing.
//!
//! Readers take the published [`View`] (counters, lag, queue), or the engine's read lock for a moment ([`Service::read`]).
//! No rayon job ever takes that lock, and the engine's jobs run in a pool of their own: so nothing can wait in a circle.

mod command;
mod config;
pub mod view;

pub use command::{Acknowledge, Applied, Edit, Edited, Load, Refusal, SnapshotDone};
pub use config::{ClockChoice, Config, Seed, StartError};
pub use view::{ClockView, DayView, Gauges, NamedTally, Survey, View};

use crate::engine::Engine;
use crate::store::record::{EscalationFilter, EscalationRecord, Names};
use crate::store::snapshot::{Acknowledgement, PolicyVersion};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// The service, as the server sees it. Cheap to clone.
#[derive(Clone)]
pub struct Service {}

/// Stops the service.
pub struct Stopper {}

impl Stopper {
    /// Takes no more commands, does those that wait, syncs, takes a snapshot, gives the folder free. Blocks.
    ///
    /// # Errors
    /// In words, when the snapshot fails; nothing is lost then: the journal has everything.
    pub fn stop(self) -> Result<(), String> {
        unreachable!()
    }
}

impl Service {
    /// Opens the data folder, recovers what is in it, and starts the threads. Blocks until the service is ready.
    ///
    /// A failed sync later stops the process: what the disk has then is not known, and only a start from it tells the truth.
    ///
    /// # Errors
    /// [`StartError`]: nothing has been changed then.
    pub fn start(_config: Config) -> Result<(Self, Stopper), StartError> {
        unreachable!()
    }

    /// Sends events and waits until they are durable and applied. For threads: blocks while the queue is full.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn load_blocking(&self, _load: Load) -> Result<Applied, Refusal> {
        unreachable!()
    }

    /// Sends events and waits until they are durable and applied. Refused at once when the queue is full.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn load(&self, _load: Load) -> Result<Applied, Refusal> {
        unreachable!()
    }

    /// Checks a policy and brings it into force, or says what that would do.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn edit(&self, _edit: Edit) -> Result<Edited, Refusal> {
        unreachable!()
    }

    /// Takes notice of an escalation.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn acknowledge(&self, _acknowledge: Acknowledge) -> Result<Acknowledgement, Refusal> {
        unreachable!()
    }

    /// Takes a snapshot; answers when it is published.
    ///
    /// # Errors
    /// [`Refusal`].
    pub async fn snapshot(&self) -> Result<SnapshotDone, Refusal> {
        unreachable!()
    }

    /// Looks into the engine. Takes its read lock, which may wait some ten milliseconds for a batch being applied: not for
    /// async threads (use `web::block`). Keep it short: nothing is applied meanwhile. Walk many tickets a shard at a time.
    pub fn read<T>(&self, _look: impl FnOnce(&Engine) -> T) -> T {
        unreachable!()
    }

    /// What was published last; never waits.
    pub fn view(&self) -> Arc<View> {
        unreachable!()
    }

    /// All versions of the policy, oldest first; the last one is in force.
    pub fn policies(&self) -> Arc<Vec<PolicyVersion>> {
        unreachable!()
    }

    /// Whether commands are taken: false while starting, while stopping, and after a failed sync.
    pub fn is_ready(&self) -> bool {
        unreachable!()
    }

    /// Escalation records after this number, oldest first, at most `limit` of those that the filter admits; from memory or from
    /// the history on disk (blocking: not for async threads). The number to go on from is returned with them: it may lie beyond
    /// the last record, when later ones were looked at and not admitted.
    ///
    /// # Errors
    /// [`Refusal::Failed`] when the history cannot be read.
    pub fn escalations(
        &self,
        _after: u64,
        _filter: &EscalationFilter,
        _limit: usize,
    ) -> Result<(Vec<EscalationRecord>, u64), Refusal> {
        unreachable!()
    }

    /// The number of the last escalation record, as it grows: what a feed waits on.
    pub fn last_escalation(&self) -> watch::Receiver<u64> {
        unreachable!()
    }

    /// Who took notice of an escalation, if somebody did.
    pub fn acknowledgement(&self, _sequence: u64) -> Option<Acknowledgement> {
        unreachable!()
    }

    /// The words behind numbers.
    pub fn names(&self) -> &Arc<Names> {
        unreachable!()
    }

    /// The data folder: snapshots are listed from it, and tables that come in bulk are spooled to it.
    pub fn data_dir(&self) -> &Path {
        unreachable!()
    }

    /// The wall clock, in milliseconds since 1970 (UTC). In fast motion it runs faster than the machine's.
    pub fn now_ms(&self) -> i64 {
        unreachable!()
    }
}
