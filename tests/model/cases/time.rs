//! Cycles, targets and levels in hours, business days and calendar days.

use super::*;

#[test]
fn a_reopened_ticket_begins_a_new_cycle() {
    let policy = office(resolution(hours(4), &[HALF, WHOLE]));
    let commands = [
        apply(&[opened("16 09:00")]),
        advance("16 10:00"),
        apply(&[row("16 10:00", EventKind::Resolved)]),
        advance("16 15:00"),
        apply(&[row("16 15:00", EventKind::Reopened)]),
        advance("17 12:00"),
        apply(&[row("17 12:00", EventKind::Resolved)]),
        advance("19 00:00"),
    ];
    let outputs = check(&policy, &commands);
    assert_eq!(escalations(&outputs), fired(&[("16 17:00", 2, 1), ("17 11:00", 2, 2)]));
    let first = (1, at("16 09:00"), at("16 13:00"), at("16 10:00"), 1.0, Some(true));
    let second = (2, at("16 15:00"), at("17 11:00"), at("17 12:00"), 5.0, Some(false));
    assert_eq!(cycles(&outputs), [first, second]);
}

#[test]
fn business_days_end_at_the_same_time_of_day() {
    let policy = office(resolution(Span::BusinessDays(2), &[HALF, WHOLE]));
    // From Friday 10:30 to Tuesday 10:30; half of 16 hours ends on Monday 10:30.
    let outputs = check(&policy, &[apply(&[opened("20 10:30")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("23 10:30", 1, 1), ("24 10:30", 1, 2)]));
    // A start at opening time ends at an opening time, not at the closing time before.
    let outputs = check(&policy, &[apply(&[opened("16 09:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("16 17:00", 1, 1), ("18 09:00", 1, 2)]));
    // A start in the night moves to the next opening first.
    let outputs = check(&policy, &[apply(&[opened("15 23:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("16 17:00", 1, 1), ("18 09:00", 1, 2)]));
}

#[test]
fn a_pause_extends_a_target_in_business_days() {
    let policy = office(resolution(Span::BusinessDays(2), &[WHOLE]));
    let waiting = |time| row(time, EventKind::StateChanged).state(State::Waiting);
    let open = |time| row(time, EventKind::StateChanged).state(State::Open);
    // A pause of two hours moves the due time by two hours.
    let commands = [apply(&[opened("16 10:00"), waiting("16 11:00"), open("16 13:00")]), advance("30 00:00")];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("18 12:00", 1, 1)]));
    // An amount that ends at closing time is due at the next opening.
    let commands = [apply(&[opened("16 10:00"), waiting("16 11:00"), open("17 10:00")]), advance("30 00:00")];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("19 09:00", 1, 1)]));
}

#[test]
fn calendar_days_are_measured_in_real_time() {
    let policy = office(resolution(Span::CalendarDays(3), &[HALF, WHOLE]));
    let waiting = row("20 20:00", EventKind::StateChanged).state(State::Waiting);
    let open = row("20 21:00", EventKind::StateChanged).state(State::Open);
    let outputs = check(&policy, &[apply(&[opened("20 18:00"), waiting, open]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 07:00", 1, 1), ("23 19:00", 1, 2)]));
}

#[test]
fn a_clock_in_business_time_may_have_levels_in_calendar_days() {
    // Two days after a target at Friday noon is Sunday noon, outside opening hours.
    let policy = office(resolution(Span::BusinessDays(1), &[Threshold::AfterTarget(Span::CalendarDays(2))]));
    let outputs = check(&policy, &[apply(&[opened("19 12:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 12:00", 1, 1)]));
    let policy = office(resolution(hours(8), &[Threshold::After(Span::CalendarDays(3))]));
    let outputs = check(&policy, &[apply(&[opened("19 12:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 12:00", 1, 1)]));
}

#[test]
fn levels_in_days_agree_after_a_pause() {
    let (days, business_days) = (Span::CalendarDays(2), Span::BusinessDays(2));
    let bd_target = Some(Span::BusinessDays(1));
    let cases = [
        (None, Threshold::After(days)),
        (None, Threshold::After(business_days)),
        (Some(hours(8)), Threshold::After(days)),
        (Some(hours(8)), Threshold::After(business_days)),
        (Some(hours(8)), Threshold::AfterTarget(business_days)),
        (Some(hours(8)), Threshold::AfterTarget(days)),
        (bd_target, Threshold::After(days)),
        (bd_target, Threshold::After(hours(16))),
        (bd_target, Threshold::AfterTarget(days)),
        (bd_target, Threshold::AfterTarget(hours(8))),
    ];
    for (target, at) in cases {
        let policy = office(Clock { target, ..resolution(hours(8), &[at]) });
        let waiting = |time| row(time, EventKind::StateChanged).state(State::Waiting);
        let open = |time| row(time, EventKind::StateChanged).state(State::Open);
        let mut rows = vec![opened("16 09:00"), waiting("16 09:00"), open("17 09:00")];
        check(&policy, &[apply(&rows), advance("30 00:00")]);
        rows.extend([waiting("18 10:00"), open("18 11:00"), waiting("18 12:00"), open("19 10:00")]);
        check(&policy, &[apply(&rows), advance("30 00:00")]);
    }
}

#[test]
fn a_level_without_delay_in_closed_time_fires_at_the_opening() {
    let policy = office(resolution(hours(2), &[Threshold::After(hours(0))]));
    let commands = [advance("14 00:00"), apply(&[opened("14 12:00")]), advance("16 08:59"), advance("16 09:00")];
    let outputs = check(&policy, &commands);
    assert_eq!(escalations(&outputs), fired(&[("16 09:00", 1, 1)]));
    assert_eq!(outputs[3].escalations.len(), 1);
}
