//! What surrounds every request: an id, the caller, the bounds, one line in the log, and problem documents.
//!
//! The outermost layer. Whatever happens inside (a refusal by a handler or by the framework, a path that does not exist, a panic)
//! leaves as a problem document with the request's id; and each request is logged once, when its answer has been sent or given
//! up, without its token, its body or its query.

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

/// The outermost layer of the main listener.
///
/// # Errors
/// A panic inside, and what layers further in could not answer; the framework makes the problem document of it.
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
                    // The request is gone, and with it the way to answer it from here: the framework writes this error.
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
    // Whoever still has the request needs its body no more.
    reservation.leave();
    match response {
        Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => Err(problem_of(&error)),
        Err(panic) => {
            let message =
                panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
            tracing::error!(request_id = record.id(), panic = message.unwrap_or("without words"), "a request panicked");
            Err(Problem::failed("this request met a fault of the service; the log has more under its id"))
        }
    }
}

/// The length of a body that is read whole, if it is known. Of one that is too long nothing is read at all.
fn whole_length(request: &ServiceRequest, state: &AppState) -> Option<u64> {
    if BULK_ROUTES.contains(&request.path()) {
        return None;
    }
    let length = request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    (length <= state.limits.body_bytes as u64).then_some(length)
}

/// Adds what every answer has, and makes a problem document of every error that is not one.
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
    // After these the rest of the body may still be on its way, and nobody wants it.
    let broken =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE];
    // An upgrade that is refused leaves a connection on which nothing more can be read.
    let is_upgrade = response.request().headers().contains_key(header::UPGRADE);
    let head = response.response_mut().head_mut();
    if broken.contains(&status) || is_upgrade || state.stopping.load(Ordering::Relaxed) {
        head.set_connection_type(ConnectionType::Close);
    }
    let status = status.as_u16();
    response.map_body(|_, body| BoxBody::new(access_log::Logged::new(body, record, status)))
}

/// What every answer tells a browser, unless it says otherwise itself.
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

/// The same answer as a problem document, with the path and the request's id.
fn as_problem(mut response: ServiceResponse<BoxBody>, id: &RequestId) -> ServiceResponse<BoxBody> {
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == PROBLEM_JSON);
    let status = response.status();
    let known = response.response_mut().extensions_mut().remove::<Problem>();
    let mut problem = match (known, response.response().error()) {
        (Some(problem), _) => problem,
        (None, Some(error)) => problem_of(error),
        // A document of somebody else's making is let through.
        (None, None) if is_problem => return response,
        (None, None) => {
            Problem::new(status, status.canonical_reason().unwrap_or("the request was not done").to_lowercase())
        }
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

/// What an error of the framework means.
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
