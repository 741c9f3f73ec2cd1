//! The HTTP API: a frame (the files named below) and one file a resource.
//!
//! - [`frame`] surrounds every request; [`auth`], [`tokens`], [`rate`] and [`idempotency`] say who calls and what repeats.
//! - [`problem`] is the one form of every error; [`openapi`] describes the API, [`docs`] shows it to people.
//! - [`app`] lists the routes; [`state`] is what handlers share; [`run`] starts and stops it all.

pub mod app;
pub mod auth;
pub(crate) mod clock;
pub mod docs;
pub mod frame;
pub mod health;
pub mod idempotency;
pub mod openapi;
pub mod problem;
pub mod rate;
pub mod run;
pub mod state;
pub mod tls;
pub mod tokens;

#[cfg(test)]
mod tests;

pub use run::{Handle, ServerConfig, ServerError, start};
