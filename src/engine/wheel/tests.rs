use super::*;

fn drain(wheel: &mut Wheel, until_s: u32) -> Vec<(u32, Vec<u32>)> {
    let mut slots = Vec::new();
    let mut popped = Vec::new();
    while let Some(second) = wheel.next_batch(until_s, &mut slots) {
        let mut sorted = slots.clone();
        sorted.sort_unstable();
        popped.push((second, sorted));
    }
    assert_eq!(wheel.now_s(), until_s);
    popped
}

#[test]
fn timers_pop_in_their_second() {
    let mut wheel = Wheel::new(1_000);
    wheel.set(0, 1_001);
    wheel.set(1, 500);
    wheel.set(2, 9_000);
    wheel.set(3, 500_000_000);
    wheel.set(4, u32::MAX);
    assert_eq!(wheel.armed(), 5);
    assert_eq!(drain(&mut wheel, 10_000), [(1_001, vec![0, 1]), (9_000, vec![2])]);
    assert_eq!(drain(&mut wheel, u32::MAX), [(500_000_000, vec![3]), (u32::MAX, vec![4])]);
    assert_eq!(wheel.armed(), 0);
}

#[test]
fn moved_and_cancelled_timers_pop_once_or_never() {
    let mut wheel = Wheel::new(0);
    wheel.set(0, 100);
    wheel.set(0, 50_000);
    wheel.set(0, 60);
    wheel.set(1, 60);
    wheel.set(1, 0);
    wheel.set(2, 10);
    wheel.set(2, 4_096 * 3);
    assert_eq!(drain(&mut wheel, 100_000), [(60, vec![0]), (4_096 * 3, vec![2])]);
}

#[test]
fn a_timer_set_while_its_second_is_popped_is_due_at_the_next() {
    let mut wheel = Wheel::new(0);
    wheel.set(7, 4_095);
    let mut slots = Vec::new();
    assert_eq!(wheel.next_batch(10_000, &mut slots), Some(4_095));
    wheel.set(7, 4_095);
    assert_eq!(wheel.next_batch(10_000, &mut slots), Some(4_096));
    assert_eq!(slots, [7]);
}

#[test]
fn alternating_moves_do_not_pile_up() {
    let mut wheel = Wheel::new(0);
    for round in 0..1_000_000_u32 {
        wheel.set(0, 5_000 + round % 2 * 100_000);
        wheel.set(0, 0);
    }
    assert!(wheel.size_bytes() < 4 << 20, "{} bytes for one timer", wheel.size_bytes());
    wheel.set(0, 7_777);
    assert_eq!(drain(&mut wheel, 1_000_000), [(7_777, vec![0])]);
}

#[test]
fn a_million_in_one_second() {
    let mut wheel = Wheel::new(0);
    for slot in 0..1_000_000 {
        wheel.set(slot, 12_345);
    }
    assert_eq!(wheel.entries_until(12_344), 1_000_000);
    let mut slots = Vec::new();
    assert_eq!(wheel.next_batch(20_000, &mut slots), Some(12_345));
    assert!(slots.iter().copied().eq(0..1_000_000));
}
