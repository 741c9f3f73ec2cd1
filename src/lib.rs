//! `overdue`: an SLA engine. It watches every open ticket of a contact centre and escalates each one at the instant its deadline
//! passes: exact business time, nothing missed, nothing lost.
//!
//! # Business time
//! ```
//! use overdue::calendar::{Calendar, CalendarDefinition};
//! use overdue::time::{HOUR_MS, format_rfc3339, parse_rfc3339};
//!
//! let office: CalendarDefinition = toml::from_str("time_zone = \"Europe/Oslo\"\nmon-fri = [\"08:00-16:00\"]")?;
//! let office = Calendar::new("office", &office, &mut |file| Err(format!("no file {file}")))?;
//! // Half an hour is left of Friday; the other half is Monday's.
//! let friday_ms = parse_rfc3339("2026-11-20T15:30:00+01:00")?;
//! assert_eq!(format_rfc3339(office.timeline().add(friday_ms, HOUR_MS)), "2026-11-23T07:30:00Z");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A policy
//! ```
//! let text = r#"
//! default_priority = "normal"
//! [calendars.always]
//! hours = "24x7"
//! [priorities.normal]
//! calendar = "allways"
//! [priorities.normal.clocks.resolution]
//! target = "4h"
//! "#;
//! // Every error with its line, and what was probably meant.
//! let problems = overdue::policy::load(text, "policy.toml", &mut |_| Err("no files".into())).unwrap_err();
//! assert!(problems[0].to_string().contains("always"), "{}", problems[0]);
//! ```
//!
//! # A mapping
//! ```
//! use overdue::ingest::{self, Mapping, Options, Source};
//! use std::ops::ControlFlow;
//!
//! let mapping = Mapping::parse(
//!     "rows = \"tickets\"\n[columns]\nticket = \"number\"\n[events]\nopened = \"opened_at\"\nresolved = \"resolved_at\"",
//!     "mapping.toml",
//! )?;
//! let export = "number,opened_at,resolved_at\nINC1,2026-11-20T09:00:00Z,2026-11-20T11:00:00Z\nINC2,yesterday,\n";
//! let (mut events, mut rejected) = (0, Vec::new());
//! ingest::read(
//!     [Source::stream("export.csv", export.as_bytes())],
//!     &mapping,
//!     &Options::default(),
//!     |batch| {
//!         events += batch.len();
//!         ControlFlow::Continue(())
//!     },
//!     |row| {
//!         rejected.push(row.line);
//!         Ok(())
//!     },
//! )?;
//! assert_eq!((events, rejected), (2, vec![3]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # An engine that fires
//! ```
//! use overdue::engine::{CatchUp, Engine};
//! use overdue::ticket::{Batch, EventKind};
//! use overdue::time::{HOUR_MS, parse_rfc3339};
//! use std::sync::Arc;
//!
//! let text = r#"
//! default_priority = "normal"
//! [calendars.always]
//! hours = "24x7"
//! [priorities.normal]
//! calendar = "always"
//! [priorities.normal.clocks.resolution]
//! target = "4h"
//! levels = [{ at = "100%", notify = ["owner"] }]
//! "#;
//! let policy = overdue::policy::load(text, "policy.toml", &mut |_| Err("no files".into())).unwrap();
//! let opened_ms = parse_rfc3339("2026-11-20T09:00:00Z")?;
//! let mut engine = Engine::new(Arc::new(policy), 1);
//! engine.advance(opened_ms);
//! let mut batch = Batch::default();
//! batch.push("T-1", opened_ms, EventKind::Opened);
//! engine.apply(&batch, CatchUp::Latest);
//! assert!(engine.advance(opened_ms + 4 * HOUR_MS - 1).escalations.is_empty());
//! let fired = engine.advance(opened_ms + 4 * HOUR_MS).escalations;
//! assert_eq!((fired.len(), fired[0].level, fired[0].due_ms), (1, 1, opened_ms + 4 * HOUR_MS));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A replay
//! ```
//! use overdue::engine::CatchUp;
//! use overdue::generate::{History, Plan};
//! use overdue::replay::sort::{Keep, Sorter};
//! use overdue::replay::{Listener, Options, RejectedEvent, run};
//! use std::sync::Arc;
//!
//! struct Silent;
//! impl Listener for Silent {
//!     fn done(&mut self, _: u64) {}
//!     fn rejected(&mut self, event: &RejectedEvent<'_>) {
//!         panic!("{event}");
//!     }
//! }
//!
//! // A synthetic history of 100 tickets in a week.
//! let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/policies/contact_centre.toml"));
//! let policy = overdue::policy::load(text, "contact_centre.toml", &mut |_| Err("no files".into()));
//! let mut sorter = Sorter::new(64 << 20, std::env::temp_dir(), Keep { facts_for_rules: true });
//! let mut history = History::new(Plan { tickets: 100, start_ms: 1_767_571_200_000, days: 7, seed: 1 });
//! while let Some(batch) = history.next_batch(1_000) {
//!     sorter.push(&batch)?;
//! }
//! let options =
//!     Options { policy: Arc::new(policy.unwrap()), shards: 4, catch_up: CatchUp::Latest, until_ms: None, strict: true };
//! let summary = run(sorter.finish()?, &options, None, &mut Silent)?;
//! assert_eq!(summary.input.tickets, 100);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
//!   suggest, file_kind            which known name was meant by a mistyped one; what a file of another kind is
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
// What no other crate can reach is `pub(crate)`.
#![cfg_attr(not(test), warn(unreachable_pub))]

pub mod atomic_file;
pub mod calendar;
pub mod cli;
pub mod engine;
pub mod file_kind;
pub mod generate;
pub mod ingest;
pub mod limits;
pub mod policy;
pub mod replay;
pub mod server;
pub mod service;
pub mod store;
pub mod suggest;
pub mod table;
pub mod ticket;
pub mod time;
