//! `tickets.parquet`: a row per ticket.

use super::columns::{chosen, labels, texts, times, times_or_none};
use super::error::SnapshotError;
use super::symbols::SymbolNumbers;
use crate::engine::{Symbol, TicketColumns};
use crate::store::record::{LabelKind, LabelTable};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{Times, dictionary_field};
use crate::ticket::{PerLabel, State, TicketLabel};
use crate::time::SECOND_MS;
use arrow::array::{BooleanArray, RecordBatch, UInt16Array, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type, UInt64Type};
use std::sync::Arc;

pub const NAME: &str = "tickets.parquet";

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ticket", DataType::Utf8, false),
        Times::field_of("opened_at", false),
        dictionary_field("state"),
        dictionary_field("priority"),
        Field::new("priority_version", DataType::UInt16, false),
        dictionary_field("owner"),
        dictionary_field("team"),
        dictionary_field("channel"),
        dictionary_field("category"),
        dictionary_field("customer"),
        Field::new("revision", DataType::UInt16, false),
        Times::field("next_due_at"),
        Field::new("first_seen", DataType::UInt64, false),
        Field::new("has_events", DataType::Boolean, false),
    ]))
}

pub fn write(tickets: &TicketColumns, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    let next_due = tickets.next_due_s.iter().map(|due_s| (*due_s != 0).then_some(i64::from(*due_s) * SECOND_MS));
    let states = tickets.state.iter().map(|state| Some(*state as usize));
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            texts(&tickets.id),
            times(&tickets.opened_ms),
            chosen(states, State::ALL.iter().map(|state| state.name())),
            labels(LabelKind::Priority, &tickets.labels[TicketLabel::Priority], names)?,
            Arc::new(UInt16Array::from(tickets.version.clone())),
            labels(LabelKind::Owner, &tickets.labels[TicketLabel::Owner], names)?,
            labels(LabelKind::Team, &tickets.labels[TicketLabel::Team], names)?,
            labels(LabelKind::Channel, &tickets.labels[TicketLabel::Channel], names)?,
            labels(LabelKind::Category, &tickets.labels[TicketLabel::Category], names)?,
            labels(LabelKind::Customer, &tickets.labels[TicketLabel::Customer], names)?,
            Arc::new(UInt16Array::from(tickets.revision.clone())),
            times_or_none(next_due),
            Arc::new(UInt64Array::from(tickets.ordinal.clone())),
            Arc::new(BooleanArray::from(tickets.has_events.clone())),
        ],
    )?)
}

/// Columns needed to restore an engine.
pub const NEEDED: &[&str] = &[
    "ticket",
    "opened_at",
    "state",
    "priority",
    "priority_version",
    "owner",
    "team",
    "channel",
    "category",
    "customer",
    "revision",
    "next_due_at",
    "first_seen",
    "has_events",
];

pub fn read(rows: &Rows<'_>, numbers: &SymbolNumbers) -> Result<TicketColumns, SchemaMismatch> {
    let mut labels = PerLabel::<Vec<Symbol>>::default();
    for (label, column) in labels.iter_mut() {
        *column = rows.symbols(label.name(), |name| numbers.of(label.into(), name))?;
    }
    let next_due_ms = rows.times_or("next_due_at", 0)?;
    Ok(TicketColumns {
        id: rows.texts("ticket")?,
        ordinal: rows.numbers::<UInt64Type>("first_seen")?,
        opened_ms: rows.times("opened_at")?,
        state: rows.labels("state", State::from_name)?,
        version: rows.numbers::<UInt16Type>("priority_version")?,
        labels,
        revision: rows.numbers::<UInt16Type>("revision")?,
        next_due_s: next_due_ms.into_iter().map(|due_ms| (due_ms / SECOND_MS) as u32).collect(),
        has_events: rows.flags("has_events")?,
    })
}
