//! `clocks.parquet`: a row per clock of a ticket, with its open or last cycle.

use super::columns::{chosen, labels, tickets_of, times_or_none};
use super::error::SnapshotError;
use super::symbols::SymbolNumbers;
use crate::engine::{ClockColumns, NO_SYMBOL};
use crate::limits::MAX_LEVELS;
use crate::store::record::{LabelKind, LabelTable};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{dictionary_field, time_field, times as times_of};
use crate::ticket::Texts;
use crate::time::NEVER_MS;
use arrow::array::{
    BooleanArray, Int64Array, ListArray, RecordBatch, StructArray, TimestampMillisecondArray, UInt16Array, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, Schema, SchemaRef, UInt16Type, UInt32Type};
use arrow::error::ArrowError;
use std::sync::Arc;

pub const NAME: &str = "clocks.parquet";

/// Status of a clock, by the bits of its cycle: open (4), running (2) and paused by event (1). The engine never leaves a clock
/// in the states whose names have two words; if it did, no bit would be lost.
const STATUS: [&str; 8] =
    ["idle", "idle held", "idle running", "idle running held", "paused", "held", "running", "running held"];

/// Bits of what a cycle has reached: a bit per level, then these.
const LEVELS: u16 = (1 << MAX_LEVELS) - 1;
const AT_RISK: u16 = 1 << MAX_LEVELS;
const BREACHED: u16 = 1 << (MAX_LEVELS + 1);

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("ticket", DataType::Utf8, false),
        // The place of the ticket among the tickets of its shard.
        Field::new("ticket_row", DataType::UInt32, false),
        dictionary_field("clock"),
        Field::new("cycle", DataType::UInt16, false),
        dictionary_field("status"),
        time_field("started_at", true),
        time_field("segment_at", true),
        Field::new("spent_ms", DataType::Int64, false),
        // Whether the cycle was interrupted: paused before, or measured under other rules.
        Field::new("was_interrupted", DataType::Boolean, false),
        // A bit per level, the first one lowest: 5 means levels 1 and 3.
        Field::new("levels_reached", DataType::UInt16, false),
        Field::new("levels_fired", DataType::UInt16, false),
        Field::new("is_at_risk", DataType::Boolean, false),
        Field::new("is_breached", DataType::Boolean, false),
        time_field("target_due_at", true),
        Field::new("segments", DataType::List(segment_field()), false),
    ]))
}

fn segment_field() -> FieldRef {
    Arc::new(Field::new("segment", DataType::Struct(segment_times()), false))
}

fn segment_times() -> Fields {
    Fields::from(vec![time_field("from_at", false), time_field("to_at", false)])
}

pub fn write(clocks: &ClockColumns, tickets: &Texts, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
    let rows = clocks.ticket.len();
    let status = |row: usize| {
        usize::from(clocks.is_open[row]) << 2
            | usize::from(clocks.is_running[row]) << 1
            | usize::from(clocks.is_held[row])
    };
    // A clock that has not begun gets an empty time instead of 1970.
    let begun = |at_ms: &i64, cycle: &u16| (*at_ms != 0 || *cycle != 0).then_some(*at_ms);
    let with_cycle = |times: &[i64]| times_or_none(times.iter().zip(&clocks.cycle).map(|(at, cycle)| begun(at, cycle)));
    let reached = |bits: u16| BooleanArray::from_iter(clocks.reached.iter().map(|done| Some(done & bits != 0)));
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            tickets_of(&clocks.ticket, tickets),
            Arc::new(UInt32Array::from(clocks.ticket.clone())),
            labels(LabelKind::Clock, &clocks.clock, names)?,
            Arc::new(UInt16Array::from(clocks.cycle.clone())),
            chosen((0..rows).map(|row| Some(status(row))), STATUS.into_iter()),
            with_cycle(&clocks.started_ms),
            with_cycle(&clocks.segment_ms),
            Arc::new(Int64Array::from(clocks.spent_ms.clone())),
            Arc::new(BooleanArray::from(clocks.is_broken.clone())),
            Arc::new(UInt16Array::from_iter_values(clocks.reached.iter().map(|reached| reached & LEVELS))),
            Arc::new(UInt16Array::from(clocks.fired.clone())),
            Arc::new(reached(AT_RISK)),
            Arc::new(reached(BREACHED)),
            times_or_none(clocks.target_due_ms.iter().map(|due_ms| (*due_ms < NEVER_MS).then_some(*due_ms))),
            Arc::new(segments(&clocks.segments)?),
        ],
    )?)
}

fn segments(of_rows: &[Vec<(i64, i64)>]) -> Result<ListArray, ArrowError> {
    let column = |end: fn(&(i64, i64)) -> i64| {
        times_of(TimestampMillisecondArray::from_iter_values(of_rows.iter().flatten().map(end)))
    };
    let times =
        StructArray::try_new(segment_times(), vec![column(|segment| segment.0), column(|segment| segment.1)], None)?;
    let lengths = OffsetBuffer::from_lengths(of_rows.iter().map(Vec::len));
    ListArray::try_new(segment_field(), lengths, Arc::new(times), None)
}

/// Columns needed to restore an engine.
pub const NEEDED: &[&str] = &[
    "ticket_row",
    "clock",
    "cycle",
    "status",
    "started_at",
    "segment_at",
    "spent_ms",
    "was_interrupted",
    "levels_reached",
    "levels_fired",
    "is_at_risk",
    "is_breached",
];

/// The clocks, without their segments and the due times of their targets: the engine computes those.
pub fn read(rows: &Rows<'_>, numbers: &SymbolNumbers) -> Result<ClockColumns, SchemaMismatch> {
    let status: Vec<usize> = rows.labels("status", |label| STATUS.iter().position(|known| *known == label))?;
    let has = |bit: usize| status.iter().map(|status| status & bit != 0).collect();
    let mut reached = rows.numbers::<UInt16Type>("levels_reached")?;
    for (name, bit) in [("is_at_risk", AT_RISK), ("is_breached", BREACHED)] {
        let flags = rows.flags(name)?;
        reached.iter_mut().zip(flags).for_each(|(reached, flag)| *reached |= if flag { bit } else { 0 });
    }
    let clock = rows.symbols("clock", |label| numbers.of(LabelKind::Clock, label))?;
    if clock.contains(&NO_SYMBOL) {
        return Err(rows.mismatch("clock", "has empty rows"));
    }
    Ok(ClockColumns {
        ticket: rows.numbers::<UInt32Type>("ticket_row")?,
        clock,
        cycle: rows.numbers::<UInt16Type>("cycle")?,
        started_ms: rows.times_or("started_at", 0)?,
        segment_ms: rows.times_or("segment_at", 0)?,
        spent_ms: rows.numbers::<Int64Type>("spent_ms")?,
        is_open: has(4),
        is_running: has(2),
        is_held: has(1),
        is_broken: rows.flags("was_interrupted")?,
        reached,
        fired: rows.numbers::<UInt16Type>("levels_fired")?,
        segments: Vec::new(),
        target_due_ms: Vec::new(),
    })
}
