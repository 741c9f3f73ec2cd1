//! The engine: tickets in, escalations and finished cycles out, on whatever time it is told.
//!
//! It does no I/O, reads no clock and knows no file: [`Engine::apply`] takes a batch of events, [`Engine::edit`] a new
//! version of the policy, [`Engine::advance`] the time. What comes out depends on these inputs alone, never on the number
//! of shards or threads. This page fixes what it computes; `tests/engine_model.rs` computes the same the slow way and compares.
//!
//! # What a ticket is
//! A ticket is the history of its events in order of time, and everything the engine says of it is a function of that
//! history, of the policy's versions, and of what has fired already. Rows become *primitive events*:
//!
//! - A row of kind K at time `t` that also reports a priority, a state, an owner or a team gives, in this order, all at `t`:
//!   `opened` if K is; `priority_changed` if the priority differs from the ticket's at that point of its history;
//!   `assigned` if K is, or if the row reports an owner or team other than the ticket's; K itself, if it is none of
//!   `opened`, `priority_changed`, `assigned` and does not speak of the state (`state_changed`, `resolved`, `closed`, `reopened`);
//!   a state event if the state that the row leads to differs from the ticket's at that point: to resolved: `resolved`; to
//!   closed: `closed`; from one of these to another: `reopened`; else `state_changed`. The row's own state counts before the
//!   one that its kind implies (resolved, closed, reopened -> open). On an `opened` row priority, state, owner and team are
//!   what the ticket starts with and no events of their own; without a state it starts as new.
//! - An event of an unknown ticket opens it at that time, as new, with the priority, owner and team that the row reports. Such
//!   an opening is only implied: the first `opened` row replaces it, wherever it lies. Of several `opened` rows the earliest
//!   counts: one that comes later and lies earlier moves the opening. An event before the opening counts at the opening, after
//!   the `opened`. An `opened` row at or after the
//!   opening of a ticket that was opened by one changes nothing, unless its batch [restates](crate::ticket::Batch::restates).
//! - In a batch that restates, an `opened` row also says what its ticket is by now (an export of tickets, one row each). After
//!   the ticket's rows of the batch, what such a row (of several the last) says of priority, owner, team and state happens at the engine's time, or
//!   at the ticket's last event if that is later: `priority_changed`, `assigned`, a state event, in this order; but only what
//!   no other row of the ticket in the batch says with a time of its own, and what differs both from what the ticket is and
//!   from what it was opened with. So the export of tonight moves a ticket to its
//!   new priority, and a repeat of the row that opened it changes nothing, whatever has happened since. (Back to what it was
//!   opened with goes by an event.)
//! - An event that the ticket's history holds already (same time, same primitive event, same value) changes nothing.
//! - `deleted` and `merged` take the ticket out of the index; open cycles end without a result (they are not reported), and
//!   nothing that had passed fires for a ticket that is gone by the engine's time. Later events of its id are a new ticket's.
//! - Words of channel, category and customer replace those the ticket has. Owner and team are those of the last event of the
//!   history that names one.
//! - A priority that the policy does not name refuses the row. A new ticket without one gets it from the rules, then the default.
//!
//! A late event may change what a later one is: a report of a state or priority that the ticket has already at that point of
//! its history does nothing, and from a done state to another is `reopened` whatever it was when it came.
//!
//! Events at the same time keep the order in which they came. The engine's time is in whole seconds. At any one instant
//! events come first, then what is due at it, then edits of the policy.
//!
//! # What a clock does
//! A clock is *idle* or has an open *cycle*, numbered from 1. An open cycle is *running* unless it is held (by a `pause`
//! effect, until `resume`, `continue` or its end) or the ticket's state is one in which the clock pauses. A pause of no length is
//! none. For each primitive
//! event every clock of the ticket's priority, in order, does what its table says ([`Effect`](crate::policy::Effect)); the
//! ticket's new state and priority hold from then on. Running stretches are the cycle's *segments*; *spent* is their business
//! time in the clock's calendar (real time where the target is in calendar days).
//!
//! - The target's *amount* is the business time from the cycle's start to the instant where the target ends when nothing
//!   pauses. A level's amount is its threshold: a percentage of the target's amount (rounded up to a millisecond), a span from
//!   the start, or the target's amount plus a span (days after the target: days after the instant where it ends).
//! - An amount is *reached* in the segment in which spent comes up to it: at `add(segment start, amount - spent before)`. What
//!   is left of 0 or less is reached at the next opening from the segment's start on. In a cycle that never paused a target
//!   in business days is reached at exactly the instant that the span gives, and so is a level at 100 %; after a pause an
//!   amount of such a target (or level) that would end at closing time is reached at the next opening.
//! - *Due* is the instant at which an amount is reached, if the segment lasts: an amount counts as reached only when it is due
//!   before the event that ends its segment. What happens at the very instant of the deadline is in time.
//! - A cycle that is stopped is *met* if the target had not been reached, else *missed*. Its due time is the instant at which the
//!   target was reached, or would have been had the cycle gone on (a paused one: from its stop on). *At risk* is reached like a level at
//!   75 % (or what the policy says).
//!
//! # What fires
//! A level fires at most once a cycle. Levels that are reached after the engine's time (as the engine is advanced, or before
//! an event that lies ahead of it) fire as they are reached. Levels that are found reached already are *passed*: due at or
//! before the engine's time when an event arrives that leads to it, or before the event or edit that re-measures the cycle.
//! They fire by the choice that came with the batch or edit ([`CatchUp`]): `all` of them; the `latest` (of each open cycle
//! the one due last, the highest among equals); or `none`. The choice is made when the batch's events of the ticket up to the
//! engine's time are in, and at each event after it. Levels that do not fire then are marked and never fire in that cycle.
//!
//! # Late events
//! Of a batch, a ticket's rows up to the engine's time and those that lie before its last event are taken first, at once; the
//! others then happen one after the other. A new ticket takes all its rows so.
//!
//! An event that lies before the ticket's last one, or at or before the due time of a level that has fired, counts at the
//! time it happened: the history is replayed with it, and with the other late events of its batch at once. A level that has fired and is not reached any more is *withdrawn* (and
//! may fire again when it is reached after all); a level that is reached now and was not before is passed; a cycle that had
//! ended and comes out otherwise, or is new, is reported again with a higher revision; one that is not there any more is
//! reported as void. What is reached now and due after the engine's time fires as it is reached, without a choice. A withdrawn
//! record carries the due time as it was last known.
//!
//! # Change of priority, edit of the policy
//! The cycles of clocks that the new priority also has (by name) go on as [`OnPriorityChange`](crate::policy::OnPriorityChange)
//! of the new priority says; levels that fired or were marked stay so, by their number; at risk and target are measured anew
//! (so a breach may be undone). `from_start`: all segments are measured
//! anew. `carry`: spent so far stays, the rest runs under the new. `restart`: the cycle ends under the old and the next one
//! begins. `keep_level`: spent becomes the amount of the last level that was reached (0 if none was), and only higher levels
//! can be reached. Then the clock's own effect for `priority_changed` is done, under the new priority's table. A clock that the
//! new priority does not have ends its cycle at that instant; a clock that only the new one has does what its table would have
//! made of the ticket's history (from its last start on), measured with `from_start`, or with no time spent so far otherwise.
//!
//! `from_start` after an earlier `carry` or `keep_level` measures all segments again. `continue` at a level that the chain does not
//! have stands at its last one; after a cycle that reached none it is a plain start. A gained clock that is not measured from its
//! start stands at no level.
//!
//! An edit makes a new version of each priority that it touches. Tickets opened at or after the edit start under it. Others
//! change to it at the edit's time: `from_start` and `from_now` (`carry`) as above; `new_tickets`: not at all, until an edit
//! with another choice touches their priority.
//!
//! # When the time was wrong
//! The time never runs backwards by itself. [`Engine::rewind`] sets it back, for a caller who knows that it was ahead: every
//! ticket is then what its history says at the earlier time. Levels that fired by the wrong time alone are withdrawn and fire
//! again when they are due; levels that were marked by it are levels to come. Edits made at later times count as made at the
//! earlier one. Events that lie after it stay ahead of the time, as any others that come early.

mod clocks;
mod commands;
mod hash;
mod interner;
mod output;
mod paged_vec;
mod query;
mod resolve;
mod rewind;
mod shard;
mod snapshot;
mod timelines;
mod unused_labels;
pub mod wheel;

pub use clocks::CycleResult;
pub use clocks::versions::Apply;
pub use commands::{EditError, Engine};
pub use interner::{NO_SYMBOL, Symbol};
pub use output::{CatchUp, CycleRecord, Escalation, EscalationKind, Outcome, RejectedReason, RejectedRow, TicketRef};
pub use query::edit_preview::{Plan, Preview};
pub use query::explain::{
    ExplainedCycle, ExplainedEvent, ExplainedLevel, ExplainedSegment, ExplainedTarget, ExplainedVersion, Explanation,
    LevelState,
};
pub use query::list::{TicketFilter, TicketKey, TicketQuery};
pub use query::lookup::{LabelKind, TicketSymbols, TicketView};
pub use query::scan::ScanTotals;
pub use shard::policy_edit::Effects;
pub use shard::totals::{ClockTally, Counters, Tally};
pub use snapshot::columns::{
    ClockColumns, EventColumns, FireColumns, Head, IntroducedBy, LabelLists, ShardState, TicketColumns,
};
pub use snapshot::error::RestoreError;
pub use snapshot::restore::{Installed, RestoredShard, Restoring};
