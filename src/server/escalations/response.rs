//! JSON of escalation records.

use crate::policy::Actions;
use crate::server::params::timestamp::Timestamp;
use crate::service::Service;
use crate::store::history::Gap;
use crate::store::record::{EscalationRecord, RecordKind};
use crate::store::snapshot::Acknowledgement;
use crate::ticket::TicketLabel;
use crate::time::NEVER_MS;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An escalation record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EscalationResponse {
    /// Its number in the order of all records, from 1. Records and their numbers never change; after a restore, a number may be
    /// reused in another epoch.
    #[schema(minimum = 1, example = 4_711)]
    pub sequence: u64,
    /// The epoch of its number. Epoch and number together identify the record uniquely.
    #[schema(example = "1.9f3a61c4", pattern = "^[0-9]+\\.[0-9a-f]{8}$")]
    pub epoch: String,
    /// `ticket/clock/cycle/level`: the same for a level, its withdrawal and its acknowledgement, also after a replay.
    #[schema(example = "T-4711/first_response/1/2")]
    pub escalation_id: String,
    #[schema(example = "T-4711")]
    pub ticket: String,
    #[schema(inline)]
    pub kind: RecordKind,
    /// Missing for manual escalations.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(example = "first_response")]
    pub clock: Option<String>,
    /// Number of the clock's cycle, from 1; for manual escalations, their running number.
    pub cycle: u16,
    /// From 1; 0 for manual escalations.
    pub level: u8,
    /// When the level was reached.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    /// The engine's time when it fired.
    pub fired_at: Timestamp,
    /// The engine's time when the record was created.
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
    /// Actions of the level.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actions: Option<LevelActions>,
    /// Who escalated manually, or acknowledged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<String>,
    /// The reason or note of the actor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// Its acknowledgement, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acknowledged: Option<AcknowledgedResponse>,
}

/// Actions of a level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LevelActions {
    /// Recipients of the notification.
    pub notify: Vec<String>,
    /// New owner of the ticket.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reassign: Option<String>,
    /// Webhook to call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub webhook: Option<String>,
    /// New priority of the ticket.
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

/// An acknowledgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AcknowledgedResponse {
    /// The acknowledged escalation record.
    #[schema(minimum = 1)]
    pub sequence: u64,
    pub at: Timestamp,
    /// The name of the actor's token.
    pub actor: String,
    pub note: String,
}

impl From<Acknowledgement> for AcknowledgedResponse {
    fn from(it: Acknowledgement) -> Self {
        Self { sequence: it.sequence, at: Timestamp(it.at_ms), actor: it.note.actor, note: it.note.reason }
    }
}

impl EscalationResponse {
    pub(crate) fn new(record: &EscalationRecord, service: &Service) -> Self {
        let label = |label| record.labels[label].as_deref().map(str::to_owned);
        Self {
            sequence: record.sequence,
            epoch: epoch_of(service, record.sequence),
            escalation_id: record.escalation_id.clone(),
            ticket: record.ticket.clone(),
            kind: record.kind,
            clock: record.clock.as_deref().map(str::to_owned),
            cycle: record.cycle,
            level: record.level,
            due_at: (record.due_ms < NEVER_MS).then_some(Timestamp(record.due_ms)),
            fired_at: Timestamp(record.fired_ms),
            recorded_at: Timestamp(record.recorded_ms),
            priority: label(TicketLabel::Priority),
            owner: label(TicketLabel::Owner),
            team: label(TicketLabel::Team),
            channel: label(TicketLabel::Channel),
            category: label(TicketLabel::Category),
            customer: label(TicketLabel::Customer),
            actions: record.actions.as_deref().map(LevelActions::from),
            actor: record.actor.clone(),
            reason: record.reason.clone(),
            acknowledged: service.acknowledgement(record.sequence).map(AcknowledgedResponse::from),
        }
    }
}

/// The epoch in which a record got its number.
pub(crate) fn epoch_of(service: &Service, sequence: u64) -> String {
    service.epochs().of_escalation(sequence).map(|epoch| epoch.to_string()).unwrap_or_default()
}

/// Records that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct GapResponse {
    /// The history file that contains them: its day and name.
    pub file: String,
    /// The first sequence number; `to` is the last.
    #[schema(minimum = 1)]
    pub from: u64,
    #[schema(minimum = 1)]
    pub to: u64,
    /// Why the file cannot be read.
    pub reason: String,
}

impl From<Gap> for GapResponse {
    fn from(gap: Gap) -> Self {
        Self { file: gap.file, from: gap.from, to: gap.to, reason: gap.reason }
    }
}
