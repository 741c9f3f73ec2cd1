//! Policy files with errors: all of them are reported, each with its place.

#[path = "../support"]
mod support {
    pub mod policies;
}

use overdue::policy::{Checked, check};
use std::path::{Path, PathBuf};
use support::policies::around_the_clock;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/policy_errors").join(name)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn checked(text: &str) -> Checked {
    check(text, "policy.toml", &mut |file| Err(format!("there is no {file}")))
}

fn reports(checked: &Checked) -> String {
    checked.problems.iter().map(|problem| format!("{problem}\n\n")).collect()
}

/// The message of the only error of a policy.
fn only_message(text: &str) -> String {
    let checked = checked(text);
    assert!(checked.policy.is_none());
    assert_eq!(checked.problems.len(), 1, "{}", reports(&checked));
    checked.problems[0].message.clone()
}

/// To accept new messages, review the output of the test and write it to `everything.txt`.
#[test]
fn all_errors_of_a_file_are_reported_with_lines_and_corrections() {
    let text = read(&fixture("everything.toml"));
    let checked = check(&text, "everything.toml", &mut |file| Err(format!("there is no {file}")));
    assert!(checked.policy.is_none());
    let actual = reports(&checked);
    let expected = read(&fixture("everything.txt"));
    if actual != expected {
        println!("{actual}");
        let differs = actual.lines().zip(expected.lines()).position(|(actual, expected)| actual != expected);
        panic!("the reports differ from everything.txt, first in line {:?}", differs.map(|line| line + 1));
    }
}

#[test]
fn errors_in_calendars_are_reported_with_their_places() {
    let checked = checked(&read(&fixture("calendars.toml")));
    assert!(checked.policy.is_none());
    let text = read(&fixture("calendars.toml"));
    // The text that each error marks, in the order of the file.
    let texts: Vec<String> = checked
        .problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(|problem| {
            let line = text.lines().nth(problem.line as usize - 1).unwrap_or_default();
            line.chars().skip(problem.column as usize - 1).take(problem.excerpt.mark.len()).collect()
        })
        .collect();
    let expected = [
        "\"Europe/Olso\"",
        "mnoday",
        "\"8-16\"",
        "\"17:00\"",
        "8",
        "\"--13-25\"",
        "\"2026-02-30\"",
        "{ url = \"x\" }",
        "\"tomorrow\"",
        "\"noon-15:00\"",
        "never",
        "\"missing.ics\"",
        "twice",
        "zoneless",
        "\"24/24\"",
    ];
    assert_eq!(texts, expected, "{}", reports(&checked));
}

#[test]
fn a_similar_time_zone_is_suggested() {
    let checked = checked(&read(&fixture("calendars.toml")));
    assert!(reports(&checked).contains("write: time_zone = \"Europe/Oslo\""));
}

#[test]
fn syntax_errors_are_reported_with_line_and_correction() {
    let text = "default_priority = normal\n\n[calendars.always]\nhours = \"24x7\n";
    let checked = checked(text);
    assert!(checked.policy.is_none());
    let lines: Vec<u32> = checked.problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [1, 4], "{}", reports(&checked));
    assert_eq!(checked.problems[0].instead.as_deref(), Some("\"normal\""));
}

#[test]
fn a_duplicate_key_does_not_hide_other_errors() {
    let text = "default_priority = \"a\"\ndefault_priority = \"b\"\n[priorities.a]\ncalendar = \"no\"\n";
    let checked = checked(text);
    let places: Vec<(u32, u32)> = checked.problems.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(2, 1), (4, 12)], "{}", reports(&checked));
}

#[test]
fn an_empty_file_is_reported_with_what_is_missing() {
    let checked = checked("");
    let messages: Vec<&str> = checked.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "the policy has no priority",
            "default_priority is missing: it is the priority of tickets that no rule applies to"
        ]
    );
}

#[test]
fn invalid_input_is_rejected_in_bounded_time_and_memory() {
    assert!(only_message("\0\u{1}\u{2}PAR1").contains("zero byte"));
    assert!(only_message(&"x".repeat(20 << 20)).contains("bytes; a policy file may have"));
    assert!(only_message(&format!("a = {}", "[".repeat(100_000))).contains("nested more than 80 deep"));
    assert!(only_message(&format!("{}x = 1", "a.".repeat(100_000))).contains("nested more than 80 deep"));
    for unit in ["[", "{", "\"", "=", "\n=", "[[a]]\n", "a=[{", "\u{fffd}", "é = \n", "[x]\ny\n", "'''", "#\r"] {
        let checked = checked(&unit.repeat((2 << 20) / unit.len()));
        assert!(checked.policy.is_none(), "{unit:?}");
        assert!((1..=1_001).contains(&checked.problems.len()), "{unit:?}: {}", checked.problems.len());
        // The report can be printed.
        assert!(reports(&checked).chars().all(|char| !char.is_control() || char == '\n'), "{unit:?}");
    }
}

#[test]
fn errors_beyond_a_thousand_are_counted() {
    let unknown: String = (0..50_000).map(|number| format!("field_{number} = 1\n")).collect();
    let checked = checked(&unknown);
    assert_eq!(checked.problems.len(), 1_001);
    let last = checked.problems.last().map(|problem| problem.message.as_str());
    assert_eq!(last, Some("49002 more problems are not shown"));
}

#[test]
fn limits_are_enforced() {
    let many = |count: usize, of: &dyn Fn(usize) -> String| (0..count).map(of).collect::<String>();
    let head = around_the_clock(&[]);
    let clock = |number| format!("[priorities.normal.clocks.c{number}]\npreset = \"resolution\"\ntarget = \"4h\"\n");
    assert_eq!(only_message(&format!("{head}{}", many(9, &clock))), "\"normal\" has 9 clocks; at most 8 are possible");
    let levels = many(13, &|number| format!("{{ at = \"{}m\" }},", number + 1));
    let levels = around_the_clock(&[("resolution", &format!("levels = [{levels}]"))]);
    assert_eq!(only_message(&levels), "\"resolution\" has 13 levels; at most 12 are possible");
    let priority = |number| format!("[priorities.x{number}]\ncalendar = \"always\"\n");
    assert!(only_message(&format!("{head}{}", many(4_096, &priority))).contains("4097 priorities; at most 4096"));
    let rule = |number| format!("[[rules]]\npriority = \"normal\"\nwhen = {{ team = [\"t{number}\"] }}\n");
    assert!(only_message(&format!("{head}{}", many(10_001, &rule))).contains("10001 rules; at most 10000"));
    let long = format!("{head}[[rules]]\npriority = \"normal\"\nwhen = {{ team = [\"{}\"] }}\n", "t".repeat(256));
    assert!(only_message(&long).ends_with("is longer than 255 bytes"));
}

#[test]
fn a_loop_of_set_priority_is_rejected() {
    let raise = |from: &str, to: &str| {
        let clock =
            format!("[priorities.{from}.clocks.resolution]\nlevels = [{{ at = \"1h\", set_priority = \"{to}\" }}]\n");
        format!("[priorities.{from}]\ncalendar = \"c\"\n{clock}")
    };
    let head = "default_priority = \"a\"\n[calendars.c]\nhours = \"24x7\"\n";
    let end = "[priorities.d]\ncalendar = \"c\"\n";
    let (a, b) = (raise("a", "b"), raise("b", "c"));
    assert!(checked(&format!("{head}{a}{b}{}{end}", raise("c", "d"))).policy.is_some());
    let message = only_message(&format!("{head}{a}{b}{}{end}", raise("c", "a")));
    assert_eq!(message, "set_priority forms a loop: a -> b -> c -> a");
}

#[test]
fn a_loop_of_thousands_of_priorities_does_not_overflow_the_stack() {
    let count = 4_000;
    let mut text = String::from("default_priority = \"p0\"\n[calendars.c]\nhours = \"24x7\"\n");
    for number in 0..count {
        let next = (number + 1) % count;
        text += &format!("[priorities.p{number}]\ncalendar = \"c\"\n[priorities.p{number}.clocks.resolution]\n");
        text += &format!("levels = [{{ at = \"1h\", set_priority = \"p{next}\" }}]\n");
    }
    assert!(only_message(&text).contains("(4000 in all) -> p0"));
}

#[test]
fn a_target_that_a_calendar_never_reaches_is_rejected() {
    let years: String = (2020..2100).map(|year| format!("\"{year}-12-24\" = [\"08:00-08:01\"]\n")).collect();
    let policy = |target: &str| {
        format!(
            "default_priority = \"p\"\n[calendars.minute]\ntime_zone = \"Europe/Oslo\"\n\
             [calendars.minute.special]\n{years}\
             [priorities.p]\ncalendar = \"minute\"\n[priorities.p.clocks.resolution]\ntarget = \"{target}\"\n"
        )
    };
    assert_eq!(checked(&policy("5m")).problems, []);
    let slow = checked(&policy("30m"));
    assert!(slow.policy.is_some() && slow.problems.len() == 1, "{}", reports(&slow));
    assert!(slow.problems[0].message.contains("takes at least 2"), "{}", reports(&slow));
    let message = only_message(&policy("4h"));
    assert_eq!(
        message,
        "the target (\"4h\") is never reached: the calendar \"minute\" is open for 1h20m in all, up to 2106"
    );
}
