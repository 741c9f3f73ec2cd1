//! Assignment rules: each can apply, and says what its author meant.

use super::names;
use super::names::Names;
use crate::limits::{MAX_KEYWORDS, MAX_RULES};
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Place, Report, quoted};
use crate::policy::file::raw::{CONDITIONS, RawPolicy, RawRule};
use crate::policy::normalize::{fold, is_whole};
use crate::policy::rules::{LABELS, Rule};
use crate::policy::{PriorityId, Rules};
use hashbrown::HashMap;

type Hashing = foldhash::fast::FixedState;

/// Checks the rules and makes their indexes. `None` where they cannot be made.
pub(crate) fn rules(raw: &RawPolicy<'_, '_>, names: &Names<'_>, report: &mut Report<'_>) -> Option<Rules> {
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
        let label = CONDITIONS.iter().position(|name| *name == condition.text).filter(|label| *label < LABELS);
        if label.is_none() {
            warn_of_covered_keywords(&values, report);
        }
        let folded = values.into_iter().map(|(folded, _)| folded).collect();
        match label {
            Some(label) => rule.values[label] = folded,
            None => rule.keywords = folded,
        }
    }
    (report.errors() == errors_before).then_some(rule)
}

/// The values of a condition, folded, each once, in order, with where it was typed first.
fn values<'w>(condition: &Word, words: &'w [Word], report: &mut Report<'_>) -> Vec<(String, &'w Word)> {
    let mut seen: HashMap<String, &Word, Hashing> = HashMap::default();
    for word in words {
        if !names::is_name(word, &format!("a value of {}:", condition.text), report) {
            continue;
        }
        let folded = fold(&word.text);
        if seen.contains_key(&folded) {
            let condition = &condition.text;
            let message = format!("{} is in {condition} twice (upper and lower case are the same)", quoted(&word.text));
            report.warning(&word.place, message, "it once");
        } else {
            seen.insert(folded, word);
        }
    }
    let mut values: Vec<(String, &Word)> = seen.into_iter().collect();
    values.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    values
}

/// Warns of keywords that are only found where another keyword of the same rule is found too.
fn warn_of_covered_keywords(keywords: &[(String, &Word)], report: &mut Report<'_>) {
    /// Longer lists come from programs, which do not read warnings.
    const COMPARED: usize = 500;
    if keywords.len() > COMPARED {
        return;
    }
    for (number, (keyword, word)) in keywords.iter().enumerate() {
        let others = keywords.iter().enumerate().filter(|(other, _)| *other != number);
        let mut parts = others.filter(|(_, (part, _))| contains_whole(keyword, part));
        if let Some((_, (part, _))) = parts.next() {
            let (typed, part) = (quoted(&word.text), quoted(part));
            report.warning(
                &word.place,
                format!("the keyword {typed} adds nothing: {part} is found wherever it is"),
                part,
            );
        }
    }
}

fn contains_whole(text: &str, part: &str) -> bool {
    !part.is_empty() && text.match_indices(part).any(|(start, _)| is_whole(text, start, start + part.len()))
}

/// Reports every rule that can never apply, because an earlier one applies wherever it would.
fn refuse_unreachable(rules: &[Rule], compiled: &Rules, places: &[Place], report: &mut Report<'_>) {
    // Rules by each of their values: a rule that covers another has, in each of its conditions, every value of the
    // other.
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
fn cover_of<'r>(
    number: usize,
    rules: &[Rule],
    by_value: &'r [HashMap<&str, Vec<usize>, Hashing>; LABELS],
    compiled: &Rules,
) -> Option<usize> {
    let rule = &rules[number];
    // For each of its keywords, the rules that have a keyword in it.
    let keyword_rules: Vec<Vec<u32>> = rule.keywords.iter().map(|keyword| compiled.rules_in_text(keyword)).collect();
    // Any value will do to find them, so the one that the fewest rules have.
    let rarest = |index: &'r HashMap<&str, Vec<usize>, Hashing>, values: &[String]| {
        let lists = values.iter().map(|value| index.get(value.as_str()).map_or::<&[usize], _>(&[], Vec::as_slice));
        lists.min_by_key(|list| list.len()).unwrap_or_default()
    };
    let by_label = by_value.iter().zip(&rule.values).map(|(index, values)| rarest(index, values));
    let by_keyword = keyword_rules.iter().min_by_key(|rules| rules.len());
    let by_keyword = by_keyword.into_iter().flatten().map(|rule| *rule as usize);
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
