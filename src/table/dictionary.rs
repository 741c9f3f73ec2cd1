//! Columns of repeated labels, built as dictionaries.

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// A column of repeated labels.
pub fn dictionary_field(name: &str) -> Field {
    Field::new_dictionary(name, DataType::Int32, DataType::Utf8, true)
}

/// The engine's number of a label; every column has its own.
type Code = u32;

/// A column of labels with known numbers: a text is looked up once per batch, not once per row.
#[derive(Debug, Default)]
pub struct DictionaryColumn {
    keys: Vec<Option<i32>>,
    labels: Vec<String>,
    /// The key of each code in this batch; negative if it has none yet.
    key_of: Vec<i32>,
    used: Vec<Code>,
}

impl DictionaryColumn {
    /// Adds a row; `label` is called at most once per batch for each code.
    pub fn push<W: AsRef<str>>(&mut self, code: Option<Code>, label: impl FnOnce(Code) -> W) {
        let Some(code) = code else { return self.keys.push(None) };
        let index = code as usize;
        if let Some(key) = self.key_of.get(index).copied().filter(|key| *key >= 0) {
            self.keys.push(Some(key));
            return;
        }
        if self.key_of.len() <= index {
            self.key_of.resize(index + 1, -1);
        }
        self.key_of[index] = self.labels.len() as i32;
        self.used.push(code);
        self.keys.push(Some(self.labels.len() as i32));
        self.labels.push(label(code).as_ref().to_owned());
    }

    pub fn finish(&mut self) -> ArrayRef {
        for code in self.used.drain(..) {
            self.key_of[code as usize] = -1;
        }
        dictionary(&mut self.keys, &mut self.labels)
    }
}

/// A column of labels that are known by their text only.
#[derive(Debug, Default)]
pub struct Dictionary {
    keys: Vec<Option<i32>>,
    labels: Vec<String>,
    key_of: HashMap<String, i32, FixedState>,
}

impl Dictionary {
    pub fn push(&mut self, label: Option<&str>) {
        let Some(label) = label else { return self.keys.push(None) };
        let key = match self.key_of.get(label) {
            Some(key) => *key,
            None => {
                let key = self.labels.len() as i32;
                self.labels.push(label.to_owned());
                self.key_of.insert(label.to_owned(), key);
                key
            }
        };
        self.keys.push(Some(key));
    }

    pub fn finish(&mut self) -> ArrayRef {
        self.key_of.clear();
        dictionary(&mut self.keys, &mut self.labels)
    }
}

fn dictionary(keys: &mut Vec<Option<i32>>, labels: &mut Vec<String>) -> ArrayRef {
    let keys = Int32Array::from(std::mem::take(keys));
    let labels = StringArray::from_iter_values(labels.drain(..));
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(labels)))
}
