//! The HTTP API: middleware, shared parts, and one module per resource.
//!
//! - [`middleware`] wraps every request: request id, admission, body limits, idempotency, access log. [`auth`] identifies
//!   callers; `quota` divides scarce resources among tokens.
//! - `problem` is the single error format; `docs` serves the OpenAPI description and the pages for people.
//! - `routes` lists the routes; [`state`] is shared by all handlers; `params` checks parameters; `listen` starts and stops the
//!   server.
//!
//! Resources: `tickets`, `escalations`, `policy`, `monitoring` and `snapshots`. `bulk` reads the bodies of tickets and events.

pub mod auth;
pub(crate) mod bulk;
mod docs;
pub(crate) mod escalations;
mod listen;
pub mod middleware;
pub(crate) mod monitoring;
pub(crate) mod params;
mod policy;
pub(crate) mod problem;
mod quota;
mod routes;
mod snapshots;
pub mod state;
mod tickets;

#[cfg(test)]
mod tests;

pub use listen::{Handle, ServerConfig, ServerError, start};
