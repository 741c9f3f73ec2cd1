//! Rewinds: the time is set back after it was wrong.

use super::*;

fn catch_up(time: &str, catch_up: CatchUp) -> Command {
    Command::CatchUp(at(time), catch_up)
}

fn rewind(time: &str) -> Command {
    Command::Rewind(at(time), CatchUp::Latest)
}

#[test]
fn a_rewind_withdraws_levels_that_fire_again_when_they_are_due() {
    let policy = office(resolution(hours(4), &[HALF, WHOLE, LATER]));
    let commands = [
        apply(&[opened("16 09:00")]),
        advance("16 11:30"),
        // Of the second and the third level the latest fires, the other is suppressed.
        catch_up("19 00:00", CatchUp::Latest),
        rewind("16 12:00"),
        advance("16 12:59"),
        advance("16 13:00"),
        advance("20 00:00"),
    ];
    let outputs = check(&policy, &commands);
    let mut expected = fired(&[("16 11:00", 1, 1), ("16 14:00", 1, 3)]);
    expected.push((Kind::Withdrawn, at("16 14:00"), 1, 3));
    expected.extend(fired(&[("16 13:00", 1, 2), ("16 14:00", 1, 3)]));
    assert_eq!(escalations(&outputs), expected);
    assert_eq!(outputs[4].escalations.len(), 0, "no level fires early");
    assert_eq!(outputs[5].escalations.len(), 1, "the level fires when it is due");
}

#[test]
fn a_rewind_to_a_later_time_is_a_catch_up() {
    let policy = office(resolution(hours(4), &[HALF, WHOLE]));
    let commands = [apply(&[opened("16 09:00")]), advance("16 10:00"), rewind("16 15:00"), advance("20 00:00")];
    assert_eq!(escalations(&check(&policy, &commands)), fired(&[("16 13:00", 1, 2)]));
}

#[test]
fn an_edit_at_a_wrong_time_takes_effect_at_the_time_of_the_rewind() {
    let policy = office(resolution(hours(8), &[WHOLE]));
    let edited = office(resolution(hours(2), &[WHOLE]));
    for mode in [Apply::FromStart, Apply::FromNow] {
        let commands = [
            apply(&[opened("16 09:00")]),
            catch_up("20 00:00", CatchUp::None),
            Command::Edit(Edited(Arc::clone(&edited)), mode, CatchUp::None),
            rewind("16 10:00"),
            apply(&[Row::new("T-2", at("16 10:30"), EventKind::Opened)]),
            advance("20 00:00"),
        ];
        // One hour of the two is spent already.
        let expected = fired(&[("16 11:00", 1, 1), ("16 12:30", 1, 1)]);
        assert_eq!(escalations(&check(&policy, &commands)), expected, "{mode:?}");
    }
}

#[test]
fn events_from_a_wrong_time_keep_their_time() {
    let policy = office(resolution(hours(4), &[HALF, WHOLE]));
    let commands = [
        apply(&[opened("16 09:00")]),
        advance("18 10:00"),
        apply(&[row("18 10:00", EventKind::Resolved)]),
        rewind("16 10:00"),
        advance("20 00:00"),
    ];
    let outputs = check(&policy, &commands);
    assert_eq!(escalations(&outputs), fired(&[("16 11:00", 1, 1), ("16 13:00", 1, 2)]));
    assert_eq!(cycles(&outputs), [(1, at("16 09:00"), at("16 13:00"), at("18 10:00"), 17.0, Some(false))]);
    // A second row with the right time takes effect at that time.
    let mut commands = commands.to_vec();
    commands.push(apply(&[row("16 12:00", EventKind::Resolved)]));
    let outputs = check(&policy, &commands);
    let last = escalations(&outputs).pop();
    assert_eq!(last, Some((Kind::Withdrawn, at("16 13:00"), 1, 2)));
    assert_eq!(cycles(&outputs).last().map(|cycle| cycle.5), Some(Some(true)));
}
