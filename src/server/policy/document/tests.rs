use super::*;
use crate::policy;
use serde_json::json;

const POLICY: &str = r#"# Words that an edit does not keep.
default_priority = "normal"

[calendars.office]
time_zone = "Europe/Oslo"
mon-fri = ["08:00-16:00"]
[calendars.office.special]
"2026-12-24" = ["08:00-12:00"]

[calendars.always]
hours = "24x7"

[priorities.normal]
calendar = "office"
[priorities.normal.clocks.resolution]
target = "4h"
levels = [{ at = "50%", notify = ["owner"] }, { at = "100%", notify = ["team_lead"] }]

[priorities.critical]
calendar = "always"

[[rules]]
when = { channel = ["phone"] }
priority = "critical"
"#;

fn checked(text: &str) -> policy::Policy {
    policy::load(text, "policy", &mut |_| Err("no files".into())).unwrap_or_else(|problems| {
        panic!("{text}\n{}", problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn part(json: &serde_json::Value) -> Table {
    part_from_json(json.to_string().as_bytes()).expect("a table")
}

fn document() -> PolicyDocument {
    PolicyDocument::parse(POLICY).expect("a policy")
}

#[test]
fn writing_what_was_read_says_the_same() {
    let again = checked(&document().to_text());
    let before = checked(POLICY);
    assert_eq!(again.priorities, before.priorities);
    assert_eq!(again.calendars, before.calendars);
    assert_eq!(PolicyDocument::parse(&document().to_text()), Ok(document()));
}

#[test]
fn parts_are_replaced_at_their_place_added_at_the_end_and_removed() {
    let mut edited = document();
    let office = json!({ "time_zone": "Europe/Oslo", "mon-thu": ["09:00-17:00"], "special": { "2026-12-31": [] } });
    edited.set_part(Section::Calendars, "office", part(&office));
    edited.set_part(Section::Calendars, "night shift", part(&json!({ "hours": "24x7" })));
    assert!(edited.remove_part(Section::Priorities, "critical"));
    assert!(!edited.remove_part(Section::Priorities, "critical"));
    edited.set_rules(Vec::new());
    let again = PolicyDocument::parse(&edited.to_text()).expect("still TOML");
    assert_eq!(again, edited);
    let names: Vec<&str> = again.parts(Section::Calendars).map(|(name, _)| name).collect();
    assert_eq!(names, ["office", "always", "night shift"]);
    assert_eq!(again.part(Section::Calendars, "office"), Some(&part(&office)));
    assert_eq!(again.part(Section::Priorities, "critical"), None);
    assert!(again.rules().is_empty());
    checked(&again.to_text().replace("night shift", "night_shift"));
}

#[test]
fn json_and_toml_say_the_same() {
    let json = json!({ "a": "text", "b": [1, 2.5, true, { "c": [] }], "d": { "e": -7 } });
    let table = part(&json);
    assert_eq!(serde_json::to_value(&table).expect("JSON"), json);
    assert_eq!(part_from_toml(b"a = \"text\"\nb = [1, 2.5, true, { c = [] }]\n[d]\ne = -7\n"), Ok(table));
    let null = part_from_json(b"{\n \"a\": null }").expect_err("null has no place");
    assert_eq!(null.line, 2);
    assert!(part_from_json(b"[]").is_err());
    let broken = part_from_toml("ok = 1\nå = = 2\n".as_bytes()).expect_err("no TOML");
    assert_eq!(broken.line, 2);
}

#[test]
fn a_mistake_is_found_by_its_field() {
    let mut edited = document();
    let normal = json!({ "calendar": "office", "clocks": { "resolution": { "target": "4 hours", "levels": [
        { "at": "50%", "notify": ["owner"] }, { "at": "never", "notify": ["owner"] }
    ] } } });
    edited.set_part(Section::Priorities, "normal", part(&normal));
    let text = edited.to_text();
    let problems = policy::check(&text, "policy", &mut |_| Err("no files".into())).problems;
    let fields = Fields::of(&text);
    let paths: Vec<_> =
        problems.iter().filter_map(|problem| fields.path_at(&text, problem.line, problem.column)).collect();
    assert!(paths.contains(&"priorities.normal.clocks.resolution.target"), "{paths:?}");
    assert!(paths.iter().any(|path| path.ends_with("levels[1].at")), "{paths:?}\n{text}");
}
