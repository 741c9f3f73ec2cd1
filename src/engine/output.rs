//! The output of the engine: escalations, finished cycles, rejected rows.

use super::clocks::CycleResult;
use super::clocks::versions::VersionId;
use super::interner::Symbol;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

/// A ticket of the engine, as records refer to it. Valid until the next call that changes the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TicketRef {
    pub(crate) shard: u16,
    pub(crate) slot: u32,
    /// Place in the order in which tickets were first seen; a ticket that comes back has another one than before it left.
    pub ordinal: u64,
}

/// Which levels fire that are already due when a ticket or an edit arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Every one
    All,
    /// Of each open cycle the one that was due last
    #[default]
    Latest,
    /// None; all are suppressed
    None,
}

impl CatchUp {
    pub const ALL: [CatchUp; 3] = [Self::All, Self::Latest, Self::None];

    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Latest => "latest",
            Self::None => "none",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|catch_up| catch_up.name() == name)
    }
}

/// What happened to a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EscalationKind {
    Fired,
    /// It had fired, and a late event shows that it should not have.
    Withdrawn,
    /// A person escalated the ticket; no clock is involved.
    Manual,
}

/// A level that fired for a ticket, or its withdrawal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalation {
    pub kind: EscalationKind,
    /// When the level was reached.
    pub due_ms: i64,
    /// The engine's time at which it fired: `due_ms`, or later for a level that was already due.
    pub fired_ms: i64,
    pub ticket: TicketRef,
    /// The clock's symbol; see [`Engine::clock_name`](super::Engine::clock_name). 0 if manual.
    pub clock: Symbol,
    /// The cycle; if manual, the count of manual escalations.
    pub cycle: u16,
    /// From 1; 0 if manual.
    pub level: u8,
    pub(crate) version: VersionId,
    /// Row of the batch, if manual.
    pub row: u32,
}

impl Escalation {
    /// Sort key of escalations.
    pub(crate) fn order(&self) -> (i64, u64, Symbol, u16, u8, EscalationKind) {
        (self.due_ms, self.ticket.ordinal, self.clock, self.cycle, self.level, self.kind)
    }
}

/// One cycle of one clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CycleRecord {
    pub ticket: TicketRef,
    pub clock: Symbol,
    /// From 1.
    pub cycle: u16,
    /// The record with the highest revision counts.
    pub revision: u16,
    pub started_ms: i64,
    /// Where the target ended or would have ended; [`NEVER_MS`](crate::time::NEVER_MS) without a target.
    pub due_ms: i64,
    /// For an open cycle, the engine's time.
    pub stopped_ms: i64,
    /// Time spent, as the clock counts it.
    pub business_ms: i64,
    /// Real time from start to stop.
    pub wall_ms: i64,
    pub result: CycleResult,
    pub(crate) version: VersionId,
}

impl CycleRecord {
    /// Sort key of cycles: of one cycle the record that counts comes last.
    pub(crate) fn order(&self) -> (u16, i64, u64, Symbol, u16) {
        (self.revision, self.stopped_ms, self.ticket.ordinal, self.clock, self.cycle)
    }
}

/// Why a row was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RejectedReason {
    #[error("ticket id is empty")]
    EmptyId,
    #[error("ticket id has {bytes} bytes, at most {most} are allowed")]
    LongId { bytes: usize, most: usize },
    #[error("time {at_ms} ms lies outside 1970-01-01 to 2099-12-31")]
    Time { at_ms: i64 },
    #[error("priority {name:?} is not in the policy")]
    UnknownPriority { name: String },
    #[error("{column} {label:?} has {bytes} bytes, at most {most} are allowed")]
    LabelTooLong { column: &'static str, label: String, bytes: usize, most: usize },
    #[error("{column} {label:?} is one more than the {most} distinct values that an engine keeps")]
    TooManyLabels { column: &'static str, label: String, most: usize },
    #[error(
        "{column} {label:?} is new, and this client has introduced {most_of_one} of the {most} distinct values that an engine keeps, \
         the maximum for one client; values that no ticket has are freed at the next snapshot"
    )]
    TooManyOfOne { column: &'static str, label: String, most: usize, most_of_one: usize },
    #[error("the ticket already has {most} events, the maximum")]
    TooManyEvents { most: usize },
}

/// A row that was rejected; the others of its batch were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRow {
    /// Row of the batch, from 0.
    pub row: usize,
    pub reason: RejectedReason,
}

/// Rows of a batch that changed nothing, for one reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IgnoredRows {
    pub count: u64,
    /// The first of them, a row of the batch.
    pub first: Option<u32>,
}

impl IgnoredRows {
    pub(crate) fn add(&mut self, row: u32) {
        self.join(Self { count: 1, first: Some(row) });
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.count += other.count;
        self.first = self.first.into_iter().chain(other.first).min();
    }
}

/// Rows of a batch that changed nothing, by reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ignored {
    /// Rows of tickets that were deleted or merged before.
    pub gone: IgnoredRows,
    /// `opened` rows that report something else than the earlier `opened` row of their ticket, which counts.
    pub opened_again: IgnoredRows,
}

impl Ignored {
    pub(crate) fn join(&mut self, other: Self) {
        self.gone.join(other.gone);
        self.opened_again.join(other.opened_again);
    }
}

/// Result of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// By due time, then ticket (in the order in which tickets were first seen), clock, cycle and level.
    pub escalations: Vec<Escalation>,
    /// By revision, then by the time at which they stopped, ticket, clock and cycle.
    pub cycles: Vec<CycleRecord>,
    /// By row.
    pub rejected: Vec<RejectedRow>,
    pub ignored: Ignored,
}

impl Outcome {
    /// Sorts everything into an order that does not depend on shards.
    pub(crate) fn sort(&mut self) {
        // Each shard's output is already in order: the sort finds one run per shard and merges them.
        self.escalations.sort_by_key(Escalation::order);
        self.cycles.sort_by_key(CycleRecord::order);
        self.rejected.sort_by_key(|rejected| rejected.row);
    }
}
