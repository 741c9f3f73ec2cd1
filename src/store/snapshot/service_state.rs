//! The service's own state, outside the engine, in a snapshot.

use crate::engine::{Apply, CatchUp};
use crate::store::input::Origin;
use crate::store::record::Note;
use std::sync::Arc;

/// A policy that came into force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyVersion {
    /// From 1.
    pub number: u64,
    /// The engine's time since which it is in force.
    pub since_ms: i64,
    pub text: Arc<str>,
    /// The files that it names: name, text.
    pub files: Vec<(String, Arc<str>)>,
    pub apply: Apply,
    pub catch_up: CatchUp,
    pub actor: Arc<str>,
    pub note: String,
}

/// The reply to a request with a key, kept for repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredReply {
    pub origin: Origin,
    pub at_ms: i64,
    pub accepted: u64,
    pub rejected: u64,
    /// Policy version, or sequence number of the resulting record.
    pub result: u64,
}

/// Results of a clock in one day (UTC), as reported on that day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DayRow {
    pub day_ms: i64,
    pub clock: Arc<str>,
    /// May be negative on a day with more revisions than new results.
    pub met: i64,
    pub missed: i64,
    pub fired: i64,
}

/// The acknowledgement of an escalation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Acknowledgement {
    pub sequence: u64,
    pub at_ms: i64,
    pub note: Note,
}

/// The service's own state, outside the engine.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceState {
    /// The last group included.
    pub group: u64,
    /// Numbers of the next records.
    pub next_escalation: u64,
    pub next_cycle: u64,
    pub policies: Vec<PolicyVersion>,
    pub replies: Vec<StoredReply>,
    pub days: Vec<DayRow>,
    pub acknowledgements: Vec<Acknowledgement>,
}
