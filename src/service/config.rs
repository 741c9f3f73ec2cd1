//! How the service is set up.

use crate::engine::CatchUp;
use crate::policy::Problem;
use crate::store::epochs::EpochsError;
use crate::store::lock::LockError;
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// How the service is set up. The fields cannot be wrong together: what a user writes is checked where it is read.
#[derive(Debug, Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    /// The policy of an empty data folder. A folder with data has its own.
    pub seed: Option<Seed>,
    /// Which levels fire that fell due while the service was down.
    pub catch_up_after_downtime: CatchUp,
    /// Time from one snapshot to the next.
    pub snapshot_every: Duration,
    /// Snapshots that are kept; at least 2, so that a damaged one has another before it.
    pub snapshots_kept: usize,
    /// Whether records of the history beyond the journal's end are put aside; a start is refused otherwise.
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

/// Which time it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClockChoice {
    /// The machine's wall clock.
    Wall(Trust),
    /// From `start_ms` at the start of the process, `speed` times as fast: for demonstrations and tests.
    Fast { start_ms: i64, speed: f64 },
}

/// How far the wall clock is believed at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trust {
    /// The furthest that it may be ahead of the last time that the data folder knows.
    pub max_ahead: Duration,
    /// The time that the operator accepts whatever the last known time is. It counts only while the wall clock shows it,
    /// give or take [`ACCEPTED_WITHIN_MS`](crate::limits::ACCEPTED_WITHIN_MS): a setting that was forgotten does nothing.
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
    #[error("{0} has no data and no policy is given: say --policy FILE")]
    NoPolicy(PathBuf),
    #[error("the policy {name} has {} problems", .problems.len())]
    Policy { name: String, problems: Vec<Problem> },
    /// Starting would lose what was acknowledged. Says where the damage is and what is lost.
    #[error("{0}")]
    Damaged(String),
    /// What fell due until then would fire at once, wrongly if the wall clock is wrong.
    #[error(
        "the wall clock shows {wall}, {ahead} after {last}, the last time that the data folder knows, and --max-clock-ahead \
         is {bound}: set the clock right, or, if it is right, start once with --accept-time {wall}{rejected}"
    )]
    Ahead {
        wall: String,
        ahead: String,
        last: String,
        bound: String,
        /// Why the time that was accepted does not count; empty when none was.
        rejected: String,
    },
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: std::io::Error },
}
