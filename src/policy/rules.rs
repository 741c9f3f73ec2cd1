//! Assignment rules: which priority a new ticket gets.
//!
//! Rules are asked once for each of millions of tickets, so a ticket never walks the list of rules. Each condition's values are one
//! index from value to the rules that name it, in their order; what a ticket says gives at most five of these lists, which
//! are merged until the first rule has all its conditions together. Keywords of all rules are one automaton over
//! the text, and the text is only read where a keyword rule could still come first.

use super::PriorityId;
use super::text::{fold, fold_into, is_whole};
use crate::limits::MAX_TEXT_BYTES;
use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use thiserror::Error;

/// What the rules may look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    pub customer: Option<&'a str>,
    pub segment: Option<&'a str>,
    pub category: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub team: Option<&'a str>,
    /// Subject and text, in any case.
    pub text: &'a str,
}

/// One rule: it applies when every condition that it has applies; a condition applies when one of its values does.
///
/// Values and keywords are compared without regard to case and white space around them. A keyword may be a phrase; it must stand in the text
/// as whole words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Values of customer, segment, category, channel and team; an empty list is no condition.
    pub values: [Vec<String>; LABELS],
    /// Empty: no condition.
    pub keywords: Vec<String>,
    pub priority: PriorityId,
}

/// Conditions on labels, in the order of [`Rule::values`].
pub const LABELS: usize = 5;

/// The bit of the keywords in a rule's mask; the labels have those below it.
const KEYWORDS: u8 = 1 << LABELS;

/// The automaton over the keywords could not be built.
#[derive(Debug, Clone, Error)]
#[error("the keywords of all rules together are too much for one search: {0}")]
pub struct RulesError(#[from] aho_corasick::BuildError);

type Index = HashMap<String, Vec<u32>, foldhash::fast::RandomState>;

/// The rules of a policy, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// Of each rule: which conditions it has, and its priority.
    rules: Vec<(u8, PriorityId)>,
    /// By label: the rules that name a value, in order.
    by_value: [Index; LABELS],
    /// Finds every keyword of every rule; `None` without keywords.
    keywords: Option<AhoCorasick>,
    /// By keyword of the automaton: its rules, in order.
    by_keyword: Vec<Vec<u32>>,
    /// The first rule that has keywords.
    first_with_keywords: u32,
    /// The first rule without any condition.
    unconditional: Option<u32>,
}

impl Rules {
    /// Makes the indexes. Values that fold to nothing never apply.
    ///
    /// # Errors
    /// [`RulesError`] when the keywords are too many for one automaton.
    pub fn compile(rules: &[Rule]) -> Result<Self, RulesError> {
        let mut made = Self { first_with_keywords: u32::MAX, ..Self::default() };
        let mut places: HashMap<String, usize, foldhash::fast::RandomState> = HashMap::default();
        let mut patterns: Vec<String> = Vec::new();
        for (number, rule) in (0u32..).zip(rules) {
            let mut mask = 0;
            for (label, values) in rule.values.iter().enumerate().filter(|(_, values)| !values.is_empty()) {
                mask |= 1 << label;
                for value in values {
                    note(made.by_value[label].entry(fold(value)).or_default(), number);
                }
            }
            if !rule.keywords.is_empty() {
                mask |= KEYWORDS;
                made.first_with_keywords = made.first_with_keywords.min(number);
            }
            for keyword in rule.keywords.iter().map(|keyword| fold(keyword)).filter(|keyword| !keyword.is_empty()) {
                let place = *places.entry_ref(keyword.as_str()).or_insert_with(|| {
                    patterns.push(keyword.clone());
                    made.by_keyword.push(Vec::new());
                    patterns.len() - 1
                });
                note(&mut made.by_keyword[place], number);
            }
            if mask == 0 && made.unconditional.is_none() {
                made.unconditional = Some(number);
            }
            made.rules.push((mask, rule.priority));
        }
        if !patterns.is_empty() {
            made.keywords = Some(AhoCorasick::new(&patterns)?);
        }
        Ok(made)
    }

    /// The priority of the first rule that applies.
    pub fn assign(&self, facts: &Facts<'_>) -> Option<PriorityId> {
        if self.rules.is_empty() {
            return None;
        }
        self.first(facts).map(|number| self.rules[number as usize].1)
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The number of the first rule that applies, from 0.
    pub fn first(&self, facts: &Facts<'_>) -> Option<u32> {
        let said = [facts.customer, facts.segment, facts.category, facts.channel, facts.team];
        let mut lists: [&[u32]; LABELS + 1] = [&[]; LABELS + 1];
        let mut folded = String::new();
        for (label, value) in said.into_iter().enumerate() {
            let Some(value) = value.filter(|_| !self.by_value[label].is_empty()) else { continue };
            folded.clear();
            fold_into(value, &mut folded);
            if let Some(list) = self.by_value[label].get(folded.as_str()) {
                lists[label] = list;
            }
        }
        let end = self.unconditional.unwrap_or(u32::MAX);
        let by_labels = self.merge(lists, end);
        let end = by_labels.unwrap_or(end);
        let by_text = if facts.text.is_empty() || self.first_with_keywords >= end {
            None
        } else {
            let found = self.rules_in_text(facts.text);
            lists[LABELS] = &found;
            self.merge(lists, end)
        };
        by_text.or(by_labels).or(self.unconditional)
    }

    /// The rules with a keyword in this text, in order, each once.
    pub(super) fn rules_in_text(&self, text: &str) -> Vec<u32> {
        let Some(automaton) = &self.keywords else { return Vec::new() };
        let text = fold(&text[..text.floor_char_boundary(MAX_TEXT_BYTES)]);
        let mut patterns: Vec<u32> = automaton
            .find_overlapping_iter(text.as_str())
            .filter(|found| is_whole(&text, found.start(), found.end()))
            .map(|found| found.pattern().as_u32())
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        let mut rules: Vec<u32> =
            patterns.iter().flat_map(|pattern| &self.by_keyword[*pattern as usize]).copied().collect();
        rules.sort_unstable();
        rules.dedup();
        rules
    }

    /// The first rule before `end` that stands in the list of each of its conditions.
    fn merge(&self, mut lists: [&[u32]; LABELS + 1], end: u32) -> Option<u32> {
        loop {
            let next = lists.iter().filter_map(|list| list.first().copied()).min().filter(|next| *next < end)?;
            let mut met = 0;
            for (condition, list) in lists.iter_mut().enumerate() {
                if let Some(rest) = list.strip_prefix(&[next]) {
                    met |= 1 << condition;
                    *list = rest;
                }
            }
            if met == self.rules[next as usize].0 {
                return Some(next);
            }
        }
    }
}

/// Adds a rule to a list that is filled in order.
fn note(list: &mut Vec<u32>, rule: u32) {
    if list.last() != Some(&rule) {
        list.push(rule);
    }
}
