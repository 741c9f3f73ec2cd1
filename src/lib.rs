//! `overdue`: an SLA engine.

// A panic on input is a service that stops: errors are values. Tests may unwrap.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod calendar;
pub mod cli;
pub mod engine;
pub mod generate;
pub mod ingest;
pub mod limits;
pub mod policy;
pub mod publish;
pub mod replay;
pub mod server;
pub mod service;
pub mod store;
pub mod table;
pub mod ticket;
pub mod time;
