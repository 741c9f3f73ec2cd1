//! The worked example of SuperOffice, and each effect of its event table for each of its events.

use super::*;

#[test]
fn the_example_of_superoffice_fires_on_monday_at_ten() {
    let policy = office(clock(None, &[(EventKind::Opened, Effect::Restart)], &[TWO_HOURS]));
    let mut commands = vec![apply(&[opened("20 16:00")])];
    commands.extend(advance_slowly("20 16:00", "24 00:00"));
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("23 10:00", 1, 1)]));
}

/// Levels two and four hours after an opening on Monday at 09:00; the event comes at 12:00.
fn superoffice(kind: EventKind, effect: Effect) -> Vec<Output> {
    let clock = clock(None, &[(EventKind::Opened, Effect::Restart), (kind, effect)], &[TWO_HOURS, FOUR_HOURS]);
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![clock.clone()]);
    let high = priority("high", OFFICE, OnPriorityChange::FromStart, vec![clock]);
    let policy = policy(vec![normal, high]);
    let mut event = row("16 12:00", kind);
    if kind == EventKind::PriorityChanged {
        event = event.priority("high");
    }
    let mut commands = vec![apply(&[opened("16 09:00")])];
    commands.extend(advance_slowly("16 09:00", "16 12:00"));
    commands.push(apply(&[event]));
    commands.extend(advance_slowly("16 13:00", "18 00:00"));
    check(&policy, &commands)
}

const SUPEROFFICE_EVENTS: [EventKind; 5] =
    [EventKind::Read, EventKind::Assigned, EventKind::CustomerReply, EventKind::Closed, EventKind::PriorityChanged];

#[test]
fn the_effect_none_changes_nothing() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::None);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1), ("16 13:00", 1, 2)]), "{}", kind.name());
        assert_eq!(cycles(&outputs), [], "{}", kind.name());
    }
}

#[test]
fn the_effect_stop_ends_the_chain() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Stop);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1)]), "{}", kind.name());
        let cycle = (1, at("16 09:00"), NEVER_MS, at("16 12:00"), 3.0, None);
        assert_eq!(cycles(&outputs), [cycle], "{}", kind.name());
    }
}

#[test]
fn the_effect_restart_begins_at_the_first_level() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Restart);
        let expected = [("16 11:00", 1, 1), ("16 14:00", 2, 1), ("16 16:00", 2, 2)];
        assert_eq!(escalations(&outputs), fired(&expected), "{}", kind.name());
        assert_eq!(cycles(&outputs).len(), 1, "{}", kind.name());
    }
}

#[test]
fn the_effect_continue_does_not_change_a_running_chain() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Continue);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1), ("16 13:00", 1, 2)]), "{}", kind.name());
    }
}

#[test]
fn the_effect_continue_resumes_a_stopped_chain_at_its_level() {
    use EventKind::{Closed, CustomerReply, Opened, Read};
    for (stop, kind) in [(Read, CustomerReply), (CustomerReply, Read), (Closed, CustomerReply), (Read, Closed)] {
        let effects = [(Opened, Effect::Restart), (stop, Effect::Stop), (kind, Effect::Continue)];
        // As in the preset: SuperOffice's events begin a chain in any state.
        let chain = Clock { starts_when_done: true, ..clock(None, &effects, &[TWO_HOURS, FOUR_HOURS]) };
        let policy = office(chain);
        let mut commands = vec![apply(&[opened("16 09:00")])];
        commands.extend(advance_slowly("16 09:00", "16 12:00"));
        commands.push(apply(&[row("16 12:00", stop)]));
        commands.push(advance("16 14:00"));
        commands.push(apply(&[row("16 14:00", kind)]));
        commands.extend(advance_slowly("16 15:00", "18 00:00"));
        // The second level is two hours after the first.
        assert_eq!(escalations(&check(&policy, &commands)), fired(&[("16 11:00", 1, 1), ("16 16:00", 2, 2)]));
    }
}

#[test]
fn the_effect_continue_before_the_first_level_is_a_start() {
    use EventKind::{Note, Opened, Read};
    let effects = [(Opened, Effect::Start), (Note, Effect::Stop), (Read, Effect::Continue)];
    let policy = office(clock(Some(Span::BusinessDays(2)), &effects, &[HALF, WHOLE]));
    // The first cycle stops before its first level, and the next one never pauses: half of 16 hours ends at closing time.
    let rows = [opened("16 09:00"), row("16 09:30", Note), row("17 09:00", Read)];
    let outputs = check(&policy, &[apply(&rows), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("17 17:00", 2, 1), ("19 09:00", 2, 2)]));
}

#[test]
fn each_effect_for_new_tickets_starts_the_chain_or_not() {
    let expected = [
        (Effect::None, vec![]),
        (Effect::Stop, vec![]),
        (Effect::Continue, vec![("16 11:00", 1, 1)]),
        (Effect::Restart, vec![("16 11:00", 1, 1)]),
    ];
    for (effect, expected) in expected {
        let policy = office(clock(None, &[(EventKind::Opened, effect)], &[TWO_HOURS]));
        let outputs = check(&policy, &[apply(&[opened("16 09:00")]), advance("18 00:00")]);
        assert_eq!(escalations(&outputs), fired(&expected), "{effect:?}");
    }
}
