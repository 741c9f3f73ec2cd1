//! The HTTP API: a frame (the files named below) and one file a resource.
//!
//! - [`frame`] surrounds every request; [`auth`], [`tokens`], [`rate`], [`shares`] and [`idempotency`] say who calls, how much they
//!   may have, and what repeats.
//! - [`problem`] is the one form of every error; [`openapi`] describes the API, [`docs`] shows it to people.
//! - [`app`] lists the routes; [`state`] is what handlers share; [`run`] starts and stops it all.
//!
//! Of the resources, [`bulk`] reads the bodies of [`tickets`] and [`events`]; [`policy_document`], [`editing`] and [`parts`] are
//! what [`policy`], [`calendars`], [`priorities`] and [`rules`] have in common.

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
