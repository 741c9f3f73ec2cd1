//! `counters.parquet` and `clock_counters.parquet`: the running totals of each shard.
//!
//! Totals of one shard may be negative; only the sums over all shards are meaningful.

use super::columns::chosen;
use super::error::SnapshotError;
use crate::engine::{ClockTally, Counters, Tally};
use crate::limits::MAX_LEVELS;
use crate::store::record::{LabelKind, LabelTable};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::dictionary_field;
use crate::ticket::TicketLabel;
use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, ListArray, RecordBatch, StringArray, UInt16Array, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type, Schema, SchemaRef, UInt32Type};
use std::sync::Arc;

pub const TICKETS: &str = "counters.parquet";
pub const CLOCKS: &str = "clock_counters.parquet";

/// The groupings of ticket counts: all, then by each of [`TicketLabel::COUNTED`].
const SCOPES: [&str; 5] = ["all", "priority", "team", "channel", "category"];

pub fn tickets_schema() -> SchemaRef {
    let count = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        Field::new("shard", DataType::UInt16, false),
        dictionary_field("by"),
        Field::new("number", DataType::UInt32, false),
        Field::new("word", DataType::Utf8, true),
        count("open"),
        count("waiting"),
        count("at_risk"),
        count("breached"),
        count("done"),
    ]))
}

/// Rows of tallies, in order: the total, then each list.
fn tallies(counters: &Counters) -> impl Iterator<Item = (usize, Option<LabelKind>, usize, &Tally)> {
    let listed = TicketLabel::COUNTED.into_iter().enumerate().flat_map(|(scope, label)| {
        let list = counters.by_label[label].iter().enumerate();
        list.map(move |(number, tally)| (scope + 1, Some(label.into()), number, tally))
    });
    std::iter::once((0, None, 0, &counters.all)).chain(listed)
}

pub fn write_tickets(shard: u16, counters: &Counters, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    let rows: Vec<_> = tallies(counters).collect();
    let labels: Vec<Option<Arc<str>>> = rows
        .iter()
        .map(|(_, column, number, _)| column.map(|column| label(column, *number, names)).transpose())
        .collect::<Result<_, _>>()?;
    let count = |count: fn(&Tally) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|(.., tally)| count(tally) as i64)))
    };
    Ok(RecordBatch::try_new(
        tickets_schema(),
        vec![
            Arc::new(UInt16Array::from(vec![shard; rows.len()])),
            chosen(rows.iter().map(|(scope, ..)| Some(*scope)), SCOPES.into_iter()),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(.., number, _)| *number as u32))),
            Arc::new(StringArray::from_iter(labels.iter().map(Option::as_deref))),
            count(|tally| tally.open),
            count(|tally| tally.waiting),
            count(|tally| tally.at_risk),
            count(|tally| tally.breached),
            count(|tally| tally.done),
        ],
    )?)
}

fn label(column: LabelKind, number: usize, names: &LabelTable) -> Result<Arc<str>, SnapshotError> {
    let number = number as u32;
    names.label(column, number).ok_or(SnapshotError::UnknownSymbol { column: column.name(), number })
}

pub fn read_tickets(rows: &Rows<'_>, counters: &mut Counters) -> Result<(), SchemaMismatch> {
    let scopes = rows.labels("by", |label| SCOPES.iter().position(|known| *known == label))?;
    let numbers = rows.numbers::<UInt32Type>("number")?;
    let counts: Vec<Vec<i64>> = ["open", "waiting", "at_risk", "breached", "done"]
        .into_iter()
        .map(|name| rows.numbers::<Int64Type>(name))
        .collect::<Result<_, _>>()?;
    for (row, (scope, number)) in scopes.into_iter().zip(numbers).enumerate() {
        let [open, waiting, at_risk, breached, done] = [0, 1, 2, 3, 4].map(|column: usize| counts[column][row] as u64);
        let tally = Tally { open, waiting, at_risk, breached, done };
        let Some(label) = scope.checked_sub(1).map(|place| TicketLabel::COUNTED[place]) else {
            counters.all = tally;
            continue;
        };
        let list = &mut counters.by_label[label];
        if number as usize != list.len() {
            return Err(rows.mismatch("number", &format!("{number} where {} was expected", list.len())));
        }
        list.push(tally);
    }
    Ok(())
}

pub fn clocks_schema() -> SchemaRef {
    let count = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![
        Field::new("shard", DataType::UInt16, false),
        Field::new("number", DataType::UInt32, false),
        Field::new("clock", DataType::Utf8, false),
        count("running"),
        count("paused"),
        count("at_risk"),
        count("breached"),
        count("met"),
        count("missed"),
        // How often each level has fired, the first one first.
        Field::new("fired", DataType::List(fired_field()), false),
    ]))
}

fn fired_field() -> FieldRef {
    Arc::new(Field::new("level", DataType::Int64, false))
}

pub fn write_clocks(shard: u16, counters: &Counters, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    let list = &counters.by_clock;
    let labels: Vec<Arc<str>> =
        (0..list.len()).map(|number| label(LabelKind::Clock, number, names)).collect::<Result<_, _>>()?;
    let count = |count: fn(&ClockTally) -> u64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(list.iter().map(|tally| count(tally) as i64)))
    };
    let fired = Int64Array::from_iter_values(list.iter().flat_map(|tally| tally.fired).map(|count| count as i64));
    let lengths = OffsetBuffer::from_lengths(list.iter().map(|tally| tally.fired.len()));
    Ok(RecordBatch::try_new(
        clocks_schema(),
        vec![
            Arc::new(UInt16Array::from(vec![shard; list.len()])),
            Arc::new(UInt32Array::from_iter_values(0..list.len() as u32)),
            Arc::new(StringArray::from_iter_values(labels)),
            count(|tally| tally.running),
            count(|tally| tally.paused),
            count(|tally| tally.at_risk),
            count(|tally| tally.breached),
            count(|tally| tally.met),
            count(|tally| tally.missed),
            Arc::new(ListArray::try_new(fired_field(), lengths, Arc::new(fired), None)?),
        ],
    )?)
}

pub fn read_clocks(rows: &Rows<'_>, counters: &mut Counters) -> Result<(), SchemaMismatch> {
    let numbers = rows.numbers::<UInt32Type>("number")?;
    let counts: Vec<Vec<i64>> = ["running", "paused", "at_risk", "breached", "met", "missed"]
        .into_iter()
        .map(|name| rows.numbers::<Int64Type>(name))
        .collect::<Result<_, _>>()?;
    let fired = rows.lists("fired")?;
    for (row, number) in numbers.into_iter().enumerate() {
        let levels = fired.value(row);
        let Some(levels) = levels.as_primitive_opt::<Int64Type>().filter(|levels| levels.len() <= MAX_LEVELS) else {
            return Err(rows.mismatch("fired", &format!("has {} levels, at most {MAX_LEVELS} exist", levels.len())));
        };
        if number as usize != counters.by_clock.len() {
            return Err(rows.mismatch("number", &format!("{number} where {} was expected", counters.by_clock.len())));
        }
        let [running, paused, at_risk, breached, met, missed] =
            [0, 1, 2, 3, 4, 5].map(|column: usize| counts[column][row] as u64);
        let mut tally = ClockTally { running, paused, at_risk, breached, met, missed, ..ClockTally::default() };
        tally.fired.iter_mut().zip(levels.values()).for_each(|(fired, count)| *fired = *count as u64);
        counters.by_clock.push(tally);
    }
    Ok(())
}
