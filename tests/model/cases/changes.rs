//! Priority changes and policy edits.

use super::*;

/// A change from eight hours in the office to ten hours around the clock, six hours after the opening on Monday.
fn change(change: OnPriorityChange) -> Vec<Output> {
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(8), &[HALF, WHOLE])]);
    let urgent = priority("urgent", ALWAYS, change, vec![resolution(hours(10), &[HALF, WHOLE])]);
    let policy = policy(vec![normal, urgent]);
    let mut commands = vec![apply(&[opened("16 08:00")])];
    commands.extend(advance_slowly("16 08:00", "16 14:00"));
    commands.push(apply(&[row("16 14:00", EventKind::PriorityChanged).priority("urgent")]));
    commands.extend(advance_slowly("16 15:00", "18 00:00"));
    check(&policy, &commands)
}

#[test]
fn from_start_recalculates_the_whole_cycle() {
    // Half of ten hours from 08:00 is at 13:00, when the level has fired; all of them end at 18:00.
    assert_eq!(escalations(&change(OnPriorityChange::FromStart)), fired(&[("16 13:00", 1, 1), ("16 18:00", 1, 2)]));
}

#[test]
fn carry_keeps_the_time_spent() {
    // Five hours are spent, five are left.
    assert_eq!(escalations(&change(OnPriorityChange::Carry)), fired(&[("16 13:00", 1, 1), ("16 19:00", 1, 2)]));
}

#[test]
fn restart_begins_a_new_cycle() {
    let outputs = change(OnPriorityChange::Restart);
    let expected = [("16 13:00", 1, 1), ("16 19:00", 2, 1), ("17 00:00", 2, 2)];
    assert_eq!(escalations(&outputs), fired(&expected));
    assert_eq!(cycles(&outputs), [(1, at("16 08:00"), at("16 17:00"), at("16 14:00"), 5.0, Some(true))]);
}

#[test]
fn keep_level_continues_at_the_reached_level() {
    // At the first level, five hours before the second.
    assert_eq!(escalations(&change(OnPriorityChange::KeepLevel)), fired(&[("16 13:00", 1, 1), ("16 19:00", 1, 2)]));
}

#[test]
fn levels_that_a_priority_change_makes_due_fire_by_the_catch_up_mode() {
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(8), &[HALF, WHOLE])]);
    let clocks = vec![resolution(hours(1), &[HALF, WHOLE, LATER])];
    let urgent = priority("urgent", ALWAYS, OnPriorityChange::FromStart, clocks);
    let policy = policy(vec![normal, urgent]);
    let change = vec![row("16 10:00", EventKind::PriorityChanged).priority("urgent")];
    for (catch_up, expected) in [
        (CatchUp::All, vec![("16 08:30", 1, 1), ("16 09:00", 1, 2), ("16 10:00", 1, 3)]),
        (CatchUp::Latest, vec![("16 10:00", 1, 3)]),
        (CatchUp::None, vec![]),
    ] {
        let change = Command::Apply(change.clone(), catch_up);
        let commands = [apply(&[opened("16 08:00")]), advance("16 10:00"), change, advance("20 00:00")];
        assert_eq!(escalations(&check(&policy, &commands)), fired(&expected), "{catch_up:?}");
    }
}

#[test]
fn a_priority_change_ends_clocks_and_starts_others() {
    let mut other = resolution(hours(2), &[WHOLE]);
    other.name = "other".to_owned();
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(2), &[WHOLE])]);
    let policy = policy(vec![normal, priority("high", OFFICE, OnPriorityChange::FromStart, vec![other])]);
    let change = row("16 10:00", EventKind::PriorityChanged).priority("high");
    let outputs = check(&policy, &[apply(&[opened("16 09:00"), change]), advance("20 00:00")]);
    let named: Vec<_> = outputs.iter().flat_map(|o| &o.escalations).map(|e| (e.clock.as_str(), e.due_ms)).collect();
    assert_eq!(named, [("other", at("16 11:00"))]);
    assert_eq!(cycles(&outputs), [(1, at("16 09:00"), at("16 11:00"), at("16 10:00"), 1.0, Some(true))]);
}

#[test]
fn a_clock_of_the_new_priority_only_is_resumed_by_earlier_events() {
    use EventKind::{Note, Opened, PriorityChanged, Read};
    for resume in [Effect::Resume, Effect::Continue] {
        let effects = [(Opened, Effect::Start), (Note, Effect::Pause), (Read, resume)];
        let mut other = clock(Some(hours(2)), &effects, &[WHOLE]);
        other.name = "other".to_owned();
        let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(2), &[])]);
        let policy = policy(vec![normal, priority("high", OFFICE, OnPriorityChange::FromStart, vec![other])]);
        let rows = [opened("16 09:00"), row("16 10:00", Note), row("16 11:00", Read)];
        let change = row("16 11:30", PriorityChanged).priority("high");
        let outputs = check(&policy, &[apply(&rows), apply(&[change]), advance("20 00:00")]);
        assert_eq!(escalations(&outputs), fired(&[("16 12:00", 1, 1)]), "{resume:?}");
    }
}

#[test]
fn a_void_cycle_that_ends_again_has_a_higher_revision() {
    use EventKind::{AgentReply, Note, PriorityChanged};
    let watch = clock(Some(hours(2)), &[(AgentReply, Effect::Start), (Note, Effect::Stop)], &[]);
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![watch]);
    let policy = policy(vec![normal, priority("bare", OFFICE, OnPriorityChange::FromStart, vec![])]);
    let commands = [
        apply(&[opened("16 08:30"), row("16 09:00", AgentReply), row("16 10:00", Note)]),
        advance("16 12:00"),
        apply(&[row("16 08:45", PriorityChanged).priority("bare")]),
        apply(&[row("16 13:00", PriorityChanged).priority("normal")]),
        apply(&[row("16 14:00", AgentReply), row("16 15:00", Note)]),
    ];
    let outputs = check(&policy, &commands);
    let all = outputs.iter().flat_map(|output| &output.cycles);
    let revisions: Vec<_> = all.map(|cycle| (cycle.cycle, cycle.revision, cycle.is_void)).collect();
    assert_eq!(revisions, [(1, 1, false), (1, 2, true), (1, 3, false)]);
}

#[test]
fn an_edit_of_the_pause_states_takes_effect_at_its_time() {
    let with = |states: &[State]| {
        let mut clock = resolution(hours(4), &[WHOLE]);
        clock.pause_while = states.iter().copied().collect();
        policy(vec![priority("normal", ALWAYS, OnPriorityChange::FromStart, vec![clock])])
    };
    for apply_to in [Apply::FromStart, Apply::FromNow] {
        for late in [false, true] {
            let mut commands = vec![
                apply(&[opened("16 09:00"), row("16 10:00", EventKind::StateChanged).state(State::Open)]),
                advance("16 11:00"),
                Command::Edit(Edited(with(&[State::Open])), apply_to, CatchUp::Latest),
            ];
            if late {
                commands.push(apply(&[row("16 10:30", EventKind::Note)]));
                commands.push(apply(&[row("16 09:30", EventKind::Note)]));
            }
            commands.push(advance("17 00:00"));
            assert_eq!(escalations(&check(&with(&[]), &commands)), [], "{apply_to:?}");
        }
    }
}

#[test]
fn a_ticket_opened_before_an_edit_may_be_loaded_after_it() {
    let with = |states: &[State]| {
        let mut clock = resolution(hours(4), &[WHOLE]);
        clock.pause_while = states.iter().copied().collect();
        policy(vec![priority("normal", ALWAYS, OnPriorityChange::FromStart, vec![clock])])
    };
    for apply_to in [Apply::FromStart, Apply::FromNow, Apply::NewTickets] {
        let commands = vec![
            advance("16 11:00"),
            Command::Edit(Edited(with(&[State::Open])), apply_to, CatchUp::Latest),
            apply(&[opened("16 09:00"), row("16 10:00", EventKind::StateChanged).state(State::Open)]),
            apply(&[row("16 10:30", EventKind::Note)]),
            advance("17 00:00"),
        ];
        check(&with(&[]), &commands);
    }
}

#[test]
fn a_clock_of_the_new_priority_only_ignores_changes_to_the_same_priority() {
    use EventKind::{CustomerReply, Opened, PriorityChanged};
    let effects = [(Opened, Effect::Start), (PriorityChanged, Effect::Stop), (CustomerReply, Effect::Start)];
    let bare = |name| priority(name, OFFICE, OnPriorityChange::FromStart, vec![]);
    let watched = priority("watched", OFFICE, OnPriorityChange::FromStart, vec![clock(None, &effects, &[])]);
    let policy = policy(vec![bare("low"), bare("high"), watched]);
    let to = |time, name| apply(&[row(time, PriorityChanged).priority(name)]);
    let commands = [
        apply(&[opened("16 09:00").priority("high"), row("16 11:00", CustomerReply)]),
        to("16 12:00", "low"),
        // The change at noon is no change any more.
        to("16 10:00", "low"),
        to("16 13:00", "watched"),
    ];
    assert_eq!(cycles(&check(&policy, &commands)).len(), 1);
}

/// An edit on Tuesday at 11:00: the office opens and closes an hour earlier, and the target is ten hours instead of twelve.
fn edit(apply_to: Apply) -> Vec<Output> {
    let with = |calendar, target| {
        policy(vec![priority("normal", calendar, OnPriorityChange::FromStart, vec![resolution(target, &[WHOLE])])])
    };
    let edited = Edited(with(EARLY, hours(10)));
    let rows = [opened("16 15:00"), Row::new("T-2", at("16 15:00"), EventKind::Opened)];
    let new = Row::new("T-3", at("17 11:00"), EventKind::Opened);
    let commands = [
        apply(&rows),
        advance("17 11:00"),
        Command::Edit(edited, apply_to, CatchUp::Latest),
        apply(&[new]),
        advance("25 00:00"),
    ];
    check(&with(OFFICE, hours(12)), &commands)
}

fn due_of(outputs: &[Output], ticket: &str) -> Vec<i64> {
    let all = outputs.iter().flat_map(|output| &output.escalations);
    all.filter(|escalation| escalation.ticket == ticket).map(|escalation| escalation.due_ms).collect()
}

#[test]
fn an_edit_applies_from_start_from_now_or_to_new_tickets() {
    // Ten hours from 15:00 under the new opening hours: one on Monday, eight on Tuesday, one on Wednesday.
    let outputs = edit(Apply::FromStart);
    assert_eq!(due_of(&outputs, "T-1"), [at("18 09:00")]);
    // Two hours on Monday and two on Tuesday are spent; six are left, five of them on Tuesday.
    let outputs_from_now = edit(Apply::FromNow);
    assert_eq!(due_of(&outputs_from_now, "T-1"), [at("18 09:00")]);
    // Under the old opening hours: two on Monday, eight on Tuesday, two on Wednesday.
    let outputs_new = edit(Apply::NewTickets);
    assert_eq!(due_of(&outputs_new, "T-1"), [at("18 11:00")]);
    for outputs in [outputs, outputs_from_now, outputs_new] {
        assert_eq!(due_of(&outputs, "T-2"), due_of(&outputs, "T-1"));
        assert_eq!(due_of(&outputs, "T-3"), [at("18 13:00")]);
    }
}

#[test]
fn an_export_changes_the_priority_and_back_and_its_repeat_changes_nothing() {
    let slow = priority("slow", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(4), &[WHOLE])]);
    let fast = priority("fast", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(1), &[WHOLE])]);
    let policy = policy(vec![slow, fast]);
    let exported = |priority: &str| Row { openings: Openings::Current, ..opened("16 09:00").priority(priority) };
    let commands = [
        apply(&[exported("slow")]),
        advance("16 09:30"),
        apply(&[exported("fast")]),
        apply(&[row("16 09:35", EventKind::PriorityChanged).priority("slow")]),
        // A repeat of this export: it reports nothing that it did not report before the event.
        advance("16 09:40"),
        apply(&[exported("fast")]),
        advance("16 10:20"),
        // A return to the first value, then back.
        apply(&[exported("slow")]),
        apply(&[exported("fast")]),
        advance("16 12:00"),
        apply(&[Row { openings: Openings::Current, ..opened("16 09:00").state(State::Resolved) }]),
        advance("17 12:00"),
    ];
    let outputs = check(&policy, &commands);
    assert_eq!(escalations(&outputs), fired(&[("16 10:00", 1, 1)]));
    assert_eq!(cycles(&outputs), [(1, at("16 09:00"), at("16 10:00"), at("16 12:00"), 3.0, Some(false))]);
}

#[test]
fn a_repeated_opening_in_a_log_changes_nothing() {
    let slow = priority("slow", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(4), &[WHOLE])]);
    let fast = priority("fast", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(1), &[WHOLE])]);
    let policy = policy(vec![slow, fast]);
    let commands = [
        apply(&[opened("16 09:00").priority("slow")]),
        advance("16 09:30"),
        apply(&[opened("16 09:00").priority("fast").state(State::Resolved)]),
        advance("16 17:00"),
    ];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("16 13:00", 1, 1)]));
}

#[test]
fn a_restated_value_with_its_own_time_takes_effect_at_that_time_only() {
    let slow = priority("slow", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(4), &[WHOLE])]);
    let fast = priority("fast", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(1), &[WHOLE])]);
    let other = priority("other", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(6), &[WHOLE])]);
    let policy = policy(vec![slow, fast, other]);
    let export = [
        Row { openings: Openings::Current, ..opened("16 09:00").priority("fast") },
        Row { openings: Openings::Current, ..row("16 09:20", EventKind::StateChanged).priority("fast") },
    ];
    let commands = [
        apply(&[Row { openings: Openings::Current, ..opened("16 09:00").priority("slow") }]),
        advance("16 09:30"),
        apply(&export),
        apply(&[row("16 09:30", EventKind::PriorityChanged).priority("other")]),
        // A repeat of the export does not undo later changes.
        advance("16 09:40"),
        apply(&export),
        advance("16 17:00"),
    ];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("16 15:00", 1, 1)]));
}
