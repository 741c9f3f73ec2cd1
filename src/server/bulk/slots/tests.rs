use super::*;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);

fn waiting(slots: &Slots) -> usize {
    slots.state().waiting.len()
}

/// Waits until this many bodies wait for a slot.
fn until_waiting(slots: &Slots, count: usize) {
    while waiting(slots) != count {
        thread::yield_now();
    }
}

/// Takes a slot on its own thread; the slot arrives over the channel once it has begun.
fn begin(slots: &Arc<Slots>, token: &str) -> mpsc::Receiver<Slot> {
    let slot = slots.of(token.into());
    let (begun, begins) = mpsc::channel();
    thread::spawn(move || {
        slot.begin();
        begun.send(slot)
    });
    begins
}

#[test]
fn who_waits_for_a_sender_holds_nobody_up() {
    let slots = Arc::new(Slots::new(2));
    let slow: Vec<Slot> = (0..8).map(|_| slots.of("slow".into())).collect();
    for slot in &slow {
        slot.begin();
        slot.pause();
    }
    let other = begin(&slots, "other").recv_timeout(PATIENCE).unwrap();
    // One of the slow ones continues beside it; a second has to wait.
    slow[0].begin();
    let third = begin(&slots, "third");
    until_waiting(&slots, 1);
    drop(other);
    assert!(third.recv_timeout(PATIENCE).is_ok());
}

#[test]
fn one_token_has_all_turns_until_another_wants_one() {
    let slots = Arc::new(Slots::new(3));
    let mine: Vec<Slot> = (0..3).map(|_| slots.of("mine".into())).collect();
    mine.iter().for_each(Slot::begin);
    // If none wait, or only others of the same token, no slot is passed on.
    mine[0].pass_on();
    let fourth = begin(&slots, "mine");
    until_waiting(&slots, 1);
    mine[0].pass_on();
    assert!(fourth.try_recv().is_err());
    let yours = begin(&slots, "yours");
    until_waiting(&slots, 2);
    let passing = thread::spawn(move || mine.iter().for_each(Slot::pass_on));
    let yours = yours.recv_timeout(PATIENCE).unwrap();
    yours.pause();
    // A released slot goes to the body that has waited longest, then to the one that passed it on.
    drop(fourth.recv_timeout(PATIENCE).unwrap());
    passing.join().unwrap();
    assert_eq!(waiting(&slots), 0);
}

#[test]
fn more_tokens_than_turns_take_turns() {
    let slots = Arc::new(Slots::new(1));
    let first = begin(&slots, "first").recv_timeout(PATIENCE).unwrap();
    let second = begin(&slots, "second");
    until_waiting(&slots, 1);
    let passing = thread::spawn(move || first.pass_on());
    let second = second.recv_timeout(PATIENCE).unwrap();
    until_waiting(&slots, 1);
    second.pass_on();
    drop(second);
    passing.join().unwrap();
}
