//! `overdue`: an SLA engine. It watches every open ticket of a contact centre and escalates each one at the instant its deadline
//! passes: exact business time, nothing missed, nothing lost.
//!
//! # The path of an event
//! ```text
//!   HTTP body ──► server::bulk ──► ingest ──► Batch ──┐            one thread, in this order
//!   one request ─► server::tickets, events, … ────────┼─► queue ─► service::sequencer
//!   an edit ─────► server::calendars, priorities ─────┘              │ 1 the journal is written and synced (store::journal)
//!                                                                    │ 2 time advances: what is due fires (engine::advance)
//!   escalation feed ◄── service::feed ◄── records ◄──────────────────┤ 3 the inputs are applied (engine::apply, edit)
//!   history, Parquet by day ◄── service::history_writer ◄────────────┤
//!   metrics ◄── service::view, publisher ◄───────────────────────────┘ 4 only now the response is sent
//! ```
//! A response therefore means durable. What follows from the inputs (escalations, ended cycles, totals) is never written to the
//! journal: [`service::state_machine`] computes it from the inputs alone, with the same numbers every time, so a start after a
//! crash loses nothing and duplicates nothing. A snapshot shortens that start. It exports the engine shard by shard between two
//! rounds of the sequencer, so that no request waits long for it (`service::snapshotter`); `service::recovery` brings the shards
//! back to one point in time.
//!
//! # Dependencies
//! ```text
//!   cli, server                   commands; HTTP, one file per resource
//!     └► service                  the sequencer, what it publishes, what it recovers from
//!          ├► store               journal, snapshots, history: everything on disk
//!          └► engine              tickets in shards, a timing wheel each, levels and cycles
//!               └► policy, ticket, calendar, time        plain rules; business time
//!   ingest                        exports and bodies to column batches; used by cli, server, replay
//!   replay                        runs a history through the engine, without a service
//!   table, atomic_file            Parquet tables of escalations and cycles; files that appear whole or not at all
//! ```
//! `limits`, `time`, `calendar`, `ticket`, `policy` and `engine` are pure: they use no file, clock, network, thread or log; the
//! time is an argument. So one engine serves live traffic, replays years, and is compared with a slow model in tests.
//! `tests/tidy` enforces these dependencies.
//!
//! # Where to start reading
//! - [`engine`] states what is computed, rule by rule; [`calendar`] defines business time.
//! - [`engine::wheel`] explains the timers, [`store::journal`] the format on disk and how torn or corrupt data is detected.
//! - [`service`] states what a request may rely on; [`server`] describes the API.
//! - [`limits`] has every bound.

// A panic on input stops the service, so errors are values. Tests may unwrap.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

pub mod atomic_file;
pub mod calendar;
pub mod cli;
pub mod engine;
pub mod generate;
pub mod ingest;
pub mod limits;
pub mod policy;
pub mod replay;
pub mod server;
pub mod service;
pub mod store;
pub mod table;
pub mod ticket;
pub mod time;
