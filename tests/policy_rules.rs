//! Assignment rules against a matcher that tries them one by one.

use overdue::policy::{Facts, Rule, Rules};
use proptest::prelude::*;

/// The specification: the first rule that applies.
fn naive(rules: &[Rule], facts: &Facts<'_>) -> Option<u16> {
    let labels = [facts.customer, facts.segment, facts.category, facts.channel, facts.team];
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    let applies = |rule: &&Rule| {
        let is_match = rule.values.iter().zip(labels).all(|(values, label)| {
            values.is_empty() || label.is_some_and(|label| values.iter().any(|value| same(value, label)))
        });
        is_match && (rule.keywords.is_empty() || rule.keywords.iter().any(|keyword| has_words(facts.text, keyword)))
    };
    rules.iter().find(applies).map(|rule| rule.priority)
}

/// Whether a text has the words of a keyword one after the other.
fn has_words(text: &str, keyword: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let spaced: String =
            text.chars().map(|char| if is_mark(char) { format!(" {char} ") } else { char.to_string() }).collect();
        spaced.to_lowercase().split_whitespace().map(str::to_owned).collect()
    };
    let (text, keyword) = (words(text), words(keyword));
    text.windows(keyword.len().max(1)).any(|window| window == keyword.as_slice())
}

fn is_mark(char: char) -> bool {
    matches!(char, ',' | '!')
}

const LABELS: [&str; 6] = ["ACME", " acme ", "Fjord", "FJORD", "Ærlig", "ærlig"];

fn label() -> impl Strategy<Value = String> {
    proptest::sample::select(&LABELS[..]).prop_map(str::to_owned)
}

fn word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(&["down", "download", "log", "in", "login", "Ærlig", "OUT", "out"][..])
}

/// Words and punctuation marks. A mark is separate, so that both matchers find the same words.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec((word(), proptest::sample::select(&[" ", "  ", "\n", ", ", " !"][..])), 0..12)
        .prop_map(|parts| parts.into_iter().map(|(word, space)| format!("{word}{space}")).collect())
}

fn keyword() -> impl Strategy<Value = String> {
    proptest::collection::vec(word(), 1..4).prop_map(|words| words.join(" "))
}

fn rule() -> impl Strategy<Value = Rule> {
    let values = || proptest::collection::vec(label(), 0..3);
    let keywords = prop_oneof![Just(Vec::new()), proptest::collection::vec(keyword(), 1..4)];
    // Most rules have one or two conditions; one in many has none.
    let mask = prop_oneof![0u8..32, Just(1), Just(2), Just(4)];
    ([values(), values(), values(), values(), values()], keywords, mask, 0u16..50).prop_map(
        |(mut values, keywords, mask, priority)| {
            for (label, values) in values.iter_mut().enumerate().filter(|(label, _)| mask & (1 << label) == 0) {
                let _ = label;
                values.clear();
            }
            Rule { values, keywords, priority }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn the_first_rule_that_applies_assigns_the_priority(
        rules in proptest::collection::vec(rule(), 0..20),
        labels in proptest::array::uniform5(proptest::option::of(label())),
        text in text(),
    ) {
        let compiled = Rules::compile(&rules).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let [customer, segment, category, channel, team] = [0, 1, 2, 3, 4].map(|label| labels[label].as_deref());
        let facts = Facts { customer, segment, category, channel, team, text: &text };
        prop_assert_eq!(compiled.assign(&facts), naive(&rules, &facts));
    }
}

fn keyword_rules(keywords: &[&str]) -> Rules {
    let rule =
        |(priority, keyword): (u16, &&str)| Rule { keywords: vec![(*keyword).to_owned()], priority, ..Rule::default() };
    let rules: Vec<Rule> = (0..).zip(keywords).map(rule).collect();
    Rules::compile(&rules).unwrap_or_else(|error| panic!("{error}"))
}

fn in_text(rules: &Rules, text: &str) -> Option<u16> {
    rules.assign(&Facts { text, ..Facts::default() })
}

#[test]
fn keywords_are_whole_words_in_any_case() {
    let rules = keyword_rules(&["down", "cannot log in", "C++", "STRASSENSCHÄDEN", "停机", "Οδός"]);
    assert_eq!(in_text(&rules, "It is DOWN!"), Some(0));
    assert_eq!(in_text(&rules, "my download, a breakdown, down_time"), None);
    assert_eq!(in_text(&rules, "I Cannot\r\n  log in."), Some(1));
    assert_eq!(in_text(&rules, "cannot log into it"), None);
    assert_eq!(in_text(&rules, "about c++, please"), Some(2));
    assert_eq!(in_text(&rules, "Strassenschäden"), Some(3));
    assert_eq!(in_text(&rules, "系统停机了"), Some(4), "no spaces between words in this script");
    assert_eq!(in_text(&rules, "ΟΔΌΣ"), Some(5), "a final sigma is a sigma");
    assert_eq!(in_text(&rules, ""), None);
}

#[test]
fn text_is_read_up_to_its_bound_at_a_character() {
    let rules = keyword_rules(&["down"]);
    let filler = "å".repeat(32 * 1024 - 4);
    assert_eq!(in_text(&rules, &format!("{filler} down")), Some(0));
    assert_eq!(in_text(&rules, &format!("{filler}åå down")), None);
    assert_eq!(in_text(&rules, &format!("x{filler}åååååå")), None, "the bound lies within a character");
}

#[test]
fn no_rules_assign_nothing() {
    assert!(Rules::default().is_empty());
    assert_eq!(in_text(&Rules::default(), "down"), None);
}
