//! `/v1/events`: what happens to tickets, in bulk.

use super::{BulkReport, LoadQuery, RowKind};
use crate::server::auth::Operator;
use crate::server::bulk;
use crate::server::middleware::idempotency::IdempotencyKey;
use crate::server::problem::ApiResult;
use crate::server::state::AppState;
use actix_web::{HttpRequest, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of events.
pub fn routes(config: &mut ServiceConfig) {
    config.service(load);
}

/// Send events
///
/// One row an event: `ticket` (its id), `at` (RFC 3339, or milliseconds since 1970) and `event`: opened, read, agent_reply,
/// customer_reply, note, assigned, priority_changed, state_changed, escalated, acknowledged, snoozed, resolved, closed, reopened,
/// deleted or merged. A row may also say what the ticket is from then on: `state`, `priority`, `owner`, `team`, `channel`,
/// `category`, `customer`; without `event` it is a `state_changed`. `segment`, `subject` and `text` of an opening are read by the
/// assignment rules and not kept; `text` of `escalated` is its reason; `actor` did it.
///
/// An event counts at the time it happened, also when it comes late. One that is known already changes nothing: sending a body
/// again is safe. An event of an unknown ticket opens it. Formats, packing and batches are those of `POST /v1/tickets`.
#[utoipa::path(
    tag = "events",
    params(LoadQuery),
    request_body(
        description = "Events.",
        content(
            (Option<serde_json::Value> = "application/x-ndjson", example = r#"{"ticket":"T-1","at":"2026-11-22T09:05:00Z","event":"agent_reply"}"#),
            (Option<serde_json::Value> = "application/json"),
            (Option<String> = "text/csv", example = "ticket,at,event\nT-1,2026-11-22T09:05:00Z,agent_reply\n"),
            (Option<Vec<u8>> = "application/vnd.apache.parquet"),
            (Option<Vec<u8>> = "application/vnd.apache.arrow.stream"),
            (Option<Vec<u8>> = "application/octet-stream"),
        ),
    ),
    responses((status = 200, description = "The rows that could be taken are durable.", body = BulkReport)),
    security(("bearer" = ["operator"]))
)]
#[post("/events")]
async fn load(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    query: web::Query<LoadQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> ApiResult<web::Json<BulkReport>> {
    bulk::load(RowKind::Events, &state, operator, key, query.into_inner(), &request, body).await.map(web::Json)
}
