//! `/v1/tickets`: load, list, get, delete, escalate manually.

mod list;
mod response;
pub(crate) mod timeline;

use super::auth::{Operator, Viewer};
use super::bulk;
use super::bulk::{BulkReport, LoadQuery, RowKind, error_of};
use super::escalations::response::EscalationResponse;
use super::middleware::idempotency::IdempotencyKey;
use super::params::timestamp::Timestamp;
use super::problem::{ApiResult, FieldError, Problem};
use super::state::AppState;
use crate::engine::Engine;
use crate::limits::MAX_TICKET_ID_BYTES;
use crate::server::params::{blocking, check_note};
use crate::service::{Applied, Service};
use crate::store::input::BatchInput;
use crate::store::record::{EscalationFilter, RecordKind};
use crate::ticket::{Batch, Column, EventKind};
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use list::{Cursor, ListQuery};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

pub(super) use response::{TicketResponse, TicketRow};

/// The routes of tickets.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(load).service(list_tickets).service(get_ticket).service(remove).service(escalate);
}

/// A page of tickets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct TicketPage {
    /// In order of `next_due_at`; tickets without one are last.
    pub tickets: Vec<TicketRow>,
    /// Pass it as `cursor` for the next page; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(pattern = "^[0-9a-f]{24}$")]
    pub next_cursor: Option<String>,
}

/// A manual escalation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EscalateBody {
    /// Why the ticket is escalated.
    #[schema(min_length = 1, max_length = 4096, example = "the customer's production line stands still")]
    pub reason: String,
    /// When it was escalated; now if missing.
    #[serde(default)]
    pub at: Option<Timestamp>,
}

/// Load tickets
///
/// One row per ticket: `id` and `opened_at` (RFC 3339, or milliseconds since 1970), and, as far as known, `updated_at`,
/// `first_reply_at`, `resolved_at`, `closed_at`, `state` (new, open, waiting, resolved, closed), `priority`, `owner`, `team`,
/// `channel`, `category`, `customer`, `segment`, `subject`, `text` (for the assignment rules; not stored) and `actor`.
///
/// State, priority, owner, team, channel, category and customer of a row are valid from `updated_at`; rows of a ticket may arrive in
/// any order, and the values of the earliest are those with which it was opened. Without `updated_at` they are valid from
/// `opened_at` for a new ticket; for a known ticket, a value that differs from the one that such rows reported last is valid from
/// now. A row without new data changes nothing: sending a body again is safe. A ticket that was deleted or merged stays gone.
/// `overdue load` maps exports with other columns.
///
/// The body is read as it arrives: NDJSON, JSON (a list, or one object), CSV, Parquet or an Arrow stream, plain or compressed with
/// gzip or zstd. Rows are accepted in batches of a few thousand; the response is sent when all are durable. If the body is
/// interrupted, the earlier batches remain.
#[utoipa::path(
    tag = "tickets",
    params(LoadQuery),
    request_body(
        description = "Tickets.",
        content(
            (Option<serde_json::Value> = "application/x-ndjson", example = r#"{"id":"T-1","opened_at":"2026-11-22T09:00:00Z","priority":"normal","team":"billing"}"#),
            (Option<serde_json::Value> = "application/json"),
            (Option<String> = "text/csv", example = "id,opened_at,priority\nT-1,2026-11-22T09:00:00Z,normal\n"),
            (Option<Vec<u8>> = "application/vnd.apache.parquet"),
            (Option<Vec<u8>> = "application/vnd.apache.arrow.stream"),
            (Option<Vec<u8>> = "application/octet-stream"),
        ),
    ),
    responses((status = 200, description = "The accepted rows are durable.", body = BulkReport)),
    security(("bearer" = ["operator"]))
)]
#[post("/tickets")]
async fn load(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    query: web::Query<LoadQuery>,
    request: HttpRequest,
    body: web::Payload,
) -> ApiResult<web::Json<BulkReport>> {
    bulk::load(RowKind::Tickets, &state, operator, key, query.into_inner(), &request, body).await.map(web::Json)
}

/// List tickets
///
/// In order of `next_due_at`: the most urgent first, tickets without one last. Pages are not a snapshot: tickets that change while
/// pages are read can be missed or appear twice.
#[utoipa::path(
    tag = "tickets",
    params(ListQuery),
    responses((status = 200, description = "A page.", body = TicketPage)),
    security(("bearer" = ["viewer"]))
)]
#[get("/tickets")]
async fn list_tickets(
    _viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<ListQuery>,
) -> ApiResult<web::Json<TicketPage>> {
    let query = query.into_inner();
    let limit = query.checked()?;
    let after = query.cursor.as_deref().map(Cursor::read).transpose()?;
    let service = state.service.clone();
    let (tickets, next) = blocking(move || Ok(list::page(&service, query.wanted(), after, limit))).await?;
    Ok(web::Json(TicketPage { tickets, next_cursor: next.map(Cursor::write) }))
}

/// Get a ticket
#[utoipa::path(
    tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id in the source system.", min_length = 1, max_length = 255)),
    responses((status = 200, description = "The ticket and its open cycles.", body = TicketResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/tickets/{id}")]
async fn get_ticket(
    _viewer: Viewer,
    state: web::Data<AppState>,
    id: web::Path<String>,
) -> ApiResult<web::Json<TicketResponse>> {
    let id = id.into_inner();
    look(&state.service, id, TicketResponse::of).await.map(web::Json)
}

/// Delete a ticket
///
/// Equivalent to an event `deleted` now: open cycles end without a result. The ticket stays gone: later events with its id change
/// nothing, until one that is `reopened`, or `opened` at a later time.
#[utoipa::path(
    tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id in the source system.", min_length = 1, max_length = 255)),
    responses((status = 204, description = "The ticket is deleted.")),
    security(("bearer" = ["operator"]))
)]
#[delete("/tickets/{id}")]
async fn remove(operator: Operator, state: web::Data<AppState>, id: web::Path<String>) -> ApiResult<HttpResponse> {
    let id = id.into_inner();
    look(&state.service, id.clone(), |_, _| ()).await?;
    let mut batch = Batch::default();
    batch.push(&id, state.service.now_ms(), EventKind::Deleted);
    batch.set_last(Column::Actor, &operator.actor);
    send(&state.service, batch, operator, IdempotencyKey::default()).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Escalate a ticket manually
#[utoipa::path(
    tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id in the source system.", min_length = 1, max_length = 255)),
    request_body = EscalateBody,
    responses((status = 200, description = "The escalation record.", body = EscalationResponse)),
    security(("bearer" = ["operator"]))
)]
#[post("/tickets/{id}/escalate")]
async fn escalate(
    operator: Operator,
    state: web::Data<AppState>,
    key: IdempotencyKey,
    id: web::Path<String>,
    body: web::Json<EscalateBody>,
) -> ApiResult<web::Json<EscalationResponse>> {
    let (id, EscalateBody { reason, at }) = (id.into_inner(), body.into_inner());
    if reason.trim().is_empty() {
        let message = "reason is empty, expected a reason for the escalation";
        return Err(Problem::invalid(message).with_error(FieldError::new(message).field("reason")));
    }
    check_note("reason", &reason)?;
    look(&state.service, id.clone(), |_, _| ()).await?;
    let mut batch = Batch::default();
    batch.push(&id, at.map_or_else(|| state.service.now_ms(), |at| at.0), EventKind::Escalated);
    batch.set_last(Column::Actor, &operator.actor);
    batch.text.push(&reason);
    let applied = send(&state.service, batch, operator, key).await?;
    let service = state.service.clone();
    let manual = EscalationFilter { ticket: Some(id), kind: Some(RecordKind::Manual), ..EscalationFilter::default() };
    let (first, _) = applied.escalations;
    let response = blocking(move || {
        let found = service.escalations(first.saturating_sub(1), &manual, 1)?;
        Ok(found.records.first().map(|record| EscalationResponse::new(record, &service)))
    });
    response.await?.map(web::Json).ok_or_else(|| {
        Problem::invalid("the ticket has this escalation already: the same event at the same time counts once")
    })
}

/// Sends one event.
async fn send(service: &Service, batch: Batch, operator: Operator, key: IdempotencyKey) -> ApiResult<Applied> {
    let origin = key.origin(operator.actor);
    let applied = service.load(BatchInput { batch, catch_up: Default::default(), origin }).await?;
    match applied.rejected.first() {
        None => Ok(applied),
        Some(rejected) => Err(Problem::invalid(rejected.reason.to_string()).with_error(error_of(&rejected.reason))),
    }
}

/// Reads a ticket with `see`.
pub(crate) async fn look<T: Send + 'static>(
    service: &Service,
    id: String,
    see: impl FnOnce(&Engine, crate::engine::TicketRef) -> T + Send + 'static,
) -> ApiResult<T> {
    if id.len() > MAX_TICKET_ID_BYTES {
        return Err(Problem::bad_request(format!(
            "a ticket's id has at most {MAX_TICKET_ID_BYTES} bytes, not {}",
            id.len()
        )));
    }
    let service = service.clone();
    blocking(move || {
        let seen = service.read(|engine| engine.find(&id).map(|ticket| see(engine, ticket)));
        seen.ok_or_else(|| Problem::not_found(format!("there is no ticket {id:?}")))
    })
    .await
}
