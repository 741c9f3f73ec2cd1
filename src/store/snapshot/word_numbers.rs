//! `words.parquet`: every word of the engine with its number, so that an engine that is restored numbers them the same way.

use super::error::SnapshotError;
use crate::engine::{Symbol, WordLists};
use crate::store::record::NameColumn;
use crate::store::rows::{Rows, Unfit};
use crate::table::words_field;
use arrow::array::{RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

pub const NAME: &str = "words.parquet";

pub fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        words_field("column"),
        Field::new("number", DataType::UInt32, false),
        Field::new("word", DataType::Utf8, false),
    ]))
}

pub fn write(words: &WordLists) -> Result<RecordBatch, SnapshotError> {
    let lists = NameColumn::ALL.map(|column| (column, column.of(words)));
    let columns = lists.iter().flat_map(|(column, list)| std::iter::repeat_n(Some(*column as usize), list.len()));
    let numbers = lists.iter().flat_map(|(_, list)| 0..list.len() as u32);
    let words = lists.iter().flat_map(|(_, list)| list.iter());
    Ok(RecordBatch::try_new(
        schema(),
        vec![
            super::columns::chosen(columns, NameColumn::ALL.iter().map(|column| column.name())),
            Arc::new(UInt32Array::from_iter_values(numbers)),
            Arc::new(StringArray::from_iter_values(words)),
        ],
    )?)
}

/// The lists, and the way back from words to numbers.
pub fn read(rows: &Rows<'_>) -> Result<(WordLists, WordNumbers), Unfit> {
    let by_name = |name: &str| NameColumn::ALL.into_iter().find(|column| column.name() == name);
    let columns = rows.words("column", by_name)?;
    let numbers = rows.numbers::<UInt32Type>("number")?;
    let mut lists: [Vec<Arc<str>>; NameColumn::ALL.len()] = Default::default();
    let mut maps: [HashMap<Arc<str>, Symbol, FixedState>; NameColumn::ALL.len()] = Default::default();
    for ((column, number), word) in columns.into_iter().zip(numbers).zip(rows.strings("word")?.iter().flatten()) {
        let list = &mut lists[column as usize];
        let word: Arc<str> = word.into();
        let is_new = maps[column as usize].insert(Arc::clone(&word), number).is_none();
        if number as usize != list.len() || !is_new {
            return Err(rows.unfit("number", &format!("{} {word:?} has the number {number}", column.name())));
        }
        list.push(word);
    }
    let [clocks, priorities, owners, teams, channels, categories, customers] = lists;
    let lists = WordLists { clocks, priorities, owners, teams, channels, categories, customers };
    Ok((lists, WordNumbers(maps)))
}

/// The numbers of words.
#[derive(Debug, Default)]
pub struct WordNumbers([HashMap<Arc<str>, Symbol, FixedState>; NameColumn::ALL.len()]);

impl WordNumbers {
    pub fn of(&self, column: NameColumn, word: &str) -> Option<Symbol> {
        self.0[column as usize].get(word).copied()
    }
}
