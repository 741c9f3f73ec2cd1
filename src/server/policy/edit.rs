//! Edits of the policy, as a whole or in part: parameters, conditions and responses.
//!
//! Every edit replaces the whole text and names the version that it is based on. Concurrent edits of different parts run one after
//! the other: the later one is repeated on the result of the earlier one. A concurrent edit makes an edit fail only if it has an
//! `If-Match` header.

use super::document::{Fields, PolicyDocument, Section};
use crate::engine;
use crate::engine::{Apply, CatchUp};
use crate::limits::EDIT_ATTEMPTS;
use crate::policy;
use crate::server::auth::Admin;
use crate::server::params::timestamp::Timestamp;
use crate::server::params::{blocking, check_note};
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::service;
use crate::service::{CommandError, Service};
use crate::store::input::{EditInput, Origin};
use crate::store::snapshot::PolicyVersion;
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_MATCH};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use toml::{Table, Value};
use utoipa::{IntoParams, ToSchema};

/// Options of an edit.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EditQuery {
    /// Only report the effects of the edit; change nothing.
    pub dry_run: bool,
    /// How the edit applies to open tickets.
    #[param(inline)]
    pub apply: Apply,
    /// Which levels fire that are already due under the edited policy.
    #[param(inline)]
    pub catch_up: CatchUp,
    /// The reason for the edit; stored with the version.
    #[param(max_length = 4096)]
    pub note: Option<String>,
}

/// Result of an edit or dry run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct EditResponse {
    /// The version of the policy in force after the edit; unchanged by a dry run.
    #[schema(example = 7)]
    pub version: u64,
    /// When it came into force.
    pub since: Timestamp,
    /// Whether this was a dry run, which changes nothing.
    pub dry_run: bool,
    /// Whether the edit is equal to the policy in force.
    pub is_unchanged: bool,
    /// Effects on the open tickets; only after a dry run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effects: Option<EditEffects>,
    /// Warnings: valid, but probably not intended.
    pub warnings: Vec<FieldError>,
}

/// Effects of an edit, counted over all open tickets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct EditEffects {
    pub all: Effects,
    pub by_priority: BTreeMap<String, Effects>,
    /// Tickets without a team are counted under the empty name.
    pub by_team: BTreeMap<String, Effects>,
}

/// Effects of an edit on a group of tickets.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub(crate) struct Effects {
    /// Open tickets with an edited priority.
    pub tickets: u64,
    /// Deadlines that become earlier.
    pub earlier: u64,
    /// Deadlines that become later.
    pub later: u64,
    /// Cycles now within their target that would be past it.
    pub newly_breached: u64,
    /// Cycles now past their target that would be within it.
    pub no_longer_breached: u64,
    /// Levels that would fire immediately.
    pub levels_firing: u64,
}

impl From<&engine::Effects> for Effects {
    fn from(effects: &engine::Effects) -> Self {
        Self {
            tickets: effects.tickets,
            earlier: effects.earlier,
            later: effects.later,
            newly_breached: effects.newly_breached,
            no_longer_breached: effects.no_longer_breached,
            levels_firing: effects.levels_firing,
        }
    }
}

impl EditResponse {
    fn new(edited: &service::Edited, dry_run: bool) -> Self {
        let by = |effects: &BTreeMap<String, engine::Effects>| {
            effects.iter().map(|(name, effects)| (name.clone(), effects.into())).collect()
        };
        Self {
            version: edited.version,
            since: Timestamp(edited.since_ms),
            dry_run,
            is_unchanged: edited.is_unchanged,
            effects: edited.preview.as_ref().map(|preview| EditEffects {
                all: (&preview.all).into(),
                by_priority: by(&preview.by_priority),
                by_team: by(&preview.by_team),
            }),
            warnings: edited.problems.iter().map(FieldError::from).collect(),
        }
    }

    /// The response, with the tag of the definition in force.
    pub(crate) fn into_response(self, tag: Option<String>) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if let Some(tag) = tag {
            response.insert_header((ETAG, tag));
        }
        response.json(self)
    }
}

/// A change of a part of the policy.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Set {
        section: Section,
        name: String,
        part: Table,
    },
    Remove {
        section: Section,
        name: String,
    },
    /// The rules, and the new default priority, if it changes.
    Rules {
        rules: Vec<Value>,
        default_priority: Option<String>,
    },
}

impl Change {
    /// The tag of the part that the change affects; `None` if there is no such part.
    fn tag_in(&self, document: &PolicyDocument) -> Option<String> {
        match self {
            Self::Set { section, name, .. } | Self::Remove { section, name } => {
                document.part(*section, name).map(part_tag)
            }
            Self::Rules { .. } => Some(rules_tag(document)),
        }
    }

    fn make(&self, document: &mut PolicyDocument) -> ApiResult<()> {
        match self {
            Self::Set { section, name, part } => document.set_part(*section, name, part.clone()),
            Self::Rules { rules, default_priority } => {
                document.set_rules(rules.clone());
                if let Some(name) = default_priority {
                    document.set_default_priority(name);
                }
            }
            Self::Remove { section, name } => {
                if !document.remove_part(*section, name) {
                    return Err(Problem::not_found(format!("there is no {} {name:?}", section.one())));
                }
            }
        }
        Ok(())
    }
}

/// The tag of a part. It depends on the part's content only, not on the version of the policy.
pub(crate) fn part_tag(part: &Table) -> String {
    tag_of(&toml::to_string(part).unwrap_or_default())
}

/// The tag of the rules and the default priority.
pub(crate) fn rules_tag(document: &PolicyDocument) -> String {
    let rules = Value::Array(document.rules().to_vec());
    tag_of(&format!("{:?} {rules}", document.default_priority()))
}

fn tag_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

/// The tag of a version of the policy.
pub(crate) fn version_tag(version: u64) -> String {
    format!("\"{version}\"")
}

/// The condition of an edit: the header `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// No condition.
    Absent,
    /// `*`: the part must exist.
    Any,
    Tags(Vec<String>),
}

impl IfMatch {
    /// # Errors
    /// 400 for a header that is not text.
    pub(crate) fn of(request: &HttpRequest) -> ApiResult<Self> {
        let Some(value) = request.headers().get(IF_MATCH) else { return Ok(Self::Absent) };
        let text = value.to_str().map_err(|_| Problem::bad_request("the header if-match is not text"))?;
        let tags = text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        Ok(if text.trim() == "*" { Self::Any } else { Self::Tags(tags.collect()) })
    }

    /// Checks the condition against the tag of the definition in force.
    ///
    /// # Errors
    /// 412.
    pub(crate) fn check(&self, tag: Option<&str>) -> ApiResult<()> {
        let holds = match self {
            Self::Absent => true,
            Self::Any => tag.is_some(),
            Self::Tags(tags) => tag.is_some_and(|tag| tags.iter().any(|wanted| wanted == tag)),
        };
        if holds {
            return Ok(());
        }
        let is = tag.unwrap_or("nothing");
        Err(Problem::precondition_failed(format!(
            "the definition in force has the tag {is}, not that of if-match: read it again"
        )))
    }
}

/// The policy in force.
///
/// # Errors
/// 503 while there is none.
pub(crate) fn in_force(service: &Service) -> ApiResult<PolicyVersion> {
    let policies = service.policies();
    policies
        .last()
        .cloned()
        .ok_or_else(|| Problem::new(StatusCode::SERVICE_UNAVAILABLE, "no policy is in force yet").retry_after_s(1))
}

/// The policy in force and its parts. A large policy takes long to parse, so this runs on a blocking thread.
///
/// # Errors
/// As a [`Problem`].
pub(crate) async fn document_in_force(service: &Service) -> ApiResult<(PolicyVersion, PolicyDocument)> {
    let version = in_force(service)?;
    blocking(move || {
        let document = PolicyDocument::parse(&version.text).map_err(Problem::failed)?;
        Ok((version, document))
    })
    .await
}

/// Replaces the whole policy.
///
/// # Errors
/// As a [`Problem`].
pub(crate) async fn edit_whole(
    service: &Service,
    admin: Admin,
    query: EditQuery,
    condition: IfMatch,
    text: String,
    files: Vec<(String, Arc<str>)>,
) -> ApiResult<EditResponse> {
    let mut attempts = 0..EDIT_ATTEMPTS;
    loop {
        attempts.next();
        let version = in_force(service)?.number;
        condition.check(Some(&version_tag(version)))?;
        let if_version = (condition != IfMatch::Absent).then_some(version);
        let edit = new_edit(&admin, &query, text.as_str().into(), files.clone(), if_version)?;
        match service.edit(edit).await {
            // A concurrent edit came first: check the condition again.
            Err(CommandError::Version { .. }) if !attempts.is_empty() => {}
            edited => return Ok(EditResponse::new(&edited?, query.dry_run)),
        }
    }
}

/// Changes a part of the policy. Returns the tag of the part after the edit.
///
/// # Errors
/// As a [`Problem`]; policy errors name the field of the part.
pub(crate) async fn edit_part(
    service: &Service,
    admin: Admin,
    query: EditQuery,
    condition: IfMatch,
    change: Change,
) -> ApiResult<(EditResponse, Option<String>)> {
    let mut attempts = 0..EDIT_ATTEMPTS;
    loop {
        attempts.next();
        let (version, before) = document_in_force(service).await?;
        let tag_before = change.tag_in(&before);
        condition.check(tag_before.as_deref())?;
        let work = change.clone();
        let (text, tag_after) = blocking(move || {
            let mut document = before;
            work.make(&mut document)?;
            Ok((document.to_text(), work.tag_in(&document)))
        })
        .await?;
        let edit = new_edit(&admin, &query, text.as_str().into(), Vec::new(), Some(version.number))?;
        match service.edit(edit).await {
            Err(CommandError::Version { .. }) if !attempts.is_empty() => {}
            Err(CommandError::Policy(problems)) => {
                return blocking(move || Err(mistakes(&change, &text, &problems))).await;
            }
            Err(refusal) => return Err(refusal.into()),
            Ok(edited) => {
                let tag = if query.dry_run { tag_before } else { tag_after };
                return Ok((EditResponse::new(&edited, query.dry_run), tag));
            }
        }
    }
}

fn new_edit(
    admin: &Admin,
    query: &EditQuery,
    text: Arc<str>,
    files: Vec<(String, Arc<str>)>,
    if_version: Option<u64>,
) -> ApiResult<service::Edit> {
    let note = query.note.clone().unwrap_or_default();
    check_note("note", &note)?;
    let origin = Origin { actor: Arc::clone(&admin.actor), ..Origin::default() };
    let input = EditInput { text, files, apply: query.apply, catch_up: query.catch_up, origin, note };
    Ok(service::Edit { input, dry_run: query.dry_run, if_version })
}

/// The policy errors that a change would cause, by field. Line numbers are left out: the client has not seen the text.
fn mistakes(change: &Change, text: &str, problems: &[policy::Problem]) -> Problem {
    let fields = Fields::of(text);
    let errors = problems.iter().filter(|problem| problem.is_error()).map(|problem| FieldError {
        field: fields.path_at(text, problem.line, problem.column).map(str::to_owned),
        file: None,
        line: None,
        column: None,
        ..FieldError::from(problem)
    });
    let problem = match change {
        Change::Remove { section, name } => Problem::new(
            StatusCode::CONFLICT,
            format!("the {} {name:?} cannot be removed: the remaining policy would be invalid", section.one()),
        ),
        _ => {
            let mut problem = Problem::of_policy(problems);
            problem.errors.clear();
            problem
        }
    };
    problem.with_errors(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn condition(header: &str) -> IfMatch {
        IfMatch::of(&TestRequest::put().insert_header((IF_MATCH, header)).to_http_request()).expect("a text")
    }

    #[test]
    fn a_condition_holds_for_the_tag_in_force() {
        assert!(condition("\"a\", \"b\"").check(Some("\"b\"")).is_ok());
        assert!(condition("*").check(Some("\"b\"")).is_ok());
        assert!(IfMatch::Absent.check(None).is_ok());
        // A weak tag never matches: it does not prove that nothing has changed.
        for rejected in
            [condition("W/\"b\"").check(Some("\"b\"")), condition("*").check(None), condition("").check(Some("\"b\""))]
        {
            assert_eq!(rejected.expect_err("rejected").status, 412);
        }
    }

    #[test]
    fn a_tag_is_of_what_a_part_says() {
        let part = |text: &str| text.parse::<Table>().expect("TOML");
        assert_eq!(part_tag(&part("a = 1 # one\nb = [2]")), part_tag(&part("a=1\nb=[ 2 ]")));
        assert_ne!(part_tag(&part("a = 1")), part_tag(&part("a = 2")));
    }

    #[test]
    fn what_cannot_be_removed_says_what_needs_it() {
        let text = "default_priority = \"normal\"\n[calendars]\n[priorities.normal]\ncalendar = \"office\"\n";
        let problems = policy::check(text, "policy", &mut |_| Err("none".into())).problems;
        let change = Change::Remove { section: Section::Calendars, name: "office".into() };
        let problem = mistakes(&change, text, &problems);
        assert_eq!(problem.status, 409);
        assert_eq!(problem.errors[0].field.as_deref(), Some("priorities.normal.calendar"));
    }
}
