//! Openings: how a ticket began does not depend on the order in which its rows arrive.

use super::*;

fn slow_and_fast() -> Arc<Policy> {
    let slow = priority("slow", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(4), &[WHOLE])]);
    let fast = priority("fast", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(1), &[WHOLE])]);
    policy(vec![slow, fast])
}

fn current(row: Row) -> Row {
    Row { openings: Openings::Current, ..row }
}

/// Every order of some rows.
fn orders(rows: &[Row]) -> Vec<Vec<Row>> {
    if rows.is_empty() {
        return vec![Vec::new()];
    }
    let without = |index: usize| rows.iter().enumerate().filter(move |(other, _)| *other != index);
    let with_first = |index: usize| {
        let rest: Vec<Row> = without(index).map(|(_, row)| row.clone()).collect();
        orders(&rest).into_iter().map(move |order| [vec![rows[index].clone()], order].concat())
    };
    (0..rows.len()).flat_map(with_first).collect()
}

/// Rows that arrive one by one, in every order, from an instant on; only levels due later fire.
fn check_in_any_order(rows: &[Row], now: &str, expected: &[(&str, u16, u8)]) {
    for order in orders(rows) {
        let mut commands: Vec<Command> = vec![advance(now)];
        commands.extend(order.into_iter().map(|row| Command::Apply(vec![row], CatchUp::None)));
        commands.push(advance("16 17:00"));
        assert_eq!(escalations(&check(&slow_and_fast(), &commands)), fired(expected));
    }
}

#[test]
fn what_events_reported_stays_when_the_opening_arrives_later() {
    let rows = [
        opened("16 09:00").priority("slow"),
        row("16 09:30", EventKind::PriorityChanged).priority("fast"),
        row("16 09:40", EventKind::StateChanged).state(State::Waiting),
        row("16 10:10", EventKind::StateChanged).state(State::Open),
    ];
    // Half an hour waiting: the hour from 09:00 on ends at 10:30.
    check_in_any_order(&rows, "16 10:15", &[("16 10:30", 1, 1)]);
}

#[test]
fn rows_of_an_export_with_their_own_times_give_one_ticket_in_any_order() {
    let export = |time: &str, priority: &str| {
        let reported = row(time, EventKind::StateChanged).priority(priority).state(State::Open);
        vec![current(opened("16 09:00")), current(reported)]
    };
    let days = [export("16 09:10", "slow"), export("16 09:20", "fast"), export("16 09:30", "slow")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
        let mut commands: Vec<Command> = vec![advance("16 09:45")];
        commands.extend(order.iter().map(|day: &usize| Command::Apply(days[*day].clone(), CatchUp::None)));
        commands.push(advance("16 17:00"));
        // The first row of the export reports with what the ticket began, the last one how it is.
        assert_eq!(escalations(&check(&slow_and_fast(), &commands)), fired(&[("16 13:00", 1, 1)]));
    }
}

#[test]
fn a_known_opening_has_the_first_priority_that_the_log_reports() {
    let known = |row: Row| Row { openings: Openings::Known, ..row };
    let rows = [
        known(row("16 09:20", EventKind::AgentReply).priority("fast")),
        known(opened("16 09:00")),
        known(row("16 09:50", EventKind::AgentReply).priority("slow")),
    ];
    check_in_any_order(&rows, "16 09:55", &[("16 13:00", 1, 1)]);
}

#[test]
fn a_ticket_opened_as_closed_is_closed_at_once() {
    for exported in [false, true] {
        let mut row = opened("16 09:00").state(State::Closed).priority("fast");
        if exported {
            row = current(row);
        }
        let policy = office(clock(
            Some(hours(2)),
            &[(EventKind::Opened, Effect::Start), (EventKind::Closed, Effect::Stop)],
            &[HALF],
        ));
        let row = Row { labels: Vec::new(), ..row };
        let outputs = check(&policy, &[apply(&[row]), advance("18 00:00")]);
        assert_eq!(escalations(&outputs), []);
        assert_eq!(cycles(&outputs), [(1, at("16 09:00"), at("16 11:00"), at("16 09:00"), 0.0, Some(true))]);
    }
}

#[test]
fn within_one_instant_the_opening_comes_first() {
    let rows = [row("16 09:00", EventKind::PriorityChanged).priority("fast"), opened("16 09:00").priority("slow")];
    for order in orders(&rows) {
        let outputs = check(&slow_and_fast(), &[apply(&order), advance("16 17:00")]);
        assert_eq!(escalations(&outputs), fired(&[("16 10:00", 1, 1)]));
    }
}

#[test]
fn an_export_is_compared_with_the_opening_that_earlier_rows_give() {
    // A change of priority restarts the clock, so that its time shows.
    let slow = priority("slow", OFFICE, OnPriorityChange::Restart, vec![resolution(hours(4), &[WHOLE])]);
    let fast = priority("fast", OFFICE, OnPriorityChange::Restart, vec![resolution(hours(1), &[WHOLE])]);
    let known = Row { openings: Openings::Known, ..opened("16 09:00") };
    let later = row("16 09:50", EventKind::PriorityChanged).priority("fast");
    // The late row makes the ticket begin as slow, so that fast is news.
    let export = [
        current(opened("16 09:05").priority("fast")),
        current(row("16 08:00", EventKind::StateChanged).priority("slow")),
    ];
    let commands = [advance("16 08:30"), apply(&[known]), apply(&[later]), apply(&export), advance("16 17:00")];
    assert_eq!(escalations(&check(&policy(vec![slow, fast]), &commands)), fired(&[("16 10:05", 2, 1)]));
}
