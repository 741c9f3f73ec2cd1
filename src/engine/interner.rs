//! The interner: each distinct team, owner, channel ... of the engine has a symbol, a number that stands for the label.

use hashbrown::HashMap;
use std::sync::Arc;

/// The number of a label.
pub type Symbol = u32;

/// No label.
pub const NO_SYMBOL: Symbol = u32::MAX;

/// Who introduced a label: an index into [`Symbols::introducers`], or no known actor.
const NOBODY: u16 = u16::MAX;

/// How many labels there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LabelQuota {
    pub most: usize,
    /// How many of them one actor may introduce.
    pub most_of_one: usize,
}

/// Why a new label gets no symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuotaExceeded {
    /// All symbols are in use.
    InAll,
    /// This actor has introduced as many labels as one actor may.
    ForOne,
}

/// Distinct labels in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symbols {
    labels: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol, foldhash::fast::FixedState>,
    /// By label.
    introduced_by: Vec<u16>,
    /// Actors, and how many of the labels each has introduced.
    introducers: Vec<(Arc<str>, usize)>,
}

impl Symbols {
    /// The label's symbol; `None` if it is new and `most` labels are known already.
    pub(crate) fn intern(&mut self, label: &str, most: usize) -> Option<Symbol> {
        self.intern_of("", label, LabelQuota { most, most_of_one: most }).ok()
    }

    /// The label's symbol. A new label counts for the actor that introduces it; with an empty name it counts for no actor.
    ///
    /// # Errors
    /// [`QuotaExceeded`] for a new label.
    pub(crate) fn intern_of(&mut self, actor: &str, label: &str, room: LabelQuota) -> Result<Symbol, QuotaExceeded> {
        if let Some(&symbol) = self.index.get(label) {
            return Ok(symbol);
        }
        if self.labels.len() >= room.most {
            return Err(QuotaExceeded::InAll);
        }
        let introducer = self.introducer(actor);
        if introducer != NOBODY && self.introducers[usize::from(introducer)].1 >= room.most_of_one {
            return Err(QuotaExceeded::ForOne);
        }
        Ok(self.push(label.into(), introducer))
    }

    fn introducer(&mut self, actor: &str) -> u16 {
        if actor.is_empty() {
            return NOBODY;
        }
        let place = self.introducers.iter().position(|(known, _)| &**known == actor).unwrap_or_else(|| {
            self.introducers.push((actor.into(), 0));
            self.introducers.len() - 1
        });
        // Labels of further actors count for no actor; a service has only a few.
        u16::try_from(place).unwrap_or(NOBODY)
    }

    fn push(&mut self, label: Arc<str>, introducer: u16) -> Symbol {
        let symbol = self.labels.len() as Symbol;
        self.labels.push(Arc::clone(&label));
        self.index.insert(label, symbol);
        self.introduced_by.push(introducer);
        if introducer != NOBODY {
            self.introducers[usize::from(introducer)].1 += 1;
        }
        symbol
    }

    pub(crate) fn find(&self, label: &str) -> Option<Symbol> {
        self.index.get(label).copied()
    }

    pub(crate) fn label(&self, symbol: Symbol) -> Option<&str> {
        self.labels.get(symbol as usize).map(|label| &**label)
    }

    /// All labels, by symbol.
    pub(crate) fn labels(&self) -> &[Arc<str>] {
        &self.labels
    }

    /// Who introduced each label, by symbol; empty if no actor is known.
    pub(crate) fn introduced_by(&self) -> Vec<Option<Arc<str>>> {
        if self.introducers.is_empty() {
            return Vec::new();
        }
        let name = |&introducer: &u16| Some(Arc::clone(&self.introducers.get(usize::from(introducer))?.0));
        self.introduced_by.iter().map(name).collect()
    }

    /// Restores labels with their original symbols, and who introduced each, as far as it is known.
    ///
    /// # Errors
    /// The position of a label that is a duplicate of an earlier one.
    pub(crate) fn restored(labels: &[Arc<str>], introduced_by: &[Option<Arc<str>>]) -> Result<Self, usize> {
        let mut symbols = Self::default();
        for (place, label) in labels.iter().enumerate() {
            if symbols.index.contains_key(label) {
                return Err(place);
            }
            let actor = introduced_by.get(place).and_then(Option::as_deref).unwrap_or("");
            let introducer = symbols.introducer(actor);
            symbols.push(Arc::clone(label), introducer);
        }
        Ok(symbols)
    }

    /// Keeps the labels that are in use, by symbol, and renumbers them in their order; returns the new symbol of each,
    /// [`NO_SYMBOL`] for those removed.
    pub(crate) fn retain(&mut self, used: &[bool]) -> Vec<Symbol> {
        let before = std::mem::take(self);
        let introduced_by = before.introduced_by();
        let renumber = |(place, (label, is_used)): (usize, (Arc<str>, &bool))| {
            if !is_used {
                return NO_SYMBOL;
            }
            let introducer = self.introducer(introduced_by.get(place).and_then(Option::as_deref).unwrap_or(""));
            self.push(label, introducer)
        };
        before.labels.into_iter().zip(used).enumerate().map(renumber).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }
}
