//! What handlers share. Made once, outside the app factory, which runs once a worker.

use super::auth::tokens::TokenBook;
use super::bulk::loads::Loads;
use super::escalations::feed::subscribers::Readers;
use super::middleware::idempotency::ResponseCache;
use super::middleware::rate_limit::RateLimits;
use super::middleware::{BodyMemory, Timeouts};
use crate::service::Service;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What handlers share: take it as `web::Data<AppState>`.
pub struct AppState {
    pub service: Service,
    /// Who may call. `None`: everybody on this machine is the administrator `local` (`--no-auth`).
    pub tokens: Option<TokenBook>,
    /// Set when the service begins to stop: from then on it is not ready, and connections are closed after their answer.
    pub stopping: AtomicBool,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub rates: RateLimits,
    /// The bodies that lie in memory.
    pub body_memory: Arc<BodyMemory>,
    pub(crate) loads: Loads,
    pub(crate) readers: Arc<Readers>,
    pub(crate) responses: ResponseCache,
}

/// Bounds that the operator sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a body that is read whole.
    pub body_bytes: usize,
    /// Bytes of a bulk body as it comes over the wire.
    pub bulk_body_bytes: u64,
}
