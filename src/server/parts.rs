//! Calendars and priorities as parts of the policy: what both have in common. Their own files name the routes.

use crate::limits::{MAX_LABEL_BYTES, MAX_PAGE_ROWS};
use crate::server::auth::Admin;
use crate::server::editing::{ApplyTo, Change, EditQuery, IfMatch, blocking, document_in_force, edit_part, part_tag};
use crate::server::filters;
use crate::server::policy_document::{PartError, PolicyDocument, Section, part_from_json, part_from_toml};
use crate::server::problem::{Answer, FieldError, Problem};
use crate::server::state::AppState;
use crate::server::times::Moment;
use crate::store::snapshot::PolicyVersion;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, ETAG};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use toml::Table;
use utoipa::{IntoParams, ToSchema};

/// The media type of TOML.
pub const TOML: &str = "application/toml";

/// A part with its name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NamedPart {
    #[schema(example = "office")]
    pub name: String,
    /// What `If-Match` must say for an edit of just this.
    pub etag: String,
    /// As the policy has it.
    #[schema(value_type = Object)]
    pub definition: Table,
}

/// All parts of a kind.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartList {
    /// The version of the policy in force.
    pub version: u64,
    /// In the order of the policy.
    pub items: Vec<NamedPart>,
}

/// A version of a part: what an edit of the policy made of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartVersion {
    /// The version of the policy that brought it.
    pub version: u64,
    /// Since when it is, or was, in force.
    pub since: Moment,
    /// Who brought it.
    pub actor: String,
    /// Why, in their words.
    pub note: String,
    #[schema(inline)]
    pub apply: ApplyTo,
    /// As it was; missing where it was removed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub definition: Option<Table>,
}

/// The versions of a part.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PartVersions {
    /// Newest first.
    pub versions: Vec<PartVersion>,
}

/// How much of a history is wanted.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct VersionsQuery {
    /// Versions at most, the newest.
    #[param(minimum = 1, maximum = 1000, default = 1000)]
    pub limit: Option<usize>,
}

/// All parts of a kind, as they are in force.
///
/// # Errors
/// As problems.
pub async fn list(state: &AppState, section: Section) -> Answer<PartList> {
    let (version, document) = document_in_force(&state.service).await?;
    let named = |(name, part): (&str, &Table)| NamedPart {
        name: name.to_owned(),
        etag: part_tag(part),
        definition: part.clone(),
    };
    Ok(PartList { version: version.number, items: document.parts(section).map(named).collect() })
}

/// A part as it is in force: JSON, or TOML if that is what the client accepts.
///
/// # Errors
/// As problems.
pub async fn get(state: &AppState, section: Section, name: &str, request: &HttpRequest) -> Answer<HttpResponse> {
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

/// Puts a part in force.
///
/// # Errors
/// As problems.
pub async fn put(
    state: &AppState,
    admin: Admin,
    section: Section,
    name: String,
    query: EditQuery,
    request: &HttpRequest,
    body: &[u8],
) -> Answer<HttpResponse> {
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
    let (answer, tag) = edit_part(&state.service, admin, query, IfMatch::of(request)?, change).await?;
    Ok(answer.into_response(tag))
}

/// Removes a part.
///
/// # Errors
/// As problems; 409 where something needs it.
pub async fn remove(
    state: &AppState,
    admin: Admin,
    section: Section,
    name: String,
    query: EditQuery,
    request: &HttpRequest,
) -> Answer<HttpResponse> {
    let change = Change::Remove { section, name };
    let (answer, _) = edit_part(&state.service, admin, query, IfMatch::of(request)?, change).await?;
    Ok(answer.into_response(None))
}

/// The versions of a part, newest first.
///
/// # Errors
/// As problems; 404 for a name that the policy never had.
pub async fn versions(state: &AppState, section: Section, name: String, query: VersionsQuery) -> Answer<PartVersions> {
    let limit = query.checked()?;
    let policies = state.service.policies();
    blocking(move || {
        let versions = history(&policies, limit, |document| document.part(section, &name).cloned())?;
        if versions.is_empty() { Err(missing(section, &name)) } else { Ok(PartVersions { versions }) }
    })
    .await
}

impl VersionsQuery {
    /// # Errors
    /// 400 outside of the bounds.
    pub fn checked(self) -> Answer<usize> {
        filters::page_rows(self.limit, MAX_PAGE_ROWS)
    }
}

/// The newest versions of a part, where it differs from what it was before.
fn history(
    policies: &Arc<Vec<PolicyVersion>>,
    limit: usize,
    pick: impl Fn(&PolicyDocument) -> Option<Table>,
) -> Answer<Vec<PartVersion>> {
    let mut versions = Vec::new();
    let part_of = |policy: &PolicyVersion| PolicyDocument::parse(&policy.text).map(|document| pick(&document));
    let mut newest_first = policies.iter().rev();
    let mut newer = newest_first.next();
    let mut newer_part = newer.map(part_of).transpose().map_err(Problem::failed)?.flatten();
    while let Some(policy) = newer {
        let older = newest_first.next();
        let older_part = older.map(part_of).transpose().map_err(Problem::failed)?.flatten();
        if newer_part != older_part {
            versions.push(PartVersion {
                version: policy.number,
                since: Moment(policy.since_ms),
                actor: policy.actor.to_string(),
                note: policy.note.clone(),
                apply: policy.apply.into(),
                definition: newer_part,
            });
            if versions.len() == limit {
                break;
            }
        }
        (newer, newer_part) = (older, older_part);
    }
    Ok(versions)
}

fn missing(section: Section, name: &str) -> Problem {
    Problem::not_found(format!("there is no {} {name:?}", section.one()))
}

/// The problem that an unreadable body is.
pub fn unreadable(error: PartError) -> Problem {
    let PartError { message, line, column } = error;
    let error = FieldError { line: Some(line), column: Some(column), ..FieldError::new(message) };
    Problem::bad_request("the body cannot be read").with_error(error)
}

/// Whether the client would rather have TOML.
fn wants_toml(request: &HttpRequest) -> bool {
    let accepted = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let first = accepted.split(',').next().unwrap_or_default().split(';').next().unwrap_or_default();
    first.trim().eq_ignore_ascii_case(TOML)
}

/// What a body is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    Json,
    Toml,
}

impl Media {
    /// # Errors
    /// 415.
    pub fn of(request: &HttpRequest) -> Answer<Self> {
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
    use crate::engine::{Apply, Passed};
    use actix_web::test::TestRequest;

    fn version(number: u64, text: &str) -> PolicyVersion {
        PolicyVersion {
            number,
            since_ms: 1_795_339_800_000 + number as i64,
            text: text.into(),
            files: Vec::new(),
            apply: Apply::FromNow,
            passed: Passed::Latest,
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
        let of = |name: &'static str, limit| {
            let found = history(&policies, limit, move |document| document.part(Section::Calendars, name).cloned());
            found.expect("TOML").iter().map(|found| (found.version, found.definition.is_some())).collect::<Vec<_>>()
        };
        assert_eq!(of("a", 9), [(3, true), (1, true)]);
        assert_eq!(of("b", 9), [(4, true), (3, false), (2, true)]);
        assert_eq!(of("b", 2), [(4, true), (3, false)]);
        assert!(of("c", 9).is_empty());
    }

    #[test]
    fn bodies_say_what_they_are_written_in() {
        let of = |kind: &str| Media::of(&TestRequest::put().insert_header((CONTENT_TYPE, kind)).to_http_request());
        assert_eq!(of("application/json; charset=utf-8"), Ok(Media::Json));
        assert_eq!(of("application/toml"), Ok(Media::Toml));
        assert_eq!(of("text/plain").expect_err("refused").status, 415);
        let accept = |kind: &str| wants_toml(&TestRequest::get().insert_header((ACCEPT, kind)).to_http_request());
        assert!(accept("application/toml, application/json;q=0.5"));
        assert!(!accept("*/*"));
    }
}
