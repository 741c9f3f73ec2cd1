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

/// A column of labels by their codes, which are small numbers; `label` is called once for each code.
pub fn labels_of_codes<S: AsRef<str>>(
    codes: impl Iterator<Item = Option<u32>>,
    mut label: impl FnMut(u32) -> S,
) -> ArrayRef {
    let mut labels: Vec<S> = Vec::new();
    // The key of each code; negative if it has none yet.
    let mut key_of: Vec<i32> = Vec::new();
    let mut key = |code: u32| {
        let index = code as usize;
        if key_of.len() <= index {
            key_of.resize(index + 1, -1);
        }
        if key_of[index] < 0 {
            key_of[index] = labels.len() as i32;
            labels.push(label(code));
        }
        key_of[index]
    };
    let keys: Int32Array = codes.map(|code| code.map(&mut key)).collect();
    dictionary(keys, labels.iter())
}

/// A column of labels that are known by their text only.
pub(super) fn labels_of_texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    let mut labels: Vec<&str> = Vec::new();
    let mut key_of: HashMap<&str, i32, FixedState> = HashMap::default();
    let mut key = |text| {
        *key_of.entry(text).or_insert_with(|| {
            labels.push(text);
            labels.len() as i32 - 1
        })
    };
    let keys: Int32Array = texts.map(|text| text.map(&mut key)).collect();
    dictionary(keys, labels.iter())
}

fn dictionary<S: AsRef<str>>(keys: Int32Array, labels: impl Iterator<Item = S>) -> ArrayRef {
    let labels = StringArray::from_iter_values(labels);
    Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(labels)))
}
