//! What the service is asked, and what it answers.

use crate::engine::{Apply, CatchUp, Preview, RejectedRow};
use crate::policy::{Policy, Problem};
use crate::store::input::{AcknowledgeInput, BatchInput, EditInput, Origin};
use crate::ticket::Batch;
use crossbeam_channel::Sender;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::oneshot;

/// Events to take.
#[derive(Debug, Clone)]
pub struct Load {
    pub batch: Batch,
    pub catch_up: CatchUp,
    pub origin: Origin,
}

/// What became of events. Durable, and what followed from them has been published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows taken.
    pub accepted: u64,
    /// Rows not taken, with their reasons. Empty when the answer is that of an earlier request with the same key.
    pub rejected: Vec<RejectedRow>,
    /// Rows not taken.
    pub rejected_count: u64,
    /// Numbers of the escalation records that followed: from, up to (not including).
    pub escalations: (u64, u64),
    /// Whether this is the answer to an earlier request with the same key.
    pub is_repeat: bool,
}

/// A policy to bring into force.
#[derive(Debug, Clone)]
pub struct Edit {
    /// The whole policy file (TOML).
    pub text: Arc<str>,
    /// Files that it names and that the service does not have yet: name, text. Those of the version in force are kept.
    pub files: Vec<(String, Arc<str>)>,
    pub apply: Apply,
    pub catch_up: CatchUp,
    /// Only say what it would do.
    pub dry_run: bool,
    /// Refuse unless this version is in force.
    pub if_version: Option<u64>,
    pub note: String,
    pub origin: Origin,
}

/// What an edit led to, or would lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The version now in force; on a dry run the one that is in force still.
    pub version: u64,
    /// What it would do to the open tickets, on a dry run.
    pub preview: Option<Preview>,
    /// Warnings.
    pub problems: Vec<Problem>,
    /// The engine's time since which it is in force.
    pub since_ms: i64,
    /// Whether the policy is the one that is in force: nothing changed then.
    pub is_unchanged: bool,
}

/// An escalation to take notice of.
#[derive(Debug, Clone)]
pub struct Acknowledge {
    pub sequence: u64,
    pub note: String,
    pub origin: Origin,
}

/// A snapshot that has been published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotDone {
    /// Its name, a number.
    pub number: u64,
    pub tickets: u64,
    pub bytes: u64,
    /// How long it took, and how long commands had to wait for it at most, in milliseconds.
    pub took_ms: u64,
    pub longest_stall_ms: u64,
}

/// Why a command was not done. Nothing has changed then.
#[derive(Debug, Clone, Error, PartialEq)]
pub enum CommandError {
    #[error("the queue of commands is full, try again in a moment")]
    Busy,
    #[error("the service is stopping")]
    Stopping,
    #[error("the disk is full: nothing is written until there is room")]
    DiskFull,
    /// Another reason for which nothing can be written now, such as no free file descriptor.
    #[error("nothing can be written now, try again in a moment: {0}")]
    NoSegment(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the policy has {} problems", .0.len())]
    Policy(Vec<Problem>),
    #[error("this Idempotency-Key was used with another body or query: a new request needs a new key")]
    KeyReused,
    #[error("version {is} of the policy is in force, not {expected}")]
    Version { expected: u64, is: u64 },
    /// A priority that tickets have, and the like.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Failed(String),
}

/// Where an answer goes; who asked may be gone.
pub type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// What the sequencer is asked.
pub enum Command {
    Load(Arc<BatchInput>, Reply<Applied>),
    Edit {
        input: Arc<EditInput>,
        policy: Arc<Policy>,
        if_version: Option<u64>,
        reply: Reply<(u64, i64)>,
    },
    /// The reply is the number of the acknowledgement's record.
    Acknowledge(Arc<AcknowledgeInput>, Reply<u64>),
    Snapshot(Reply<SnapshotDone>),
    /// Do what waits, take a snapshot, end.
    Stop(Sender<Result<(), String>>),
}

impl Command {
    /// Whoever asked may have gone.
    pub fn fail(self, error: CommandError) {
        match self {
            Self::Load(_, reply) => drop(reply.send(Err(error))),
            Self::Edit { reply, .. } => drop(reply.send(Err(error))),
            Self::Acknowledge(_, reply) => drop(reply.send(Err(error))),
            Self::Snapshot(reply) => drop(reply.send(Err(error))),
            Self::Stop(reply) => drop(reply.send(Err(error.to_string()))),
        }
    }
}
