//! Words as numbers: each distinct team, owner, channel ... of the engine has one.

use hashbrown::HashMap;
use std::sync::Arc;

/// The number of a word.
pub type Symbol = u32;

/// No word.
pub const NO_SYMBOL: Symbol = u32::MAX;

/// Who introduced a word: a place among [`Symbols::introducers`], or nobody in particular.
const NOBODY: u16 = u16::MAX;

/// How many words there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub most: usize,
    /// How many of them one actor may introduce.
    pub most_of_one: usize,
}

/// Why a new word has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// All numbers are given.
    InAll,
    /// This actor has introduced as many as one may.
    ForOne,
}

/// Distinct words in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Symbols {
    words: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol, foldhash::fast::FixedState>,
    /// Of each word.
    introduced_by: Vec<u16>,
    /// Actors, and how many of the words each has introduced.
    introducers: Vec<(Arc<str>, usize)>,
}

impl Symbols {
    /// The word's number; `None` when it is new and `most` words are known already.
    pub(crate) fn intern(&mut self, word: &str, most: usize) -> Option<Symbol> {
        self.intern_of("", word, Room { most, most_of_one: most }).ok()
    }

    /// The word's number. A new one counts for the actor that introduces it; an empty name counts for nobody.
    ///
    /// # Errors
    /// [`NoRoom`] for a new word.
    pub(crate) fn intern_of(&mut self, actor: &str, word: &str, room: Room) -> Result<Symbol, NoRoom> {
        if let Some(&symbol) = self.index.get(word) {
            return Ok(symbol);
        }
        if self.words.len() >= room.most {
            return Err(NoRoom::InAll);
        }
        let introducer = self.introducer(actor);
        if introducer != NOBODY && self.introducers[usize::from(introducer)].1 >= room.most_of_one {
            return Err(NoRoom::ForOne);
        }
        Ok(self.push(word.into(), introducer))
    }

    fn introducer(&mut self, actor: &str) -> u16 {
        if actor.is_empty() {
            return NOBODY;
        }
        let place = self.introducers.iter().position(|(known, _)| &**known == actor).unwrap_or_else(|| {
            self.introducers.push((actor.into(), 0));
            self.introducers.len() - 1
        });
        // More actors than that count for nobody; a service has some.
        u16::try_from(place).unwrap_or(NOBODY)
    }

    fn push(&mut self, word: Arc<str>, introducer: u16) -> Symbol {
        let symbol = self.words.len() as Symbol;
        self.words.push(Arc::clone(&word));
        self.index.insert(word, symbol);
        self.introduced_by.push(introducer);
        if introducer != NOBODY {
            self.introducers[usize::from(introducer)].1 += 1;
        }
        symbol
    }

    pub(crate) fn find(&self, word: &str) -> Option<Symbol> {
        self.index.get(word).copied()
    }

    pub(crate) fn word(&self, symbol: Symbol) -> Option<&str> {
        self.words.get(symbol as usize).map(|word| &**word)
    }

    /// All words, each at the place that is its number.
    pub(crate) fn words(&self) -> &[Arc<str>] {
        &self.words
    }

    /// Who introduced each word, at the place that is its number; empty if nobody knows of any.
    pub(crate) fn introduced_by(&self) -> Vec<Option<Arc<str>>> {
        if self.introducers.is_empty() {
            return Vec::new();
        }
        let name = |&introducer: &u16| Some(Arc::clone(&self.introducers.get(usize::from(introducer))?.0));
        self.introduced_by.iter().map(name).collect()
    }

    /// Words with their numbers as they were, and who introduced each, as far as it is known.
    ///
    /// # Errors
    /// The place of a word that stands at an earlier place already.
    pub(crate) fn restored(words: &[Arc<str>], introduced_by: &[Option<Arc<str>>]) -> Result<Self, usize> {
        let mut symbols = Self::default();
        for (place, word) in words.iter().enumerate() {
            if symbols.index.contains_key(word) {
                return Err(place);
            }
            let actor = introduced_by.get(place).and_then(Option::as_deref).unwrap_or("");
            let introducer = symbols.introducer(actor);
            symbols.push(Arc::clone(word), introducer);
        }
        Ok(symbols)
    }

    /// Keeps the words that are in use, by number, and numbers them again in their order; returns the new number of each,
    /// [`NO_SYMBOL`] for those that go.
    pub(crate) fn retain(&mut self, used: &[bool]) -> Vec<Symbol> {
        let before = std::mem::take(self);
        let introduced_by = before.introduced_by();
        let renumber = |(place, (word, is_used)): (usize, (Arc<str>, &bool))| {
            if !is_used {
                return NO_SYMBOL;
            }
            let introducer = self.introducer(introduced_by.get(place).and_then(Option::as_deref).unwrap_or(""));
            self.push(word, introducer)
        };
        before.words.into_iter().zip(used).enumerate().map(renumber).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }
}
