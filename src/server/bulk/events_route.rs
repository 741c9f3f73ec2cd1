//! `/v1/events`: events of tickets, in bulk.

use super::{BulkReport, EventsQuery, RowKind};
use crate::server::auth::Operator;
use crate::server::bulk;
use crate::server::middleware::idempotency::IdempotencyKey;
use crate::server::problem::ApiResult;
use crate::server::state::AppState;
use actix_web::{HttpRequest, post, web};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of events.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(load);
}

/// Send events
///
/// One row per event: `ticket` (its id), `at` (RFC 3339, or milliseconds since 1970) and `event`: opened, read, agent_reply,
/// customer_reply, note, assigned, priority_changed, state_changed, escalated, acknowledged, snoozed, resolved, closed, reopened,
/// deleted or merged. A row may also set the ticket's `state`, `priority`, `owner`, `team`, `channel`, `category` and `customer`
/// from then on; without `event` it is a `state_changed`. `segment`, `subject` and `text` of an opening are read by the assignment
/// rules and not stored; `text` of `escalated` is its reason; `actor` names who caused the event.
///
/// An event counts at the time it happened, even if it arrives late. A known event changes nothing: sending a body again is safe.
/// An event of an unknown ticket opens it. Formats, compression and batches are those of `POST /v1/tickets`.
#[utoipa::path(
    tag = "events",
    params(EventsQuery),
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
    responses((status = 200, description = "The accepted rows are durable.", body = BulkReport)),
    security(("bearer" = ["operator"]))
)]
#[post("/events")]
async fn load(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    query: web::Query<EventsQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> ApiResult<web::Json<BulkReport>> {
    let query = query.into_inner();
    let rows_are = RowKind::Events(query.openings);
    bulk::load(rows_are, &state, operator, key, query.load(), &request, body).await.map(web::Json)
}
