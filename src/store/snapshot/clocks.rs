//! `clocks.parquet`: a row per clock of a ticket, with its open or last cycle.

use super::columns::{Checked, Columns, Table};
use crate::engine::{ClockColumns, ShardState};
use crate::limits::MAX_LEVELS;
use crate::store::record::LabelKind;
use crate::table::{Texts, time_field, times};
use crate::time::NEVER_MS;
use arrow::array::{ListArray, StructArray, TimestampMillisecondArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type, UInt16Type};
use std::sync::Arc;

pub(super) const CLOCKS: Table<ShardState> = Table {
    name: "clocks.parquet",
    // The rows of a ticket are adjacent: the prefix encoding of all but the first is "the same".
    texts: Texts::Prefixed,
    columns,
};

const OPEN: u8 = 4;
const RUNNING: u8 = 2;
/// Paused by event.
const HELD: u8 = 1;

/// Status of a clock, by the bits of its cycle: open, running and paused by event. The engine never leaves a clock
/// in the states whose names have two words; if it did, no bit would be lost.
const STATUS: [&str; 8] =
    ["idle", "idle held", "idle running", "idle running held", "paused", "held", "running", "running held"];

/// Bits of what a cycle has reached: a bit per level, then these.
const LEVELS: u16 = (1 << MAX_LEVELS) - 1;
const AT_RISK: u16 = 1 << MAX_LEVELS;
const BREACHED: u16 = 1 << (MAX_LEVELS + 1);

fn columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let clocks = &mut shard.clocks;
    // Columns of packed bits.
    let mut status: Vec<u8> = (0..clocks.is_open.len()).map(|row| status_of(clocks, row)).collect();
    let mut levels: Vec<u16> = clocks.reached.iter().map(|reached| reached & LEVELS).collect();
    let has = |bit: u16| clocks.reached.iter().map(|reached| reached & bit != 0).collect();
    let (mut at_risk, mut breached): (Vec<bool>, Vec<bool>) = (has(AT_RISK), has(BREACHED));
    // A clock that has not begun gets an empty time instead of 1970.
    for times in [&mut clocks.started_ms, &mut clocks.segment_ms] {
        let not_begun = times.iter_mut().zip(&clocks.cycle).filter(|(at_ms, cycle)| **at_ms == 0 && **cycle == 0);
        not_begun.for_each(|(at_ms, _)| *at_ms = NEVER_MS);
    }

    table.tickets(&mut clocks.ticket, &shard.tickets.id)?;
    table.symbols(LabelKind::Clock, &mut clocks.clock)?;
    table.numbers::<UInt16Type>("cycle", &mut clocks.cycle)?;
    table.choices("status", &[0, 1, 2, 3, 4, 5, 6, 7], |status: u8| STATUS[usize::from(status)], &mut status)?;
    table.times_or_never("started_at", &mut clocks.started_ms)?;
    table.times_or_never("segment_at", &mut clocks.segment_ms)?;
    table.numbers::<Int64Type>("spent_ms", &mut clocks.spent_ms)?;
    // Whether the cycle was interrupted: paused before, or measured under other rules.
    table.flags("was_interrupted", &mut clocks.is_broken)?;
    // A bit per level, the first one lowest: 5 means levels 1 and 3.
    table.numbers::<UInt16Type>("levels_reached", &mut levels)?;
    table.numbers::<UInt16Type>("levels_fired", &mut clocks.fired)?;
    table.flags("is_at_risk", &mut at_risk)?;
    table.flags("is_breached", &mut breached)?;
    let due_ms = clocks.target_due_ms.iter().map(|due_ms| (*due_ms < NEVER_MS).then_some(*due_ms));
    table.derived(time_field("target_due_at", true), |_| times(due_ms.collect()));
    let list = DataType::List(segment_field());
    table.derived(Field::new("segments", list, false), |_| Arc::new(segments(&clocks.segments)));

    for times in [&mut clocks.started_ms, &mut clocks.segment_ms] {
        times.iter_mut().filter(|at_ms| **at_ms == NEVER_MS).for_each(|at_ms| *at_ms = 0);
    }
    let has = |bit: u8| status.iter().map(|status| status & bit != 0).collect();
    (clocks.is_open, clocks.is_running, clocks.is_held) = (has(OPEN), has(RUNNING), has(HELD));
    for (flags, bit) in [(at_risk, AT_RISK), (breached, BREACHED)] {
        levels.iter_mut().zip(flags).for_each(|(reached, flag)| *reached |= if flag { bit } else { 0 });
    }
    clocks.reached = levels;
    Ok(())
}

fn status_of(clocks: &ClockColumns, row: usize) -> u8 {
    let bit = |flags: &[bool], bit: u8| if flags[row] { bit } else { 0 };
    bit(&clocks.is_open, OPEN) | bit(&clocks.is_running, RUNNING) | bit(&clocks.is_held, HELD)
}

fn segment_field() -> FieldRef {
    Arc::new(Field::new("segment", DataType::Struct(segment_times()), false))
}

fn segment_times() -> Fields {
    Fields::from(vec![time_field("from_at", false), time_field("to_at", false)])
}

fn segments(of_rows: &[Vec<(i64, i64)>]) -> ListArray {
    let column = |end: fn(&(i64, i64)) -> i64| {
        times(TimestampMillisecondArray::from_iter_values(of_rows.iter().flatten().map(end)))
    };
    let ends = vec![column(|segment| segment.0), column(|segment| segment.1)];
    let lengths = OffsetBuffer::from_lengths(of_rows.iter().map(Vec::len));
    ListArray::new(segment_field(), lengths, Arc::new(StructArray::new(segment_times(), ends, None)), None)
}
