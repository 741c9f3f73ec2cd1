//! Resolved and closed tickets: what starts on them.

use super::*;

fn next_response(starts_when_done: bool) -> Arc<Policy> {
    use EventKind::{AgentReply, Closed, CustomerReply, Reopened, Resolved};
    let effects = [
        (CustomerReply, Effect::Start),
        (Reopened, Effect::Start),
        (AgentReply, Effect::Stop),
        (Resolved, Effect::Stop),
        (Closed, Effect::Stop),
    ];
    office(Clock { starts_when_done, ..clock(Some(hours(2)), &effects, &[WHOLE]) })
}

#[test]
fn thanks_for_the_solution_start_nothing() {
    use EventKind::{Closed, CustomerReply, Resolved};
    for done in [Resolved, Closed] {
        let rows = [opened("16 09:00"), row("16 10:00", done), row("16 10:05", CustomerReply)];
        let commands = [apply(&rows), advance("16 15:00")];
        assert_eq!(escalations(&check(&next_response(false), &commands)), [], "{done:?}");
        assert_eq!(escalations(&check(&next_response(true), &commands)), fired(&[("16 12:05", 1, 1)]), "{done:?}");
    }
}

#[test]
fn a_reopening_starts_it_in_either_order() {
    use EventKind::{CustomerReply, Reopened, Resolved};
    let (reply, reopened) = (row("16 11:00", CustomerReply), row("16 11:00", Reopened));
    for pair in [[reply.clone(), reopened.clone()], [reopened, reply]] {
        let rows = [vec![opened("16 09:00"), row("16 10:00", Resolved)], pair.to_vec()].concat();
        let outputs = check(&next_response(false), &[apply(&rows), advance("16 15:00")]);
        assert_eq!(escalations(&outputs), fired(&[("16 13:00", 1, 1)]));
    }
}

#[test]
fn a_late_resolution_withdraws_what_a_later_reply_started() {
    use EventKind::{CustomerReply, Resolved};
    let commands = [
        apply(&[opened("16 09:00"), row("16 10:05", CustomerReply)]),
        advance("16 15:00"),
        apply(&[row("16 10:00", Resolved)]),
    ];
    let mut expected = fired(&[("16 12:05", 1, 1)]);
    expected.push((Kind::Withdrawn, at("16 12:05"), 1, 1));
    assert_eq!(escalations(&check(&next_response(false), &commands)), expected);
}
