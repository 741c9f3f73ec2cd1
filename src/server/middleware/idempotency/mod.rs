//! Idempotency: a successful POST with an `Idempotency-Key` is not executed again.
//!
//! There are two layers. This middleware caches the response for a day (bounded in count and size, lost with the process): a repeat
//! gets the cached response, a repeat while the first request still runs gets 409, and one with another body or query gets 422.
//! Below, the key and a fingerprint of the request are written to the journal with the input ([`IdempotencyKey`]), so that a repeat
//! changes nothing, and another body gets 422, even after a restart or when the response was too large to cache.
//!
//! Only successful responses are cached: a rejected request has changed nothing and may be corrected and sent again with the same
//! key. Bodies of any length are compared without storing them: the fingerprint is computed while the handler reads the body, and
//! a repeat's body is read only to be hashed. A bulk body has a fingerprint for each batch of its rows.

mod cache;
mod fingerprint;

#[cfg(test)]
mod tests;

pub(crate) use cache::ResponseCache;

use super::{BULK_ROUTES, Reservation};
use crate::limits::{MAX_CACHED_RESPONSE_BYTES, MAX_KEY_BYTES};
use crate::server::auth::Caller;
use crate::server::problem::{FieldError, Problem};
use crate::server::state::AppState;
use crate::service::CommandError;
use crate::store::input::Origin;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use cache::{Begun, CachedResponse};
use fingerprint::{Sent, hashed};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header `Idempotency-Key` of a POST, if it was sent.
#[derive(Clone, Default)]
pub(crate) struct IdempotencyKey(Option<(u128, Rc<Sent>)>);

impl IdempotencyKey {
    /// A hash of the token's name, the route and the key. For a body loaded in several batches, derive a number for each batch
    /// from it and from the batch's index.
    pub(crate) fn number(&self) -> Option<u128> {
        self.0.as_ref().map(|(number, _)| *number)
    }

    /// The origin of the body's input; call it when the body has been read.
    pub(crate) fn origin(&self, actor: Arc<str>) -> Origin {
        Origin { actor, key: self.number(), fingerprint: self.0.as_ref().and_then(|(_, sent)| sent.fingerprint()) }
    }
}

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().cloned().unwrap_or_default()))
    }
}

/// The idempotency middleware. It runs inside the outermost middleware, so the caller is known.
///
/// # Errors
/// Errors of inner middleware.
pub(crate) async fn layer(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let key = match key_of(&request) {
        Ok(Some(key)) => key,
        Ok(None) => return Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let Some(state) = request.app_data::<web::Data<AppState>>().cloned() else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let sent = Rc::new(Sent::new(request.query_string()));
    let payload = hashed(request.take_payload(), Rc::clone(&sent));
    request.set_payload(payload);
    let guard = match state.responses.begin(key, Instant::now()) {
        Begun::First(guard) => guard,
        Begun::Done(cached) => {
            if let Err(problem) = drain(&mut request, &state).await {
                return Ok(request.into_response(problem.error_response()));
            }
            let is_other = cached.fingerprint.is_some() && cached.fingerprint != sent.fingerprint();
            let response =
                if is_other { Problem::from(CommandError::KeyReused).error_response() } else { cached.response() };
            return Ok(request.into_response(response));
        }
        Begun::Running => {
            let message = "a request with this Idempotency-Key is still running";
            let problem = Problem::new(StatusCode::CONFLICT, message).retry_after_s(1);
            return Ok(request.into_response(problem.error_response()));
        }
    };
    request.extensions_mut().insert(IdempotencyKey(Some((key, Rc::clone(&sent)))));
    let response = next.call(request).await?.map_into_boxed_body();
    let may_be_cached = response.status().is_success()
        && matches!(response.response().body().size(), BodySize::None | BodySize::Sized(0..=MAX_CACHED));
    if !may_be_cached {
        return Ok(response);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let response = match body.try_into_bytes() {
        Ok(bytes) => {
            guard.keep(CachedResponse::of(&head, bytes.clone(), sent.fingerprint()));
            head.set_body(BoxBody::new(bytes))
        }
        Err(body) => head.set_body(body),
    };
    Ok(ServiceResponse::new(request, response))
}

const MAX_CACHED: u64 = MAX_CACHED_RESPONSE_BYTES as u64;

/// The key of a POST, if it has one.
fn key_of(request: &ServiceRequest) -> Result<Option<u128>, Problem> {
    let Some(value) = request.headers().get(KEY) else { return Ok(None) };
    if request.method() != Method::POST {
        return Ok(None);
    }
    let bytes = value.as_bytes();
    if !(1..=MAX_KEY_BYTES).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        let shown: String = String::from_utf8_lossy(bytes).chars().take(MAX_KEY_BYTES).collect();
        let error = FieldError::new("invalid key").field("Idempotency-Key").value(shown);
        let expected = format!("1 to {MAX_KEY_BYTES} visible ASCII characters without spaces, such as a UUID");
        return Err(Problem::bad_request("the header Idempotency-Key is invalid").with_error(error.expected(expected)));
    }
    let extensions = request.extensions();
    let Some(caller) = extensions.get::<Caller>() else { return Ok(None) };
    // No part contains a line break, so different parts never join to the same text.
    let text = [caller.name.as_bytes(), request.path().as_bytes(), bytes].join(&b'\n');
    let hash: [u8; 32] = Sha256::digest(text).into();
    let (first, _) = hash.split_at(16);
    Ok(Some(first.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

/// Reads the rest of a body and discards it.
async fn drain(request: &mut ServiceRequest, state: &AppState) -> Result<(), Problem> {
    let is_bulk = BULK_ROUTES.contains(&request.path());
    let most = if is_bulk { state.limits.bulk_body_bytes } else { state.limits.body_bytes as u64 };
    let reservation = request.extensions().get::<Rc<Reservation>>().cloned();
    reservation.inspect(|reservation| reservation.leave());
    let mut payload = request.take_payload();
    let mut bytes = 0;
    while let Some(piece) = payload.next().await {
        bytes += piece?.len() as u64;
        if bytes > most {
            return Err(Problem::too_large(format!("the body is longer than {most} bytes, the maximum accepted")));
        }
    }
    Ok(())
}

impl CachedResponse {
    fn of(head: &HttpResponse<()>, bytes: Bytes, fingerprint: Option<u128>) -> Self {
        let headers = head.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { status: head.status(), headers, bytes, fingerprint }
    }

    fn response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            response.append_header((name.clone(), value.clone()));
        }
        response.insert_header((REPLAYED, HeaderValue::from_static("true")));
        response.body(self.bytes.clone())
    }
}
