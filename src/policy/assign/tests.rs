use super::*;
use crate::policy::{Rule, Rules, load};
use crate::ticket::Column;

fn policy(rules: &[Rule]) -> Policy {
    let text = "default_priority = \"normal\"\n[calendars.always]\nhours = \"24x7\"\n\
                [priorities.normal]\ncalendar = \"always\"\n[priorities.critical]\ncalendar = \"always\"\n";
    let mut policy = load(text, "test.toml", &mut |_| Err("no files".to_owned())).expect("a policy");
    policy.rules = Rules::compile(rules).expect("rules");
    policy
}

fn rule(policy: &Policy, label: usize, value: &str, keyword: &str) -> Rule {
    let mut rule = Rule { priority: policy.priority_id("critical").expect("critical"), ..Rule::default() };
    rule.values[label].extend((!value.is_empty()).then(|| value.to_owned()));
    rule.keywords.extend((!keyword.is_empty()).then(|| keyword.to_owned()));
    rule
}

fn batch() -> Batch {
    let mut batch = Batch::default();
    let rows = [
        ("outage", EventKind::Opened, None, "The line is down"),
        ("named", EventKind::Opened, Some("normal"), "All is down"),
        ("gold", EventKind::Opened, None, "Hello"),
        ("plain", EventKind::Note, None, "Hello"),
        ("by hand", EventKind::Escalated, None, "Customer rang twice"),
    ];
    for (ticket, kind, priority, _) in rows {
        batch.push(ticket, 0, kind);
        if let Some(priority) = priority {
            batch.set_last(Column::Priority, priority);
        }
        if ticket == "gold" {
            batch.set_last(Column::Segment, "Gold");
        }
    }
    rows.iter().for_each(|row| batch.text.push(row.3));
    batch
}

#[test]
fn rules_are_asked_about_rows_without_a_priority() {
    let plain = policy(&[]);
    let policy = policy(&[rule(&plain, 1, "gold", ""), rule(&plain, 0, "", "down")]);
    let mut batch = batch();
    assign(&policy, &mut batch);
    let said: Vec<Option<&str>> = (0..batch.len()).map(|row| batch.assigned.get(row)).collect();
    assert_eq!(said, [Some("critical"), None, Some("critical"), None, None]);
    assert_eq!(batch.labels(Column::Segment).codes, [NO_LABEL; 5]);
    assert_eq!(batch.text.iter().collect::<Vec<_>>(), ["", "", "", "", "Customer rang twice"]);
    let asked = batch.assigned.clone();
    assign(&policy, &mut batch);
    assert_eq!(batch.assigned, asked, "asked again");
}

#[test]
fn without_rules_nothing_is_assigned_and_no_text_is_kept() {
    let mut batch = batch();
    assign(&policy(&[]), &mut batch);
    assert!(batch.assigned.codes.is_empty());
    assert_eq!(batch.text.get(4), "Customer rang twice");
    assert_eq!(batch.text.get(0), "");
}
