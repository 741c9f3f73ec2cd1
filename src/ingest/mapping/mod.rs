//! Mapping: assigns the columns of an export to ours.
//!
//! A mapping is a TOML file of the user's. It is checked as a whole when it is read and resolved to column indexes, so that
//! it is valid from then on.
//!
//! ```toml
//! rows = "events"                       # one row per event; or "tickets": one row per ticket
//! empty = ["", "null", "?"]             # values that count as empty
//! optional = ["assigned_to"]            # columns that an input may lack
//!
//! [time]
//! formats = ["%Y-%m-%d %H:%M:%S"]       # rfc3339 (default), unix_s, unix_ms, strftime patterns: the first match counts
//! zone = "America/New_York"             # of times without an offset; without it such times are rejected
//! zones = { EST = "America/New_York" }  # what the words of %Z mean that are neither UTC, GMT, Z nor IANA names
//!
//! [columns]                             # ours = theirs; a.b is field b of field a
//! ticket = "number"
//! at = { column = "changed", formats = ["unix_s"] }
//! event = ["metric", "type"]            # several columns: their values joined by "/"
//! state = "status"
//! updated = "updated_at"                # with rows = "tickets": since when the row's values hold
//! opened = "opened_at"                  # with rows = "events": when the ticket was opened, known from any row
//! priority = "priority"                 # also owner, team, channel, category, customer, segment, actor, subject, text
//!
//! [events]                              # with rows = "tickets": columns whose times are events
//! opened = "open_dt"
//! closed = "closed_dt"                  # or several: [ "first", "last" ]
//!
//! [event_at]                            # with rows = "events": the time of these events is in another column, if not empty
//! closed = "closed_at"
//!
//! [values.state]                        # theirs = ours, or merged, deleted, spam; "" = empty; "*" = any other value
//! "Awaiting User Info" = "waiting"
//!
//! [defaults]                            # for a missing or empty column
//! channel = "email"
//!
//! [skip]                                # rows with these values are skipped
//! case_status = ["Test"]
//! ```
//!
//! In an event row without an event, the event is `state_changed` with the row's other columns. With an `opened` column, a ticket
//! begins with the priority that its earliest row reports; all other values apply at their row's own time. With rows = "tickets",
//! priority, owner, team, channel, category and customer hold from `updated` on (from the opening on as far as no earlier row
//! reports others); without it, from when the row is loaded on. A state without its time holds from `updated` on, else from the
//! latest time of the row on.
//! Local times that the clock skips become the instant of the transition; those that it repeats, the first of the two.

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

/// Our own format with one row per ticket.
const TICKETS: &str = include_str!("tickets.toml");

/// A checked mapping.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The input's columns that are read, each once. Other fields of this struct refer to them by index.
    pub(crate) inputs: Vec<Input>,
    pub(crate) shape: Shape,
    pub(crate) ticket: usize,
    /// In the order of [`Column::ALL`].
    pub(crate) labels: [LabelRule; Column::ALL.len()],
    pub(crate) state: ValueRule<Reported>,
    /// Subject and text, for the keyword rules.
    pub(crate) texts: Vec<usize>,
    pub(crate) empty: Vec<String>,
    pub(crate) skip: Vec<(usize, Set<String>)>,
    /// The field of the rows in a JSON object that wraps them.
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
    /// One row per ticket.
    Tickets {
        opened: TimeColumn,
        /// The other events, in the order of [`EventKind::ALL`].
        events: Vec<(EventKind, TimeColumn)>,
        /// When the ticket came into the state that the state column reports.
        state_at: Option<TimeColumn>,
        /// When the row was last changed: its priority, owner, team and category hold from then on.
        updated: Option<TimeColumn>,
    },
    /// One row per event.
    Events {
        at: TimeColumn,
        event: ValueRule<EventKind>,
        opened: Option<TimeColumn>,
        /// Events (or changes to the state of that name) whose time is in another column.
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
    /// Theirs to ours; an empty label counts as empty.
    pub values: Map<String, String>,
    /// Ours for values that are not in the table; without it they are unchanged.
    pub other: Option<String>,
    pub default: Option<String>,
}

/// What a state column reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    State(State),
    /// The ticket has left, by this event.
    Gone(EventKind),
}

impl Reported {
    pub(crate) const ALL: [(&'static str, Self); State::ALL.len() + 3] = [
        ("new", Self::State(State::New)),
        ("open", Self::State(State::Open)),
        ("waiting", Self::State(State::Waiting)),
        ("resolved", Self::State(State::Resolved)),
        ("closed", Self::State(State::Closed)),
        ("merged", Self::Gone(EventKind::Merged)),
        ("deleted", Self::Gone(EventKind::Deleted)),
        ("spam", Self::Gone(EventKind::Deleted)),
    ];

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(other, _)| *other == name).map(|(_, reported)| reported)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, other)| *other == self).map_or("", |(name, _)| name)
    }
}

/// How a column of fixed labels (states, events) is filled.
#[derive(Debug, Clone)]
pub(crate) struct ValueRule<W> {
    pub inputs: Vec<usize>,
    /// Theirs to ours; `None` counts as empty.
    pub values: Map<String, Option<W>>,
    /// For values that are not in the table; without it they are rejected.
    pub other: Option<Option<W>>,
    pub default: Option<W>,
}

impl Mapping {
    /// The columns of times.
    pub(crate) fn times(&self) -> Vec<&TimeColumn> {
        match &self.shape {
            Shape::Tickets { opened, events, state_at, updated } => {
                let events = events.iter().map(|(_, column)| column);
                [opened].into_iter().chain(events).chain(state_at).chain(updated).collect()
            }
            Shape::Events { at, opened, event_at, .. } => {
                [at].into_iter().chain(opened).chain(event_at.iter().map(|(_, column)| column)).collect()
            }
        }
    }

    /// Our own format with one row per ticket: its current state, since when, and when it was opened, replied to, resolved and
    /// closed.
    pub fn tickets() -> Self {
        own(TICKETS, "tickets.toml")
    }
}

/// A mapping compiled into the program and covered by a test.
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
