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
//! - A row of kind K at time `t` that also reports a priority, a state, an owner or a team gives, in this order, all at `t`:
//!   `opened` if K is; `priority_changed` if the priority differs from the ticket's at that point of its log; `assigned` if K
//!   is, or if the row reports an owner or team other than the ticket's; K itself, if it is none of `opened`,
//!   `priority_changed`, `assigned` and does not report the state (`state_changed`, `resolved`, `closed`, `reopened`); a state
//!   event if the state that the row leads to differs from the ticket's at that point: to resolved: `resolved`; to closed:
//!   `closed`; from one of these to another: `reopened`; else `state_changed`. The row's own state takes precedence over the
//!   one that its kind implies (resolved, closed, reopened -> open). On an `opened` row, priority, state, owner and team are
//!   the ticket's initial values and not events of their own; without a state the ticket starts as new.
//! - An event of an unknown ticket opens it at that time, as new, with the priority, owner and team that the row reports. Such
//!   an opening is only implied: the first `opened` row replaces it, whatever its time. Of several `opened` rows the earliest
//!   counts: one that arrives later with an earlier time moves the opening. An event before the opening counts at the opening,
//!   after the `opened`. If a ticket was opened by an `opened` row, another one at or after its opening changes nothing, unless
//!   its batch reports [current values](crate::ticket::Openings::Current).
//! - In a batch that reports current values, an `opened` row also reports the ticket's current values (an export of tickets, one row each).
//!   They apply after the ticket's rows of the batch; of several such rows, the last counts. The reported priority, owner, team
//!   and state happen at the engine's time, or at the ticket's last event if that is later: `priority_changed`, `assigned`, a
//!   state event, in this order. Only values apply that no other row of the ticket in the batch reports with a time of its own,
//!   and that differ both from the ticket's current value and from the value it was opened with. So tonight's export moves a
//!   ticket to its new priority, and a repeat of the row that opened it changes nothing, whatever has happened since. (A return
//!   to the initial value requires an event.)
//! - An event that is already in the ticket's log (same time, same primitive event, same value) changes nothing.
//! - `deleted` and `merged` remove the ticket from the index. Open cycles end without a result (they are not reported), and
//!   levels already due do not fire for a ticket that is gone by the engine's time. Later events with its id belong to a new
//!   ticket.
//! - Labels of channel, category and customer replace the ticket's. Owner and team are those of the last event of the log that
//!   reports one.
//! - A row with a priority that the policy does not have is rejected. A new ticket without a priority gets it from the rules,
//!   then the default.
//!
//! A late event may change the meaning of a later one: a report of a state or priority that the ticket already has at that
//! point of its log does nothing, and a change from a done state to another is `reopened`, whatever it was on arrival.
//!
//! Events at the same time keep their order of arrival. The engine's time is in whole seconds. At any one instant events come
//! first, then what is due at it, then edits of the policy.
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
//! higher revision; one that no longer exists is reported as void. Levels reached now and due after the engine's time fire as
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
pub use output::{CatchUp, CycleRecord, Escalation, EscalationKind, IgnoredRows, Outcome, RejectedReason, RejectedRow, TicketRef};
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
pub use snapshot::columns::{ClockColumns, EventColumns, FireColumns, GoneColumns, Head, LabelLists, ShardState, TicketColumns};
pub use snapshot::error::RestoreError;
pub use snapshot::restore::{Installed, RestoredShard, Restoring};
