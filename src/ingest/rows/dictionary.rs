//! Dictionary encoding: each label of a batch's column is stored once.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::ingest::mapping::LabelRule;
use crate::ingest::maps::Map;
use crate::limits::MAX_LABEL_BYTES;
use crate::ticket::{Label, NO_LABEL};

/// The labels of one column of the current batch.
#[derive(Default)]
pub(crate) struct LabelDictionary {
    /// Codes by the hash of their label.
    codes: HashTable<Label>,
    /// Codes by the input's value, where it differs from the label.
    theirs: Map<Box<str>, Label>,
}

impl LabelDictionary {
    pub(super) fn clear(&mut self) {
        self.codes.clear();
        self.theirs.clear();
    }

    /// The code of an input value.
    pub(super) fn code(
        &mut self,
        said: &str,
        rule: &LabelRule,
        known: &mut Vec<String>,
        hasher: &RandomState,
    ) -> Result<Label, String> {
        let translated = !rule.values.is_empty() || rule.other.is_some();
        if translated && let Some(code) = self.theirs.get(said) {
            return Ok(*code);
        }
        let label = match rule.values.get(said).or(rule.other.as_ref()) {
            Some(label) => label.as_str(),
            None => said,
        };
        let code = if label.is_empty() { NO_LABEL } else { self.intern(label, known, hasher)? };
        if translated {
            self.theirs.insert(said.into(), code);
        }
        Ok(code)
    }

    /// The code of one of our labels.
    pub(super) fn intern(
        &mut self,
        label: &str,
        known: &mut Vec<String>,
        hasher: &RandomState,
    ) -> Result<Label, String> {
        let hash = hasher.hash_one(label);
        if let Some(code) = self.codes.find(hash, |code| known[*code as usize] == label) {
            return Ok(*code);
        }
        if label.len() > MAX_LABEL_BYTES {
            return Err(format!("expected at most {MAX_LABEL_BYTES} bytes"));
        }
        let code = known.len() as Label;
        known.push(label.to_owned());
        self.codes.insert_unique(hash, code, |code| hasher.hash_one(known[*code as usize].as_str()));
        Ok(code)
    }
}
