//! `counters.parquet` and `clock_counters.parquet`: the running totals of each shard.
//!
//! Totals of one shard may be negative; only the sums over all shards are meaningful.

use super::columns::{Checked, Columns, Table, field};
use crate::engine::{Counters, ShardState, Symbol, Tally};
use crate::limits::MAX_LEVELS;
use crate::store::record::LabelKind;
use crate::table::Texts;
use crate::ticket::TicketLabel;
use arrow::array::{StringArray, UInt16Array};
use arrow::datatypes::{DataType, Field, UInt32Type};
use std::sync::Arc;

pub(super) const COUNTERS: Table<ShardState> =
    Table { name: "counters.parquet", texts: Texts::Plain, columns: ticket_columns };
pub(super) const CLOCK_COUNTERS: Table<ShardState> =
    Table { name: "clock_counters.parquet", texts: Texts::Plain, columns: clock_columns };

/// The groupings of ticket counts.
const SCOPES: [Option<LabelKind>; 5] =
    [None, Some(LabelKind::Priority), Some(LabelKind::Team), Some(LabelKind::Channel), Some(LabelKind::Category)];

/// A tally of tickets: of all, or of those with a label.
#[derive(Debug, Clone, Default)]
struct TallyRow {
    scope: Option<LabelKind>,
    number: Symbol,
    tally: Tally,
}

/// Rows of tallies, in order: the total, then each list.
fn rows_of(counters: &mut Counters) -> Vec<TallyRow> {
    let mut rows = vec![TallyRow { tally: counters.all, ..TallyRow::default() }];
    for scope in SCOPES {
        let tallies = list_of(counters, scope).map(std::mem::take).unwrap_or_default();
        let row = |(number, tally)| TallyRow { scope, number: number as Symbol, tally };
        rows.extend(tallies.into_iter().enumerate().map(row));
    }
    rows
}

/// The tallies of the labels of a kind.
fn list_of(counters: &mut Counters, scope: Option<LabelKind>) -> Option<&mut Vec<Tally>> {
    let label = scope?.of_tickets().filter(|label| TicketLabel::COUNTED.contains(label))?;
    Some(&mut counters.by_label[label])
}

fn shard_column(shard: u16, rows: usize, table: &mut Columns<'_>) {
    let numbers = || Arc::new(UInt16Array::from(vec![shard; rows]));
    table.derived(Field::new("shard", DataType::UInt16, false), |_| numbers());
}

fn ticket_columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let mut rows = if table.is_read() { Vec::new() } else { rows_of(&mut shard.counters) };
    table.rows(&mut rows);
    let labels: Vec<(Option<LabelKind>, Symbol)> = rows.iter().map(|row| (row.scope, row.number)).collect();
    shard_column(shard.number, rows.len(), table);
    table.choices(
        "by",
        &SCOPES,
        |scope| scope.map_or("all", LabelKind::name),
        field(&mut rows, |row| &mut row.scope),
    )?;
    table.numbers::<UInt32Type>("number", field(&mut rows, |row| &mut row.number))?;
    table.derived(Field::new("word", DataType::Utf8, true), |to| {
        let labels = labels.iter().map(|(scope, symbol)| scope.map(|kind| to.label(kind, *symbol)));
        Arc::new(labels.collect::<StringArray>())
    });
    table.counts("open", field(&mut rows, |row| &mut row.tally.open))?;
    table.counts("waiting", field(&mut rows, |row| &mut row.tally.waiting))?;
    table.counts("at_risk", field(&mut rows, |row| &mut row.tally.at_risk))?;
    table.counts("breached", field(&mut rows, |row| &mut row.tally.breached))?;
    table.counts("done", field(&mut rows, |row| &mut row.tally.done))?;
    for TallyRow { scope, number, tally } in rows.into_iter().filter(|_| table.is_read()) {
        let Some(list) = list_of(&mut shard.counters, scope) else {
            shard.counters.all = tally;
            continue;
        };
        if number as usize != list.len() {
            return Err(table.mismatch("number", &format!("{number} where {} was expected", list.len())));
        }
        list.push(tally);
    }
    Ok(())
}

fn clock_columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let rows = &mut shard.counters.by_clock;
    table.rows(rows);
    let clocks = rows.len() as Symbol;
    let mut numbers: Vec<Symbol> = (0..clocks).collect();
    let mut fired: Vec<Vec<i64>> =
        rows.iter().map(|tally| tally.fired.iter().map(|count| *count as i64).collect()).collect();
    shard_column(shard.number, rows.len(), table);
    table.numbers::<UInt32Type>("number", &mut numbers)?;
    table.derived(Field::new("clock", DataType::Utf8, false), |to| {
        Arc::new(StringArray::from_iter_values((0..clocks).map(|clock| to.label(LabelKind::Clock, clock))))
    });
    table.counts("running", field(rows, |tally| &mut tally.running))?;
    table.counts("paused", field(rows, |tally| &mut tally.paused))?;
    table.counts("at_risk", field(rows, |tally| &mut tally.at_risk))?;
    table.counts("breached", field(rows, |tally| &mut tally.breached))?;
    table.counts("met", field(rows, |tally| &mut tally.met))?;
    table.counts("missed", field(rows, |tally| &mut tally.missed))?;
    // How often each level has fired, the first one first.
    table.lists("fired", "level", &mut fired)?;
    if let Some((number, expected)) = numbers.iter().zip(0..).find(|(number, expected)| *number != expected) {
        return Err(table.mismatch("number", &format!("{number} where {expected} was expected")));
    }
    for (tally, levels) in rows.iter_mut().zip(fired) {
        if levels.len() > MAX_LEVELS {
            return Err(table.mismatch("fired", &format!("has {} levels, at most {MAX_LEVELS} exist", levels.len())));
        }
        tally.fired.iter_mut().zip(levels).for_each(|(fired, count)| *fired = count as u64);
    }
    Ok(())
}
