//! The OpenAPI description, generated from the code, and what is derived from it: paths, methods and required roles.
//!
//! Errors are the same everywhere, so handlers do not list them: this module adds them to every operation.

use crate::server::auth::Role;
use crate::server::docs;
use crate::server::problem::{PROBLEM_JSON, Problem};
use actix_web::dev::ResourceDef;
use actix_web::http::{Method, StatusCode, header};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use std::collections::BTreeMap;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, Info, License, OpenApi, Ref, RefOr, Response};
use utoipa::{PartialSchema, ToSchema};

const DESCRIPTION: &str = "\
Watches the open tickets of a contact centre and escalates each one at the instant its deadline passes.

**Tokens.** Send `Authorization: Bearer TOKEN`. Each operation names the role it requires; an admin may do what an operator may, \
an operator what a viewer may. The service's administrator creates tokens with `overdue token create`.

**Errors** are always problem documents (RFC 9457, `application/problem+json`). Each response has its request id in \
`X-Request-Id`; the log has the same id.

**Repeats.** A successful POST with an `Idempotency-Key` is not executed again: a repeat gets the same response, with the \
header `Idempotency-Replayed: true`. Another body or query with the same key is 422.

**Times** are RFC 3339. A successful response to a write means that it is on disk.";

/// The description without its paths.
pub(crate) fn base() -> OpenApi {
    let mut info = Info::new("overdue", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new(env!("CARGO_PKG_LICENSE")));
    let mut api = OpenApi::new(info, utoipa::openapi::Paths::new());
    let mut components = Components::new();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of `overdue token create`. The scope is the required role: viewer, operator or admin.",
        ))
        .build();
    components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    let mut schemas = Vec::new();
    Problem::schemas(&mut schemas);
    schemas.push((Problem::name().into_owned(), Problem::schema()));
    components.schemas.extend(schemas);
    api.components = Some(components);
    api
}

/// Adds the errors that any operation may return.
pub(crate) fn with_errors(mut api: OpenApi) -> OpenApi {
    for item in api.paths.paths.values_mut() {
        for (_, operation) in operations_mut(item) {
            let is_open =
                operation.security.as_ref().is_none_or(|needs| needs.iter().all(|need| *need == Default::default()));
            let mut add = |status: &str, message: &str| {
                operation.responses.responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(problem(message)));
            };
            if !is_open {
                add("401", "The token is missing, unknown or expired.");
                add("403", "The token's role is not sufficient.");
                add("429", "Too many requests; `Retry-After` states when to retry.");
            }
            add("default", "Any other error.");
        }
    }
    api
}

fn problem(message: &str) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    ResponseBuilder::new().description(message).content(PROBLEM_JSON, content).build()
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, item.get.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
        (Method::HEAD, item.head.as_mut()),
        (Method::OPTIONS, item.options.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?)))
}

/// The description as served, its paths, and the role that each operation requires.
pub(crate) struct Description {
    pub json: Bytes,
    paths: Vec<(ResourceDef, Vec<Method>)>,
    roles: HashMap<String, Vec<(Method, Role)>, RandomState>,
}

impl Description {
    /// # Errors
    /// When the description cannot be serialized as JSON, which is a bug.
    pub(crate) fn new(mut api: OpenApi) -> serde_json::Result<Self> {
        let json = Bytes::from(serde_json::to_vec(&api)?);
        let mut paths: BTreeMap<String, Vec<Method>> = BTreeMap::new();
        let mut roles = HashMap::default();
        for (path, item) in &mut api.paths.paths {
            let needed = operations_mut(item).filter_map(|(method, operation)| Some((method, role_of(operation)?)));
            roles.insert(path.clone(), needed.collect());
            paths.entry(path.clone()).or_default().extend(operations_mut(item).map(|(method, _)| method));
        }
        for path in docs::PATHS.into_iter().chain(["/openapi.json"]) {
            paths.insert(path.to_owned(), vec![Method::GET]);
        }
        let paths = paths.into_iter().map(|(path, methods)| (ResourceDef::new(path), methods)).collect();
        Ok(Self { json, paths, roles })
    }

    /// The role that an operation requires; `route` is the pattern of its path. `None` for operations that need no token and for
    /// unknown operations.
    pub(crate) fn role(&self, method: &Method, route: &str) -> Option<Role> {
        let needed = self.roles.get(route)?;
        needed.iter().find(|(known, _)| known == method).map(|(_, role)| *role)
    }

    /// The methods of a path; empty if there is no such path.
    fn methods(&self, path: &str) -> Vec<Method> {
        let here = self.paths.iter().filter(|(pattern, _)| pattern.is_match(path));
        here.flat_map(|(_, methods)| methods.iter().cloned()).collect()
    }
}

/// The role that an operation names as the scope of its bearer token.
fn role_of(operation: &Operation) -> Option<Role> {
    let needs = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let name = needs.as_array()?.iter().find_map(|need| need["bearer"].as_array()?.first()?.as_str())?;
    Role::ALL.into_iter().find(|role| role.name() == name)
}

/// `/openapi.json`.
pub(crate) async fn serve(description: web::Data<Description>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(description.json.clone())
}

/// The response when no route matches: 405 where the path has other methods, else 404.
pub(crate) async fn fallback(request: HttpRequest, description: web::Data<Description>) -> HttpResponse {
    let methods = description.methods(request.path());
    if methods.is_empty() {
        return Problem::not_found(format!("there is nothing at {}", request.path())).error_response();
    }
    let allowed = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let message = format!("{} accepts {allowed}, not {}", request.path(), request.method());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, message).with_header(header::ALLOW, allowed).error_response()
}
