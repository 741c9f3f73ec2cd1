//! `/v1/rules`: the rules that assign priorities to tickets.

use super::document::PartError;
use super::edit::{Change, EditQuery, EditResponse, IfMatch, document_in_force, edit_part, rules_tag};
use super::section::unreadable;
use crate::server::auth::{Admin, Viewer};
use crate::server::problem::{ApiResult, Problem};
use crate::server::state::AppState;
use actix_web::http::header::ETAG;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, put, web};
use serde::{Deserialize, Serialize};
use toml::Value;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of rules.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(get_rules).service(put_rules);
}

/// The assignment rules: a ticket without a priority gets the priority of the first rule that applies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RulesBody {
    /// In order; each as defined in the policy.
    #[schema(value_type = Vec<Object>, max_items = 10000, example = json!([{ "when": { "channel": ["phone"] }, "priority": "critical" }]))]
    pub rules: Vec<Value>,
    /// The priority of tickets to which no rule applies. If missing in a PUT, it stays unchanged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(min_length = 1, max_length = 255, example = "normal")]
    pub default_priority: Option<String>,
}

/// Get the rules
#[utoipa::path(
    tag = "rules",
    responses((
        status = 200,
        description = "The rules in force.",
        body = RulesBody,
        headers(("ETag" = String, description = "The tag of the rules."))
    )),
    security(("bearer" = ["viewer"]))
)]
#[get("/rules")]
async fn get_rules(_viewer: Viewer, state: web::Data<AppState>) -> ApiResult<HttpResponse> {
    let (_, document) = document_in_force(&state.service).await?;
    let body = RulesBody {
        rules: document.rules().to_vec(),
        default_priority: document.default_priority().map(str::to_owned),
    };
    Ok(HttpResponse::Ok().insert_header((ETAG, rules_tag(&document))).json(body))
}

/// Put the rules
///
/// All rules, in order. Existing tickets keep their priorities: rules apply when a ticket is opened.
#[utoipa::path(
    tag = "rules",
    params(
        ("If-Match" = Option<String>, Header, description = "Only if the rules have this `ETag` (else 412)."),
        EditQuery
    ),
    request_body = RulesBody,
    responses((
        status = 200,
        description = "Result of the edit or dry run.",
        body = EditResponse,
        headers(("ETag" = String, description = "The tag of the rules in force."))
    )),
    security(("bearer" = ["admin"]))
)]
#[put("/rules")]
async fn put_rules(
    admin: Admin,
    state: web::Data<AppState>,
    query: web::Query<EditQuery>,
    request: HttpRequest,
    body: Bytes,
) -> ApiResult<HttpResponse> {
    let kind = request.headers().get(actix_web::http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !kind.is_some_and(|kind| kind.trim_start().starts_with("application/json")) {
        return Err(Problem::unsupported("the body must be JSON: send the header Content-Type: application/json"));
    }
    let RulesBody { rules, default_priority } =
        serde_json::from_slice(&body).map_err(|error| unreadable(PartError::json(&error)))?;
    let change = Change::Rules { rules, default_priority };
    let (response, tag) = edit_part(&state.service, admin, query.into_inner(), IfMatch::of(&request)?, change).await?;
    Ok(response.into_response(tag))
}
