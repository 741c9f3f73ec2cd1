//! Configuration of the service.

use crate::engine::CatchUp;
use crate::policy::Problem;
use crate::store::epochs::EpochsError;
use crate::store::lock::LockError;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Configuration of the service.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    /// The policy of an empty data folder. A folder with data has its own.
    pub seed: Option<Seed>,
    /// Catch-up: which of the levels that fell due during downtime fire.
    pub catch_up_after_downtime: CatchUp,
    /// Time from one snapshot to the next.
    pub snapshot_every: Duration,
    /// Snapshots to keep; at least 2, so that a damaged one has a predecessor.
    pub snapshots_kept: usize,
    /// Whether records of the history beyond the journal's end are set aside; otherwise the start fails.
    pub cut_history: bool,
    pub clock: ClockChoice,
    /// Threads of the engine.
    pub threads: usize,
}

/// A policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    /// Its name, for messages.
    pub name: String,
    pub text: String,
    /// The files that it names: name, text.
    pub files: Vec<(String, String)>,
}

/// Source of the service's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockChoice {
    /// The machine's wall clock.
    Wall(Trust),
    /// Starts at `start_ms` and runs `speed` times as fast as real time: for demonstrations and tests.
    Fast { start_ms: i64, speed: f64 },
}

/// How far the wall clock is trusted at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// How far it may be at most ahead of the last time in the data folder.
    pub max_ahead: Duration,
    /// The time that the operator accepts, whatever the last known time is. It counts only if the wall clock shows it within
    /// [`ACCEPTED_WITHIN_MS`](crate::limits::ACCEPTED_WITHIN_MS): a leftover setting has no effect.
    pub accepted_ms: Option<i64>,
}

impl Default for Trust {
    /// A week, and no time accepted.
    fn default() -> Self {
        Self { max_ahead: Duration::from_secs(7 * 24 * 3_600), accepted_ms: None }
    }
}

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(transparent)]
    Locked(#[from] LockError),
    #[error(transparent)]
    Epochs(#[from] EpochsError),
    #[error("{0} has no data and no policy is given: pass --policy FILE")]
    NoPolicy(PathBuf),
    #[error("the policy {name} has {} problems", .problems.len())]
    Policy { name: String, problems: Vec<Problem> },
    /// Starting would lose acknowledged data. States where the damage is and what is lost.
    #[error("{0}")]
    Damaged(String),
    /// Everything due until then would fire at once; wrongly, if the wall clock is wrong.
    #[error(
        "the wall clock shows {wall}, {ahead} after {last}, the last time in the data folder, and --max-clock-ahead \
         is {bound}: correct the clock, or, if it is right, start once with --accept-time {wall}{rejected}"
    )]
    Ahead {
        wall: String,
        ahead: String,
        last: String,
        bound: String,
        /// Why the accepted time does not count; empty if none was given.
        rejected: String,
    },
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: std::io::Error },
}
