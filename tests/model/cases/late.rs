//! Late events, loads of overdue tickets, catch-ups.

use super::*;

#[test]
fn levels_before_a_late_opening_do_not_fire() {
    let effects = [(EventKind::Opened, Effect::Start), (EventKind::Note, Effect::Stop)];
    for catch_up in [CatchUp::Latest, CatchUp::None] {
        let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
        let note = row("16 13:00", EventKind::Note);
        // The note implies an opening; the actual opening begins a cycle that ends at the note.
        let commands = [advance("16 14:00"), apply(&[note]), Command::Apply(vec![opened("16 09:00")], catch_up)];
        assert_eq!(escalations(&check(&policy, &commands)), [], "{catch_up:?}");
    }
}

#[test]
fn late_events_ahead_of_time() {
    use EventKind::{AgentReply, Assigned, Note, Opened};
    let effects =
        [(Opened, Effect::Start), (Note, Effect::Pause), (Assigned, Effect::Resume), (AgentReply, Effect::Resume)];
    let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
    for catch_up in [CatchUp::None, CatchUp::Latest, CatchUp::All] {
        let rows = [opened("16 09:00"), row("16 09:30", Note), row("16 14:00", AgentReply)];
        let commands = [advance("16 09:00"), apply(&rows), Command::Apply(vec![row("16 10:00", Assigned)], catch_up)];
        check(&policy, &commands);
    }
}

#[test]
fn a_late_opening_ahead_of_time() {
    let effects = [(EventKind::Opened, Effect::Start), (EventKind::Note, Effect::Stop)];
    let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
    for catch_up in [CatchUp::None, CatchUp::Latest, CatchUp::All] {
        let note = row("16 13:00", EventKind::Note);
        let commands = [advance("16 08:00"), apply(&[note]), Command::Apply(vec![opened("16 09:00")], catch_up)];
        check(&policy, &commands);
    }
}

#[test]
fn a_late_stop_meets_the_target_and_withdraws_the_level() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE, LATER]));
    let commands = [
        apply(&[opened("16 09:00")]),
        advance("16 11:30"),
        apply(&[row("16 11:00", EventKind::Resolved)]),
        advance("18 00:00"),
    ];
    let outputs = check(&policy, &commands);
    let mut expected = fired(&[("16 10:00", 1, 1), ("16 11:00", 1, 2)]);
    expected.push((Kind::Withdrawn, at("16 11:00"), 1, 2));
    assert_eq!(escalations(&outputs), expected);
    assert_eq!(cycles(&outputs), [(1, at("16 09:00"), at("16 11:00"), at("16 11:00"), 2.0, Some(true))]);
}

#[test]
fn a_late_stop_corrects_a_missed_cycle() {
    let policy = office(resolution(hours(2), &[WHOLE]));
    let commands = [
        apply(&[opened("16 09:00")]),
        advance("16 12:00"),
        apply(&[row("16 12:00", EventKind::Resolved)]),
        advance("16 13:00"),
        apply(&[row("16 10:00", EventKind::Closed)]),
        advance("18 00:00"),
    ];
    // `closed` does not stop this clock; `resolved` at 10:00 does.
    assert_eq!(cycles(&check(&policy, &commands)).len(), 1);
    let mut commands = commands;
    commands[4] = apply(&[row("16 10:00", EventKind::Resolved)]);
    let outputs = check(&policy, &commands);
    let mut expected = fired(&[("16 11:00", 1, 1)]);
    expected.push((Kind::Withdrawn, at("16 11:00"), 1, 1));
    assert_eq!(escalations(&outputs), expected);
    let missed = (1, at("16 09:00"), at("16 11:00"), at("16 12:00"), 3.0, Some(false));
    let met = (1, at("16 09:00"), at("16 11:00"), at("16 10:00"), 1.0, Some(true));
    assert_eq!(cycles(&outputs), [missed, met]);
    let revisions: Vec<u32> = outputs.iter().flat_map(|output| &output.cycles).map(|cycle| cycle.revision).collect();
    assert_eq!(revisions, [1, 2]);
}

#[test]
fn levels_of_loaded_overdue_tickets_fire_by_the_catch_up_mode() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE, LATER, Threshold::AfterTarget(hours(6))]));
    let load = |catch_up| {
        let rows = vec![opened("16 09:00"), Row::new("T-2", at("16 09:00"), EventKind::Opened)];
        let resolved = Row::new("T-2", at("16 12:00"), EventKind::Resolved);
        let load = Command::Apply([rows, vec![resolved]].concat(), catch_up);
        let outputs = check(&policy, &[advance("16 16:00"), load, advance("20 00:00")]);
        let of = |ticket: &str| {
            let all = outputs.iter().flat_map(|output| &output.escalations).filter(|e| e.ticket == ticket);
            all.map(|escalation| (escalation.due_ms, escalation.level)).collect::<Vec<_>>()
        };
        (of("T-1"), of("T-2"))
    };
    let last = (at("16 17:00"), 4);
    let catch_up = [(at("16 10:00"), 1), (at("16 11:00"), 2), (at("16 12:00"), 3)];
    let (open, done) = load(CatchUp::All);
    assert_eq!(open, [catch_up[0], catch_up[1], catch_up[2], last]);
    assert_eq!(done, [catch_up[0], catch_up[1]]);
    assert_eq!(load(CatchUp::Latest), (vec![catch_up[2], last], vec![]));
    assert_eq!(load(CatchUp::None), (vec![last], vec![]));
}

#[test]
fn a_catch_up_fires_all_levels_the_latest_or_none() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE, LATER]));
    for (catch_up, expected) in [
        (CatchUp::All, vec![("16 10:00", 1, 1), ("16 11:00", 1, 2), ("16 12:00", 1, 3)]),
        (CatchUp::Latest, vec![("16 12:00", 1, 3)]),
        (CatchUp::None, vec![]),
    ] {
        let commands = [apply(&[opened("16 09:00")]), Command::CatchUp(at("17 09:00"), catch_up), advance("20 00:00")];
        assert_eq!(escalations(&check(&policy, &commands)), fired(&expected), "{catch_up:?}");
    }
}

#[test]
fn a_row_with_an_unknown_priority_is_rejected() {
    let policy = office(resolution(hours(2), &[HALF]));
    let bad = row("16 09:00", EventKind::Opened).priority("unheard_of").label(Column::Team, "x");
    let outputs = check(&policy, &[apply(&[bad, opened("16 10:00")]), advance("18 00:00")]);
    assert_eq!(outputs[0].rejected, [0]);
    assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1)]));
}
