//! Repeats of a request: a POST with an `Idempotency-Key` that was done once is not done again.
//!
//! Two layers. Here, at the edge, the answer itself is kept for a day (bounded in count and size, lost with the process): a
//! repeat gets it again, one that comes while the first still runs gets 409, and one with another body or query gets 422. Below,
//! the key goes into the journal with the input ([`IdempotencyKey`]), so that a repeat changes nothing even after a restart or
//! when its answer was too large to be kept.
//!
//! Only answers of success are kept: a request that was refused has changed nothing, and may be sent again, mended, under the
//! same key. A body longer than [`MAX_COMPARED_BODY_BYTES`], or of unknown length, is not compared with its repeat's: it is never
//! held whole.

mod answers;

#[cfg(test)]
mod tests;

pub use answers::KeptAnswers;

use crate::limits::{MAX_COMPARED_BODY_BYTES, MAX_KEPT_ANSWER_BYTES, MAX_KEY_BYTES};
use crate::server::auth::Caller;
use crate::server::problem::{FieldError, Problem};
use crate::server::state::AppState;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, web};
use answers::{Begun, Kept};
use futures_util::StreamExt;
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};
use tokio::time::Instant;

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The header `Idempotency-Key` of a POST, as a number for [`Origin::key`](crate::store::input::Origin): a hash of the token's
/// name, the route and the key. `None` without the header. Derive one for each batch from it (and from the batch's place) when
/// a body is loaded in several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdempotencyKey(pub Option<u128>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or(Self(None))))
    }
}

/// The layer inside the frame: knows the caller.
///
/// # Errors
/// What layers further in could not answer.
pub async fn layer(
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
    let fingerprint = match fingerprint(&mut request).await {
        Ok(fingerprint) => fingerprint,
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let guard = match state.answers.begin(key, fingerprint, Instant::now()) {
        Begun::First(guard) => guard,
        Begun::Done(kept) => return Ok(request.into_response(kept.answer())),
        Begun::Running => {
            let words = "a request with this Idempotency-Key is still being done";
            let problem = Problem::new(StatusCode::CONFLICT, words).retry_after_s(1);
            return Ok(request.into_response(problem.error_response()));
        }
        Begun::Other => {
            let words = "this Idempotency-Key was used with another body or query: a new request needs a new key";
            return Ok(request.into_response(Problem::invalid(words).error_response()));
        }
    };
    request.extensions_mut().insert(IdempotencyKey(Some(key)));
    let answer = next.call(request).await?.map_into_boxed_body();
    let may_be_kept = answer.status().is_success()
        && matches!(answer.response().body().size(), BodySize::None | BodySize::Sized(0..=MAX_KEPT));
    if !may_be_kept {
        return Ok(answer);
    }
    let (request, answer) = answer.into_parts();
    let (head, body) = answer.into_parts();
    let answer = match body.try_into_bytes() {
        Ok(bytes) => {
            guard.keep(Kept::of(&head, bytes.clone(), fingerprint));
            head.set_body(BoxBody::new(bytes))
        }
        Err(body) => head.set_body(body),
    };
    Ok(ServiceResponse::new(request, answer))
}

const MAX_KEPT: u64 = MAX_KEPT_ANSWER_BYTES as u64;

/// The key of a POST, if it has one.
fn key_of(request: &ServiceRequest) -> Result<Option<u128>, Problem> {
    let Some(value) = request.headers().get(KEY) else { return Ok(None) };
    if request.method() != Method::POST {
        return Ok(None);
    }
    let bytes = value.as_bytes();
    if !(1..=MAX_KEY_BYTES).contains(&bytes.len()) || !bytes.iter().all(u8::is_ascii_graphic) {
        let shown: String = String::from_utf8_lossy(bytes).chars().take(MAX_KEY_BYTES).collect();
        let error = FieldError::new("the key cannot be used").field("Idempotency-Key").value(shown);
        let expected = format!("1 to {MAX_KEY_BYTES} visible ASCII characters without spaces, such as a UUID");
        return Err(
            Problem::bad_request("the header Idempotency-Key cannot be read").with_error(error.expected(expected))
        );
    }
    let extensions = request.extensions();
    let Some(caller) = extensions.get::<Caller>() else { return Ok(None) };
    // No part contains a line's end, so that no two requests have the same hash.
    let text = [caller.name.as_bytes(), request.path().as_bytes(), bytes].join(&b'\n');
    let hash: [u8; 32] = Sha256::digest(text).into();
    let (first, _) = hash.split_at(16);
    Ok(Some(first.iter().fold(0, |number, byte| number << 8 | u128::from(*byte))))
}

/// A hash of what a repeat must have in common with the first request: the query, and the body where it is short.
async fn fingerprint(request: &mut ServiceRequest) -> Result<[u8; 32], Problem> {
    let mut hash = Sha256::new();
    hash.update(request.query_string().as_bytes());
    hash.update(b"\n");
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| (1..=MAX_COMPARED_BODY_BYTES).contains(&length)) {
        let mut payload = request.take_payload();
        let mut body = BytesMut::new();
        while let Some(piece) = payload.next().await {
            body.extend_from_slice(&piece?);
        }
        hash.update(&body);
        request.set_payload(Payload::from(body.freeze()));
    }
    Ok(hash.finalize().into())
}

impl Kept {
    fn of(head: &HttpResponse<()>, bytes: Bytes, fingerprint: [u8; 32]) -> Self {
        let headers = head.headers().iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        Self { status: head.status(), headers, bytes, fingerprint }
    }

    fn answer(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        for (name, value) in &self.headers {
            answer.append_header((name.clone(), value.clone()));
        }
        answer.insert_header((REPLAYED, HeaderValue::from_static("true")));
        answer.body(self.bytes.clone())
    }
}
