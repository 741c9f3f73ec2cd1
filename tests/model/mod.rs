//! A plain model of the engine, written from its contract (`src/engine/mod.rs`, DESIGN.md) without its code.
//!
//! It keeps every ticket's primitive events, recomputes a ticket from its whole history at every command, and remembers
//! only what has fired, what was marked and which cycles it has reported. Of the crate it uses the calendars' timelines,
//! the policy's types and the ticket's words, nothing of the engine. Where the contract leaves a choice, the place says
//! `choice:` and which one was taken.

pub mod adapter;
pub mod calendars;
mod cases;
pub mod commands;
mod damaged;
pub mod history;
pub mod measure;
pub mod random;
mod reads;
mod restored;
pub mod run;
pub mod shrink;
pub mod ticket;

pub use commands::{Apply, CatchUp, CycleRecord, Escalation, Kind, Model, Output};
