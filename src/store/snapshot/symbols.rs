//! `words.parquet`: every label of the engine with its symbol, so that a restored engine uses the same symbols.

use super::error::SnapshotError;
use crate::engine::{LabelLists, Symbol};
use crate::store::record::LabelKind;
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::dictionary_field;
use crate::ticket::PerLabel;
use arrow::array::{Array, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

pub const NAME: &str = "words.parquet";

const INTRODUCED_BY: &str = "introduced_by";

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        dictionary_field("column"),
        Field::new("number", DataType::UInt32, false),
        Field::new("word", DataType::Utf8, false),
        // The client that introduced it, where that is counted. Earlier tables lack the column.
        Field::new(INTRODUCED_BY, DataType::Utf8, true),
    ]))
}

pub fn write(labels: &LabelLists) -> Result<RecordBatch, SnapshotError> {
    let lists = LabelKind::ALL.map(|column| (column, column.of(labels)));
    let columns = lists.iter().flat_map(|(column, list)| std::iter::repeat_n(Some(*column as usize), list.len()));
    let numbers = lists.iter().flat_map(|(_, list)| 0..list.len() as u32);
    let introducers = lists.iter().flat_map(|(column, list)| {
        let known = column.of_tickets().map_or(&[][..], |label| &labels.introduced_by[label]);
        (0..list.len()).map(move |place| known.get(place).and_then(Option::as_deref))
    });
    let introducers: StringArray = introducers.collect();
    let labels = lists.iter().flat_map(|(_, list)| list.iter());
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            super::columns::chosen(columns, LabelKind::ALL.iter().map(|column| column.name())),
            Arc::new(UInt32Array::from_iter_values(numbers)),
            Arc::new(StringArray::from_iter_values(labels)),
            Arc::new(introducers),
        ],
    )?)
}

/// The lists, and the lookup from labels to symbols.
pub fn read(rows: &Rows<'_>) -> Result<(LabelLists, SymbolNumbers), SchemaMismatch> {
    let by_name = |name: &str| LabelKind::ALL.into_iter().find(|column| column.name() == name);
    let columns = rows.labels("column", by_name)?;
    let numbers = rows.numbers::<UInt32Type>("number")?;
    let mut lists: [Vec<Arc<str>>; LabelKind::ALL.len()] = Default::default();
    let mut introduced_by = PerLabel::<Vec<Option<Arc<str>>>>::default();
    let introducers = rows.later_strings(INTRODUCED_BY)?;
    let mut maps: [HashMap<Arc<str>, Symbol, FixedState>; LabelKind::ALL.len()] = Default::default();
    let labels = rows.strings("word")?.iter().flatten();
    for (row, ((column, number), label)) in columns.into_iter().zip(numbers).zip(labels).enumerate() {
        let list = &mut lists[column as usize];
        let label: Arc<str> = label.into();
        let is_new = maps[column as usize].insert(Arc::clone(&label), number).is_none();
        if number as usize != list.len() || !is_new {
            return Err(rows.mismatch("number", &format!("{} {label:?} has the number {number}", column.name())));
        }
        list.push(label);
        let introducer = introducers.filter(|names| names.is_valid(row)).map(|names| names.value(row).into());
        if let Some(label) = column.of_tickets().filter(|label| label.most().is_some()) {
            introduced_by[label].push(introducer);
        }
    }
    for (_, list) in introduced_by.iter_mut() {
        // Exported like this by an engine that does not know who introduced its labels.
        if list.iter().all(Option::is_none) {
            list.clear();
        }
    }
    let [clocks, of_tickets @ ..] = lists;
    let lists = LabelLists { clocks, of_tickets: of_tickets.into(), introduced_by };
    Ok((lists, SymbolNumbers(maps)))
}

/// The symbols of labels.
#[derive(Debug, Default)]
pub struct SymbolNumbers([HashMap<Arc<str>, Symbol, FixedState>; LabelKind::ALL.len()]);

impl SymbolNumbers {
    pub fn of(&self, column: LabelKind, label: &str) -> Option<Symbol> {
        self.0[column as usize].get(label).copied()
    }
}
