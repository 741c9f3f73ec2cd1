//! Repeating labels, stored once for all batches.

use crate::ticket::{Batch, Column, Label, Labels, NO_LABEL};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Which columns of the rows are needed later; the rest is dropped as early as possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Customer, segment and text, which only assignment rules read (and the text of manual escalations, their reason).
    pub facts_for_rules: bool,
}

/// For each label column, the code in the dictionary of the whole input for each code of a batch.
pub(super) type CodeMaps = [Vec<Label>; Column::ALL.len()];

/// The dictionaries of all label columns.
#[derive(Default)]
pub(crate) struct Dictionaries {
    columns: [Dictionary; Column::ALL.len()],
}

#[derive(Default)]
struct Dictionary {
    labels: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, Label, FixedState>,
    /// The code of each label in the batch being built; [`NO_LABEL`] if it does not occur there yet.
    local: Vec<Label>,
    /// The labels of the batch being built.
    used: Vec<Label>,
}

impl Dictionaries {
    /// Adds the labels of a batch and returns the mapping of its codes.
    pub(crate) fn learn(&mut self, batch: &Batch, keep: Keep) -> CodeMaps {
        let mut maps = CodeMaps::default();
        for (index, column) in Column::ALL.into_iter().enumerate() {
            let for_rules = matches!(column, Column::Customer | Column::Segment);
            if !for_rules || keep.facts_for_rules {
                maps[index] = batch.labels(column).labels.iter().map(|label| self.columns[index].code(label)).collect();
            }
        }
        maps
    }

    /// Adds rows of a column, given in the whole input's codes, to the batch being built.
    pub(crate) fn append(&mut self, column: usize, codes: impl Iterator<Item = Label>, into: &mut Labels) {
        let dictionary = &mut self.columns[column];
        into.codes.extend(codes.map(|code| {
            if code == NO_LABEL {
                return NO_LABEL;
            }
            let local = &mut dictionary.local[code as usize];
            if *local == NO_LABEL {
                *local = dictionary.used.len() as Label;
                dictionary.used.push(code);
                into.labels.push(dictionary.labels[code as usize].as_ref().to_owned());
            }
            *local
        }));
    }

    /// The batch is complete: the next one starts without labels.
    pub(crate) fn next_batch(&mut self) {
        for dictionary in &mut self.columns {
            for code in dictionary.used.drain(..) {
                dictionary.local[code as usize] = NO_LABEL;
            }
        }
    }
}

impl Dictionary {
    fn code(&mut self, label: &str) -> Label {
        if let Some(code) = self.codes.get(label) {
            return *code;
        }
        let code = self.labels.len() as Label;
        let label: Arc<str> = Arc::from(label);
        self.labels.push(Arc::clone(&label));
        self.codes.insert(label, code);
        self.local.push(NO_LABEL);
        code
    }
}
