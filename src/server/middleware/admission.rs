//! Checks before a request reaches its route: size, content coding, caller and rate.

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

/// The routes that accept compressed bodies. They decompress with their own limits; no other route does.
pub const BULK_ROUTES: [&str; 2] = ["/v1/tickets", "/v1/events"];

/// App data of an app that requires no token: its callers may read.
#[derive(Debug, Clone, Copy)]
pub struct NoTokens;

/// The request id: the client's, if valid, or a new one.
#[derive(Debug, Clone)]
pub(super) struct RequestId(String);

impl RequestId {
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let sent = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
        let sane =
            |text: &&str| (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if let Some(text) = sent.filter(sane) {
            return Self(text.to_owned());
        }
        let mut random = [0; 12];
        // Without random numbers the id is not unique. The request is served all the same.
        let _ = getrandom::fill(&mut random);
        Self(random.iter().fold(String::with_capacity(24), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

/// Admits a request to its route, with its caller where a token is required. Reads nothing of the body.
pub(super) fn admit(
    request: &ServiceRequest,
    route: Option<&str>,
    state: &AppState,
) -> Result<Option<Caller>, Problem> {
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

/// Rejects WebSocket upgrades: an upgraded connection has an endless body, and a handler would wait for its end.
fn no_upgrade(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(upgrade) = headers.get(header::UPGRADE) else { return Ok(()) };
    let value = String::from_utf8_lossy(upgrade.as_bytes()).into_owned();
    let asks = value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket"));
    if !asks {
        // Other protocols are ignored, as RFC 9110, section 7.8, allows.
        return Ok(());
    }
    let error = FieldError::new("this service supports HTTP only").field("Upgrade").value(value);
    Err(Problem::bad_request("connections are not upgraded").with_error(error.expected("no such header")))
}

/// Rejects a body whose `Content-Length` is too large, without waiting for it.
fn short_enough(request: &ServiceRequest, state: &AppState) -> Result<(), Problem> {
    let Some(length) = request.headers().get(header::CONTENT_LENGTH) else { return Ok(()) };
    let most = if is_bulk(request) { state.limits.bulk_body_bytes } else { state.limits.body_bytes as u64 };
    // The framework rejects lengths that are not numbers. A length that does not fit in 64 bits is too large.
    let digits = length.to_str().unwrap_or_default();
    if digits.parse().is_ok_and(|length: u64| length <= most) {
        return Ok(());
    }
    let message = format!("the header Content-Length says {digits} bytes, at most {most} are accepted here");
    Err(Problem::too_large(message))
}

/// Whether the body belongs to a bulk route, which reads it in pieces.
fn is_bulk(request: &ServiceRequest) -> bool {
    request.method() == Method::POST && BULK_ROUTES.contains(&request.path())
}

fn within_bounds(request: &ServiceRequest) -> Result<(), Problem> {
    let uri_bytes = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if uri_bytes > MAX_URI_BYTES {
        let message = format!("the path and query have {uri_bytes} bytes, at most {MAX_URI_BYTES} are accepted");
        return Err(Problem::new(StatusCode::URI_TOO_LONG, message));
    }
    let headers = request.headers();
    let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if headers.len() > MAX_HEADERS || bytes > MAX_HEADERS_BYTES {
        let count = headers.len();
        let message =
            format!("{count} headers with {bytes} bytes: at most {MAX_HEADERS} with {MAX_HEADERS_BYTES} are accepted");
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

/// Identifies the caller. Rejects a request without a valid token before any other information about it is returned.
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

/// Without tokens the service listens on a loopback address only, but web pages in a browser on this machine can reach that too.
/// So the `Host` header must name this machine, and a page's origin must be this service.
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
        _ => format!("without tokens the host must be localhost or a loopback address, not {host:?}"),
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

/// Rejects compressed bodies outside the bulk routes: their size is not known before decompression.
fn not_coded(request: &ServiceRequest) -> Result<(), Problem> {
    let Some(coding) = request.headers().get(header::CONTENT_ENCODING) else { return Ok(()) };
    if coding == "identity" || is_bulk(request) {
        return Ok(());
    }
    let value = String::from_utf8_lossy(coding.as_bytes()).into_owned();
    let error = FieldError::new("only the bulk routes accept compressed bodies");
    Err(Problem::unsupported("this route does not accept compressed bodies")
        .with_error(error.field("Content-Encoding").value(value).expected("no such header, or identity"))
        .with_header(header::ACCEPT_ENCODING, "identity"))
}
