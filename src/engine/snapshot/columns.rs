//! The whole state of an engine as columns: what a snapshot writes, and what an engine is restored from.
//!
//! An engine is its versions (made by installing every policy again, in order, with its time), a [`Head`], and its shards.
//! Shards may be exported at different moments: the commands after that moment then have to be applied to them alone
//! ([`Engine::hold`](crate::engine::Engine::hold)).

use crate::engine::interner::Symbol;
use crate::engine::shard::totals::Counters;
use crate::ticket::{EventKind, Openings, PerLabel, State, Texts, TicketLabel};
use std::sync::Arc;

/// The part of an engine that belongs to no shard.
///
/// If shards are exported at different moments, time and rows must be those of the first moment and the labels those of the
/// last: later shards use later labels, and a label keeps its symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub now_ms: i64,
    /// Rows accepted so far.
    pub rows: u64,
    pub shards: u16,
    pub labels: LabelLists,
}

/// The labels of an engine, by symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelLists {
    pub clocks: Vec<Arc<str>>,
    pub of_tickets: PerLabel<Vec<Arc<str>>>,
    /// Who introduced each label, by symbol; empty if unknown, or if the number of labels has [no bound](crate::ticket::TicketLabel::most).
    pub introduced_by: PerLabel<Vec<Option<Arc<str>>>>,
}

/// One shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShardState {
    pub number: u16,
    pub tickets: TicketColumns,
    pub clocks: ClockColumns,
    pub events: EventColumns,
    pub fires: FireColumns,
    pub gone: GoneColumns,
    pub counters: Counters,
}

/// One row per ticket. A symbol is [`NO_SYMBOL`](crate::engine::NO_SYMBOL) if the ticket has no such label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketColumns {
    pub id: Texts,
    /// Place in the order in which tickets were first seen.
    pub ordinal: Vec<u64>,
    pub opened_ms: Vec<i64>,
    pub state: Vec<State>,
    /// The version of the priority, counted over all priorities in the order in which versions came into force.
    pub version: Vec<u16>,
    pub labels: PerLabel<Vec<Symbol>>,
    /// How often late events have changed what was reported.
    pub revision: Vec<u16>,
    /// The second at which the ticket is next due; 0 for never.
    pub next_due_s: Vec<u32>,
    /// Whether the ticket has rows in [`EventColumns`]; the others have only an opening.
    pub has_events: Vec<bool>,
    /// When the rows happened that reported its [descriptive labels](crate::ticket::TicketLabel::DESCRIPTIVE).
    pub described_ms: [Vec<i64>; TicketLabel::DESCRIPTIVE.len()],
}

/// One row per clock of a ticket, tickets in order, each with all clocks of its version, in the version's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockColumns {
    /// Row of the ticket.
    pub ticket: Vec<u32>,
    pub clock: Vec<Symbol>,
    /// Number of the open or last cycle; 0 before the first.
    pub cycle: Vec<u16>,
    pub started_ms: Vec<i64>,
    /// Start of the segment that is running; end of the last one while the cycle is paused.
    pub segment_ms: Vec<i64>,
    /// Business time of the finished segments.
    pub spent_ms: Vec<i64>,
    pub is_open: Vec<bool>,
    pub is_running: Vec<bool>,
    pub is_held: Vec<bool>,
    /// Whether the cycle was interrupted: paused, or measured under another version before.
    pub is_broken: Vec<bool>,
    /// What the cycle has reached: one bit per level, then at risk, then the target.
    pub reached: Vec<u16>,
    /// The levels among them that have fired.
    pub fired: Vec<u16>,
    /// Finished segments of the open cycle, for readers of the snapshot; not needed to restore.
    pub segments: Vec<Vec<(i64, i64)>>,
    /// When the target is reached if no event happens; [`NEVER_MS`](crate::time::NEVER_MS) without one or without an open
    /// cycle. For readers of the snapshot; not needed to restore.
    pub target_due_ms: Vec<i64>,
}

/// One row per event of a ticket's log, tickets in order, each one's events in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventColumns {
    /// Row of the ticket.
    pub ticket: Vec<u32>,
    pub at_ms: Vec<i64>,
    pub kind: Vec<EventKind>,
    /// The state that a state event leads to.
    pub state: Vec<Option<State>>,
    /// [`NO_SYMBOL`](crate::engine::NO_SYMBOL) if the event reports none.
    pub priority: Vec<Symbol>,
    pub owner: Vec<Symbol>,
    pub team: Vec<Symbol>,
    /// Set for an opening that no `opened` event has reported.
    pub is_implied: Vec<bool>,
    /// Set for an opening whose `opened` event reported only the time: what its batch's openings reported.
    pub only_time: Vec<Option<Openings>>,
    /// Set for an assignment that is an event only if owner or team differ from those before it.
    pub is_report: Vec<bool>,
    /// Set for a value that an export reported without a time of its own.
    pub is_stated: Vec<bool>,
}

/// Tickets that have left at some time, one row each, by id. Those that came back are among the tickets too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoneColumns {
    pub id: Texts,
    /// When it left last.
    pub left_ms: Vec<i64>,
}

/// Levels that fired in cycles that have ended: one row per cycle.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FireColumns {
    /// Row of the ticket.
    pub ticket: Vec<u32>,
    pub clock: Vec<Symbol>,
    pub cycle: Vec<u16>,
    /// One bit per level.
    pub levels: Vec<u16>,
}
