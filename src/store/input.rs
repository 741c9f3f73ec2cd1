//! What the journal holds: the inputs of the service, in the order in which they were taken.
//!
//! A group is what one sync makes durable. Its time passes first, then its inputs are taken one after the other. What
//! follows from them (escalations, ended cycles, refusals) is not written: it is computed again, and comes out the same.

use crate::engine::{Apply, CatchUp};
use crate::ticket::Batch;
use std::sync::Arc;

/// What one sync makes durable.
#[derive(Debug, Clone, Default)]
pub struct Group {
    /// Place in the order of groups, from 1.
    pub number: u64,
    /// The engine's time from this group on, in whole seconds.
    pub now_ms: i64,
    /// Which levels fire that fell due since the last group's time: `All` while the service ran, the configured choice
    /// after it was down.
    pub catch_up: CatchUp,
    /// How the time comes to that of this group.
    pub passage: Passage,
    /// Whether each client is held to its share of the labels. Groups that were written before there was a share are not, so
    /// that they lead to the same again.
    pub has_label_share: bool,
    pub inputs: Vec<Input>,
}

/// How the time comes to that of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Passage {
    /// The service ran: it passes, and what is due fires on the way.
    #[default]
    Watched,
    /// Nobody watched since the last group: it passes in one step.
    AfterDowntime,
    /// The operator said at the start that this is the time, whatever the last group's: it passes in one step, or is set back.
    Accepted,
}

/// Who did it, and under which key it may be repeated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The name of the token, `policy file`, or what else names the doer.
    pub actor: Arc<str>,
    /// A repeat of a request with this key is answered with what the first one led to.
    pub key: Option<u128>,
    /// A hash of what the request with this key sent. A request with the same key and another one is no repeat.
    pub fingerprint: Option<u128>,
}

/// One input.
#[derive(Debug, Clone)]
pub enum Input {
    /// Events, `escalated` by hand and `deleted` among them.
    Batch(Arc<BatchInput>),
    /// Another policy.
    Edit(Arc<EditInput>),
    /// Somebody takes notice of an escalation.
    Acknowledge(Arc<AcknowledgeInput>),
    /// Labels that no ticket has are freed, and the others numbered again. A group of its own, before a snapshot.
    FreeLabels,
}

/// Events. Their texts have been read by the rules already: see [`Batch::assigned`].
#[derive(Debug, Clone)]
pub struct BatchInput {
    pub batch: Batch,
    pub catch_up: CatchUp,
    pub origin: Origin,
}

/// A policy as it was written, with the files that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditInput {
    pub text: Arc<str>,
    /// Name, as the policy has it, and text.
    pub files: Vec<(String, Arc<str>)>,
    pub apply: Apply,
    pub catch_up: CatchUp,
    pub origin: Origin,
    /// Why, in the words of who did it.
    pub note: String,
}

/// Somebody takes notice of an escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcknowledgeInput {
    /// The escalation's place in the order of all escalation records.
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
