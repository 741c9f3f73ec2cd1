//! `overdue`: an SLA engine. It watches every open ticket of a contact centre and escalates each one at the instant its deadline
//! passes: exact business time, nothing missed, nothing lost.
//!
//! # The way of an event
//! ```text
//!   HTTP body ──► server::bulk ──► ingest ──► Batch ──┐            one thread, in this order
//!   one request ─► server::tickets, events, … ────────┼─► queue ─► service::sequencer
//!   an edit ─────► server::calendars, priorities ─────┘              │ 1 the journal: written and synced (store::journal)
//!                                                                    │ 2 time passes: what is due fires (engine::advance)
//!   escalation feed ◄── service::feed ◄── records ◄──────────────────┤ 3 the inputs are applied (engine::apply, edit)
//!   history, Parquet by day ◄── service::historian ◄─────────────────┤
//!   metrics ◄── service::view, published ◄───────────────────────────┘ 4 and only now the answer
//! ```
//! An answer therefore means durable. What follows from the inputs (escalations, ended cycles, totals) is never written to the
//! journal: [`service::machine`] computes it from the inputs alone, with the same numbers every time, so a start after a crash
//! loses nothing and doubles nothing. A snapshot shortens that start: it takes the engine shard by shard between two rounds of
//! the sequencer, so that nobody waits for it long (`service::snapshots`), and `service::recovery` brings its shards to one
//! point in time again.
//!
//! # Who knows whom
//! ```text
//!   cli, server                   commands; HTTP, one file a resource
//!     └► service                  the sequencer, what it publishes, what it recovers from
//!          ├► store               journal, snapshots, history: everything on disk
//!          └► engine              tickets in shards, a timing wheel each, levels and cycles
//!               └► policy, ticket, calendar, time        plain rules; business time
//!   ingest                        exports and bodies to column batches; used by cli, server, replay
//!   replay                        a history through the engine, without a service
//!   table, publish                Parquet columns; files that are there whole or not at all
//! ```
//! `limits`, `time`, `calendar`, `ticket`, `policy` and `engine` are pure: no file, clock, network, thread or log of their own; the
//! time is an argument. So one engine serves live traffic, replays years, and is compared with a slow model in tests.
//! `tests/tidy.rs` holds these borders.
//!
//! # Where to begin reading
//! - [`engine`] states what is computed, rule by rule; [`calendar`] what business time is.
//! - [`engine::wheel`] explains the timers, [`store::journal`] the format on disk and what can be told of a torn or damaged one.
//! - [`service`] says what a request may rely on; [`server`] what the API looks like.
//! - [`limits`] has every bound.

// A panic on input is a service that stops: errors are values. Tests may unwrap.
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
