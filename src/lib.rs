//! `overdue`: an SLA engine.

pub mod calendar;
pub mod cli;
pub mod engine;
pub mod generate;
pub mod ingest;
pub mod limits;
pub mod policy;
pub mod replay;
pub mod ticket;
pub mod time;
