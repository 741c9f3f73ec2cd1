//! Assignment rules: which priority a new ticket gets.
//!
//! Rules are evaluated once for each of millions of tickets, so a ticket never walks the list of rules. A rule is filed under
//! the values of one of its conditions, the one whose values the fewest rules share. A ticket's values lead to a few short
//! lists of rules, whose other conditions are then checked. (Merging the lists of all conditions was simpler and slow: most
//! rules of a contact centre name "phone".) Keywords of all rules are one automaton over the text, and the text is only read if
//! a rule with keywords could still come first.

use super::normalize::{fold, fold_into, is_whole};
use crate::limits::MAX_TEXT_BYTES;
use aho_corasick::AhoCorasick;
use hashbrown::HashMap;
use thiserror::Error;

/// A priority, as an index into `Policy::priorities`.
pub type PriorityId = u16;

/// The values of a ticket that the rules may read.
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

/// One rule: it applies if all its conditions apply; a condition applies if one of its values does.
///
/// Values and keywords are compared without regard to case and white space around them. A keyword may be a phrase; it must
/// occur in the text as whole words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Values of customer, segment, category, channel and team; an empty list means no condition.
    pub values: [Vec<String>; LABELS],
    /// Empty: no condition.
    pub keywords: Vec<String>,
    pub priority: PriorityId,
}

/// Conditions on labels, in the order of [`Rule::values`].
pub const LABELS: usize = 5;

/// The automaton over the keywords could not be built.
#[derive(Debug, Clone, Error)]
#[error("the keywords of all rules together are too many for one search: {0}")]
pub struct RulesError(#[from] aho_corasick::BuildError);

/// The values of one label that any rule uses.
#[derive(Debug, Clone, Default)]
struct Values {
    /// Numbers of folded values.
    numbers: HashMap<String, u32, foldhash::fast::FixedState>,
    /// By number: the rules filed under the value, in order.
    rules: Vec<Vec<u32>>,
}

/// A rule in the form in which it is evaluated.
#[derive(Debug, Clone)]
struct Filed {
    /// Numbers of the values of each label, in order; empty: no condition.
    values: [Vec<u32>; LABELS],
    priority: PriorityId,
}

/// The rules of a policy, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Filed>,
    /// Rules without keywords, by one of their values.
    by_value: [Values; LABELS],
    /// Finds every keyword of every rule; `None` without keywords.
    keywords: Option<AhoCorasick>,
    /// By keyword of the automaton: its rules, in order.
    by_keyword: Vec<Vec<u32>>,
    /// The first rule with keywords.
    first_with_keywords: Option<u32>,
    /// The first rule without any condition.
    unconditional: Option<u32>,
}

impl Rules {
    /// Builds the indexes. Values and keywords of white space alone never apply.
    ///
    /// # Errors
    /// [`RulesError`] if the keywords are too many for one automaton.
    pub fn compile(rules: &[Rule]) -> Result<Self, RulesError> {
        let mut made = Self::default();
        made.number_values(rules);
        let mut uses: [Vec<u32>; LABELS] = std::array::from_fn(|label| vec![0; made.by_value[label].rules.len()]);
        for filed in &made.rules {
            for (uses, values) in uses.iter_mut().zip(&filed.values) {
                values.iter().for_each(|value| uses[*value as usize] += 1);
            }
        }
        for (number, rule) in (0u32..).zip(rules) {
            if !rule.keywords.is_empty() {
                made.first_with_keywords = made.first_with_keywords.or(Some(number));
                continue;
            }
            let values = &made.rules[number as usize].values;
            let sharing = |label: &usize| values[*label].iter().map(|value| uses[*label][*value as usize]).max();
            match (0..LABELS).filter(|label| !values[*label].is_empty()).min_by_key(sharing) {
                Some(label) => {
                    let lists = &mut made.by_value[label].rules;
                    values[label].iter().for_each(|value| lists[*value as usize].push(number));
                }
                None => made.unconditional = made.unconditional.or(Some(number)),
            }
        }
        made.find_keywords(rules)?;
        Ok(made)
    }

    fn number_values(&mut self, rules: &[Rule]) {
        for rule in rules {
            let mut filed = Filed { values: Default::default(), priority: rule.priority };
            for (label, values) in rule.values.iter().enumerate() {
                let known = &mut self.by_value[label];
                for value in values {
                    let next = known.rules.len() as u32;
                    let number = *known.numbers.entry(fold(value)).or_insert(next);
                    if number == next {
                        known.rules.push(Vec::new());
                    }
                    filed.values[label].push(number);
                }
                filed.values[label].sort_unstable();
                filed.values[label].dedup();
            }
            self.rules.push(filed);
        }
    }

    fn find_keywords(&mut self, rules: &[Rule]) -> Result<(), RulesError> {
        let mut places: HashMap<String, usize, foldhash::fast::FixedState> = HashMap::default();
        let mut patterns: Vec<String> = Vec::new();
        for (number, rule) in (0u32..).zip(rules) {
            for keyword in rule.keywords.iter().map(|keyword| fold(keyword)).filter(|keyword| !keyword.is_empty()) {
                let place = *places.entry(keyword).or_insert_with_key(|keyword| {
                    patterns.push(keyword.clone());
                    self.by_keyword.push(Vec::new());
                    patterns.len() - 1
                });
                if self.by_keyword[place].last() != Some(&number) {
                    self.by_keyword[place].push(number);
                }
            }
        }
        if !patterns.is_empty() {
            self.keywords = Some(AhoCorasick::new(&patterns)?);
        }
        Ok(())
    }

    /// The priority of the first rule that applies.
    pub fn assign(&self, facts: &Facts<'_>) -> Option<PriorityId> {
        self.first(facts).map(|number| self.rules[number as usize].priority)
    }

    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// The number of the first rule that applies, from 0.
    pub fn first(&self, facts: &Facts<'_>) -> Option<u32> {
        if self.rules.is_empty() {
            return None;
        }
        let said = self.numbers_of(facts);
        let mut first = self.unconditional;
        for (known, number) in self.by_value.iter().zip(said) {
            let Some(number) = number else { continue };
            let before = first.unwrap_or(u32::MAX);
            let mut rules = known.rules[number as usize].iter().take_while(|rule| **rule < before);
            first = rules.find(|rule| self.labels_apply(**rule, said)).copied().or(first);
        }
        let could_be_first = self.first_with_keywords.is_some_and(|number| first.is_none_or(|first| number < first));
        if facts.text.is_empty() || !could_be_first {
            return first;
        }
        let in_text = self.rules_in_text(facts.text);
        let in_text = in_text.into_iter().find(|rule| self.labels_apply(*rule, said));
        in_text.into_iter().chain(first).min()
    }

    /// The numbers of the ticket's values, for each label that any rule reads.
    fn numbers_of(&self, facts: &Facts<'_>) -> [Option<u32>; LABELS] {
        let said = [facts.customer, facts.segment, facts.category, facts.channel, facts.team];
        let mut folded = String::new();
        std::array::from_fn(|label| {
            let known = &self.by_value[label].numbers;
            let value = said[label].filter(|_| !known.is_empty())?;
            folded.clear();
            fold_into(value, &mut folded);
            known.get(folded.as_str()).copied().filter(|_| !folded.is_empty())
        })
    }

    fn labels_apply(&self, rule: u32, said: [Option<u32>; LABELS]) -> bool {
        let conditions = self.rules[rule as usize].values.iter().zip(said);
        conditions
            .into_iter()
            .all(|(values, said)| values.is_empty() || said.is_some_and(|said| values.binary_search(&said).is_ok()))
    }

    /// The rules with a keyword in this text, in order, each once.
    pub(crate) fn rules_in_text(&self, text: &str) -> Vec<u32> {
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
}
