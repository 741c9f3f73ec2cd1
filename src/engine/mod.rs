//! The engine: events in, escalations and finished cycles out, driven by an explicit clock.
//!
//! It does no I/O, reads no clock and opens no file: [`Engine::apply`] takes a batch of events, [`Engine::edit`] a new version
//! of the policy, [`Engine::advance`] the time. The output depends on these inputs alone, never on the number of shards or
//! threads. This page specifies what it computes; `tests/engine_model.rs` computes the same with a slow model and compares.
//!
//! # What a ticket is
//! A ticket is its event log: its events in order of time. Its whole state is a function of that log, of the policy's versions,
//! and of what has fired already. Rows become *primitive events*:
//!
//! - A row of kind K at time `t` reports, in this order, all at `t`: `priority_changed` if it has a priority; `assigned` if K is,
//!   or a *report* of who has the ticket if the row has an owner or team; K itself, if it is none of `opened`,
//!   `priority_changed`, `assigned` and does not report the state (`state_changed`, `resolved`, `closed`, `reopened`); the
//!   ticket's state, if the row has one or its kind implies one (resolved, closed, reopened -> open; the row's own state takes
//!   precedence).
//! - The log keeps all that was reported, whatever the order in which it arrived. What changes nothing at its place in the log has no
//!   effect: a priority or state that the ticket already has there, a report of the owner and team that it already has. A state
//!   is `resolved` or `closed` when it becomes that, `reopened` when it was one of these, else `state_changed`. What is in the
//!   log already (same time, same primitive event, same value) is not added again.
//! - On an `opened` row, priority, state, owner and team are the ticket's initial values and not events of their own; without a
//!   state the ticket starts as new, with a done state it starts as new and is done at once. The earliest such row counts; others
//!   change nothing ([`Ignored::opened_again`] counts those that report something else).
//! - An event of an unknown ticket opens it at that time, as new, with the priority, owner and team that are reported at that instant:
//!   an *implied* opening. An earlier event moves it, the first `opened` row replaces it, whatever its time. An event before the
//!   opening counts at the opening, after the `opened`.
//! - In a batch with [known openings](crate::ticket::Openings::Known) an `opened` row reports only when the ticket began, and the
//!   ticket's initial priority is the first one that its log reports. In a batch with [current
//!   values](crate::ticket::Openings::Current) (an export with one row per ticket) the same holds for an `opened` row without
//!   values, and for owner and team. Of several such rows the earliest counts; an `opened` row of a log replaces them.
//! - An `opened` row with current values opens an unknown ticket (or one with an implied opening) with them. For a known ticket the
//!   values hold from the engine's time on (or from the row's own, if that is later), except those that such rows reported last: so
//!   tonight's export moves a ticket to its new priority, a repeat of it changes nothing, whatever has happened since, and a
//!   return to an earlier value is followed. At the very instant of the opening they correct its values.
//! - `deleted` and `merged` remove the ticket from the index. Open cycles end without a result (they are not reported), and
//!   levels already due do not fire for a ticket that is gone by the engine's time. It stays gone: later rows with its id change
//!   nothing ([`Ignored::gone`] counts them), until a `reopened` or `opened` row after the time at which it left opens a new
//!   ticket of that id, for which rows up to that time change nothing either.
//! - Labels of channel, category and customer are those of the latest row that reports them (current values without a time of their
//!   own hold from the engine's time on). Owner and team are those of the last event of the log that reports one.
//! - A row with a priority that the policy does not have is rejected. A ticket whose rows report no priority gets it from the rules,
//!   by the row that opened it, then the default.
//!
//! Within one instant an opening comes first; other events keep their order of arrival. The engine's time is in whole seconds.
//! At any one instant events come first, then what is due at it, then edits of the policy.
//!
//! # What a clock does
//! A clock is *idle* or has an open *cycle*, numbered from 1. An open cycle is *running* unless it is paused by event (by a
//! `pause` effect, until `resume`, `continue` or its end) or the ticket's state is one in which the clock pauses. A pause of
//! zero length does not count. For each primitive event every clock of the ticket's priority, in order, does what its table
//! says ([`Effect`](crate::policy::Effect)); the ticket's new state and priority apply from then on. On a resolved or closed
//! ticket an event that does not concern its state begins no cycle, unless the clock says
//! [`starts_when_done`](crate::policy::Clock::starts_when_done): `start` and `restart` do nothing, `continue` only resumes. The periods in which a
//! cycle runs are its *segments*; *spent* is their business time in the clock's calendar (real time if the target is in
//! calendar days).
//!
//! - The target's *amount* is the business time from the cycle's start to the instant where the target ends if nothing pauses.
//!   A level's amount is its threshold: a percentage of the target's amount (rounded up to a millisecond), a span from the
//!   start, or the target's amount plus a span (days after the target: days after the instant where it ends).
//! - An amount is *reached* in the segment in which spent grows to it: at `add(segment start, amount - spent before)`. A
//!   remainder of 0 or less is reached at the next opening from the segment's start on. In a cycle that never paused, a target
//!   in business days is reached at exactly the instant that the span gives, and so is a level at 100 %; after a pause, an
//!   amount of such a target (or level) that would end at closing time is reached at the next opening.
//! - *Due* is the instant at which an amount is reached, if the segment lasts: an amount counts as reached only if it is due
//!   before the event that ends its segment. An event at the very instant of the deadline is in time.
//! - A cycle that is stopped is *met* if the target had not been reached, else *missed*. Its due time is the instant at which
//!   the target was reached, or would have been reached if the cycle had continued (a paused one: from its stop on). *At risk*
//!   is reached like a level at 75 % (or the policy's value).
//!
//! # What fires
//! A level fires at most once per cycle. Levels that are reached after the engine's time (as the engine advances, or before an
//! event that lies ahead of it) fire as they are reached. Other levels are *already due*: due at or before the engine's time when
//! an event arrives that leads to them, or before the event or edit that re-measures the cycle. [`CatchUp`], which comes with
//! the batch or edit, selects which of them fire: `all` of them; the `latest` (of each open cycle the one due last, the highest
//! among equals); or `none`. Catch-up happens when the batch's events of the ticket up to the engine's time are in, and at each
//! event after it. Levels that do not fire then are *suppressed* and never fire in that cycle.
//!
//! # Late events
//! Of a batch, a ticket's rows up to the engine's time and those before its last event are applied first, together; the others
//! then apply one after the other. A new ticket applies all its rows together.
//!
//! An event is late if it lies before the ticket's last one, or at or before the due time of a level that has fired. It counts
//! at the time it happened: the event log is replayed with it and the other late events of its batch, together. A level that
//! has fired and is no longer reached is *withdrawn* (and may fire again when it is reached after all). A level that is reached
//! now and was not before is already due. A cycle that had ended and now has another result, or is new, is reported with a
//! higher revision; one that no longer exists is reported as void. A late `deleted` or `merged` withdraws what fired after it
//! and voids the cycles that ended after it. Levels reached now and due after the engine's time fire as
//! they are reached, without catch-up. A withdrawn record carries the last known due time.
//!
//! # Change of priority, edit of the policy
//! If the new priority has a clock of the same name, its cycle continues as
//! [`OnPriorityChange`](crate::policy::OnPriorityChange) of the new priority says. Levels that fired or were suppressed stay
//! so, by their number; at risk and target are re-measured (so a breach may be undone). `from_start`: all segments are
//! re-measured. `carry`: spent so far stays, the rest runs under the new priority. `restart`: the cycle ends under the old
//! priority and the next one begins. `keep_level`: spent becomes the amount of the last level that was reached (0 if none was),
//! and only higher levels can be reached. Then the clock's own effect for `priority_changed` applies, from the new priority's
//! table. A clock that the new priority does not have ends its cycle at that instant. A clock that only the new priority has
//! gets the state that its table gives for the ticket's event log (from its last start on), measured with `from_start`, or
//! otherwise with no time spent so far.
//!
//! `from_start` after an earlier `carry` or `keep_level` re-measures all segments. `continue` at a level that the chain does
//! not have stands at its last one; after a cycle that reached none it is a plain start. A gained clock that is not measured
//! from its start stands at no level.
//!
//! An edit makes a new version of each priority that it changes. Tickets opened at or after the edit start under it. Others
//! change to it at the edit's time: `from_start` and `from_now` (`carry`) as above; `new_tickets`: not at all, until an edit
//! with another choice changes their priority.
//!
//! # When the time was wrong
//! The time never runs backwards by itself. [`Engine::rewind`] sets it back, for a caller who knows that it was ahead: every
//! ticket then has the state that its event log gives at the earlier time. Levels that fired only because of the wrong time are
//! withdrawn and fire again when they are due; levels suppressed by it are pending again. Edits made at later times count as
//! made at the earlier one. Events after the earlier time stay ahead of it, like any other events that arrive early.

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
pub use output::{
    CatchUp, CycleRecord, Escalation, EscalationKind, Ignored, IgnoredRows, Outcome, RejectedReason, RejectedRow,
    TicketRef,
};
pub use query::edit_preview::{Plan, Preview};
pub use query::explain::{
    ExplainedCycle, ExplainedEvent, ExplainedLevel, ExplainedSegment, ExplainedTarget, ExplainedVersion, Explanation,
    LevelState,
};
pub use query::list::{TicketFilter, TicketKey, TicketQuery};
pub use query::lookup::{LabelKind, TicketView};
pub use query::scan::ScanTotals;
pub use shard::policy_edit::Effects;
pub use shard::totals::{ClockTally, Counters, Tally};
pub use snapshot::columns::{
    ClockColumns, EventColumns, FireColumns, GoneColumns, Head, LabelLists, ShardState, TicketColumns,
};
pub use snapshot::error::RestoreError;
pub use snapshot::restore::{Installed, RestoredShard, Restoring};
