//! Commands of the service, and their replies.

use crate::engine::{Ignored, Preview, RejectedRow};
use crate::policy::{Policy, Problem};
use crate::store::input::{AcknowledgeInput, BatchInput, EditInput, Origin};
use crossbeam_channel::Sender;
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::oneshot;

/// Result of a load. Its events are durable, and what followed from them has been published.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Rows accepted.
    pub accepted: u64,
    /// Rows rejected, with their reasons. Empty in the response to a repeat of an earlier request with the same key.
    pub rejected: Vec<RejectedRow>,
    /// Rows rejected.
    pub rejected_count: u64,
    /// Numbers of the escalation records that followed, as a half-open range: from, up to (not including).
    pub escalations: (u64, u64),
    /// Accepted rows that changed nothing.
    pub ignored: Ignored,
    /// Whether this repeats the response to an earlier request with the same key.
    pub is_repeat: bool,
}

/// A policy to bring into force.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Its files may lack those of the version in force: they are kept.
    pub input: EditInput,
    /// Report what it would do, and change nothing.
    pub dry_run: bool,
    /// Reject the edit unless this version is in force.
    pub if_version: Option<u64>,
}

/// Result of an edit or dry run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The version in force afterwards; a dry run leaves it unchanged.
    pub version: u64,
    /// Effect on the open tickets, on a dry run.
    pub preview: Option<Preview>,
    /// Warnings.
    pub problems: Vec<Problem>,
    /// The engine's time since which it is in force.
    pub since_ms: i64,
    /// Whether the policy equals the one in force: nothing changed then.
    pub is_unchanged: bool,
}

/// An escalation to acknowledge.
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
    /// Time that it took, and the longest time that commands waited for it, in milliseconds.
    pub took_ms: u64,
    pub longest_stall_ms: u64,
}

/// Why a command was not executed. Nothing has changed then.
#[derive(Debug, Clone, Error, PartialEq)]
pub enum CommandError {
    #[error("the command queue is full: try again in a moment")]
    Busy,
    #[error("the service is stopping")]
    Stopping,
    #[error("the disk is full: writes are rejected until space is free")]
    DiskFull,
    /// Another transient reason why nothing can be written, such as no free file descriptor.
    #[error("writes are rejected for now, try again in a moment: {0}")]
    NoSegment(String),
    #[error("{0}")]
    Invalid(String),
    #[error("the policy has {} problems", .0.len())]
    Policy(Vec<Problem>),
    #[error("this Idempotency-Key was used with another body or query: a new request needs a new key")]
    KeyReused,
    #[error("version {is} of the policy is in force, not {expected}")]
    Version { expected: u64, is: u64 },
    /// For example, removing a priority that tickets have.
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Failed(String),
}

/// Receives the reply; the caller may no longer wait for it.
pub(super) type Reply<T> = oneshot::Sender<Result<T, CommandError>>;

/// Commands of the sequencer.
pub(super) enum Command {
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
    /// Execute what is queued, take a snapshot, end.
    Stop(Sender<Result<(), String>>),
}

impl Command {
    /// The caller may have stopped waiting.
    pub(super) fn fail(self, error: CommandError) {
        match self {
            Self::Load(_, reply) => drop(reply.send(Err(error))),
            Self::Edit { reply, .. } => drop(reply.send(Err(error))),
            Self::Acknowledge(_, reply) => drop(reply.send(Err(error))),
            Self::Snapshot(reply) => drop(reply.send(Err(error))),
            Self::Stop(reply) => drop(reply.send(Err(error.to_string()))),
        }
    }
}
