use super::*;

fn numbers(group: u64) -> Numbers {
    Numbers { group, escalation: group * 10, cycle: group * 100 }
}

fn begin(folder: &Path, before: Option<Epochs>, mark: u32, group: u64) -> Epochs {
    let epoch = Epoch::after(before.as_ref().and_then(Epochs::current), mark);
    Epochs::begin(folder, before, 7, (epoch, numbers(group)), ("2026-11-22T09:30:00Z".to_owned(), "test")).unwrap()
}

#[test]
fn an_epoch_is_read_as_it_is_written() {
    let epoch = Epoch::after(Some(Epoch::after(None, 1)), 0x9f3a_61c4);
    assert_eq!(epoch.to_string(), "2.9f3a61c4");
    assert_eq!("2.9f3a61c4".parse(), Ok(epoch));
    assert_eq!(Epoch::from_bits(epoch.bits()), Some(epoch));
    assert_eq!(Epoch::from_bits(0), None);
    for wrong in
        ["", "2", "2.", "2.9f3a61c", "2.9F3A61C4", "0.9f3a61c4", "+2.9f3a61c4", "4294967296.9f3a61c4", "2.9f3a61c4 "]
    {
        assert_eq!(wrong.parse::<Epoch>(), Err(()), "{wrong:?}");
    }
}

#[test]
fn what_reaches_beyond_the_next_epoch_is_of_a_state_that_was_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let first = begin(folder.path(), None, 1, 5);
    let second = begin(folder.path(), Some(first.clone()), 2, 8);
    let epochs = Epochs::read(folder.path()).unwrap().unwrap();
    assert_eq!(epochs.current(), second.current());
    let (one, two) = (first.current(), second.current());
    assert!(epochs.holds(one, 7, Numbered::Group) && !epochs.holds(one, 8, Numbered::Group));
    assert!(epochs.holds(one, 79, Numbered::Escalation) && !epochs.holds(one, 80, Numbered::Escalation));
    assert!(epochs.holds(one, 799, Numbered::Cycle) && !epochs.holds(one, 800, Numbered::Cycle));
    assert!(epochs.holds(two, u64::MAX, Numbered::Group));
    // Of another folder, or from before the list.
    let other = Epoch::after(None, 3);
    assert!(epochs.holds(Some(other), 4, Numbered::Group) && !epochs.holds(Some(other), 5, Numbered::Group));
    assert!(epochs.holds(None, u64::MAX, Numbered::Group), "parts of older programs have no epoch");

    assert_eq!(epochs.of_escalation(79), one);
    assert_eq!(epochs.of_escalation(80), two);
    assert_eq!(epochs.last_common_escalation(one.unwrap()), Some(79));
    assert_eq!(epochs.last_common_escalation(two.unwrap()), Some(u64::MAX));
    assert_eq!(epochs.last_common_escalation(other), None);
    assert!(epochs.is_of_journal(7) && !epochs.is_of_journal(8));
}

#[test]
fn an_epoch_that_begins_before_another_leaves_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = begin(folder.path(), None, 1, 1);
    let second = begin(folder.path(), Some(first.clone()), 2, 8);
    let third = begin(folder.path(), Some(second.clone()), 3, 7);
    assert!(third.holds(first.current(), 6, Numbered::Group) && !third.holds(first.current(), 7, Numbered::Group));
    assert!(!third.holds(second.current(), 7, Numbered::Group));
    assert_eq!(third.of_escalation(69), first.current());
    assert_eq!(third.of_escalation(70), third.current());
}

#[test]
fn a_copy_is_known_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    assert!(Epochs::read(folder.path()).unwrap().is_none());
    begin(folder.path(), None, 1, 1);
    let epochs = Epochs::read(folder.path()).unwrap().unwrap();
    assert!(epochs.is_in_place());
    std::fs::copy(folder.path().join(FILE), copy.path().join(FILE)).unwrap();
    assert!(!Epochs::read(copy.path()).unwrap().unwrap().is_in_place());
    epochs.write_restored(copy.path()).unwrap();
    assert!(!Epochs::read(copy.path()).unwrap().unwrap().is_in_place());
}

#[test]
fn a_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    begin(folder.path(), None, 1, 1);
    let path = folder.path().join(FILE);
    let whole = std::fs::read(&path).unwrap();
    for bit in (0..whole.len() * 8).step_by(13) {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, damaged).unwrap();
        let rejected = Epochs::read(folder.path()).unwrap_err();
        assert!(matches!(rejected, EpochsError::Damaged { .. }), "bit {bit}: {rejected}");
    }
}

#[test]
fn the_list_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let mut epochs = begin(folder.path(), None, 1, 1);
    epochs.document.epochs = vec![epochs.document.epochs[0].clone(); MAX_EPOCHS];
    begin(folder.path(), Some(epochs), 2, 9);
    let epochs = Epochs::read(folder.path()).unwrap().unwrap();
    assert_eq!((epochs.document.epochs.len(), epochs.first()), (MAX_EPOCHS, Some(numbers(9))));
}
