//! `/v1/priorities`: a calendar, clocks with their targets and levels, each with its versions.

use super::document::Section;
use super::edit::{EditQuery, EditResponse};
use super::section;
use super::section::{PartList, PartVersions, VersionsQuery};
use crate::server::auth::{Admin, Viewer};
use crate::server::problem::ApiResult;
use crate::server::state::AppState;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, delete, get, put, web};
use utoipa_actix_web::service_config::ServiceConfig;

const SECTION: Section = Section::Priorities;

/// The routes of priorities.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(list).service(get_one).service(put_one).service(remove).service(versions);
}

/// List priorities
#[utoipa::path(
    tag = "priorities",
    operation_id = "list_priorities",
    responses((status = 200, description = "All priorities of the policy in force.", body = PartList)),
    security(("bearer" = ["viewer"]))
)]
#[get("/priorities")]
async fn list(_viewer: Viewer, state: web::Data<AppState>) -> ApiResult<web::Json<PartList>> {
    section::list(&state, SECTION).await.map(web::Json)
}

/// Get a priority
///
/// As defined in the policy: JSON, or TOML for `Accept: application/toml`. Send its `ETag` as `If-Match` of an edit.
#[utoipa::path(
    tag = "priorities",
    operation_id = "get_priority",
    params(("name" = String, Path, description = "The priority's name.", min_length = 1, max_length = 255)),
    responses((
        status = 200,
        description = "The priority.",
        content((serde_json::Map<String, serde_json::Value> = "application/json"), (String = "application/toml")),
        headers(("ETag" = String, description = "The tag of its definition."))
    )),
    security(("bearer" = ["viewer"]))
)]
#[get("/priorities/{name}")]
async fn get_one(
    _viewer: Viewer,
    state: web::Data<AppState>,
    name: web::Path<String>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    section::get(&state, SECTION, &name, &request).await
}

/// Put a priority
///
/// The body is the table `[priorities.NAME]` of a policy file, as JSON or TOML. A new name is added to the policy. With `dry_run`
/// nothing changes, and the response counts the effects of the edit on the open tickets. Errors are reported by field (422).
#[utoipa::path(
    tag = "priorities",
    operation_id = "put_priority",
    params(
        ("name" = String, Path, description = "The priority's name.", min_length = 1, max_length = 255),
        ("If-Match" = Option<String>, Header, description = "Only if the priority has this `ETag` (else 412)."),
        EditQuery
    ),
    request_body(content(
        (serde_json::Map<String, serde_json::Value> = "application/json", example = r#"{"calendar":"office","clocks":{"first_response":{"target":"4h","levels":[{"at":"50%","notify":["owner"]},{"at":"100%","notify":["team_lead"]}]}}}"#),
        (String = "application/toml", example = "calendar = \"office\"\n[clocks.first_response]\ntarget = \"4h\"\n"),
    )),
    responses((
        status = 200,
        description = "Result of the edit or dry run.",
        body = EditResponse,
        headers(("ETag" = String, description = "The tag of the definition in force."))
    )),
    security(("bearer" = ["admin"]))
)]
#[put("/priorities/{name}")]
async fn put_one(
    admin: Admin,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<EditQuery>,
    request: HttpRequest,
    body: Bytes,
) -> ApiResult<HttpResponse> {
    section::put(&state, admin, SECTION, name.into_inner(), query.into_inner(), &request, &body).await
}

/// Remove a priority
///
/// A priority that tickets have, that rules assign or that is the default cannot be removed (409).
#[utoipa::path(
    tag = "priorities",
    operation_id = "delete_priority",
    params(
        ("name" = String, Path, description = "The priority's name.", min_length = 1, max_length = 255),
        ("If-Match" = Option<String>, Header, description = "Only if the priority has this `ETag` (else 412)."),
        EditQuery
    ),
    responses((status = 200, description = "Result of the edit or dry run.", body = EditResponse)),
    security(("bearer" = ["admin"]))
)]
#[delete("/priorities/{name}")]
async fn remove(
    admin: Admin,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<EditQuery>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    section::remove(&state, admin, SECTION, name.into_inner(), query.into_inner(), &request).await
}

/// List the versions of a priority
#[utoipa::path(
    tag = "priorities",
    operation_id = "list_priority_versions",
    params(("name" = String, Path, description = "The priority's name.", min_length = 1, max_length = 255), VersionsQuery),
    responses((status = 200, description = "A page of versions, newest first.", body = PartVersions)),
    security(("bearer" = ["viewer"]))
)]
#[get("/priorities/{name}/versions")]
async fn versions(
    _viewer: Viewer,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<VersionsQuery>,
) -> ApiResult<web::Json<PartVersions>> {
    section::versions(&state, SECTION, name.into_inner(), query.into_inner()).await.map(web::Json)
}
