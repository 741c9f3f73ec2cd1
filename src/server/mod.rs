//! The HTTP API: a frame (the files named below) and one file a resource.
//!
//! - [`frame`] surrounds every request; [`auth`], [`tokens`], [`rate`], [`shares`] and [`idempotency`] say who calls, how much they
//!   may have, and what repeats.
//! - [`problem`] is the one form of every error; [`openapi`] describes the API, [`docs`] shows it to people.
//! - [`app`] lists the routes; [`state`] is what handlers share; [`run`] starts and stops it all.
//!
//! Of the resources, [`bulk`] reads the bodies of [`tickets`] and [`events`]; [`policy_document`], [`editing`] and [`parts`] are
//! what [`policy`], [`calendars`], [`priorities`] and [`rules`] have in common.

pub mod app;
pub mod auth;
pub mod bulk;
pub mod calendar_preview;
pub mod calendars;
pub mod clock;
pub mod docs;
pub mod editing;
pub mod escalations;
pub mod events;
pub mod feed;
pub mod filters;
pub mod forecast;
pub mod frame;
pub mod health;
pub mod idempotency;
pub mod metrics;
pub mod openapi;
pub mod parts;
pub mod policy;
pub mod policy_document;
pub mod priorities;
pub mod problem;
pub mod prometheus;
pub mod rate;
pub mod rules;
pub mod run;
pub mod shares;
pub mod snapshots;
pub mod state;
pub mod tickets;
pub mod timeline;
pub mod times;
pub mod tls;
pub mod tokens;

#[cfg(test)]
mod tests;

pub use run::{Handle, ServerConfig, ServerError, start};
