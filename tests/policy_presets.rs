//! Presets: the effect of each event on each known metric, and the event table of SuperOffice.

mod support {
    pub mod policies;
}

use overdue::policy::{Clock, Effect, check};
use overdue::ticket::{EventKind, State};
use support::policies::around_the_clock;

/// The only clock of a policy.
fn clock(name: &str, fields: &str) -> Result<Clock, String> {
    let text = around_the_clock(&[(name, &format!("target = \"4h\"\n{fields}"))]);
    let checked = check(&text, "policy.toml", &mut |file| Err(format!("there is no {file}")));
    match checked.policy {
        Some(policy) => Ok(policy.priorities[0].clocks[0].clone()),
        None => Err(checked.problems.iter().map(|problem| format!("{problem}\n")).collect()),
    }
}

fn valid(name: &str, fields: &str) -> Clock {
    clock(name, fields).unwrap_or_else(|problems| panic!("{problems}"))
}

/// The effects of a clock as text, such as `opened=start closed=stop`.
fn table(clock: &Clock) -> String {
    let rows = EventKind::ALL.into_iter().map(|event| (event, clock.on[event as usize]));
    let rows = rows.filter(|(_, effect)| *effect != Effect::None);
    rows.map(|(event, effect)| format!("{}={}", event.name(), effect.name())).collect::<Vec<_>>().join(" ")
}

fn pauses(clock: &Clock) -> String {
    clock.pause_while.iter().map(State::name).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_known_metric_has_its_effects() {
    let wait = "opened=start resolved=stop closed=stop reopened=start";
    for (name, row, states) in [
        ("first_response", "opened=start agent_reply=stop resolved=stop closed=stop", ""),
        ("next_response", "agent_reply=stop customer_reply=start resolved=stop closed=stop reopened=start", ""),
        ("periodic_update", "agent_reply=restart resolved=stop closed=stop", ""),
        ("requester_wait", wait, "waiting"),
        ("agent_work", wait, "waiting"),
        ("resolution", wait, ""),
    ] {
        let clock = valid(name, "");
        assert_eq!(table(&clock), row, "{name}");
        assert_eq!(pauses(&clock), states, "{name}");
        assert_eq!(clock.at_risk, 7_500);
    }
}

#[test]
fn a_clock_may_override_events_of_its_preset() {
    let clock =
        valid("first_response", "on = { resolved = \"none\", acknowledged = \"stop\" }\npause_while = [\"waiting\"]");
    assert_eq!(table(&clock), "opened=start agent_reply=stop acknowledged=stop closed=stop");
    assert_eq!(pauses(&clock), "waiting");
    assert_eq!(pauses(&valid("agent_work", "pause_while = []")), "");
}

#[test]
fn a_clock_says_whether_it_starts_on_a_done_ticket() {
    for (name, fields, starts) in [
        ("next_response", "", false),
        ("next_response", "starts_when_done = true", true),
        ("superoffice", "", true),
        ("superoffice", "starts_when_done = false", false),
    ] {
        assert_eq!(valid(name, fields).starts_when_done, starts, "{name} {fields}");
    }
    let wrong = clock("next_response", "starts_when_done = \"yes\"").expect_err("not a flag");
    assert!(wrong.contains("starts_when_done"), "{wrong}");
}

#[test]
fn a_custom_clock_has_a_preset_or_a_table() {
    let vip = valid("vip_answer", "preset = \"first_response\"");
    assert_eq!((vip.name.as_str(), table(&vip)), ("vip_answer", table(&valid("first_response", ""))));
    let own = valid("watch", "on = { opened = \"start\", snoozed = \"pause\", read = \"resume\", closed = \"stop\" }");
    assert_eq!(table(&own), "opened=start read=resume snoozed=pause closed=stop");
    let unknown = clock("watch", "").expect_err("a clock without a start");
    assert!(unknown.contains("is not a known metric and has neither `on` nor `preset`"), "{unknown}");
}

#[test]
fn each_event_of_superoffice_is_an_event_of_a_clock() {
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
        let clock = valid("chain", &format!("preset = \"superoffice\"\non = {{ {others}{new} }}"));
        assert_eq!(table(&clock), row, "{verb}");
    }
}

#[test]
fn only_the_effects_of_superoffice_are_accepted_for_its_events() {
    for effect in ["none", "stop", "continue", "restart"] {
        let clock = valid("chain", &format!("preset = \"superoffice\"\non = {{ new_info = \"{effect}\" }}"));
        assert_eq!(clock.on[EventKind::CustomerReply as usize].name(), effect);
    }
    for effect in ["start", "pause", "resume"] {
        let problems = clock("chain", &format!("preset = \"superoffice\"\non = {{ new_info = \"{effect}\" }}"));
        let problems = problems.expect_err("an effect that SuperOffice does not have");
        assert!(problems.contains(&format!("SuperOffice's events cannot {effect} a clock")), "{problems}");
    }
}

#[test]
fn the_chain_of_superoffice_accepts_finer_events() {
    // `closed` of SuperOffice is `resolved` or `closed`; a policy can treat them differently.
    let clock_of = |on: &str| clock("chain", &format!("preset = \"superoffice\"\non = {{ {on} }}"));
    let finer = clock_of("closed = \"stop\", resolved = \"none\"").unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(finer.on[EventKind::Resolved as usize], Effect::None);
    let twice = clock_of("new = \"restart\", opened = \"start\"").expect_err("one event under two names");
    assert!(twice.contains("\"new\" and \"opened\" are the same event"), "{twice}");
    let elsewhere = clock("resolution", "on = { new_info = \"restart\" }").expect_err("an event of another preset");
    assert!(elsewhere.contains("write: customer_reply"), "{elsewhere}");
}
