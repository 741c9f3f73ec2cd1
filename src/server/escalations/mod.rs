//! `/v1/escalations`: levels fired and withdrawn, manual escalations, and acknowledgements.

pub(crate) mod feed;
pub(crate) mod response;

use super::auth::{Operator, Viewer};
use super::middleware::idempotency::IdempotencyKey;
use super::params;
use super::params::timestamp::Timestamp;
use super::problem::{ApiResult, Problem};
use super::state::AppState;
use crate::server::params::{blocking, check_note};
use crate::service::Acknowledge;
use crate::store::history::Page;
use crate::store::record::{EscalationFilter, RecordKind};
use actix_web::{get, post, web};
use response::{AcknowledgedResponse, EscalationResponse, GapResponse};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Records on a page by default.
const DEFAULT_ROWS: usize = 100;

/// The routes of escalations.
pub(crate) fn routes(config: &mut ServiceConfig) {
    // `routes::v1` registers the feed before these: otherwise `get_one` would take its path for a sequence number.
    config.service(list).service(get_one).service(acknowledge);
}

/// Filter and page.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListQuery {
    /// Records of this ticket.
    #[param(max_length = 255)]
    pub ticket: Option<String>,
    /// Records of this kind.
    #[param(inline)]
    pub kind: Option<RecordKind>,
    /// Records of this clock.
    #[param(max_length = 255)]
    pub clock: Option<String>,
    /// Records of tickets that had this priority at that time.
    #[param(max_length = 255)]
    pub priority: Option<String>,
    /// Records of tickets that this team had at that time.
    #[param(max_length = 255)]
    pub team: Option<String>,
    /// Records of tickets that this owner had at that time.
    #[param(max_length = 255)]
    pub owner: Option<String>,
    /// Records of tickets of this channel.
    #[param(max_length = 255)]
    pub channel: Option<String>,
    /// Records of tickets of this category.
    #[param(max_length = 255)]
    pub category: Option<String>,
    /// Records of tickets of this customer.
    #[param(max_length = 255)]
    pub customer: Option<String>,
    /// Records of this level, from 1; 0 for manual escalations.
    #[param(minimum = 0, maximum = 12)]
    pub level: Option<u8>,
    /// Records made at or after this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// Records made before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Records after this sequence number: `next_after` of the previous page. It never expires.
    #[param(minimum = 0, maximum = 9007199254740991_u64)]
    pub after: Option<u64>,
    /// Maximum number of records on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}

impl ListQuery {
    fn filter(self) -> ApiResult<EscalationFilter> {
        params::checked(EscalationFilter {
            ticket: self.ticket,
            kind: self.kind,
            clock: self.clock,
            labels: [self.priority, self.owner, self.team, self.channel, self.category, self.customer].into(),
            level: self.level,
            since_ms: self.since.map(|at| at.0),
            until_ms: self.until.map(|at| at.0),
        })
    }
}

/// A page of records.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct EscalationPage {
    /// Oldest first.
    pub escalations: Vec<EscalationResponse>,
    /// Pass it as `after` for the next records, now or later. Never less than the request's `after`.
    pub next_after: u64,
    /// The sequence number of the last record, regardless of filter and `after`; 0 before the first. There are more pages while
    /// `next_after` is less.
    pub last_sequence: u64,
    /// The current epoch. A new epoch means that the data was restored.
    #[schema(example = "1.9f3a61c4", pattern = "^[0-9]+\\.[0-9a-f]{8}$")]
    pub epoch: String,
    /// Records between the previous page and `next_after` that are in corrupt files of the history; it is not known whether they
    /// match the filter.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(required = false)]
    pub gaps: Vec<GapResponse>,
}

/// List escalations
///
/// Oldest first, from memory or from the history on disk. A page may have fewer records than `limit`, or none, without being the
/// last: continue with `next_after` while it is less than `last_sequence`.
#[utoipa::path(
    tag = "escalations",
    params(ListQuery),
    responses(
        (status = 200, description = "A page.", body = EscalationPage),
        (status = 410, description = "No record has the number `after`: the data was restored.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["viewer"]))
)]
#[get("/escalations")]
async fn list(
    _viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<ListQuery>,
) -> ApiResult<web::Json<EscalationPage>> {
    let limit = params::page_rows(query.limit, DEFAULT_ROWS)?;
    let after = params::sequence("after", query.after.unwrap_or(0))?;
    let filter = query.into_inner().filter()?;
    let service = state.service.clone();
    let after = params::not_behind_the_end("after", after, *service.last_escalation().borrow())?;
    let page = blocking(move || {
        let Page { records, up_to: next_after, gaps } = service.escalations(after, &filter, limit)?;
        // Read after the page, so that no record of the page is beyond it.
        let last_sequence = *service.last_escalation().borrow();
        Ok(EscalationPage {
            escalations: records.iter().map(|record| EscalationResponse::new(record, &service)).collect(),
            next_after,
            last_sequence,
            epoch: service.epochs().current().map(|epoch| epoch.to_string()).unwrap_or_default(),
            gaps: gaps.into_iter().map(GapResponse::from).collect(),
        })
    });
    page.await.map(web::Json)
}

/// Get an escalation
#[utoipa::path(
    tag = "escalations",
    params(("sequence" = u64, Path, description = "The record's number.", minimum = 1, maximum = 9007199254740991_u64)),
    responses((status = 200, description = "The record.", body = EscalationResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/escalations/{sequence}")]
async fn get_one(
    _viewer: Viewer,
    state: web::Data<AppState>,
    sequence: web::Path<u64>,
) -> ApiResult<web::Json<EscalationResponse>> {
    let (service, sequence) = (state.service.clone(), params::sequence("sequence", sequence.into_inner())?);
    let found = blocking(move || {
        let record = service.escalation(sequence)?;
        Ok(EscalationResponse::new(&record, &service))
    });
    found.await.map(web::Json)
}

/// A note.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcknowledgeBody {
    /// Text of the note.
    #[serde(default)]
    #[schema(max_length = 4096, example = "called the customer")]
    pub note: String,
}

/// Acknowledge an escalation
///
/// If it is acknowledged already, the first acknowledgement stays and is returned.
#[utoipa::path(
    tag = "escalations",
    params(("sequence" = u64, Path, description = "The record's number.", minimum = 1, maximum = 9007199254740991_u64)),
    request_body = AcknowledgeBody,
    responses((status = 200, description = "The acknowledgement.", body = AcknowledgedResponse)),
    security(("bearer" = ["operator"]))
)]
#[post("/escalations/{sequence}/acknowledge")]
async fn acknowledge(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    sequence: web::Path<u64>,
    body: web::Json<AcknowledgeBody>,
) -> ApiResult<web::Json<AcknowledgedResponse>> {
    let AcknowledgeBody { note } = body.into_inner();
    check_note("note", &note)?;
    let origin = key.origin(operator.actor);
    let sequence = params::sequence("sequence", sequence.into_inner())?;
    let done = state.service.acknowledge(Acknowledge { sequence, note, origin }).await?;
    Ok(web::Json(done.into()))
}
