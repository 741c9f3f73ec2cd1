use super::*;

fn mistakes(text: &str) -> Vec<String> {
    let error = Mapping::parse(text, "m.toml").expect_err("a mapping with mistakes");
    error.mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn our_own_format_and_the_shipped_mappings_are_sound() {
    let own = Mapping::default();
    assert_eq!(own.inputs.iter().filter(|input| input.required).count(), 2);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data/mappings");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("the shipped mappings") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        if let Err(error) = Mapping::parse(&text, &path.display().to_string()) {
            panic!("{error}");
        }
        count += 1;
    }
    assert_eq!(count, 6);
}

#[test]
fn the_example_in_the_documentation_is_sound_but_for_its_two_shapes() {
    let documentation = include_str!("mod.rs");
    let example: String = documentation
        .lines()
        .skip_while(|line| !line.contains("```toml"))
        .skip(1)
        .take_while(|line| !line.contains("```"))
        .map(|line| format!("{}\n", line.trim_start_matches("//!").trim_start()))
        .collect();
    let found = mistakes(&example);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().any(|mistake| mistake.contains("columns.updated is unknown")), "{found:?}");
    assert!(found.iter().any(|mistake| mistake.contains("events is only meant for rows = \"tickets\"")), "{found:?}");
    assert!(found.iter().any(|mistake| mistake.contains("assigned_to")), "{found:?}");
}

#[test]
fn all_mistakes_are_told_at_once_with_their_lines() {
    let text = "\
rows = \"events\"
colums = 1
delimiter = \";;\"
[time]
formats = [\"iso\", \"%Q\"]
zone = \"Europe/Olso\"
[columns]
ticket = 7
at = \"at\"
event = \"what\"
prioritty = \"p\"
[values.event]
a = \"opend\"
[values.state]
b = \"open\"
[values.priority]
c = 3
[event_at]
close = \"x\"
[defaults]
state = \"half\"
";
    let version = crate::calendar::zone_data_version();
    let zone = format!(
        "m.toml:6: zone: \"Europe/Olso\" is not a time zone of the bundled data ({version}); did you mean Europe/Oslo?"
    );
    let expected = [
        "m.toml:2: colums is unknown, perhaps columns is meant",
        "m.toml:3: delimiter has another length, expected one character such as \";\" or \"\\t\"",
        "m.toml:5: formats: \"iso\" is not a format; expected rfc3339, unix_s, unix_ms or a pattern such as \"%Y-%m-%d %H:%M:%S\"",
        "m.toml:5: formats: \"%Q\" is not a strftime pattern; expected one such as \"%d/%b/%y %I:%M %p\"",
        &zone,
        "m.toml:8: columns.ticket is a integer, expected a text",
        "m.toml:11: columns.prioritty is unknown, perhaps priority is meant",
        "m.toml:13: values.event \"a\" is \"opend\", perhaps \"opened\" is meant",
        "m.toml:14: values.state is given, but columns.state is not",
        "m.toml:16: values.priority is given, but columns.priority is not",
        "m.toml:17: values.priority \"c\" is a integer, expected a text",
        "m.toml:19: event_at.close is unknown, perhaps closed is meant",
        "m.toml:21: defaults.state is \"half\", expected one of new, open, waiting, resolved, closed, merged, deleted, spam",
    ];
    assert_eq!(mistakes(text), expected);
}

#[test]
fn what_is_missing_or_contradicts_itself_is_told() {
    assert_eq!(mistakes("")[0], "m.toml:1: columns is missing, expected a table [columns] with at least ticket");
    assert!(mistakes("rows = \"x\"\n[columns]\n")[0].starts_with("m.toml:1: rows is \"x\", expected \"tickets\""));
    let tickets = "rows = \"tickets\"\n[columns]\nticket = \"id\"\n";
    assert!(mistakes(tickets)[0].contains("events is missing"));
    assert!(
        mistakes(&format!("{tickets}state = \"s\"\n[events]\nopened = \"o\"\n"))[0]
            .contains("columns.state is given without columns.at")
    );
    assert!(mistakes(&format!("{tickets}[events]\nclosed = \"c\"\n"))[0].contains("events.opened is missing"));
    assert!(mistakes(&format!("optional = [\"z\"]\n{tickets}[events]\nopened = \"o\"\n"))[0].contains("\"z\""));
    assert!(mistakes("rows = ")[0].starts_with("m.toml:1: not TOML: "));
    assert!(mistakes("rows = \"events\"\n[columns]\nticket = \"id\"\n")[0].contains("columns.at is missing"));
}
