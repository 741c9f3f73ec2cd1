//! `/v1/policy`: the whole policy as text, with its versions.

pub(crate) mod calendar_preview;
pub(crate) mod calendars;
mod document;
pub(crate) mod edit;
pub(crate) mod priorities;
pub(crate) mod rules;
mod section;

use super::auth::{Admin, Viewer};
use super::params::timestamp::Timestamp;
use super::problem::{ApiResult, Problem};
use super::state::AppState;
use crate::engine::Apply;
use crate::store::snapshot::PolicyVersion;
use actix_web::http::header::ETAG;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, get, put, web};
use document::PartError;
use edit::{EditQuery, EditResponse, IfMatch, edit_whole, in_force, version_tag};
use section::{Media, TOML, VersionsQuery, unreadable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of the policy.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.service(get_policy).service(put_policy).service(versions).service(one_version);
}

/// A policy with its holiday files.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyBody {
    /// The policy file (TOML).
    pub text: String,
    /// Holiday files that the policy names and the service does not have yet: from the name in the policy to the text. Files of the
    /// version in force need not be sent again.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
}

/// A version of the policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct PolicyVersionRow {
    /// From 1.
    #[schema(minimum = 1, example = 7)]
    pub version: u64,
    /// When it came into force.
    pub since: Timestamp,
    /// Its author: the name of a token, or `policy file`.
    pub actor: String,
    /// The author's note.
    pub note: String,
    #[schema(inline)]
    pub apply: Apply,
    /// Size of its text in bytes.
    pub bytes: u64,
    /// Holiday files that it names.
    pub files: Vec<String>,
    /// Its text, if requested with `definitions`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// Versions of the policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct PolicyVersions {
    /// Newest first; the first of the first page is in force.
    pub versions: Vec<PolicyVersionRow>,
    /// Pass it as `before` for the next page; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_before: Option<u64>,
}

/// Get the policy
#[utoipa::path(
    tag = "policy",
    responses((
        status = 200,
        description = "The text of the policy in force.",
        content_type = "application/toml",
        body = String,
        headers(("ETag" = String, description = "Its version."))
    )),
    security(("bearer" = ["viewer"]))
)]
#[get("/policy")]
async fn get_policy(_viewer: Viewer, state: web::Data<AppState>) -> ApiResult<HttpResponse> {
    Ok(text_of(&in_force(&state.service)?))
}

fn text_of(version: &PolicyVersion) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(TOML)
        .insert_header((ETAG, version_tag(version.number)))
        .body(version.text.to_string())
}

/// Put a policy
///
/// The whole policy file, as TOML; or as JSON with the holiday files that it names. It is checked as by `overdue check`, and every
/// error is reported with its line (422). With `dry_run` nothing changes, and the response counts the effects of the edit on the
/// open tickets.
#[utoipa::path(
    tag = "policy",
    params(
        ("If-Match" = Option<String>, Header, description = "Only if this version is in force, as in the `ETag` of `GET /v1/policy` (else 412)."),
        EditQuery
    ),
    request_body(content((String = "application/toml"), (PolicyBody = "application/json"))),
    responses((
        status = 200,
        description = "Result of the edit or dry run.",
        body = EditResponse,
        headers(("ETag" = String, description = "The version in force."))
    )),
    security(("bearer" = ["admin"]))
)]
#[put("/policy")]
async fn put_policy(
    admin: Admin,
    state: web::Data<AppState>,
    query: web::Query<EditQuery>,
    request: HttpRequest,
    body: Bytes,
) -> ApiResult<HttpResponse> {
    let PolicyBody { text, files } = match Media::of(&request)? {
        Media::Json => serde_json::from_slice(&body).map_err(|error| unreadable(PartError::json(&error)))?,
        Media::Toml => {
            let text = std::str::from_utf8(&body).map_err(|_| Problem::bad_request("the body is not UTF-8 text"))?;
            PolicyBody { text: text.to_owned(), files: BTreeMap::new() }
        }
    };
    let files = files.into_iter().map(|(name, text)| (name, Arc::from(text))).collect();
    let condition = IfMatch::of(&request)?;
    let response = edit_whole(&state.service, admin, query.into_inner(), condition, text, files).await?;
    let tag = version_tag(response.version);
    Ok(response.into_response(Some(tag)))
}

/// List the versions of the policy
#[utoipa::path(
    tag = "policy",
    operation_id = "list_policy_versions",
    params(VersionsQuery),
    responses((status = 200, description = "A page of versions, newest first.", body = PolicyVersions)),
    security(("bearer" = ["viewer"]))
)]
#[get("/policy/versions")]
async fn versions(
    _viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<VersionsQuery>,
) -> ApiResult<web::Json<PolicyVersions>> {
    let limit = query.checked()?;
    let policies = state.service.policies();
    let mut newest_first = query.newest_first(&policies);
    let row = |version: &PolicyVersion| PolicyVersionRow {
        text: query.definitions.then(|| version.text.to_string()),
        ..PolicyVersionRow::from(version)
    };
    let versions: Vec<PolicyVersionRow> = newest_first.by_ref().take(limit).map(row).collect();
    let next_before = newest_first.next().map(|version| version.number + 1);
    Ok(web::Json(PolicyVersions { versions, next_before }))
}

impl From<&PolicyVersion> for PolicyVersionRow {
    fn from(version: &PolicyVersion) -> Self {
        Self {
            version: version.number,
            since: Timestamp(version.since_ms),
            actor: version.actor.to_string(),
            note: version.note.clone(),
            apply: version.apply,
            bytes: version.text.len() as u64,
            files: version.files.iter().map(|(name, _)| name.clone()).collect(),
            text: None,
        }
    }
}

/// Get a version of the policy
#[utoipa::path(
    tag = "policy",
    operation_id = "get_policy_version",
    params(("version" = u64, Path, description = "The version's number.", minimum = 1, maximum = 9007199254740991_u64)),
    responses((
        status = 200,
        description = "The text of this version.",
        content_type = "application/toml",
        body = String,
        headers(("ETag" = String, description = "Its version."))
    )),
    security(("bearer" = ["viewer"]))
)]
#[get("/policy/versions/{version}")]
async fn one_version(_viewer: Viewer, state: web::Data<AppState>, version: web::Path<u64>) -> ApiResult<HttpResponse> {
    let number = version.into_inner();
    let policies = state.service.policies();
    let found = policies.iter().find(|version| version.number == number);
    found.map(text_of).ok_or_else(|| Problem::not_found(format!("there is no version {number} of the policy")))
}
