//! `/v1/escalations`: what has fired, was withdrawn, was done by hand; and who took notice.

pub(crate) mod feed;

use super::auth::{Operator, Viewer};
use super::middleware::idempotency::IdempotencyKey;
use super::params;
use super::params::timestamp::Timestamp;
use super::policy::edit::{blocking, check_note};
use super::problem::Answer;
use super::state::AppState;
use crate::policy::Actions;
use crate::service::{Acknowledge, Service};
use crate::store::history::{Gap, Page};
use crate::store::record::{EscalationFilter, EscalationRecord, RecordKind};
use crate::store::snapshot::Acknowledgement;
use crate::time::NEVER_MS;
use actix_web::{get, post, web};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Records of a page, if nothing else is asked for.
const DEFAULT_ROWS: usize = 100;

/// The routes of escalations.
pub fn routes(config: &mut ServiceConfig) {
    // The feed's path would be taken for a number otherwise.
    config.configure(feed::routes);
    config.service(list).service(get_one).service(acknowledge);
}

/// An escalation record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EscalationAnswer {
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
    pub acknowledged: Option<AcknowledgedAnswer>,
}

/// What a level asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
pub struct AcknowledgedAnswer {
    /// The escalation record that was taken notice of.
    #[schema(minimum = 1)]
    pub sequence: u64,
    pub at: Timestamp,
    /// The name of their token.
    pub actor: String,
    pub note: String,
}

impl From<Acknowledgement> for AcknowledgedAnswer {
    fn from(it: Acknowledgement) -> Self {
        Self { sequence: it.sequence, at: Timestamp(it.at_ms), actor: it.note.actor, note: it.note.reason }
    }
}

impl EscalationAnswer {
    pub fn new(record: &EscalationRecord, service: &Service) -> Self {
        let word = |word: &Option<Arc<str>>| word.as_deref().map(str::to_owned);
        Self {
            sequence: record.sequence,
            epoch: epoch_of(service, record.sequence),
            escalation_id: record.escalation_id.clone(),
            ticket: record.ticket.clone(),
            kind: record.kind.into(),
            clock: word(&record.clock),
            cycle: record.cycle,
            level: record.level,
            due_at: (record.due_ms < NEVER_MS).then_some(Timestamp(record.due_ms)),
            fired_at: Timestamp(record.fired_ms),
            recorded_at: Timestamp(record.recorded_ms),
            priority: word(&record.priority),
            owner: word(&record.owner),
            team: word(&record.team),
            channel: word(&record.channel),
            category: word(&record.category),
            customer: word(&record.customer),
            actions: record.actions.as_deref().map(LevelActions::from),
            actor: record.actor.clone(),
            reason: record.reason.clone(),
            acknowledged: service.acknowledgement(record.sequence).map(AcknowledgedAnswer::from),
        }
    }
}

/// The epoch in which a record got its number.
pub fn epoch_of(service: &Service, sequence: u64) -> String {
    service.epochs().of_escalation(sequence).map(|epoch| epoch.to_string()).unwrap_or_default()
}

/// Records that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GapAnswer {
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

impl From<Gap> for GapAnswer {
    fn from(gap: Gap) -> Self {
        Self { file: gap.file, from: gap.from, to: gap.to, reason: gap.reason }
    }
}

/// Which records are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct ListQuery {
    /// Records of this ticket.
    #[param(max_length = 255)]
    pub ticket: Option<String>,
    /// Records of this kind.
    #[param(inline)]
    pub kind: Option<RecordKind>,
    /// Records of this clock.
    #[param(max_length = 255)]
    pub clock: Option<String>,
    /// Records of tickets that had this priority then.
    #[param(max_length = 255)]
    pub priority: Option<String>,
    /// Records of tickets that this team had then.
    #[param(max_length = 255)]
    pub team: Option<String>,
    /// Records of tickets that this owner had then.
    #[param(max_length = 255)]
    pub owner: Option<String>,
    /// Records of this level, from 1; 0 for those by hand.
    #[param(minimum = 0, maximum = 12)]
    pub level: Option<u8>,
    /// Records made at or after this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Records made before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Records after this sequence number: `next_after` of the page before. It stays good for ever.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    pub after: Option<u64>,
    /// Records of the page at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}

impl ListQuery {
    fn filter(&self) -> Answer<EscalationFilter> {
        params::words(&[
            ("ticket", &self.ticket),
            ("clock", &self.clock),
            ("priority", &self.priority),
            ("team", &self.team),
            ("owner", &self.owner),
        ])?;
        params::level(self.level)?;
        Ok(EscalationFilter {
            ticket: self.ticket.clone(),
            kind: self.kind.map(RecordKind::from),
            clock: self.clock.clone(),
            priority: self.priority.clone(),
            team: self.team.clone(),
            owner: self.owner.clone(),
            level: self.level,
            since_ms: self.since.map(|at| at.0),
            until_ms: self.until.map(|at| at.0),
        })
    }
}

/// A page of records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EscalationPage {
    /// Oldest first.
    pub escalations: Vec<EscalationAnswer>,
    /// Pass it as `after` for what comes next: now, or whenever there is more. Never less than `after` was.
    pub next_after: u64,
    /// The number of the last record there is, whatever the filter and `after` say; 0 before the first. Pages go on while
    /// `next_after` is less.
    pub last_sequence: u64,
    /// The epoch in force: another one than before says that the data was restored.
    #[schema(example = "1.9f3a61c4", pattern = "^[0-9]+\\.[0-9a-f]{8}$")]
    pub epoch: String,
    /// Records between those before this page and `next_after` that lie in damaged files of the history; whether the filter
    /// would admit them is not known.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(required = false)]
    pub gaps: Vec<GapAnswer>,
}

/// List escalations
///
/// Oldest first, from memory or from the history on disk. A page may hold fewer records than asked for, or none, and not be the
/// last: go on with `next_after` while it is less than `last_sequence`.
#[utoipa::path(
    tag = "escalations",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = EscalationPage)),
    security(("bearer" = ["viewer"]))
)]
#[get("/escalations")]
async fn list(
    _viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<ListQuery>,
) -> Answer<web::Json<EscalationPage>> {
    let limit = params::page_rows(query.limit, DEFAULT_ROWS)?;
    let after = params::sequence("after", query.after.unwrap_or(0))?;
    let filter = query.filter()?;
    let service = state.service.clone();
    let page = blocking(move || {
        let Page { records, up_to: next_after, gaps } = service.escalations(after, &filter, limit)?;
        // Asked after the look, so that what was found is not beyond it.
        let last_sequence = *service.last_escalation().borrow();
        Ok(EscalationPage {
            escalations: records.iter().map(|record| EscalationAnswer::new(record, &service)).collect(),
            next_after,
            last_sequence,
            epoch: service.epochs().current().map(|epoch| epoch.to_string()).unwrap_or_default(),
            gaps: gaps.into_iter().map(GapAnswer::from).collect(),
        })
    });
    page.await.map(web::Json)
}

/// Get an escalation
#[utoipa::path(
    tag = "escalations",
    params(("sequence" = u64, Path, description = "The record's number.", minimum = 1, maximum = 9007199254740991_u64)),
    responses((status = 200, description = "The record.", body = EscalationAnswer)),
    security(("bearer" = ["viewer"]))
)]
#[get("/escalations/{sequence}")]
async fn get_one(
    _viewer: Viewer,
    state: web::Data<AppState>,
    sequence: web::Path<u64>,
) -> Answer<web::Json<EscalationAnswer>> {
    let (service, sequence) = (state.service.clone(), params::sequence("sequence", sequence.into_inner())?);
    let found = blocking(move || {
        let record = service.escalation(sequence)?;
        Ok(EscalationAnswer::new(&record, &service))
    });
    found.await.map(web::Json)
}

/// Somebody's words.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeBody {
    /// What they have to say.
    #[serde(default)]
    #[schema(max_length = 4096, example = "called the customer")]
    pub note: String,
}

/// Acknowledge an escalation
///
/// Of one that somebody has taken notice of already the first answer stands, and is given again.
#[utoipa::path(
    tag = "escalations",
    params(("sequence" = u64, Path, description = "The record's number.", minimum = 1, maximum = 9007199254740991_u64)),
    request_body = AcknowledgeBody,
    responses((status = 200, description = "Who took notice, and when.", body = AcknowledgedAnswer)),
    security(("bearer" = ["operator"]))
)]
#[post("/escalations/{sequence}/acknowledge")]
async fn acknowledge(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    sequence: web::Path<u64>,
    body: web::Json<AcknowledgeBody>,
) -> Answer<web::Json<AcknowledgedAnswer>> {
    let AcknowledgeBody { note } = body.into_inner();
    check_note("note", &note)?;
    let origin = key.origin(operator.actor);
    let sequence = params::sequence("sequence", sequence.into_inner())?;
    let done = state.service.acknowledge(Acknowledge { sequence, note, origin }).await?;
    Ok(web::Json(done.into()))
}
