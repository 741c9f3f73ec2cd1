//! `events.parquet`: a row per event of a ticket's history. `fires.parquet`: a row per ended cycle in which levels fired.

use super::columns::{chosen, labels, tickets_of, times};
use super::error::SnapshotError;
use super::symbols::SymbolNumbers;
use crate::engine::{EventColumns, FireColumns};
use crate::store::record::{LabelKind, LabelTable};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{dictionary_field, time_field};
use crate::ticket::{EventKind, State, Texts};
use arrow::array::{BooleanArray, RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type, UInt32Type};
use std::sync::Arc;

pub const EVENTS: &str = "events.parquet";
pub const FIRES: &str = "fires.parquet";

pub fn events_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ticket", DataType::Utf8, false),
        Field::new("ticket_row", DataType::UInt32, false),
        time_field("at", false),
        dictionary_field("kind"),
        dictionary_field("state"),
        dictionary_field("priority"),
        dictionary_field("owner"),
        dictionary_field("team"),
        // Set for an opening without an `opened` event.
        Field::new("is_implied", DataType::Boolean, false),
    ]))
}

pub fn write_events(events: &EventColumns, tickets: &Texts, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    let kinds = events.kind.iter().map(|kind| Some(*kind as usize));
    let states = events.state.iter().map(|state| state.map(|state| state as usize));
    Ok(RecordBatch::try_new(
        events_schema(),
        vec![
            tickets_of(&events.ticket, tickets),
            Arc::new(UInt32Array::from(events.ticket.clone())),
            times(&events.at_ms),
            chosen(kinds, EventKind::ALL.iter().map(|kind| kind.name())),
            chosen(states, State::ALL.iter().map(|state| state.name())),
            labels(LabelKind::Priority, &events.priority, names)?,
            labels(LabelKind::Owner, &events.owner, names)?,
            labels(LabelKind::Team, &events.team, names)?,
            Arc::new(BooleanArray::from(events.is_implied.clone())),
        ],
    )?)
}

/// Columns needed to restore an engine.
pub const EVENTS_NEEDED: &[&str] = &["ticket_row", "at", "kind", "state", "priority", "owner", "team", "is_implied"];

pub fn read_events(rows: &Rows<'_>, numbers: &SymbolNumbers) -> Result<EventColumns, SchemaMismatch> {
    let symbols = |name: &str, column: LabelKind| rows.symbols(name, |label| numbers.of(column, label));
    Ok(EventColumns {
        ticket: rows.numbers::<UInt32Type>("ticket_row")?,
        at_ms: rows.times("at")?,
        kind: rows.labels("kind", EventKind::from_name)?,
        state: rows.labels_or("state", None, |label| State::from_name(label).map(Some))?,
        priority: symbols("priority", LabelKind::Priority)?,
        owner: symbols("owner", LabelKind::Owner)?,
        team: symbols("team", LabelKind::Team)?,
        is_implied: rows.flags("is_implied")?,
    })
}

pub fn fires_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ticket", DataType::Utf8, false),
        Field::new("ticket_row", DataType::UInt32, false),
        dictionary_field("clock"),
        Field::new("cycle", DataType::UInt16, false),
        // A bit per level, the first one lowest.
        Field::new("levels_fired", DataType::UInt16, false),
    ]))
}

pub fn write_fires(fires: &FireColumns, tickets: &Texts, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    Ok(RecordBatch::try_new(
        fires_schema(),
        vec![
            tickets_of(&fires.ticket, tickets),
            Arc::new(UInt32Array::from(fires.ticket.clone())),
            labels(LabelKind::Clock, &fires.clock, names)?,
            Arc::new(UInt16Array::from(fires.cycle.clone())),
            Arc::new(UInt16Array::from(fires.levels.clone())),
        ],
    )?)
}

/// Columns needed to restore an engine.
pub const FIRES_NEEDED: &[&str] = &["ticket_row", "clock", "cycle", "levels_fired"];

pub fn read_fires(rows: &Rows<'_>, numbers: &SymbolNumbers) -> Result<FireColumns, SchemaMismatch> {
    Ok(FireColumns {
        ticket: rows.numbers::<UInt32Type>("ticket_row")?,
        clock: rows.symbols("clock", |label| numbers.of(LabelKind::Clock, label))?,
        cycle: rows.numbers::<UInt16Type>("cycle")?,
        levels: rows.numbers::<UInt16Type>("levels_fired")?,
    })
}
