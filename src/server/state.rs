//! State that handlers share. Created once, outside the app factory, which runs once per worker.

use super::auth::tokens::TokenBook;
use super::bulk::loads::Loads;
use super::escalations::feed::chunks::Chunks;
use super::escalations::feed::subscribers::Readers;
use super::middleware::idempotency::ResponseCache;
use super::middleware::rate_limit::RateLimits;
use super::middleware::{BodyMemory, Timeouts};
use crate::service::Service;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// State that handlers share: extract it as `web::Data<AppState>`.
pub struct AppState {
    pub service: Service,
    /// Tokens that may call. `None`: every caller on this machine is the administrator `local` (`--no-auth`).
    pub tokens: Option<TokenBook>,
    /// Set when the service begins to stop: it then reports not ready and closes each connection after its response.
    pub stopping: AtomicBool,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub rates: RateLimits,
    /// Memory for request bodies.
    pub body_memory: Arc<BodyMemory>,
    pub(crate) loads: Loads,
    pub(crate) readers: Arc<Readers>,
    pub(crate) feed_chunks: Chunks,
    pub(crate) responses: ResponseCache,
}

/// Limits that the operator configures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum bytes of a body that is read whole.
    pub body_bytes: usize,
    /// Maximum bytes of a bulk body on the wire, before decompression.
    pub bulk_body_bytes: u64,
}
