//! The contents of the journal: the inputs of the service, in order.
//!
//! A group is what one sync makes durable. Its time passes first, then its inputs are applied one after the other. The results
//! (escalations, ended cycles, rejected rows) are not written: they are recalculated, and come out the same.

use crate::engine::{Apply, CatchUp};
use crate::ticket::Batch;
use std::sync::Arc;

/// A group: what one sync makes durable.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Sequence number of the group, from 1.
    pub number: u64,
    /// The engine's time from this group on, in whole seconds.
    pub now_ms: i64,
    /// Catch-up for the levels that fell due since the last group's time: `All` while the service ran, the configured choice
    /// after downtime.
    pub catch_up: CatchUp,
    /// How the time advances to that of the group.
    pub passage: Passage,
    /// Whether each client is limited to its share of the labels. Groups from before the limit existed are not, so that their
    /// replay gives the same results.
    pub has_label_share: bool,
    pub inputs: Vec<Input>,
}

/// How the time advances to that of the group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Passage {
    /// The service ran: time passes, and what is due fires on the way.
    #[default]
    Watched,
    /// The service was down since the last group: time passes in one step.
    AfterDowntime,
    /// The operator stated at the start that this is the time, whatever the last group's: time passes in one step, or is set
    /// back.
    Accepted,
}

/// The client of an input, and the key for repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of the token, `policy file`, or another name of the client.
    pub actor: Arc<str>,
    /// A repeat of a request with this key gets the reply to the first one.
    pub key: Option<u128>,
    /// A hash of the request with this key. A request with the same key and another hash is not a repeat.
    pub fingerprint: Option<u128>,
}

/// One input.
#[derive(Debug, Clone)]
pub enum Input {
    /// Events, including manual `escalated` and `deleted`.
    Batch(Arc<BatchInput>),
    /// A policy edit.
    Edit(Arc<EditInput>),
    /// An acknowledgement of an escalation.
    Acknowledge(Arc<AcknowledgeInput>),
    /// Labels that no ticket has are freed, and the others get new symbols. A group of its own, before a snapshot.
    FreeLabels,
}

/// Events. The rules have read their texts already: see [`Batch::assigned`].
#[derive(Debug, Clone)]
pub struct BatchInput {
    pub batch: Batch,
    pub catch_up: CatchUp,
    pub origin: Origin,
}

/// A policy as written, with the files that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditInput {
    pub text: Arc<str>,
    /// Name, as in the policy, and text.
    pub files: Vec<(String, Arc<str>)>,
    pub apply: Apply,
    pub catch_up: CatchUp,
    pub origin: Origin,
    /// The reason that the client gave.
    pub note: String,
}

/// An acknowledgement of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgeInput {
    /// The sequence number of the escalation record.
    pub sequence: u64,
    /// The ticket, clock, cycle and level of that record.
    pub ticket: String,
    pub clock: String,
    pub cycle: u16,
    pub level: u8,
    /// When: the wall clock's time, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    pub note: String,
    pub origin: Origin,
}
