//! The HTTP API: a frame (this folder's first files) and one file a resource.
//!
//! - [`problem`]: the one form of every error. - [`auth`]: who calls, and what they may do.
//! - [`state`]: what handlers share. - [`idempotency`]: repeats of a request.

pub mod app;
pub mod timeline;
pub mod tickets;
pub mod priorities;
pub mod parts;
pub mod feed;
pub mod events;
pub mod escalations;
pub mod calendars;
pub mod calendar_preview;
pub mod auth;
pub mod bulk;
pub mod editing;
pub mod idempotency;
pub mod policy_document;
pub mod problem;
pub mod state;
pub mod times;
pub mod tokens;
