//! The engine against the plain model of `tests/model`: directed cases, whose results are written out here, then random
//! workloads on 1, 2, 7 and 16 shards.
//!
//! The seed of a failing run is printed and its run is made as small as it gets; `OVERDUE_SEED=n` runs that seed alone,
//! `OVERDUE_RUNS=n` so many.

mod model;

use model::adapter::Subject;
use model::calendars::{self, ALWAYS, EARLY, OFFICE};
use model::random::{Profile, Random, random_commands, random_policy};
use model::run::{Command, Edited, Row, SHARDS, check, compare, describe_policy};
use model::shrink::shrink;
use model::{Apply, Kind, Model, Output, Passed};
use overdue::calendar::Span;
use overdue::policy::{Actions, Clock, Effect, Level, OnPriorityChange, Policy, Priority, Rules, Threshold};
use overdue::ticket::{Column, EventKind, State, StateSet};
use overdue::time::{HOUR_MS, NEVER_MS, parse_rfc3339};
use std::sync::Arc;

/// An instant in Oslo in November 2026: `"16 09:00"`. The 16th is a Monday.
fn at(text: &str) -> i64 {
    let (day, time) = text.split_once(' ').expect("a day and a time");
    let text = format!("2026-11-{day}T{time}{}+01:00", if time.len() == 5 { ":00" } else { "" });
    parse_rfc3339(&text).expect("an instant")
}

fn hours(hours: i64) -> Span {
    Span::Business { ms: hours * HOUR_MS }
}

fn levels(thresholds: &[Threshold]) -> Vec<Level> {
    thresholds.iter().map(|at| Level { at: *at, actions: Actions::default() }).collect()
}

fn clock(target: Option<Span>, effects: &[(EventKind, Effect)], thresholds: &[Threshold]) -> Clock {
    let mut on = [Effect::None; EventKind::COUNT];
    effects.iter().for_each(|(kind, effect)| on[*kind as usize] = *effect);
    Clock {
        name: "watch".to_owned(),
        target,
        at_risk: 7_500,
        on,
        pause_while: StateSet::from_iter([State::Waiting]),
        levels: levels(thresholds),
    }
}

/// From opening to resolution, and again from reopening.
fn resolution(target: Span, thresholds: &[Threshold]) -> Clock {
    use EventKind::{Opened, Reopened, Resolved};
    let effects = [(Opened, Effect::Start), (Resolved, Effect::Stop), (Reopened, Effect::Start)];
    clock(Some(target), &effects, thresholds)
}

fn priority(name: &str, calendar: &str, change: OnPriorityChange, clocks: Vec<Clock>) -> Arc<Priority> {
    let calendar = calendars::named(calendar);
    Arc::new(Priority { name: name.to_owned(), calendar, on_priority_change: change, clocks })
}

fn policy(priorities: Vec<Arc<Priority>>) -> Arc<Policy> {
    let calendars = calendars::all().to_vec();
    Arc::new(Policy { calendars, priorities, default_priority: 0, rules: Rules::default() })
}

/// A policy of one priority with one clock, in the office.
fn office(clock: Clock) -> Arc<Policy> {
    policy(vec![priority("normal", OFFICE, OnPriorityChange::FromStart, vec![clock])])
}

fn apply(rows: &[Row]) -> Command {
    Command::Apply(rows.to_vec(), Passed::Latest)
}

fn row(time: &str, kind: EventKind) -> Row {
    Row::new("T-1", at(time), kind)
}

fn opened(time: &str) -> Row {
    row(time, EventKind::Opened)
}

fn advance(time: &str) -> Command {
    Command::Advance(at(time))
}

/// Advances in steps, as a service does: hour by hour.
fn advance_slowly(from: &str, to: &str) -> Vec<Command> {
    (at(from)..=at(to)).step_by(HOUR_MS as usize).map(Command::Advance).collect()
}

/// Escalations in order of the commands: `(kind, due, cycle, level)`.
fn escalations(outputs: &[Output]) -> Vec<(Kind, i64, u16, u8)> {
    let all = outputs.iter().flat_map(|output| &output.escalations);
    all.map(|escalation| (escalation.kind, escalation.due_ms, escalation.cycle, escalation.level)).collect()
}

fn fired(expected: &[(&str, u16, u8)]) -> Vec<(Kind, i64, u16, u8)> {
    expected.iter().map(|(due, cycle, level)| (Kind::Fired, at(due), *cycle, *level)).collect()
}

/// Ended cycles in order of the commands: `(cycle, started, due, stopped, business hours, met)`.
fn cycles(outputs: &[Output]) -> Vec<(u16, i64, i64, i64, f64, Option<bool>)> {
    let all = outputs.iter().flat_map(|output| &output.cycles).filter(|cycle| !cycle.is_void);
    all.map(|c| (c.cycle, c.started_ms, c.due_ms, c.stopped_ms, c.business_ms as f64 / HOUR_MS as f64, c.met)).collect()
}

const TWO_HOURS: Threshold = Threshold::After(Span::Business { ms: 2 * HOUR_MS });
const FOUR_HOURS: Threshold = Threshold::After(Span::Business { ms: 4 * HOUR_MS });
const HALF: Threshold = Threshold::Percent(5_000);
const WHOLE: Threshold = Threshold::Percent(10_000);
const LATER: Threshold = Threshold::AfterTarget(Span::Business { ms: HOUR_MS });

#[test]
fn superoffices_example_fires_on_monday_at_ten() {
    let policy = office(clock(None, &[(EventKind::Opened, Effect::Restart)], &[TWO_HOURS]));
    let mut commands = vec![apply(&[opened("20 16:00")])];
    commands.extend(advance_slowly("20 16:00", "24 00:00"));
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("23 10:00", 1, 1)]));
}

/// A level after two and after four hours of Monday from nine; at noon the event, then the day goes on.
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
fn superoffice_none_changes_nothing() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::None);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1), ("16 13:00", 1, 2)]), "{}", kind.name());
        assert_eq!(cycles(&outputs), [], "{}", kind.name());
    }
}

#[test]
fn superoffice_stop_ends_the_chain() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Stop);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1)]), "{}", kind.name());
        let cycle = (1, at("16 09:00"), NEVER_MS, at("16 12:00"), 3.0, None);
        assert_eq!(cycles(&outputs), [cycle], "{}", kind.name());
    }
}

#[test]
fn superoffice_restart_begins_at_the_first_level() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Restart);
        let expected = [("16 11:00", 1, 1), ("16 14:00", 2, 1), ("16 16:00", 2, 2)];
        assert_eq!(escalations(&outputs), fired(&expected), "{}", kind.name());
        assert_eq!(cycles(&outputs).len(), 1, "{}", kind.name());
    }
}

#[test]
fn superoffice_continue_leaves_a_running_chain_alone() {
    for kind in SUPEROFFICE_EVENTS {
        let outputs = superoffice(kind, Effect::Continue);
        assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1), ("16 13:00", 1, 2)]), "{}", kind.name());
    }
}

#[test]
fn superoffice_continue_goes_on_at_the_level_of_a_stopped_chain() {
    use EventKind::{Closed, CustomerReply, Opened, Read};
    for (stop, kind) in [(Read, CustomerReply), (CustomerReply, Read), (Closed, CustomerReply), (Read, Closed)] {
        let effects = [(Opened, Effect::Restart), (stop, Effect::Stop), (kind, Effect::Continue)];
        let policy = office(clock(None, &effects, &[TWO_HOURS, FOUR_HOURS]));
        let mut commands = vec![apply(&[opened("16 09:00")])];
        commands.extend(advance_slowly("16 09:00", "16 12:00"));
        commands.push(apply(&[row("16 12:00", stop)]));
        commands.push(advance("16 14:00"));
        commands.push(apply(&[row("16 14:00", kind)]));
        commands.extend(advance_slowly("16 15:00", "18 00:00"));
        // The second level lies two hours after the first.
        assert_eq!(escalations(&check(&policy, &commands)), fired(&[("16 11:00", 1, 1), ("16 16:00", 2, 2)]));
    }
}

#[test]
fn continue_at_no_level_is_a_plain_start() {
    use EventKind::{Note, Opened, Read};
    let effects = [(Opened, Effect::Start), (Note, Effect::Stop), (Read, Effect::Continue)];
    let policy = office(clock(Some(Span::BusinessDays(2)), &effects, &[HALF, WHOLE]));
    // Stopped before its first level; the next cycle never paused: half of sixteen hours ends at closing time.
    let rows = [opened("16 09:00"), row("16 09:30", Note), row("17 09:00", Read)];
    let outputs = check(&policy, &[apply(&rows), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("17 17:00", 2, 1), ("19 09:00", 2, 2)]));
}

#[test]
fn superoffice_new_tickets_do_what_the_table_says() {
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
    // Friday 10:30: Tuesday 10:30; half of sixteen hours on Monday 10:30.
    let outputs = check(&policy, &[apply(&[opened("20 10:30")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("23 10:30", 1, 1), ("24 10:30", 1, 2)]));
    // At opening time: at an opening time, not at the closing before.
    let outputs = check(&policy, &[apply(&[opened("16 09:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("16 17:00", 1, 1), ("18 09:00", 1, 2)]));
    // In the night: moved to the opening first.
    let outputs = check(&policy, &[apply(&[opened("15 23:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("16 17:00", 1, 1), ("18 09:00", 1, 2)]));
}

#[test]
fn business_days_after_a_pause() {
    let policy = office(resolution(Span::BusinessDays(2), &[WHOLE]));
    let waiting = |time| row(time, EventKind::StateChanged).state(State::Waiting);
    let open = |time| row(time, EventKind::StateChanged).state(State::Open);
    // Two hours of pause: two hours later.
    let commands = [apply(&[opened("16 10:00"), waiting("16 11:00"), open("16 13:00")]), advance("30 00:00")];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("18 12:00", 1, 1)]));
    // What would end at closing time ends at the next opening.
    let commands = [apply(&[opened("16 10:00"), waiting("16 11:00"), open("17 10:00")]), advance("30 00:00")];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("19 09:00", 1, 1)]));
}

#[test]
fn calendar_days_count_in_real_time() {
    let policy = office(resolution(Span::CalendarDays(3), &[HALF, WHOLE]));
    let waiting = row("20 20:00", EventKind::StateChanged).state(State::Waiting);
    let open = row("20 21:00", EventKind::StateChanged).state(State::Open);
    let outputs = check(&policy, &[apply(&[opened("20 18:00"), waiting, open]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 07:00", 1, 1), ("23 19:00", 1, 2)]));
}

#[test]
fn levels_in_calendar_days_on_a_business_clock() {
    // Two days after the target of Friday noon: Sunday noon, whatever the hours.
    let policy = office(resolution(Span::BusinessDays(1), &[Threshold::AfterTarget(Span::CalendarDays(2))]));
    let outputs = check(&policy, &[apply(&[opened("19 12:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 12:00", 1, 1)]));
    let policy = office(resolution(hours(8), &[Threshold::After(Span::CalendarDays(3))]));
    let outputs = check(&policy, &[apply(&[opened("19 12:00")]), advance("30 00:00")]);
    assert_eq!(escalations(&outputs), fired(&[("22 12:00", 1, 1)]));
}

#[test]
fn levels_in_days_after_a_pause() {
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
fn an_opening_that_comes_late_fires_by_choice() {
    let effects = [(EventKind::Opened, Effect::Start), (EventKind::Note, Effect::Stop)];
    for passed in [Passed::Latest, Passed::None] {
        let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
        let note = row("16 13:00", EventKind::Note);
        // The note only implies an opening; the true one makes a cycle that ended at the note.
        let commands = [advance("16 14:00"), apply(&[note]), Command::Apply(vec![opened("16 09:00")], passed)];
        assert_eq!(escalations(&check(&policy, &commands)), [], "{passed:?}");
    }
}

#[test]
fn late_events_ahead_of_the_engine() {
    use EventKind::{AgentReply, Assigned, Note, Opened};
    let effects =
        [(Opened, Effect::Start), (Note, Effect::Pause), (Assigned, Effect::Resume), (AgentReply, Effect::Resume)];
    let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
    for passed in [Passed::None, Passed::Latest, Passed::All] {
        let rows = [opened("16 09:00"), row("16 09:30", Note), row("16 14:00", AgentReply)];
        let commands = [advance("16 09:00"), apply(&rows), Command::Apply(vec![row("16 10:00", Assigned)], passed)];
        check(&policy, &commands);
    }
}

#[test]
fn a_late_opening_ahead_of_the_engine() {
    let effects = [(EventKind::Opened, Effect::Start), (EventKind::Note, Effect::Stop)];
    let policy = office(clock(Some(hours(2)), &effects, &[HALF, WHOLE]));
    for passed in [Passed::None, Passed::Latest, Passed::All] {
        let note = row("16 13:00", EventKind::Note);
        let commands = [advance("16 08:00"), apply(&[note]), Command::Apply(vec![opened("16 09:00")], passed)];
        check(&policy, &commands);
    }
}

#[test]
fn a_late_stop_meets_and_withdraws() {
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
    // Closed is no stop of this clock; resolved at ten is.
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
fn overdue_tickets_load_by_choice() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE, LATER, Threshold::AfterTarget(hours(6))]));
    let load = |passed| {
        let rows = vec![opened("16 09:00"), Row::new("T-2", at("16 09:00"), EventKind::Opened)];
        let resolved = Row::new("T-2", at("16 12:00"), EventKind::Resolved);
        let load = Command::Apply([rows, vec![resolved]].concat(), passed);
        let outputs = check(&policy, &[advance("16 16:00"), load, advance("20 00:00")]);
        let of = |ticket: &str| {
            let all = outputs.iter().flat_map(|output| &output.escalations).filter(|e| e.ticket == ticket);
            all.map(|escalation| (escalation.due_ms, escalation.level)).collect::<Vec<_>>()
        };
        (of("T-1"), of("T-2"))
    };
    let last = (at("16 17:00"), 4);
    let passed = [(at("16 10:00"), 1), (at("16 11:00"), 2), (at("16 12:00"), 3)];
    let (open, done) = load(Passed::All);
    assert_eq!(open, [passed[0], passed[1], passed[2], last]);
    assert_eq!(done, [passed[0], passed[1]]);
    assert_eq!(load(Passed::Latest), (vec![passed[2], last], vec![]));
    assert_eq!(load(Passed::None), (vec![last], vec![]));
}

#[test]
fn a_catch_up_fires_by_choice() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE, LATER]));
    for (passed, expected) in [
        (Passed::All, vec![("16 10:00", 1, 1), ("16 11:00", 1, 2), ("16 12:00", 1, 3)]),
        (Passed::Latest, vec![("16 12:00", 1, 3)]),
        (Passed::None, vec![]),
    ] {
        let commands = [apply(&[opened("16 09:00")]), Command::CatchUp(at("17 09:00"), passed), advance("20 00:00")];
        assert_eq!(escalations(&check(&policy, &commands)), fired(&expected), "{passed:?}");
    }
}

/// Four hours in the office to two hours around the clock, after one hour of Monday; what fires, and when the cycles end.
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
fn priority_change_from_start() {
    // Half of ten hours from eight is passed as the level has fired; all of them at 18:00.
    assert_eq!(escalations(&change(OnPriorityChange::FromStart)), fired(&[("16 13:00", 1, 1), ("16 18:00", 1, 2)]));
}

#[test]
fn priority_change_carry() {
    // Five hours were spent: five are left.
    assert_eq!(escalations(&change(OnPriorityChange::Carry)), fired(&[("16 13:00", 1, 1), ("16 19:00", 1, 2)]));
}

#[test]
fn priority_change_restart() {
    let outputs = change(OnPriorityChange::Restart);
    let expected = [("16 13:00", 1, 1), ("16 19:00", 2, 1), ("17 00:00", 2, 2)];
    assert_eq!(escalations(&outputs), fired(&expected));
    assert_eq!(cycles(&outputs), [(1, at("16 08:00"), at("16 17:00"), at("16 14:00"), 5.0, Some(true))]);
}

#[test]
fn priority_change_keep_level() {
    // At the first level, the second is five hours off.
    assert_eq!(escalations(&change(OnPriorityChange::KeepLevel)), fired(&[("16 13:00", 1, 1), ("16 19:00", 1, 2)]));
}

#[test]
fn priority_change_makes_levels_pass() {
    let normal = priority("normal", OFFICE, OnPriorityChange::FromStart, vec![resolution(hours(8), &[HALF, WHOLE])]);
    let clocks = vec![resolution(hours(1), &[HALF, WHOLE, LATER])];
    let urgent = priority("urgent", ALWAYS, OnPriorityChange::FromStart, clocks);
    let policy = policy(vec![normal, urgent]);
    let change = vec![row("16 10:00", EventKind::PriorityChanged).priority("urgent")];
    for (passed, expected) in [
        (Passed::All, vec![("16 08:30", 1, 1), ("16 09:00", 1, 2), ("16 10:00", 1, 3)]),
        (Passed::Latest, vec![("16 10:00", 1, 3)]),
        (Passed::None, vec![]),
    ] {
        let change = Command::Apply(change.clone(), passed);
        let commands = [apply(&[opened("16 08:00")]), advance("16 10:00"), change, advance("20 00:00")];
        assert_eq!(escalations(&check(&policy, &commands)), fired(&expected), "{passed:?}");
    }
}

#[test]
fn clocks_that_only_one_priority_has() {
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
fn a_clock_that_only_the_new_priority_has_runs_on_after_a_hold() {
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
fn a_cycle_that_was_void_and_ends_again_has_a_higher_revision() {
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
fn an_edit_of_the_states_that_pause_holds_from_then_on() {
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
                Command::Edit(Edited(with(&[State::Open])), apply_to, Passed::Latest),
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
fn a_ticket_opened_before_an_edit_comes_after_it() {
    let with = |states: &[State]| {
        let mut clock = resolution(hours(4), &[WHOLE]);
        clock.pause_while = states.iter().copied().collect();
        policy(vec![priority("normal", ALWAYS, OnPriorityChange::FromStart, vec![clock])])
    };
    for apply_to in [Apply::FromStart, Apply::FromNow, Apply::NewTickets] {
        let commands = vec![
            advance("16 11:00"),
            Command::Edit(Edited(with(&[State::Open])), apply_to, Passed::Latest),
            apply(&[opened("16 09:00"), row("16 10:00", EventKind::StateChanged).state(State::Open)]),
            apply(&[row("16 10:30", EventKind::Note)]),
            advance("17 00:00"),
        ];
        check(&with(&[]), &commands);
    }
}

#[test]
fn a_clock_that_only_the_new_priority_has_sees_no_change_to_the_same_priority() {
    use EventKind::{CustomerReply, Opened, PriorityChanged};
    let effects = [(Opened, Effect::Start), (PriorityChanged, Effect::Stop), (CustomerReply, Effect::Start)];
    let bare = |name| priority(name, OFFICE, OnPriorityChange::FromStart, vec![]);
    let watched = priority("watched", OFFICE, OnPriorityChange::FromStart, vec![clock(None, &effects, &[])]);
    let policy = policy(vec![bare("low"), bare("high"), watched]);
    let to = |time, name| apply(&[row(time, PriorityChanged).priority(name)]);
    let commands = [
        apply(&[opened("16 09:00").priority("high"), row("16 11:00", CustomerReply)]),
        to("16 12:00", "low"),
        // What was a change at noon is none any more.
        to("16 10:00", "low"),
        to("16 13:00", "watched"),
    ];
    assert_eq!(cycles(&check(&policy, &commands)).len(), 1);
}

/// The office opens an hour earlier and the target is six hours; the edit comes on Tuesday at eleven.
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
        Command::Edit(edited, apply_to, Passed::Latest),
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
fn edits_from_start_from_now_and_for_new_tickets() {
    // Ten hours from 15:00 under the new hours: one on Monday, eight on Tuesday, one on Wednesday.
    let outputs = edit(Apply::FromStart);
    assert_eq!(due_of(&outputs, "T-1"), [at("18 09:00")]);
    // Two hours on Monday and two on Tuesday are spent, six are left, five of them on Tuesday.
    let outputs_from_now = edit(Apply::FromNow);
    assert_eq!(due_of(&outputs_from_now, "T-1"), [at("18 09:00")]);
    // As before: two on Monday, eight on Tuesday, two on Wednesday.
    let outputs_new = edit(Apply::NewTickets);
    assert_eq!(due_of(&outputs_new, "T-1"), [at("18 11:00")]);
    for outputs in [outputs, outputs_from_now, outputs_new] {
        assert_eq!(due_of(&outputs, "T-2"), due_of(&outputs, "T-1"));
        assert_eq!(due_of(&outputs, "T-3"), [at("18 13:00")]);
    }
}

#[test]
fn nothing_to_wait_for_in_closed_time_waits_for_the_opening() {
    let policy = office(resolution(hours(2), &[Threshold::After(hours(0))]));
    let commands = [advance("14 00:00"), apply(&[opened("14 12:00")]), advance("16 08:59"), advance("16 09:00")];
    let outputs = check(&policy, &commands);
    assert_eq!(escalations(&outputs), fired(&[("16 09:00", 1, 1)]));
    assert_eq!(outputs[3].escalations.len(), 1);
}

#[test]
fn gone_tickets_leave_without_a_result() {
    let policy = office(resolution(hours(2), &[HALF, WHOLE]));
    for kind in [EventKind::Deleted, EventKind::Merged] {
        let outputs = check(&policy, &[apply(&[opened("16 09:00"), row("16 10:30", kind)]), advance("18 00:00")]);
        assert_eq!(escalations(&outputs), fired(&[("16 10:00", 1, 1)]));
        assert_eq!(cycles(&outputs), []);
    }
}

#[test]
fn nothing_passed_fires_for_a_ticket_that_is_gone() {
    use EventKind::{CustomerReply, Merged, Opened};
    let policy =
        office(clock(Some(hours(8)), &[(Opened, Effect::None), (CustomerReply, Effect::Restart)], &[TWO_HOURS]));
    for passed in [Passed::All, Passed::Latest] {
        let rows = vec![row("16 10:00", CustomerReply), row("16 10:30", Merged)];
        let commands = [apply(&[opened("16 09:00")]), advance("16 14:00"), Command::Apply(rows, passed)];
        assert_eq!(escalations(&check(&policy, &commands)), [], "{passed:?}");
    }
}

#[test]
fn unknown_priorities_are_refused() {
    let policy = office(resolution(hours(2), &[HALF]));
    let bad = row("16 09:00", EventKind::Opened).priority("unheard_of").label(Column::Team, "x");
    let outputs = check(&policy, &[apply(&[bad, opened("16 10:00")]), advance("18 00:00")]);
    assert_eq!(outputs[0].refused, [0]);
    assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1)]));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// Random policies and workloads of a profile, on every number of shards.
fn random(profile: Profile) {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, profile, 40);
        for shards in SHARDS {
            let fails = |commands: &[Command]| compare(&policy, commands, shards).err();
            if let Some((commands, mismatch)) = shrink(commands.clone(), fails) {
                let mut model = Model::new(Arc::clone(&policy));
                let mut text = String::new();
                for command in &commands {
                    text += &format!("\n{command:?}");
                    model::run::run_model(&mut model, command);
                }
                let tickets: String = model.ids().map(|id| model.describe(id)).collect();
                let policy = describe_policy(&policy);
                panic!("seed {seed}: {}\nafter{text}\n{tickets}under{policy}", mismatch.text);
            }
        }
    }
}

#[test]
fn random_in_order_ahead() {
    random(Profile { ahead: true, ..Profile::default() });
}

#[test]
fn random_in_order_behind() {
    random(Profile { ahead: true, behind: true, ..Profile::default() });
}

#[test]
fn random_late_events() {
    random(Profile { ahead: true, behind: true, late: true, ..Profile::default() });
}

#[test]
fn random_priority_changes() {
    random(Profile { ahead: true, behind: true, priorities: true, ..Profile::default() });
}

#[test]
fn random_late_priority_changes() {
    random(Profile { ahead: true, behind: true, priorities: true, late: true, ..Profile::default() });
}

#[test]
fn random_catch_ups() {
    random(Profile { ahead: true, behind: true, late: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_gone_tickets() {
    random(Profile { ahead: true, behind: true, gone: true, ..Profile::default() });
}

#[test]
fn random_edits() {
    random(Profile { behind: true, edits: true, ..Profile::default() });
}

#[test]
fn random_edits_and_everything() {
    random(Profile { behind: true, late: true, priorities: true, edits: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_milliseconds() {
    random(Profile { ahead: true, behind: true, milliseconds: true, ..Profile::default() });
}

const EVERYTHING: Profile = Profile {
    ahead: true,
    behind: true,
    late: true,
    priorities: true,
    gone: true,
    edits: true,
    catch_ups: true,
    milliseconds: true,
};

fn seeds(default_runs: u64) -> std::ops::RangeInclusive<u64> {
    let runs = number("OVERDUE_RUNS").unwrap_or(default_runs);
    number("OVERDUE_SEED").map_or(1..=runs, |seed| seed..=seed)
}

#[test]
fn shards_and_threads_change_nothing() {
    let pools = [1, 2, 5].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let mut engines: Vec<Subject> =
            SHARDS.into_iter().map(|shards| Subject::new(Arc::clone(&policy), shards)).collect();
        for (index, command) in commands.iter().enumerate() {
            let told: Vec<_> = engines
                .iter_mut()
                .enumerate()
                .map(|(engine, subject)| {
                    pools[(engine + index) % pools.len()].install(|| (subject.told(command), subject.state_hash()))
                })
                .collect();
            for (other, shards) in told.iter().zip(SHARDS) {
                assert_eq!(other, &told[0], "seed {seed}, command {index} {command:?}: {shards} shards against one");
            }
        }
    }
}

/// The same rows, ticket by ticket, the last ticket first.
fn split(rows: &[Row]) -> Vec<Vec<Row>> {
    let mut tickets: Vec<&str> = rows.iter().map(|row| row.ticket.as_str()).collect();
    tickets.sort_unstable();
    tickets.dedup();
    let of = |ticket: &&str| rows.iter().filter(|row| row.ticket == *ticket).cloned().collect();
    tickets.iter().rev().map(of).collect()
}

#[test]
fn batches_may_be_split_between_tickets() {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let (mut whole, mut parts) = (Subject::new(Arc::clone(&policy), 2), Subject::new(Arc::clone(&policy), 3));
        for (index, command) in commands.iter().enumerate() {
            let mut told = whole.told(command).expect("an outcome");
            let mut told_in_parts = match command {
                Command::Apply(rows, passed) => {
                    let batches = split(rows).into_iter().map(|rows| Command::Apply(rows, *passed));
                    batches.flat_map(|batch| parts.told(&batch).expect("an outcome")).collect()
                }
                command => parts.told(command).expect("an outcome"),
            };
            // Rows are numbered within their batch.
            told.retain(|line| !line.starts_with("Refused"));
            told_in_parts.retain(|line| !line.starts_with("Refused"));
            told.sort();
            told_in_parts.sort();
            assert_eq!(told, told_in_parts, "seed {seed}, command {index} {command:?}");
        }
        assert_eq!(whole.state_hash(), parts.state_hash(), "seed {seed}");
    }
}
