//! The shipped policies.

mod support {
    pub mod shipped;
}

use overdue::policy::{Effect, OnPriorityChange, Policy, check};
use overdue::ticket::{EventKind, State};
use std::path::Path;
use support::shipped::shipped;

/// A shipped policy, which must have no problem.
fn policy(name: &str) -> Policy {
    let text = shipped(&format!("policies/{name}"));
    let checked = check(&text, name, &mut |file| Err(format!("shipped policies have no file {file}")));
    let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    checked.policy.unwrap_or_else(|| panic!("{name} has neither a policy nor a problem"))
}

#[test]
fn every_shipped_policy_is_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/policies");
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let names: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
    let names: Vec<&str> =
        names.iter().filter_map(|name| name.to_str()).filter(|name| name.ends_with(".toml")).collect();
    assert!(names.len() >= 3);
    names.into_iter().for_each(|name| drop(policy(name)));
}

#[test]
fn the_policy_of_the_contact_centre_has_the_values_of_its_file() {
    let policy = policy("contact_centre.toml");
    let names: Vec<&str> = policy.priorities.iter().map(|priority| priority.name.as_str()).collect();
    assert_eq!(names, ["critical", "high", "normal", "low"], "in the order of the file");
    assert_eq!(policy.default_priority, 2);
    assert_eq!(policy.rules.len(), 5);
    let critical = &policy.priorities[0];
    assert_eq!(critical.calendar.name, "always");
    assert_eq!(critical.on_priority_change, OnPriorityChange::FromStart);
    let clocks: Vec<&str> = critical.clocks.iter().map(|clock| clock.name.as_str()).collect();
    assert_eq!(clocks, ["first_response", "periodic_update", "resolution"]);
    let levels: Vec<String> = critical.clocks[0].levels.iter().map(|level| level.at.to_string()).collect();
    assert_eq!(levels, ["50%", "100%", "+30m"]);
    assert!(critical.clocks[0].levels[2].actions.ends_chain);
    assert_eq!([critical.clocks[0].at_risk, critical.clocks[2].at_risk], [7_500, 5_000]);
    let high = &policy.priorities[1];
    assert!(high.clocks[2].pause_while.contains(State::Waiting));
    assert!(!critical.clocks[2].pause_while.contains(State::Waiting));
}

#[test]
fn a_policy_that_is_read_twice_is_equal() {
    let (one, other) = (policy("contact_centre.toml"), policy("contact_centre.toml"));
    assert_eq!(one.priorities, other.priorities);
    assert_ne!(one.priorities[0], one.priorities[1]);
}

#[test]
fn the_policy_of_incidents_has_the_priorities_of_the_log() {
    let policy = policy("itil_incidents.toml");
    assert_eq!((1..=4).map(|name| policy.priority_id(&name.to_string())).collect::<Vec<_>>(), [0, 1, 2, 3].map(Some));
}

#[test]
fn the_policy_of_superoffice_overrides_events_of_the_preset() {
    let policy = policy("superoffice.toml");
    let [high, medium, low] = [0, 1, 2].map(|number| &policy.priorities[number].clocks[0].on);
    assert_eq!(medium[EventKind::CustomerReply as usize], Effect::Restart);
    assert_eq!(low[EventKind::CustomerReply as usize], Effect::Continue);
    assert_eq!(high[EventKind::Assigned as usize], Effect::Restart);
    assert_eq!(medium[EventKind::Assigned as usize], Effect::Continue);
}
