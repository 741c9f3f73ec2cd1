//! How an export reads: which of its columns is what.
//!
//! A mapping is a TOML file of the user's. It is checked as a whole when it is read, and what it says is turned into column
//! numbers, so that nothing about it can be wrong afterwards.
//!
//! ```toml
//! rows = "events"                       # one row an event; or "tickets": one row a ticket
//! empty = ["", "null", "?"]             # values that say nothing
//! optional = ["assigned_to"]            # columns that an input may lack
//!
//! [time]
//! formats = ["%Y-%m-%d %H:%M:%S"]       # rfc3339 (default), unix_s, unix_ms, strftime patterns: the first that fits
//! zone = "America/New_York"             # of times that name no offset; without it such times are refused
//!
//! [columns]                             # ours = theirs; a.b is field b of field a
//! ticket = "number"
//! at = { column = "changed", formats = ["unix_s"] }
//! event = ["metric", "type"]            # several columns: their values joined by "/"
//! state = "status"
//! opened = "opened_at"                  # with rows = "events": when the ticket was opened, known from any row
//! priority = "priority"                 # also owner, team, channel, category, customer, segment, actor, subject, text
//!
//! [events]                              # with rows = "tickets": columns whose times are events
//! opened = "open_dt"
//! closed = "closed_dt"                  # or several: [ "first", "last" ]
//!
//! [event_at]                            # with rows = "events": these happen at another column's time, where it has one
//! closed = "closed_at"
//!
//! [values.state]                        # theirs = ours; "" = says nothing; "*" = any other value
//! "Awaiting User Info" = "waiting"
//!
//! [defaults]                            # where the column is missing or empty
//! channel = "email"
//!
//! [skip]                                # rows with these values are not read
//! case_status = ["Test"]
//! ```
//!
//! An event's row without an event is a `state_changed`: it tells what its other columns say. An `opened` column gives the
//! opening what the ticket's first row says, but for owner, team and actor, which are of that row's own time.
//! Local times that the clock skips are taken as the instant of the transition, those that it repeats as the first.

mod check;
pub(crate) mod columns;
mod timestamps;
mod toml_table;

use std::sync::Arc;

use super::maps::{Map, Set};
use super::rows::timestamp::Writing;
use crate::ticket::{Column, EventKind, State};

/// Our own format: columns named as those of [`Batch`](crate::ticket::Batch).
const DEFAULT: &str = include_str!("default.toml");

/// Our own format of one row a ticket.
const TICKETS: &str = include_str!("tickets.toml");

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The input's columns that are read, each once. Other fields of this struct name them by their place here.
    pub(crate) inputs: Vec<Input>,
    pub(crate) shape: Shape,
    pub(crate) ticket: usize,
    /// In the order of [`Column::ALL`].
    pub(crate) labels: [LabelRule; Column::ALL.len()],
    pub(crate) state: ValueRule<State>,
    /// Subject and text, for the keyword rules.
    pub(crate) texts: Vec<usize>,
    pub(crate) empty: Vec<String>,
    pub(crate) skip: Vec<(usize, Set<String>)>,
    /// Where the rows are in a JSON object that wraps them.
    pub(crate) records: Option<String>,
    pub(crate) delimiter: u8,
}

/// A column of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    pub name: String,
    pub required: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Shape {
    /// One row a ticket.
    Tickets {
        opened: TimeColumn,
        /// The other events, in the order of [`EventKind::ALL`].
        events: Vec<(EventKind, TimeColumn)>,
        /// When the ticket came into the state that the state column reports.
        state_at: Option<TimeColumn>,
        /// Whether a row says how the ticket is now, to be laid over what is known of it: its priority, owner and team hold
        /// since `state_at` too; a state without a time holds since the opening.
        is_current: bool,
    },
    /// One row an event.
    Events {
        at: TimeColumn,
        event: ValueRule<EventKind>,
        opened: Option<TimeColumn>,
        /// Events (or changes to the state of that name) that happen at another column's time.
        event_at: Vec<(EventKind, TimeColumn)>,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct TimeColumn {
    pub input: usize,
    pub writing: Arc<Writing>,
}

/// How a label column is filled.
#[derive(Debug, Clone, Default)]
pub(crate) struct LabelRule {
    /// Values of several columns are joined by `/`.
    pub inputs: Vec<usize>,
    /// Theirs to ours; an empty word says nothing.
    pub values: Map<String, String>,
    /// Ours for values that are not in the table; without it they stay as they are.
    pub other: Option<String>,
    pub default: Option<String>,
}

/// How a column of fixed words (states, events) is filled.
#[derive(Debug, Clone)]
pub(crate) struct ValueRule<W> {
    pub inputs: Vec<usize>,
    /// Theirs to ours; `None` says nothing.
    pub values: Map<String, Option<W>>,
    /// For values that are not in the table; without it they are refused.
    pub other: Option<Option<W>>,
    pub default: Option<W>,
}

impl Mapping {
    /// Our own format of one row a ticket: what a ticket is now, since when, and when it was opened, answered, resolved
    /// and closed.
    pub fn tickets() -> Self {
        let mut mapping = own(TICKETS, "tickets.toml");
        if let Shape::Tickets { is_current, .. } = &mut mapping.shape {
            *is_current = true;
        }
        mapping
    }
}

/// A mapping that is part of the program, and covered by a test.
fn own(text: &str, file: &str) -> Mapping {
    Mapping::parse(text, file).unwrap_or_else(|error| unreachable!("{error}"))
}

impl Default for Mapping {
    fn default() -> Self {
        own(DEFAULT, "default.toml")
    }
}

#[cfg(test)]
mod tests;
