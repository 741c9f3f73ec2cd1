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
