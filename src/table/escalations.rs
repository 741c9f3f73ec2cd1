//! The table of escalations: levels that fired, their withdrawals and acknowledgements, manual escalations.

use super::columns::ColumnWriter;
use crate::engine::{Engine, Escalation, EscalationKind, LabelKind, NO_SYMBOL, Symbol};
use crate::policy::Actions;
use crate::ticket::{PerLabel, TicketLabel};
use arrow::array::{BooleanArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field, FieldRef, UInt8Type, UInt16Type};
use serde::{Deserialize, Serialize};
use std::fmt::{self, Display, Write};
use std::sync::Arc;
use utoipa::ToSchema;

/// Kind of an escalation record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A level fired.
    #[default]
    Fired,
    /// A late event showed that a level should not have fired.
    Withdrawn,
    /// The ticket was escalated manually. Up to release 0.1 this kind was called `by_hand`.
    #[serde(alias = "by_hand")]
    Manual,
    /// An escalation was acknowledged.
    Acknowledged,
}

impl RecordKind {
    pub const ALL: [RecordKind; 4] = [Self::Fired, Self::Withdrawn, Self::Manual, Self::Acknowledged];

    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// The name, then those that earlier releases wrote.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Fired => &["fired"],
            Self::Withdrawn => &["withdrawn"],
            Self::Manual => &["manual", "by_hand"],
            Self::Acknowledged => &["acknowledged"],
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.names().contains(&name))
    }
}

/// The labels of an escalation, in the order of the columns.
const LABELS: [TicketLabel; 6] = [
    TicketLabel::Priority,
    TicketLabel::Team,
    TicketLabel::Owner,
    TicketLabel::Channel,
    TicketLabel::Category,
    TicketLabel::Customer,
];

/// An escalation with the symbols of its labels; [`NO_SYMBOL`] for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EscalationRow {
    pub kind: RecordKind,
    /// From 1; 0 for a manual escalation.
    pub level: u8,
    pub cycle: u16,
    /// [`NO_SYMBOL`] for a manual escalation.
    pub clock: Symbol,
    pub due_ms: i64,
    pub fired_ms: i64,
    pub labels: PerLabel<Symbol>,
    /// Index of the actions of its level, where they are kept in a list; [`NO_SYMBOL`] for none.
    pub actions: u32,
}

impl EscalationRow {
    /// An escalation that the engine has just emitted, without its actions.
    pub fn of(engine: &Engine, escalation: &Escalation) -> Self {
        let mut labels = engine.ticket_symbols(escalation.ticket);
        let kind = match escalation.kind {
            EscalationKind::Fired => RecordKind::Fired,
            EscalationKind::Withdrawn => RecordKind::Withdrawn,
            EscalationKind::Manual => RecordKind::Manual,
        };
        let manual = kind == RecordKind::Manual;
        if !manual {
            labels[TicketLabel::Priority] = engine.escalation_priority(escalation);
        }
        Self {
            kind,
            level: escalation.level,
            cycle: escalation.cycle,
            clock: if manual { NO_SYMBOL } else { escalation.clock },
            due_ms: escalation.due_ms,
            fired_ms: escalation.fired_ms,
            labels,
            actions: NO_SYMBOL,
        }
    }

    /// `ticket/clock/cycle/level`: the same for a level and its withdrawal or acknowledgement, so that a receiver can drop
    /// repeats.
    pub fn id(&self, ticket: &str, clock: Option<&str>) -> impl Display {
        fmt::from_fn(move |out| write!(out, "{ticket}/{}/{}/{}", clock.unwrap_or("manual"), self.cycle, self.level))
    }
}

/// Who, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    pub actor: String,
    pub reason: String,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub row: &'a EscalationRow,
    pub ticket: &'a str,
    pub actions: Option<&'a Actions>,
    pub note: Option<&'a Note>,
}

/// Adds the columns of escalations.
pub fn write(entries: &[Entry<'_>], table: &mut ColumnWriter<'_>) {
    let rows = || entries.iter().map(|entry| entry.row);
    let actions = || entries.iter().map(|entry| entry.actions);
    let mut ids = StringBuilder::new();
    for Entry { row, ticket, .. } in entries {
        let clock = (row.clock != NO_SYMBOL).then(|| table.label(LabelKind::Clock, row.clock));
        // Writing to a builder cannot fail.
        let _ = write!(ids, "{}", row.id(ticket, clock.as_deref()));
        ids.append_value("");
    }
    table.add(Field::new("escalation_id", DataType::Utf8, false), Arc::new(ids.finish()));
    table.texts("ticket", entries.iter().map(|entry| entry.ticket));
    table.labels("kind", rows().map(|row| Some(row.kind.name())));
    table.symbols(LabelKind::Clock, rows().map(|row| row.clock));
    table.numbers::<UInt16Type>("cycle", rows().map(|row| row.cycle).collect());
    table.numbers::<UInt8Type>("level", rows().map(|row| row.level).collect());
    table.times_or_never("due_at", rows().map(|row| row.due_ms));
    table.times_or_never("fired_at", rows().map(|row| row.fired_ms));
    for label in LABELS {
        table.symbols(label.into(), rows().map(|row| row.labels[label]));
    }
    let mut notify = ListBuilder::new(StringBuilder::new()).with_field(notify_field());
    for actions in actions() {
        let whom = actions.map_or(&[][..], |actions| &actions.notify);
        whom.iter().for_each(|whom| notify.values().append_value(whom));
        notify.append(actions.is_some());
    }
    table.add(Field::new("notify", DataType::List(notify_field()), true), Arc::new(notify.finish()));
    table.labels("reassign", actions().map(|actions| actions?.reassign.as_deref()));
    table.labels("webhook", actions().map(|actions| actions?.webhook.as_deref()));
    table.labels("set_priority", actions().map(|actions| actions?.set_priority.as_deref()));
    let ends_chain: BooleanArray = actions().map(|actions| Some(actions?.ends_chain)).collect();
    table.add(Field::new("ends_chain", DataType::Boolean, true), Arc::new(ends_chain));
    table.labels("actor", entries.iter().map(|entry| Some(&*entry.note?.actor).filter(|actor| !actor.is_empty())));
    table.labels("reason", entries.iter().map(|entry| Some(&*entry.note?.reason).filter(|reason| !reason.is_empty())));
}

fn notify_field() -> FieldRef {
    Arc::new(Field::new("whom", DataType::Utf8, false))
}
