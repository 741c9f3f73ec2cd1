//! Repeats of a request.

use crate::server::problem::Problem;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use std::future::{Ready, ready};

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
