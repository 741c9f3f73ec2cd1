//! Presets: what each known metric does with each event, and SuperOffice's table.

use overdue::policy::{Clock, Effect, check};
use overdue::ticket::{EventKind, State};

/// The only clock of a policy.
fn clock(name: &str, fields: &str) -> Result<Clock, String> {
    let text = format!(
        "default_priority = \"p\"\n[calendars.c]\nhours = \"24x7\"\n[priorities.p]\ncalendar = \"c\"\n\
         [priorities.p.clocks.{name}]\ntarget = \"4h\"\n{fields}\n"
    );
    let checked = check(&text, "policy.toml", &mut |file| Err(format!("there is no {file}")));
    match checked.policy {
        Some(policy) => Ok(policy.priorities[0].clocks[0].clone()),
        None => Err(checked.problems.iter().map(|problem| format!("{problem}\n")).collect()),
    }
}

fn good(name: &str, fields: &str) -> Clock {
    clock(name, fields).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What a clock does, in words: "opened=start closed=stop".
fn table(clock: &Clock) -> String {
    let rows = EventKind::ALL.into_iter().map(|event| (event, clock.on[event as usize]));
    let rows = rows.filter(|(_, effect)| *effect != Effect::None);
    rows.map(|(event, effect)| format!("{}={}", event.name(), effect.name())).collect::<Vec<_>>().join(" ")
}

fn pauses(clock: &Clock) -> String {
    clock.pause_while.iter().map(State::name).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_six_metrics_are_rows_of_one_table() {
    let wait = "opened=start resolved=stop closed=stop reopened=start";
    for (name, row, states) in [
        ("first_response", "opened=start agent_reply=stop resolved=stop closed=stop", ""),
        ("next_response", "agent_reply=stop customer_reply=start resolved=stop closed=stop", ""),
        ("periodic_update", "agent_reply=restart resolved=stop closed=stop", ""),
        ("requester_wait", wait, "waiting"),
        ("agent_work", wait, "waiting"),
        ("resolution", wait, ""),
    ] {
        let clock = good(name, "");
        assert_eq!(table(&clock), row, "{name}");
        assert_eq!(pauses(&clock), states, "{name}");
        assert_eq!(clock.at_risk, 7_500);
    }
}

#[test]
fn a_clock_changes_single_events_of_its_preset() {
    let clock =
        good("first_response", "on = { resolved = \"none\", acknowledged = \"stop\" }\npause_while = [\"waiting\"]");
    assert_eq!(table(&clock), "opened=start agent_reply=stop acknowledged=stop closed=stop");
    assert_eq!(pauses(&clock), "waiting");
    assert_eq!(pauses(&good("agent_work", "pause_while = []")), "");
}

#[test]
fn a_clock_of_ones_own_takes_a_preset_by_name_or_a_table() {
    let vip = good("vip_answer", "preset = \"first_response\"");
    assert_eq!((vip.name.as_str(), table(&vip)), ("vip_answer", table(&good("first_response", ""))));
    let own = good("watch", "on = { opened = \"start\", snoozed = \"pause\", read = \"resume\", closed = \"stop\" }");
    assert_eq!(table(&own), "opened=start read=resume snoozed=pause closed=stop");
    let unknown = clock("watch", "").expect_err("a clock that nothing starts");
    assert!(unknown.contains("is not a known metric and has neither `on` nor `preset`"), "{unknown}");
}

#[test]
fn each_event_of_superoffice_is_one_of_ours() {
    let verbs = ["read", "changed_owner", "new_info", "closed", "changed_priority"];
    let quiet = verbs.map(|verb| format!("{verb} = \"none\"")).join(", ");
    for (verb, effect, row) in [
        ("read", "stop", "opened=restart read=stop"),
        ("changed_owner", "continue", "opened=restart assigned=continue"),
        ("new_info", "restart", "opened=restart customer_reply=restart"),
        ("closed", "stop", "opened=restart resolved=stop closed=stop"),
        ("changed_priority", "continue", "opened=restart priority_changed=continue"),
        ("new", "continue", "opened=continue"),
    ] {
        let others = quiet.replace(&format!("{verb} = \"none\""), &format!("{verb} = \"{effect}\""));
        let new = if verb == "new" { format!(", new = \"{effect}\"") } else { String::new() };
        let clock = good("chain", &format!("preset = \"superoffice\"\non = {{ {others}{new} }}"));
        assert_eq!(table(&clock), row, "{verb}");
    }
}

#[test]
fn each_effect_of_superoffice_is_taken_and_no_other() {
    for effect in ["none", "stop", "continue", "restart"] {
        let clock = good("chain", &format!("preset = \"superoffice\"\non = {{ new_info = \"{effect}\" }}"));
        assert_eq!(clock.on[EventKind::CustomerReply as usize].name(), effect);
    }
    for effect in ["start", "pause", "resume"] {
        let problems = clock("chain", &format!("preset = \"superoffice\"\non = {{ new_info = \"{effect}\" }}"));
        let problems = problems.expect_err("an effect that SuperOffice does not have");
        assert!(problems.contains(&format!("SuperOffice's events cannot {effect} a clock")), "{problems}");
    }
}

#[test]
fn our_names_are_finer_than_those_of_superoffice() {
    // A request that is closed there is resolved or closed here; who wants to tell them apart can.
    let clock_of = |on: &str| clock("chain", &format!("preset = \"superoffice\"\non = {{ {on} }}"));
    let finer = clock_of("closed = \"stop\", resolved = \"none\"").unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(finer.on[EventKind::Resolved as usize], Effect::None);
    let twice = clock_of("new = \"restart\", opened = \"start\"").expect_err("one event by two names");
    assert!(twice.contains("\"new\" and \"opened\" are the same event"), "{twice}");
    let elsewhere = clock("resolution", "on = { new_info = \"restart\" }").expect_err("SuperOffice's name elsewhere");
    assert!(elsewhere.contains("write: customer_reply"), "{elsewhere}");
}
