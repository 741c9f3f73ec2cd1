//! Columns with one corrupt value: the restore succeeds, or fails with the place and the value; it never panics.

use super::random::{EVERYTHING, random_commands, random_policy, seeds};
use super::restored::{Tracked, restore};
use crate::support::random::Random;
use overdue::engine::{RestoreError, ShardState};
use overdue::ticket::{EventKind, State, Texts, TicketLabel};
use std::ops::BitXor;

/// Flips a bit in a random row; returns whether there is a row.
fn flip<T: Copy + BitXor<Output = T>>(
    random: &mut Random,
    column: &mut [T],
    bits: usize,
    bit: impl Fn(usize) -> T,
) -> bool {
    if column.is_empty() {
        return false;
    }
    let (row, flipped) = (random.below(column.len()), bit(random.below(bits)));
    column[row] = column[row] ^ flipped;
    true
}

fn replace<T>(random: &mut Random, column: &mut [T], value: T) -> bool {
    if column.is_empty() {
        return false;
    }
    let row = random.below(column.len());
    column[row] = value;
    true
}

/// Changes one value of a shard; returns its column, or `None` if the column is empty.
fn corrupt(random: &mut Random, state: &mut ShardState) -> Option<&'static str> {
    let (u16s, u32s, u64s) = (|bit: usize| 1u16 << bit, |bit: usize| 1u32 << bit, |bit: usize| 1u64 << bit);
    let i64s = |bit: usize| 1i64 << bit;
    let bools = |_: usize| true;
    let (tickets, clocks, events, fires) = (&mut state.tickets, &mut state.clocks, &mut state.events, &mut state.fires);
    let any_state = random.pick(&State::ALL);
    let any_kind = random.pick(&EventKind::ALL);
    let maybe_state = random.chance(50).then_some(any_state);
    let (column, done) = match random.below(36) {
        0 => ("ordinal", flip(random, &mut tickets.ordinal, 64, u64s)),
        1 => ("opened_ms", flip(random, &mut tickets.opened_ms, 64, i64s)),
        2 => ("state", replace(random, &mut tickets.state, any_state)),
        3 => ("priority", flip(random, &mut tickets.labels[TicketLabel::Priority], 32, u32s)),
        4 => ("version", flip(random, &mut tickets.version, 16, u16s)),
        5 => ("owner", flip(random, &mut tickets.labels[TicketLabel::Owner], 32, u32s)),
        6 => ("team", flip(random, &mut tickets.labels[TicketLabel::Team], 32, u32s)),
        7 => ("channel", flip(random, &mut tickets.labels[TicketLabel::Channel], 32, u32s)),
        8 => ("category", flip(random, &mut tickets.labels[TicketLabel::Category], 32, u32s)),
        9 => ("customer", flip(random, &mut tickets.labels[TicketLabel::Customer], 32, u32s)),
        10 => ("revision", flip(random, &mut tickets.revision, 16, u16s)),
        11 => ("next_due_s", flip(random, &mut tickets.next_due_s, 32, u32s)),
        12 => ("has_events", flip(random, &mut tickets.has_events, 1, bools)),
        13 => ("clocks.ticket", flip(random, &mut clocks.ticket, 32, u32s)),
        14 => ("clocks.clock", flip(random, &mut clocks.clock, 32, u32s)),
        15 => ("cycle", flip(random, &mut clocks.cycle, 16, u16s)),
        16 => ("started_ms", flip(random, &mut clocks.started_ms, 64, i64s)),
        17 => ("segment_ms", flip(random, &mut clocks.segment_ms, 64, i64s)),
        18 => ("spent_ms", flip(random, &mut clocks.spent_ms, 64, i64s)),
        19 => ("is_open", flip(random, &mut clocks.is_open, 1, bools)),
        20 => ("is_running", flip(random, &mut clocks.is_running, 1, bools)),
        21 => ("is_held", flip(random, &mut clocks.is_held, 1, bools)),
        22 => ("is_broken", flip(random, &mut clocks.is_broken, 1, bools)),
        23 => ("reached", flip(random, &mut clocks.reached, 16, u16s)),
        24 => ("fired", flip(random, &mut clocks.fired, 16, u16s)),
        25 => ("events.ticket", flip(random, &mut events.ticket, 32, u32s)),
        26 => ("at_ms", flip(random, &mut events.at_ms, 64, i64s)),
        27 => ("kind", replace(random, &mut events.kind, any_kind)),
        28 => ("events.state", replace(random, &mut events.state, maybe_state)),
        29 => ("events.priority", flip(random, &mut events.priority, 32, u32s)),
        30 => ("events.owner", flip(random, &mut events.owner, 32, u32s)),
        31 => ("is_implied", flip(random, &mut events.is_implied, 1, bools)),
        32 => ("fires.ticket", flip(random, &mut fires.ticket, 32, u32s)),
        33 => ("fires.clock", flip(random, &mut fires.clock, 32, u32s)),
        34 => ("fires.levels", flip(random, &mut fires.levels, 16, u16s)),
        _ => {
            let ids: Vec<String> = tickets.id.iter().map(str::to_owned).collect();
            let changed = random.below(ids.len().max(1));
            tickets.id = Texts::default();
            for (row, id) in ids.iter().enumerate() {
                let other = ["", "t1", "t2", "elsewhere", &"x".repeat(256)][random.below(5)].to_owned();
                tickets.id.push(if row == changed { &other } else { id });
            }
            ("id", !ids.is_empty())
        }
    };
    done.then_some(column)
}

#[test]
fn a_corrupt_value_fails_the_restore_with_its_place_or_is_accepted_without_a_panic() {
    let (mut failed, mut restored) = (0, 0);
    for seed in seeds(40) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let mut tracked = Tracked::new(&policy, 2);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 40);
        for command in &commands[..commands.len() / 2] {
            tracked.emit(command);
        }
        let (head, states) = (tracked.subject.engine().head(), tracked.shards());
        for _ in 0..200 {
            let mut corrupted = states.clone();
            let shard = random.below(corrupted.len());
            let Some(column) = corrupt(&mut random, &mut corrupted[shard]) else { continue };
            match restore(&tracked.installed, &head, corrupted) {
                Ok(_) => restored += 1,
                Err(RestoreError::Value { shard: named, .. }) => {
                    assert_eq!(usize::from(named), shard, "seed {seed}, {column}");
                    failed += 1;
                }
                Err(error) => panic!("seed {seed}, {column}: {error}"),
            }
        }
    }
    assert!(failed > restored, "{failed} failed, {restored} restored");
}

#[test]
fn columns_of_unequal_length_and_missing_shards_fail_the_restore() {
    let mut random = Random(1);
    let policy = random_policy(&mut random);
    let mut tracked = Tracked::new(&policy, 2);
    for command in random_commands(&mut random, &policy, EVERYTHING, 20) {
        tracked.emit(&command);
    }
    let (head, states) = (tracked.subject.engine().head(), tracked.shards());
    let error = |change: &dyn Fn(&mut Vec<ShardState>)| {
        let mut states = states.clone();
        change(&mut states);
        restore(&tracked.installed, &head, states).expect_err("an error").to_string()
    };
    assert!(
        error(&|states| states[1].tickets.labels[TicketLabel::Owner].push(0))
            .starts_with("shard 1, table tickets: column owner has")
    );
    assert_eq!(error(&|states| drop(states.pop())), "shard 1 appears 0 times, expected once");
    assert!(error(&|states| states[0].number = 2).starts_with("the number of a shard is 2"));
    let doubled = |states: &mut Vec<ShardState>| states.push(ShardState { number: 1, ..ShardState::default() });
    assert_eq!(error(&doubled), "shard 1 appears 2 times, expected once");
    let mut other = head.clone();
    other.labels.clocks.push("unheard of".into());
    let error = restore(&tracked.installed, &other, states.clone()).expect_err("an error").to_string();
    assert!(error.starts_with("clock number"), "{error}");
    assert!(restore(&[], &head, states.clone()).is_err());
}
