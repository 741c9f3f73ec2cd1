//! A plain model of the engine, written from its specification (`src/engine/mod.rs`) without its code.
//!
//! It stores the primitive events of each ticket and recalculates a ticket from its whole history at each command. Besides, it
//! stores only which levels have fired or are suppressed, and which cycles it has reported. Of the crate it uses timelines of
//! calendars and the types of policies and tickets, nothing of the engine. Comments with `choice:` mark what the specification
//! leaves open.

pub mod adapter;
pub mod calendars;
mod cases;
pub mod commands;
mod corrupt;
pub mod history;
mod log;
pub mod measure;
pub mod random;
mod reads;
mod restored;
pub mod run;
pub mod shrink;
pub mod ticket;

pub use commands::{Apply, CatchUp, CycleRecord, Escalation, Kind, Model, Output};
