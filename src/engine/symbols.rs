//! Words as numbers: each distinct team, owner, channel ... of the engine has one.

use hashbrown::HashMap;
use std::sync::Arc;

/// The number of a word.
pub type Symbol = u32;

/// No word.
pub const NO_SYMBOL: Symbol = u32::MAX;

/// Distinct words in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Symbols {
    words: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol, foldhash::fast::FixedState>,
}

impl Symbols {
    /// The word's number; `None` when it is new and `most` words are known already.
    pub(super) fn intern(&mut self, word: &str, most: usize) -> Option<Symbol> {
        if let Some(&symbol) = self.index.get(word) {
            return Some(symbol);
        }
        if self.words.len() >= most {
            return None;
        }
        let symbol = self.words.len() as Symbol;
        let word: Arc<str> = word.into();
        self.words.push(Arc::clone(&word));
        self.index.insert(word, symbol);
        Some(symbol)
    }

    pub(super) fn find(&self, word: &str) -> Option<Symbol> {
        self.index.get(word).copied()
    }

    pub(super) fn word(&self, symbol: Symbol) -> Option<&str> {
        self.words.get(symbol as usize).map(|word| &**word)
    }

    /// All words, each at the place that is its number.
    pub(super) fn words(&self) -> &[Arc<str>] {
        &self.words
    }

    /// Words with their numbers as they were.
    ///
    /// # Errors
    /// The place of a word that stands at an earlier place already.
    pub(super) fn restored(words: &[Arc<str>]) -> Result<Self, usize> {
        let mut symbols = Self::default();
        for (place, word) in words.iter().enumerate() {
            if symbols.index.insert(Arc::clone(word), place as Symbol).is_some() {
                return Err(place);
            }
        }
        symbols.words = words.to_vec();
        Ok(symbols)
    }

    pub(super) fn len(&self) -> usize {
        self.words.len()
    }
}
