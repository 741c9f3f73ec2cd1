//! Assignment rules: each can apply, and says what its author meant.

use super::names::{self, Names};
use crate::limits::{MAX_KEYWORDS, MAX_RULES};
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Place, Report, quoted};
use crate::policy::file::raw::{CONDITIONS, RawPolicy, RawRule};
use crate::policy::rules::{LABELS, Rule};
use crate::policy::text::{fold, is_whole};
use crate::policy::{PriorityId, Rules};
use hashbrown::{HashMap, HashSet};

type Hashing = foldhash::fast::RandomState;

/// Checks the rules and makes their indexes. `None` where they cannot be made.
pub(in crate::policy) fn rules(raw: &RawPolicy<'_, '_>, names: &Names<'_>, report: &mut Report<'_>) -> Option<Rules> {
    let mut keywords = 0;
    let mut kept: Vec<(Place, Rule)> = Vec::new();
    for (number, raw_rule) in raw.rules.iter().enumerate() {
        if number == MAX_RULES {
            let message = format!("{} rules; at most {MAX_RULES} are possible", raw.rules.len());
            report.error(&raw_rule.place, message, "fewer rules, with more values each");
            return None;
        }
        let Some(rule) = rule(raw_rule, number + 1, names, report) else { continue };
        keywords += rule.keywords.len();
        if keywords > MAX_KEYWORDS {
            let message = format!("more than {MAX_KEYWORDS} keywords in all rules up to this one");
            report.error(&raw_rule.place, message, "fewer keywords");
            return None;
        }
        kept.push((raw_rule.place.clone(), rule));
    }
    let (places, kept): (Vec<Place>, Vec<Rule>) = kept.into_iter().unzip();
    match Rules::compile(&kept) {
        Ok(rules) => {
            refuse_unreachable(&kept, &rules, &places, report);
            Some(rules)
        }
        Err(error) => {
            report.error(places.first().unwrap_or(&(0..0)), error.to_string(), "fewer or shorter keywords");
            None
        }
    }
}

/// Reads one rule; its values are folded, in order and without repetition. `None` where its conditions were reported.
fn rule(raw: &RawRule, number: usize, names: &Names<'_>, report: &mut Report<'_>) -> Option<Rule> {
    let priority = match &raw.priority {
        Some(word) => names.known(word, report),
        None => {
            if !raw.has_priority {
                report.error(
                    &raw.place,
                    format!("rule {number} does not say which priority it gives"),
                    "priority = \"normal\"",
                );
            }
            None
        }
    };
    // A rule with an unknown priority is judged like any other: its conditions may have mistakes of their own.
    let priority = priority.and_then(|place| PriorityId::try_from(place).ok()).unwrap_or(PriorityId::MAX);
    let mut rule = Rule { priority, ..Rule::default() };
    let errors_before = report.errors();
    for (condition, words) in raw.when.as_ref()? {
        let values = values(condition, words, report);
        match CONDITIONS.iter().position(|name| *name == condition.text) {
            Some(label) if label < LABELS => rule.values[label] = values,
            _ => {
                warn_of_covered_keywords(words, &values, report);
                rule.keywords = values;
            }
        }
    }
    (report.errors() == errors_before).then_some(rule)
}

fn values(condition: &Word, words: &[Word], report: &mut Report<'_>) -> Vec<String> {
    let mut seen: HashSet<String, Hashing> = HashSet::default();
    for word in words {
        if !names::is_name(word, &format!("a value of {}:", condition.text), report) {
            continue;
        }
        if !seen.insert(fold(&word.text)) {
            let message =
                format!("{} is in {} twice (upper and lower case are the same)", quoted(&word.text), condition.text);
            report.warning(&word.place, message, "it once");
        }
    }
    let mut values: Vec<String> = seen.into_iter().collect();
    values.sort_unstable();
    values
}

/// Warns of keywords that are only found where another keyword of the same rule is found too.
fn warn_of_covered_keywords(words: &[Word], folded: &[String], report: &mut Report<'_>) {
    /// Longer lists come from programs, which do not read warnings.
    const COMPARED: usize = 500;
    if folded.len() > COMPARED {
        return;
    }
    for word in words {
        let keyword = fold(&word.text);
        if let Some(part) = folded.iter().find(|part| **part != keyword && contains_whole(&keyword, part)) {
            let message =
                format!("the keyword {} adds nothing: {} is found wherever it is", quoted(&word.text), quoted(part));
            report.warning(&word.place, message, format!("only {}", quoted(part)));
        }
    }
}

fn contains_whole(text: &str, part: &str) -> bool {
    !part.is_empty() && text.match_indices(part).any(|(start, _)| is_whole(text, start, start + part.len()))
}

/// Reports every rule that can never apply, because an earlier one applies wherever it would.
fn refuse_unreachable(rules: &[Rule], compiled: &Rules, places: &[Place], report: &mut Report<'_>) {
    // Rules by each of their values: a rule that covers another has, in each of its conditions, the first value of the other.
    let mut by_value: [HashMap<&str, Vec<usize>, Hashing>; LABELS] = Default::default();
    for (number, rule) in rules.iter().enumerate() {
        if let Some(cover) = cover_of(number, rules, &by_value, compiled) {
            let line = report.line(&places[cover]);
            let message =
                format!("this rule can never apply: the one in line {line} comes first and applies wherever it would");
            report.error(&places[number], message, format!("it before the rule in line {line}, or remove it"));
        }
        if is_unconditional(rule) {
            unconditional(number, rules.len(), &places[number], report);
            return;
        }
        for (index, values) in by_value.iter_mut().zip(&rule.values) {
            values.iter().for_each(|value| index.entry(value).or_default().push(number));
        }
    }
}

fn is_unconditional(rule: &Rule) -> bool {
    rule.values.iter().all(Vec::is_empty) && rule.keywords.is_empty()
}

fn unconditional(number: usize, rules: usize, place: &Place, report: &mut Report<'_>) {
    match rules - number - 1 {
        0 => {
            let message = "a rule without conditions applies to every ticket, so default_priority is never used";
            report.warning(place, message, "the priority as default_priority, and no such rule");
        }
        after => {
            let message =
                format!("a rule without conditions applies to every ticket: the {after} after it can never apply");
            report.error(place, message, "a condition, or the priority as default_priority and no such rule");
        }
    }
}

/// The first earlier rule that applies wherever this one does.
fn cover_of(
    number: usize,
    rules: &[Rule],
    by_value: &[HashMap<&str, Vec<usize>, Hashing>; LABELS],
    compiled: &Rules,
) -> Option<usize> {
    let rule = &rules[number];
    // For each of its keywords, the rules that have a keyword in it.
    let keyword_rules: Vec<Vec<u32>> = rule.keywords.iter().map(|keyword| compiled.rules_in_text(keyword)).collect();
    let by_label = by_value.iter().zip(&rule.values).filter_map(|(index, values)| index.get(values.first()?.as_str()));
    let by_keyword = keyword_rules.first().into_iter().flatten().map(|rule| *rule as usize);
    let candidates = by_label.flatten().copied().chain(by_keyword).filter(|earlier| *earlier < number);
    let covers = |earlier: &usize| {
        let labels = rules[*earlier].values.iter().zip(&rule.values);
        let mut labels = labels.filter(|(wide, _)| !wide.is_empty());
        let keywords = rules[*earlier].keywords.is_empty()
            || !keyword_rules.is_empty()
                && keyword_rules.iter().all(|found| found.binary_search(&(*earlier as u32)).is_ok());
        keywords && labels.all(|(wide, narrow)| !narrow.is_empty() && is_subset(narrow, wide))
    };
    candidates.filter(covers).min()
}

/// Both in order.
fn is_subset(narrow: &[String], wide: &[String]) -> bool {
    narrow.len() <= wide.len() && narrow.iter().all(|value| wide.binary_search(value).is_ok())
}
