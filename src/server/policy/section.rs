//! What calendars and priorities, as parts of the policy, have in common. Their own modules declare the routes.

use super::document::{PartError, PolicyDocument, Section, part_from_json, part_from_toml};
use super::edit::{Change, EditQuery, IfMatch, document_in_force, edit_part, part_tag};
use crate::engine::Apply;
use crate::limits::{MAX_LABEL_BYTES, MAX_VERSIONS_A_PAGE};
use crate::server::auth::Admin;
use crate::server::params;
use crate::server::params::blocking;
use crate::server::params::timestamp::Timestamp;
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::server::state::AppState;
use crate::store::snapshot::PolicyVersion;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use toml::Table;
use utoipa::{IntoParams, ToSchema};

/// The media type of TOML.
pub(super) const TOML: &str = "application/toml";

/// A part with its name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct NamedPart {
    #[schema(example = "office")]
    pub name: String,
    /// Send it as `If-Match` of an edit of this part.
    pub etag: String,
    /// As defined in the policy.
    #[schema(value_type = Object)]
    pub definition: Table,
}

/// All parts of a section.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct PartList {
    /// The version of the policy in force.
    pub version: u64,
    /// In the order of the policy.
    pub items: Vec<NamedPart>,
}

/// A version of a part: its state after an edit of the policy.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct PartVersion {
    /// The version of the policy that introduced it.
    pub version: u64,
    /// When it came into force.
    pub since: Timestamp,
    /// Its author.
    pub actor: String,
    /// The author's note.
    pub note: String,
    #[schema(inline)]
    pub apply: Apply,
    /// Whether the part was removed.
    pub removed: bool,
    /// Its definition, if requested with `definitions`; missing where the part was removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub definition: Option<Table>,
}

/// The versions of a part.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(super) struct PartVersions {
    /// Newest first.
    pub versions: Vec<PartVersion>,
    /// Pass it as `before` for the next page; missing on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_before: Option<u64>,
}

/// Parameters of a version history.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct VersionsQuery {
    /// Only versions before this version of the policy: `next_before` of the previous page.
    #[param(minimum = 1, maximum = 9007199254740991_u64)]
    pub before: Option<u64>,
    /// Maximum number of versions on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
    /// Whether to include the definition of each version.
    pub definitions: bool,
}

/// Versions on a page by default.
const DEFAULT_ROWS: usize = 100;

/// All parts of a section in force.
///
/// # Errors
/// As a [`Problem`].
pub(super) async fn list(state: &AppState, section: Section) -> ApiResult<PartList> {
    let (version, document) = document_in_force(&state.service).await?;
    let named = |(name, part): (&str, &Table)| NamedPart {
        name: name.to_owned(),
        etag: part_tag(part),
        definition: part.clone(),
    };
    Ok(PartList { version: version.number, items: document.parts(section).map(named).collect() })
}

/// The part in force: JSON, or TOML if the client accepts it.
///
/// # Errors
/// As a [`Problem`].
pub(super) async fn get(
    state: &AppState,
    section: Section,
    name: &str,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let (_, document) = document_in_force(&state.service).await?;
    let part = document.part(section, name).ok_or_else(|| missing(section, name))?;
    let mut response = HttpResponse::Ok();
    response.insert_header((ETAG, part_tag(part)));
    if wants_toml(request) {
        let text = toml::to_string(part).map_err(|error| Problem::failed(error.to_string()))?;
        return Ok(response.content_type(TOML).body(text));
    }
    Ok(response.json(part))
}

/// Adds or replaces a part.
///
/// # Errors
/// As a [`Problem`].
pub(super) async fn put(
    state: &AppState,
    admin: Admin,
    section: Section,
    name: String,
    query: EditQuery,
    request: &HttpRequest,
    body: &[u8],
) -> ApiResult<HttpResponse> {
    if name.is_empty() || name.len() > MAX_LABEL_BYTES {
        let message = format!("the name has {} bytes, expected 1 to {MAX_LABEL_BYTES}", name.len());
        return Err(Problem::bad_request(&message).with_error(FieldError::new(message).field("name")));
    }
    let part = match Media::of(request)? {
        Media::Json => part_from_json(body),
        Media::Toml => part_from_toml(body),
    };
    let part = part.map_err(unreadable)?;
    let change = Change::Set { section, name, part };
    let (response, tag) = edit_part(&state.service, admin, query, IfMatch::of(request)?, change).await?;
    Ok(response.into_response(tag))
}

/// Removes a part.
///
/// # Errors
/// As a [`Problem`]; 409 if something else in the policy, or a ticket, needs the part.
pub(super) async fn remove(
    state: &AppState,
    admin: Admin,
    section: Section,
    name: String,
    query: EditQuery,
    request: &HttpRequest,
) -> ApiResult<HttpResponse> {
    let change = Change::Remove { section, name };
    let (response, _) = edit_part(&state.service, admin, query, IfMatch::of(request)?, change).await?;
    Ok(response.into_response(None))
}

/// The versions of a part, newest first.
///
/// # Errors
/// As a [`Problem`]; 404 for a name that the policy never had.
pub(super) async fn versions(
    state: &AppState,
    section: Section,
    name: String,
    query: VersionsQuery,
) -> ApiResult<PartVersions> {
    let limit = query.checked()?;
    if name.len() > MAX_LABEL_BYTES {
        // No part can have such a name.
        return Err(missing(section, &name));
    }
    let policies = state.service.policies();
    blocking(move || {
        let page = history(&policies, limit, query, |document| document.part(section, &name).cloned())?;
        let is_unknown = page.versions.is_empty() && page.next_before.is_none() && query.before.is_none();
        if is_unknown { Err(missing(section, &name)) } else { Ok(page) }
    })
    .await
}

impl VersionsQuery {
    /// # Errors
    /// 400 outside the limits.
    pub(super) fn checked(self) -> ApiResult<usize> {
        params::version("before", self.before)?;
        params::page_rows(self.limit, DEFAULT_ROWS)
    }

    /// The versions of the policy that may be on the page, newest first.
    pub(super) fn newest_first<'p>(
        &self,
        policies: &'p [PolicyVersion],
    ) -> impl Iterator<Item = &'p PolicyVersion> + use<'p> {
        let before = self.before.unwrap_or(u64::MAX);
        policies.iter().rev().skip_while(move |policy| policy.number >= before)
    }
}

/// A page of the versions of a part: those in which it differs from the previous one. The number of policy versions examined is
/// bounded.
fn history(
    policies: &Arc<Vec<PolicyVersion>>,
    limit: usize,
    query: VersionsQuery,
    pick: impl Fn(&PolicyDocument) -> Option<Table>,
) -> ApiResult<PartVersions> {
    let mut versions = Vec::new();
    let part_of = |policy: &PolicyVersion| PolicyDocument::parse(&policy.text).map(|document| pick(&document));
    let mut newest_first = query.newest_first(policies);
    let mut newer = newest_first.next();
    let mut newer_part = newer.map(part_of).transpose().map_err(Problem::failed)?.flatten();
    let mut looked_at = 0;
    while let Some(policy) = newer {
        if versions.len() == limit || looked_at == MAX_VERSIONS_A_PAGE {
            return Ok(PartVersions { versions, next_before: Some(policy.number + 1) });
        }
        looked_at += 1;
        let older = newest_first.next();
        let older_part = older.map(part_of).transpose().map_err(Problem::failed)?.flatten();
        if newer_part != older_part {
            versions.push(PartVersion {
                version: policy.number,
                since: Timestamp(policy.since_ms),
                actor: policy.actor.to_string(),
                note: policy.note.clone(),
                apply: policy.apply,
                removed: newer_part.is_none(),
                definition: newer_part.filter(|_| query.definitions),
            });
        }
        (newer, newer_part) = (older, older_part);
    }
    Ok(PartVersions { versions, next_before: None })
}

fn missing(section: Section, name: &str) -> Problem {
    Problem::not_found(format!("there is no {} {name:?}", section.one()))
}

/// 400 for a body that cannot be parsed.
pub(super) fn unreadable(error: PartError) -> Problem {
    let PartError { message, line, column } = error;
    let error = FieldError { line: Some(line), column: Some(column), ..FieldError::new(message) };
    Problem::bad_request("the body is malformed").with_error(error)
}

/// Whether the client prefers TOML.
fn wants_toml(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepted.split(',').next().unwrap_or_default().split(';').next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case(TOML)
}

/// The media type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Media {
    Json,
    Toml,
}

impl Media {
    /// # Errors
    /// 415.
    pub(super) fn of(request: &HttpRequest) -> ApiResult<Self> {
        let text = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        match text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" => Ok(Self::Json),
            TOML => Ok(Self::Toml),
            _ => {
                let message = format!("content-type is {text:?}, expected application/json or {TOML}");
                Err(Problem::unsupported(&message)
                    .with_error(FieldError::new(message).field("content-type").value(text)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Apply, CatchUp};
    use actix_web::test::TestRequest;

    fn version(number: u64, text: &str) -> PolicyVersion {
        PolicyVersion {
            number,
            since_ms: 1_795_339_800_000 + number as i64,
            text: text.into(),
            files: Vec::new(),
            apply: Apply::FromNow,
            catch_up: CatchUp::Latest,
            actor: format!("editor {number}").into(),
            note: String::new(),
        }
    }

    #[test]
    fn a_history_has_only_what_changed() {
        let policies = Arc::new(vec![
            version(1, "[calendars.a]\nhours = '24x7'"),
            version(2, "[calendars.a]\nhours = '24x7'\n[calendars.b]\nx = 1"),
            version(3, "[calendars.a]\nhours = '24x7'\ntime_zone = 'UTC'"),
            version(4, "[calendars.a]\nhours = '24x7'\ntime_zone = 'UTC'\n[calendars.b]\nx = 2"),
        ]);
        let page = |name: &'static str, limit, before| {
            let query = VersionsQuery { before, definitions: true, ..VersionsQuery::default() };
            let pick = move |document: &PolicyDocument| document.part(Section::Calendars, name).cloned();
            let page = history(&policies, limit, query, pick).expect("TOML");
            assert!(page.versions.iter().all(|found| found.removed == found.definition.is_none()));
            let found = page.versions.iter().map(|found| (found.version, !found.removed)).collect::<Vec<_>>();
            (found, page.next_before)
        };
        assert_eq!(page("a", 9, None), (vec![(3, true), (1, true)], None));
        assert_eq!(page("b", 9, None), (vec![(4, true), (3, false), (2, true)], None));
        assert_eq!(page("b", 2, None), (vec![(4, true), (3, false)], Some(3)));
        assert_eq!(page("b", 2, Some(3)), (vec![(2, true)], None));
        assert_eq!(page("c", 9, None), (Vec::new(), None));
        let query = VersionsQuery::default();
        let plain = history(&policies, 9, query, |document| document.part(Section::Calendars, "a").cloned());
        assert!(plain.expect("TOML").versions.iter().all(|found| found.definition.is_none() && !found.removed));
    }

    #[test]
    fn bodies_say_what_they_are_written_in() {
        let of = |kind: &str| Media::of(&TestRequest::put().insert_header((CONTENT_TYPE, kind)).to_http_request());
        assert_eq!(of("application/json; charset=utf-8"), Ok(Media::Json));
        assert_eq!(of("application/toml"), Ok(Media::Toml));
        assert_eq!(of("text/plain").expect_err("rejected").status, 415);
        let accept = |kind: &str| wants_toml(&TestRequest::get().insert_header((ACCEPT, kind)).to_http_request());
        assert!(accept("application/toml, application/json;q=0.5"));
        assert!(!accept("*/*"));
    }
}
