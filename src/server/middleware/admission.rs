//! What is settled before a request gets to its route: its size, its coding, who sends it, and how often.

use crate::limits::{MAX_HEADERS, MAX_HEADERS_BYTES, MAX_KEY_BYTES, MAX_PRESENTED_TOKEN_BYTES, MAX_URI_BYTES};
use crate::server::auth::{Caller, Role, unauthorized, wall_clock};
use crate::server::docs::openapi::Description;
use crate::server::problem::{FieldError, Problem};
use crate::server::state::AppState;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::web;
use std::fmt::Write as _;
use std::net::IpAddr;

/// The routes that take compressed bodies. They expand them with bounds of their own; nothing else does.
pub const BULK_ROUTES: [&str; 2] = ["/v1/tickets", "/v1/events"];

/// Lies in an app that asks for no token: its callers may read.
#[derive(Debug, Clone, Copy)]
pub struct NoTokens;

/// A request's id: the client's, if it is sane, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(String);

impl RequestId {
    pub fn of(request: &ServiceRequest) -> Self {
        let sent = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
        let sane =
            |text: &&str| (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if let Some(text) = sent.filter(sane) {
            return Self(text.to_owned());
        }
        let mut random = [0; 12];
        // Without random numbers the id is of no use, but the request still is.
        let _ = getrandom::fill(&mut random);
        Self(random.iter().fold(String::with_capacity(24), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Admits a request to its route, with its caller where one is needed. Nothing of the body has been read.
pub fn admit(request: &ServiceRequest, route: Option<&str>, state: &AppState) -> Result<Option<Caller>, Problem> {
    within_bounds(request)?;
    no_upgrade(request.headers())?;
    let caller = if needs_token(request.path()) { Some(identify(request, state)?) } else { None };
    if let (Some(caller), Some(role)) = (&caller, needed_role(request, route)) {
        caller.must_be(role)?;
    }
    short_enough(request, state)?;
    not_coded(request)?;
    Ok(caller)
}

/// An upgraded connection would have a body without end, for which a handler waits in vain.
fn no_upgrade(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(upgrade) = headers.get(header::UPGRADE) else { return Ok(()) };
    let value = String::from_utf8_lossy(upgrade.as_bytes()).into_owned();
    let asks = value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"));
    if !asks {
        // Other protocols may be ignored (RFC 9110, section 7.8), and are.
        return Ok(());
    }
    let error = FieldError::new("this service speaks HTTP only").field("Upgrade").value(value);
    Err(Problem::bad_request("connections are not upgraded").with_error(error.expected("no such header")))
}

/// A body that says itself that it is too long is not waited for.
fn short_enough(request: &ServiceRequest, state: &AppState) -> Result<(), Problem> {
    let Some(length) = request.headers().get(header::CONTENT_LENGTH) else { return Ok(()) };
    let most = if is_bulk(request) { state.limits.bulk_body_bytes } else { state.limits.body_bytes as u64 };
    // A length that is no number is the framework's to refuse; one that has no place in 64 bits is too long.
    let digits = length.to_str().unwrap_or_default();
    if digits.parse().is_ok_and(|length: u64| length <= most) {
        return Ok(());
    }
    let message = format!("the header Content-Length says {digits} bytes, at most {most} are accepted here");
    Err(Problem::too_large(message))
}

/// Whether the body is one of the bulk routes', which is read piece by piece.
fn is_bulk(request: &ServiceRequest) -> bool {
    request.method() == Method::POST && BULK_ROUTES.contains(&request.path())
}

fn within_bounds(request: &ServiceRequest) -> Result<(), Problem> {
    let uri_bytes = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        let message = format!("the path and query have {uri_bytes} bytes, at most {MAX_URI_BYTES} are taken");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, message));
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADERS_BYTES {
        let count = headers.len();
        let message =
            format!("{count} headers with {bytes} bytes: at most {MAX_HEADERS} with {MAX_HEADERS_BYTES} are taken");
        return Err(Problem::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, message));
    }
    Ok(())
}

fn needs_token(path: &str) -> bool {
    path == "/metrics" || path == "/v1" || path.starts_with("/v1/")
}

fn needed_role(request: &ServiceRequest, route: Option<&str>) -> Option<Role> {
    request.app_data::<web::Data<Description>>()?.role(request.method(), route?)
}

/// Finds out who calls. Who has no valid token is refused here, before anything else is said about the request.
fn identify(request: &ServiceRequest, state: &AppState) -> Result<Caller, Problem> {
    if request.app_data::<NoTokens>().is_some() {
        return Ok(Caller { name: "metrics".into(), role: Role::Viewer, token_hash: None });
    }
    let Some(tokens) = &state.tokens else {
        from_this_machine(request.headers())?;
        return Ok(Caller { name: "local".into(), role: Role::Admin, token_hash: None });
    };
    let caller = bearer(request.headers()).and_then(|secret| {
        tokens.look_up(secret, wall_clock::now_ms()).map_err(|denied| unauthorized(denied.to_string()))
    });
    match caller {
        Ok(caller) => {
            state.rates.admit(&caller.name)?;
            Ok(caller)
        }
        Err(problem) => {
            state.rates.admit_anonymous(request.peer_addr().map(|peer| peer.ip()))?;
            Err(problem)
        }
    }
}

/// Without tokens, what keeps others out is that the address is a loopback one; but a page in a browser on this machine can
/// reach it too. So the host must be named as this machine, and a page must come from here.
fn from_this_machine(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text(header::HOST).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| if port.ends_with(']') { host } else { name });
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let is_here = name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
    let origin = text(header::ORIGIN);
    let is_own = origin.is_none_or(|origin| origin.split_once("://").is_some_and(|(_, from)| from == host));
    if is_here && is_own {
        return Ok(());
    }
    let message = match origin {
        Some(origin) if is_here => format!("without tokens, pages of {origin} may not call this service"),
        _ => format!("without tokens this service is asked for as localhost or 127.0.0.1, not as {host:?}"),
    };
    Err(Problem::new(StatusCode::FORBIDDEN, message))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let value = headers.get(header::AUTHORIZATION);
    let value = value.ok_or_else(|| unauthorized("no token was sent: send the header Authorization: Bearer TOKEN"))?;
    let text = value.to_str().unwrap_or_default();
    let (scheme, secret) = text.split_once(' ').unwrap_or((text, ""));
    let secret = secret.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || secret.is_empty() || secret.len() > MAX_PRESENTED_TOKEN_BYTES {
        return Err(unauthorized("the header Authorization is not of the form Bearer TOKEN"));
    }
    Ok(secret)
}

/// A compressed body would have to be expanded before anything can be said about it.
fn not_coded(request: &ServiceRequest) -> Result<(), Problem> {
    let Some(coding) = request.headers().get(header::CONTENT_ENCODING) else { return Ok(()) };
    if coding == "identity" || is_bulk(request) {
        return Ok(());
    }
    let value = String::from_utf8_lossy(coding.as_bytes()).into_owned();
    let error = FieldError::new("compressed bodies are taken by the bulk routes only");
    Err(Problem::unsupported("this route takes no compressed body")
        .with_error(error.field("Content-Encoding").value(value).expected("no such header, or identity"))
        .with_header(header::ACCEPT_ENCODING, "identity"))
}
