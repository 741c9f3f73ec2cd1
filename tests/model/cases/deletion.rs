//! Deleted and merged tickets: they leave the index.

use super::*;

#[test]
fn a_deleted_ticket_has_no_result() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE]));
    for kind in [EventKind::Deleted, EventKind::Merged] {
        let outputs = check(&policy, &[apply(&[opened("16 09:00"), row("16 10:30", kind)]), advance("18 00:00")]);
        assert_eq!(escalations(&outputs), fired(&[("16 10:00", 1, 1)]));
        assert_eq!(cycles(&outputs), []);
    }
}

#[test]
fn due_levels_of_a_deleted_ticket_do_not_fire() {
    use EventKind::{CustomerReply, Merged, Opened};
    let policy =
        office(clock(Some(hours(8)), &[(Opened, Effect::None), (CustomerReply, Effect::Restart)], &[TWO_HOURS]));
    for catch_up in [CatchUp::All, CatchUp::Latest] {
        let rows = vec![row("16 10:00", CustomerReply), row("16 10:30", Merged)];
        let commands = [apply(&[opened("16 09:00")]), advance("16 14:00"), Command::Apply(rows, catch_up)];
        assert_eq!(escalations(&check(&policy, &commands)), [], "{catch_up:?}");
    }
}

#[test]
fn a_late_deletion_withdraws_the_levels_after_it() {
    let policy = office(resolution(hours(4), &[HALF, WHOLE]));
    for kind in [EventKind::Deleted, EventKind::Merged] {
        let commands = [apply(&[opened("16 09:00")]), advance("16 12:00"), apply(&[row("16 10:30", kind)])];
        let mut expected = fired(&[("16 11:00", 1, 1)]);
        expected.push((Kind::Withdrawn, at("16 11:00"), 1, 1));
        assert_eq!(escalations(&check(&policy, &commands)), expected);
    }
}

#[test]
fn a_ticket_that_left_stays_gone_until_it_is_reopened_or_opened_anew() {
    use EventKind::{AgentReply, CustomerReply, Deleted, Merged, Note, Opened, PriorityChanged, Reopened};
    let policy = office(resolution(hours(2), &[WHOLE]));
    for kind in [Deleted, Merged] {
        let mut commands = vec![apply(&[opened("16 09:00")]), advance("16 10:00"), apply(&[row("16 10:00", kind)])];
        let late = [Note, CustomerReply, AgentReply, PriorityChanged].map(|kind| row("16 10:30", kind));
        commands.push(apply(&late));
        // Neither the old opening nor an older reopening brings it back.
        commands.push(apply(&[opened("16 09:00"), row("16 09:30", Reopened), row("16 10:00", Opened)]));
        commands.push(advance("16 11:00"));
        let outputs = check(&policy, &commands);
        assert_eq!((escalations(&outputs), outputs[3].gone, outputs[4].gone), (vec![], 4, 3));
        for back in [Opened, Reopened] {
            let mut commands = commands.clone();
            // What is older than its leaving changes nothing afterwards either.
            let rows = [row("16 12:00", back), row("16 09:45", Note), row("16 12:30", Note)];
            commands.extend([advance("16 12:30"), apply(&rows), advance("18 00:00")]);
            let outputs = check(&policy, &commands);
            assert_eq!(escalations(&outputs), fired(&[("16 14:00", 1, 1)]), "{kind:?} {back:?}");
            assert_eq!(outputs[7].gone, 1);
        }
    }
}

#[test]
fn a_ticket_that_is_deleted_before_anything_else_is_known_stays_gone() {
    let policy = office(resolution(hours(2), &[WHOLE]));
    let rows = [opened("16 09:00"), row("16 09:30", EventKind::Note)];
    let commands =
        [advance("16 10:00"), apply(&[row("16 09:45", EventKind::Merged)]), apply(&rows), advance("18 00:00")];
    let outputs = check(&policy, &commands);
    assert_eq!((escalations(&outputs), outputs[2].gone), (vec![], 2));
}

#[test]
fn a_late_deletion_voids_the_cycles_that_ended_after_it() {
    let policy = office(resolution(hours(4), &[WHOLE]));
    let commands = [
        apply(&[opened("16 09:00"), row("16 11:00", EventKind::Resolved)]),
        advance("16 12:00"),
        apply(&[row("16 10:00", EventKind::Merged)]),
    ];
    let outputs = check(&policy, &commands);
    let records: Vec<(u32, bool)> =
        outputs.iter().flat_map(|output| &output.cycles).map(|cycle| (cycle.revision, cycle.is_void)).collect();
    assert_eq!(records, [(1, false), (2, true)]);
}
