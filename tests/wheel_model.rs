//! The timing wheel against a simple oracle: a map from seconds to sets of slots.
//!
//! A failing run prints its seed; `OVERDUE_SEED=n cargo test --test wheel_model` runs that seed alone.

mod support {
    pub mod random;
}

use overdue::engine::wheel::Wheel;
use std::collections::{BTreeMap, BTreeSet};
use support::random::Random;

const YEAR_S: u64 = 365 * 86_400;

impl Random {
    /// Below the bound, each order of magnitude as likely as the next.
    fn magnitude(&mut self, bound: u64) -> u64 {
        let bits = 64 - bound.leading_zeros();
        let shift = self.below(bits as usize + 1);
        self.below((bound >> shift).max(1) as usize) as u64
    }
}

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("OVERDUE_SEED") {
        Ok(seed) => vec![seed.parse().unwrap_or_else(|_| panic!("OVERDUE_SEED is not a number: {seed}"))],
        Err(_) => (1..=count).collect(),
    }
}

/// Timers as a map.
struct Oracle {
    now_s: u32,
    due: BTreeMap<u32, u32>,
    by_second: BTreeMap<u32, BTreeSet<u32>>,
}

impl Oracle {
    fn new(now_s: u32) -> Oracle {
        Oracle { now_s, due: BTreeMap::new(), by_second: BTreeMap::new() }
    }

    fn set(&mut self, slot: u32, due_s: u32) {
        if let Some(old_s) = self.due.remove(&slot) {
            let slots = self.by_second.entry(old_s).or_default();
            slots.remove(&slot);
            if slots.is_empty() {
                self.by_second.remove(&old_s);
            }
        }
        if due_s != 0 {
            let due_s = due_s.max(self.now_s + 1);
            self.due.insert(slot, due_s);
            self.by_second.entry(due_s).or_default().insert(slot);
        }
    }

    fn next_batch(&mut self, until_s: u32) -> Option<(u32, Vec<u32>)> {
        match self.by_second.first_entry() {
            Some(first) if *first.key() <= until_s => {
                let (second, slots) = first.remove_entry();
                for slot in &slots {
                    self.due.remove(slot);
                }
                self.now_s = second;
                Some((second, slots.into_iter().collect()))
            }
            _ => {
                self.now_s = self.now_s.max(until_s);
                None
            }
        }
    }
}

/// Wheel and oracle side by side.
struct Pair {
    wheel: Wheel,
    oracle: Oracle,
    slots: Vec<u32>,
    context: String,
}

impl Pair {
    fn new(now_s: u32, context: String) -> Pair {
        Pair { wheel: Wheel::new(now_s), oracle: Oracle::new(now_s), slots: Vec::new(), context }
    }

    fn set(&mut self, slot: u32, due_s: u32) {
        self.wheel.set(slot, due_s);
        self.oracle.set(slot, due_s);
    }

    /// Pops one second from both and compares.
    fn pop(&mut self, until_s: u32) -> Option<(u32, Vec<u32>)> {
        let second = self.wheel.next_batch(until_s, &mut self.slots);
        let expected = self.oracle.next_batch(until_s);
        let popped = second.map(|second| {
            let mut slots = self.slots.clone();
            slots.sort_unstable();
            (second, slots)
        });
        assert_eq!(popped, expected, "popped until {until_s}: {}", self.context);
        if let Some((_, slots)) = &popped {
            let armed = slots.iter().find(|slot| self.wheel.due(**slot) != 0);
            assert_eq!(armed, None, "still armed after it was popped: {}", self.context);
        }
        popped
    }

    fn pop_all(&mut self, until_s: u32) -> usize {
        let mut count = 0;
        while let Some((_, slots)) = self.pop(until_s) {
            count += slots.len();
        }
        count
    }

    fn compare_dues(&self, slots: u32) {
        for slot in 0..slots {
            let expected = self.oracle.due.get(&slot).copied().unwrap_or(0);
            // A due time in the past counts as the next second; the wheel may store either.
            let due_s = match self.wheel.due(slot) {
                0 => 0,
                due_s => due_s.max(self.oracle.now_s.saturating_add(1)),
            };
            assert_eq!(due_s, expected, "due of slot {slot}: {}", self.context);
        }
        assert_eq!(self.wheel.armed(), self.oracle.due.len(), "armed: {}", self.context);
    }
}

/// A due time: near, far, in the past, at a boundary of the wheel, or in the same second as others.
fn random_due(random: &mut Random, now_s: u32) -> u32 {
    let now = u64::from(now_s);
    let due = match random.below(8) {
        0 => now.saturating_sub(random.magnitude(YEAR_S)),
        1 => now,
        2 => (now | 4_095) + random.below(3) as u64,
        3 => (now | 0xff_ffff) + random.below(3) as u64,
        4 => (now / 60 + 1 + random.below(3) as u64) * 60,
        _ => now + 1 + random.magnitude(10 * YEAR_S),
    };
    due.clamp(1, u64::from(u32::MAX - 1)) as u32
}

fn run(seed: u64, operations: usize, slots: u32, ticks: bool) {
    let mut random = Random(seed);
    let context = |now_s: u32| format!("seed {seed}, {slots} slots, wheel from {now_s}");
    let start_s = random.below(u32::MAX as usize / 2) as u32;
    let mut pair = Pair::new(start_s, context(start_s));
    for operation in 0..operations {
        let now_s = pair.oracle.now_s;
        if now_s > u32::MAX - 11 * YEAR_S as u32 {
            pair.compare_dues(slots);
            let start_s = random.below(u32::MAX as usize / 2) as u32;
            pair = Pair::new(start_s, context(start_s));
            continue;
        }
        match random.below(if ticks { 64 } else { 512 }) {
            0 => {
                let step = if ticks { random.magnitude(5_000) } else { random.magnitude(10 * YEAR_S) };
                let until_s = now_s + step as u32;
                while let Some((second, popped)) = pair.pop(until_s) {
                    // While the batch is processed, its slots are armed again and others are changed.
                    for slot in popped {
                        match random.below(8) {
                            0 => pair.set(slot, second),
                            1 => pair.set(slot, second + 1),
                            2 => pair.set(slot, random_due(&mut random, second)),
                            3 => pair.set(slot, 0),
                            4 => pair.set(random.below(slots as usize) as u32, 0),
                            _ => {}
                        }
                    }
                }
            }
            1..=12 => pair.set(random.below(slots as usize) as u32, 0),
            _ => {
                let due_s = random_due(&mut random, now_s);
                pair.set(random.below(slots as usize) as u32, due_s);
            }
        }
        if operation % 65_536 == 0 {
            pair.compare_dues(slots);
        }
    }
    pair.pop_all(u32::MAX - 2);
    pair.compare_dues(slots);
}

#[test]
fn random_operations_with_long_steps() {
    for seed in seeds(6) {
        println!("seed {seed}");
        run(seed, 300_000, [7, 300, 20_000][seed as usize % 3], false);
    }
}

#[test]
fn random_operations_with_short_steps() {
    for seed in seeds(6) {
        println!("seed {seed}");
        run(seed, 300_000, [3, 200, 50_000][seed as usize % 3], true);
    }
}

#[test]
fn moved_timers_take_bounded_memory() {
    // Ten slots and hundreds of thousands of moves.
    for seed in seeds(3) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let mut pair = Pair::new(1_000_000_000, format!("seed {seed}"));
        for _ in 0..300_000 {
            let due_s = random_due(&mut random, pair.oracle.now_s);
            pair.set(random.below(10) as u32, due_s);
        }
        pair.compare_dues(10);
        assert!(pair.wheel.size_bytes() < 64 << 20, "{} bytes for ten timers", pair.wheel.size_bytes());
        let armed = pair.oracle.due.len();
        assert_eq!(pair.pop_all(u32::MAX - 2), armed);
    }
}

#[test]
fn timers_of_one_second_expire_together() {
    let mut pair = Pair::new(1_000, "collisions".to_owned());
    (0..500).for_each(|slot| pair.set(slot, 5_000));
    (100..200).for_each(|slot| pair.set(slot, 5_001));
    (150..160).for_each(|slot| pair.set(slot, 5_000));
    assert_eq!(pair.pop(4_999), None);
    assert_eq!(pair.pop(5_000).map(|(_, slots)| slots.len()), Some(410));
    assert_eq!(pair.pop_all(6_000), 90);
}

#[test]
fn timers_at_the_boundaries_of_the_wheel_expire() {
    let mut pair = Pair::new(0, "horizon".to_owned());
    let dues = [1, 4_095, 4_096, 4_097, (1 << 24) - 1, 1 << 24, (1 << 24) + 1, 1 << 31, u32::MAX - 1];
    dues.into_iter().zip(0..).for_each(|(due_s, slot)| pair.set(slot, due_s));
    for due_s in dues {
        assert_eq!(pair.pop(u32::MAX - 1).map(|(second, _)| second), Some(due_s));
    }
    assert_eq!(pair.pop(u32::MAX - 1), None);
}

#[test]
fn timers_at_the_last_second_of_time_expire() {
    let mut wheel = Wheel::new(u32::MAX - 10_000);
    wheel.set(3, u32::MAX);
    wheel.set(4, u32::MAX);
    let mut slots = Vec::new();
    assert_eq!(wheel.next_batch(u32::MAX - 1, &mut slots), None);
    assert_eq!(wheel.next_batch(u32::MAX, &mut slots), Some(u32::MAX));
    slots.sort_unstable();
    assert_eq!(slots, [3, 4]);
    assert_eq!(wheel.next_batch(u32::MAX, &mut slots), None);
}

#[test]
fn a_due_time_in_the_past_expires_at_the_next_second() {
    let mut pair = Pair::new(10_000, "past".to_owned());
    pair.set(0, 1);
    pair.set(1, 9_999);
    pair.set(2, 10_000);
    pair.set(3, 10_001);
    assert_eq!(pair.pop(10_000), None);
    assert_eq!(pair.pop(20_000), Some((10_001, vec![0, 1, 2, 3])));
    pair.set(4, 30_000);
    pair.set(4, 5);
    assert_eq!(pair.pop(20_000), Some((10_002, vec![4])));
}

#[test]
fn time_does_not_run_backwards() {
    let mut pair = Pair::new(10_000, "backwards".to_owned());
    pair.set(0, 10_005);
    assert_eq!(pair.pop(3), None);
    assert_eq!(pair.wheel.now_s(), 10_000);
    assert_eq!(pair.pop(10_005), Some((10_005, vec![0])));
}

#[test]
fn expired_timers_can_be_cancelled_and_set() {
    let mut pair = Pair::new(50, "expiry".to_owned());
    pair.set(0, 60);
    pair.set(1, 60);
    assert_eq!(pair.pop(100), Some((60, vec![0, 1])));
    pair.set(0, 0);
    pair.set(0, 0);
    pair.set(1, 61);
    assert_eq!(pair.pop(100), Some((61, vec![1])));
    assert_eq!(pair.pop(100), None);
    pair.set(7, 0);
    pair.compare_dues(8);
    assert_eq!(pair.pop(1_000_000), None);
}

#[test]
fn a_timer_can_be_armed_again_after_each_expiry() {
    let mut pair = Pair::new(4_090, "again".to_owned());
    pair.set(0, 4_091);
    for second in 4_091..12_000 {
        assert_eq!(pair.pop(20_000), Some((second, vec![0])));
        pair.set(0, second - second % 3);
    }
}

#[test]
fn a_timer_that_is_cancelled_and_set_again_expires_once() {
    let mut pair = Pair::new(100, "twice".to_owned());
    for due_s in [200, 0, 200, 300, 200, 0, 250, 200] {
        pair.set(9, due_s);
    }
    assert_eq!(pair.pop(1_000), Some((200, vec![9])));
    assert_eq!(pair.pop(1_000), None);
}

#[test]
fn a_million_timers_of_one_second_expire_together() {
    let count = 1_000_000;
    let mut wheel = Wheel::new(1_700_000_000);
    (0..count).for_each(|slot| wheel.set(slot, 1_700_086_400));
    let mut slots = Vec::new();
    assert_eq!(wheel.next_batch(1_700_086_399, &mut slots), None);
    assert_eq!(wheel.next_batch(u32::MAX - 1, &mut slots), Some(1_700_086_400));
    slots.sort_unstable();
    assert!(slots.iter().copied().eq(0..count));
    assert_eq!(wheel.armed(), 0);
    assert_eq!(wheel.next_batch(u32::MAX - 1, &mut slots), None);
}
