//! JSON of escalation records.

use crate::policy::Actions;
use crate::server::params::timestamp::Timestamp;
use crate::service::Service;
use crate::store::history::Gap;
use crate::store::record::{EscalationRecord, RecordKind};
use crate::store::snapshot::Acknowledgement;
use crate::time::NEVER_MS;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// An escalation record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EscalationResponse {
    /// Its place in the order of all records, from 1. Records never change and keep their number; after a restore a number may
    /// be given again, in another epoch.
    #[schema(minimum = 1, example = 4_711)]
    pub sequence: u64,
    /// The epoch in which it got its number: the two together never stand for another record.
    #[schema(example = "1.9f3a61c4", pattern = "^[0-9]+\\.[0-9a-f]{8}$")]
    pub epoch: String,
    /// `ticket/clock/cycle/level`: the same for a level, its withdrawal and its acknowledgement, whenever they are told again.
    #[schema(example = "T-4711/first_response/1/2")]
    pub escalation_id: String,
    #[schema(example = "T-4711")]
    pub ticket: String,
    #[schema(inline)]
    pub kind: RecordKind,
    /// Missing when it was done by hand.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "first_response")]
    pub clock: Option<String>,
    /// Which run of the clock, from 1; by hand: how many times it was done.
    pub cycle: u16,
    /// From 1; 0 when it was done by hand.
    pub level: u8,
    /// When the level was reached.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    /// The engine's time at which it fired.
    pub fired_at: Timestamp,
    /// The engine's time at which the record was made.
    pub recorded_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<String>,
    /// What the level asks for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actions: Option<LevelActions>,
    /// Who did it by hand, or took notice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// Why, in their words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Who took notice of it, if somebody did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acknowledged: Option<AcknowledgedResponse>,
}

/// What a level asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LevelActions {
    /// Whom to tell.
    pub notify: Vec<String>,
    /// Whom to give the ticket to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reassign: Option<String>,
    /// The webhook to call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub webhook: Option<String>,
    /// The priority to raise the ticket to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub set_priority: Option<String>,
}

impl From<&Actions> for LevelActions {
    fn from(actions: &Actions) -> Self {
        Self {
            notify: actions.notify.clone(),
            reassign: actions.reassign.clone(),
            webhook: actions.webhook.clone(),
            set_priority: actions.set_priority.clone(),
        }
    }
}

/// Who took notice, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AcknowledgedResponse {
    /// The escalation record that was taken notice of.
    #[schema(minimum = 1)]
    pub sequence: u64,
    pub at: Timestamp,
    /// The name of their token.
    pub actor: String,
    pub note: String,
}

impl From<Acknowledgement> for AcknowledgedResponse {
    fn from(it: Acknowledgement) -> Self {
        Self { sequence: it.sequence, at: Timestamp(it.at_ms), actor: it.note.actor, note: it.note.reason }
    }
}

impl EscalationResponse {
    pub fn new(record: &EscalationRecord, service: &Service) -> Self {
        let label = |label: &Option<Arc<str>>| label.as_deref().map(str::to_owned);
        Self {
            sequence: record.sequence,
            epoch: epoch_of(service, record.sequence),
            escalation_id: record.escalation_id.clone(),
            ticket: record.ticket.clone(),
            kind: record.kind.into(),
            clock: label(&record.clock),
            cycle: record.cycle,
            level: record.level,
            due_at: (record.due_ms < NEVER_MS).then_some(Timestamp(record.due_ms)),
            fired_at: Timestamp(record.fired_ms),
            recorded_at: Timestamp(record.recorded_ms),
            priority: label(&record.priority),
            owner: label(&record.owner),
            team: label(&record.team),
            channel: label(&record.channel),
            category: label(&record.category),
            customer: label(&record.customer),
            actions: record.actions.as_deref().map(LevelActions::from),
            actor: record.actor.clone(),
            reason: record.reason.clone(),
            acknowledged: service.acknowledgement(record.sequence).map(AcknowledgedResponse::from),
        }
    }
}

/// The epoch in which a record got its number.
pub fn epoch_of(service: &Service, sequence: u64) -> String {
    service.epochs().of_escalation(sequence).map(|epoch| epoch.to_string()).unwrap_or_default()
}

/// Records that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapResponse {
    /// The file of the history that they are in: its day and name.
    pub file: String,
    /// The numbers of the first and the last of them.
    #[schema(minimum = 1)]
    pub from: u64,
    #[schema(minimum = 1)]
    pub to: u64,
    /// Why it cannot be read.
    pub reason: String,
}

impl From<Gap> for GapResponse {
    fn from(gap: Gap) -> Self {
        Self { file: gap.file, from: gap.from, to: gap.to, reason: gap.reason }
    }
}
