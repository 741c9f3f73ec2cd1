//! The outermost middleware: request id, caller, limits, access log and problem documents.
//!
//! Every error inside (a rejection by a handler or by the framework, a path that does not exist, a panic) becomes a problem
//! document with the request id. Each request is logged once, when its response has been sent or abandoned, without its token, its
//! body or its query.

mod access_log;
mod admission;
mod body_memory;
mod body_timeout;
pub(crate) mod idempotency;
pub mod rate_limit;

use super::auth::Caller;
use super::problem::{PROBLEM_JSON, Problem};
use super::state::AppState;
use access_log::Record;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError, web};
use admission::RequestId;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub use admission::{BULK_ROUTES, NoTokens};
pub use body_memory::{BodyMemory, NoMemory, Reservation};
pub use body_timeout::Timeouts;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost middleware of both listeners.
///
/// # Errors
/// A panic inside, and errors of inner middleware; the framework writes the problem document.
pub async fn frame(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Err(Problem::failed("the server has no state").into());
    };
    let id = RequestId::of(&request);
    let mut record = Record::of(&request, &id);
    let response = match admission::admit(&request, record.route(), &state) {
        Err(problem) => request.into_response(problem.error_response()),
        Ok(caller) => {
            let path = request.path().to_owned();
            match inside(request, next, caller, &state, &mut record).await {
                Ok(response) => response,
                Err(mut problem) => {
                    // The request has been consumed, so no response can be built here: the framework writes this error.
                    problem.instance = Some(path);
                    problem.request_id = Some(id.text().to_owned());
                    record.end(problem.status, 0);
                    let problem = problem.with_header(REQUEST_ID, id.text());
                    return Err(SAFE
                        .into_iter()
                        .fold(problem, |all, (name, value)| all.with_header(name, value))
                        .into());
                }
            }
        }
    };
    Ok(finish(response, &state, &id, record))
}

async fn inside(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    caller: Option<Caller>,
    state: &web::Data<AppState>,
    record: &mut Record,
) -> Result<ServiceResponse<BoxBody>, Problem> {
    let token = caller.as_ref().map_or_else(|| Arc::from(""), |caller| Arc::clone(&caller.name));
    if let Some(caller) = caller {
        record.caller = Some(caller.name.clone());
        request.extensions_mut().insert(caller);
    }
    let reservation = Rc::new(Reservation::new(Arc::clone(&state.body_memory), token));
    let payload = body_timeout::bounded(
        request.take_payload(),
        state.timeouts,
        Rc::clone(&reservation),
        whole_length(&request, state),
    );
    request.set_payload(payload);
    request.extensions_mut().insert(Rc::clone(&reservation));
    let response = AssertUnwindSafe(next.call(request)).catch_unwind().await;
    // A remaining holder of the request no longer needs its body.
    reservation.leave();
    match response {
        Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => Err(problem_of(&error)),
        Err(panic) => {
            let message =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(request_id = record.id(), panic = message.unwrap_or("no message"), "a request panicked");
            Err(Problem::failed("internal error; the log has details under the request id"))
        }
    }
}

/// The length of a body that is read whole, if known. `None` above the limit: nothing of such a body is read.
fn whole_length(request: &ServiceRequest, state: &AppState) -> Option<u64> {
    if BULK_ROUTES.contains(&request.path()) {
        return None;
    }
    let length = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (length <= state.limits.body_bytes as u64).then_some(length)
}

/// Adds the common headers, and converts every error to a problem document.
fn finish(
    mut response: ServiceResponse<BoxBody>,
    state: &AppState,
    id: &RequestId,
    record: Record,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        response = as_problem(response, id);
    }
    let is_api = response.request().path().starts_with("/v1");
    let head = response.response_mut().head_mut();
    decorate(head.headers_mut(), id, is_api);
    // After these errors the rest of the body may still arrive. It is not read.
    let broken =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
    // After a rejected upgrade nothing more can be read from the connection.
    let is_upgrade = response.request().headers().contains_key(header::UPGRADE);
    let head = response.response_mut().head_mut();
    if broken.contains(&status) || is_upgrade || state.stopping.load(Ordering::Relaxed) {
        head.set_connection_type(ConnectionType::Close);
    }
    let status = status.as_u16();
    response.map_body(|_, body| BoxBody::new(access_log::Logged::new(body, record, status)))
}

/// Security headers of every response that does not set them itself.
const SAFE: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

fn decorate(headers: &mut HeaderMap, id: &RequestId, is_api: bool) {
    if let Ok(value) = HeaderValue::from_str(id.text()) {
        headers.insert(REQUEST_ID, value);
    }
    let kept_private = is_api.then_some((header::CACHE_CONTROL, "no-store"));
    for (name, value) in SAFE.into_iter().chain(kept_private) {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The same response as a problem document, with the path and the request id.
fn as_problem(mut response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let status = response.status();
    let known = response.response_mut().extensions_mut().remove::<Problem>();
    let mut problem = match (known, response.response().error()) {
        (Some(problem), _) => problem,
        (None, Some(error)) => problem_of(error),
        // A problem document from elsewhere is passed through.
        (None, None) if is_problem => return response,
        (None, None) => Problem::new(status, status.canonical_reason().unwrap_or("the request failed").to_lowercase()),
    };
    problem.instance = Some(response.request().path().to_owned());
    problem.request_id = Some(id.text().to_owned());
    let mut other: HttpResponse = problem.error_response();
    for (name, value) in response.headers() {
        if !other.headers().contains_key(name) && *name != header::CONTENT_LENGTH {
            other.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.into_response(other)
}

/// Converts an error of the framework.
pub(crate) fn problem_of(error: &Error) -> Problem {
    if let Some(problem) = error.as_error::<Problem>() {
        return problem.clone();
    }
    if let Some(error) = error.as_error::<PayloadError>() {
        return error.into();
    }
    let status = error.as_response_error().status_code();
    Problem::new(status, error.to_string())
}
