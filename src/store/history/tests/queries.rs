//! The history returns what a plain list of the records would.

use super::synthetic::{Dice, FIRST_DAY_MS, blocks, cycle_block, records};
use crate::store::history::{History, HistoryError, Page};
use crate::store::record::{EscalationFilter, EscalationRecord, RecordKind};
use crate::ticket::{PerLabel, TicketLabel};
use crate::time::{DAY_MS, HOUR_MS};

fn filters() -> Vec<EscalationFilter> {
    let any = EscalationFilter::default;
    let some = |label: &str| Some(label.to_owned());
    let has = |label, value| PerLabel::from_fn(|other| (other == label).then(|| some(value)).flatten());
    vec![
        any(),
        EscalationFilter { ticket: some("T3"), ..any() },
        EscalationFilter { kind: Some(RecordKind::Withdrawn), level: Some(2), ..any() },
        EscalationFilter { clock: some("clock 1 ø"), labels: has(TicketLabel::Team, "team 2 ø"), ..any() },
        EscalationFilter {
            labels: PerLabel::from_fn(|label| match label {
                TicketLabel::Owner => some("owner 0 ø"),
                TicketLabel::Priority => some("priority 1 ø"),
                _ => None,
            }),
            ..any()
        },
        EscalationFilter { labels: has(TicketLabel::Channel, "channel 1 ø"), ..any() },
        EscalationFilter { labels: has(TicketLabel::Owner, "nobody"), ..any() },
        EscalationFilter { since_ms: Some(FIRST_DAY_MS + 3 * DAY_MS), ..any() },
        EscalationFilter { until_ms: Some(FIRST_DAY_MS + 4 * DAY_MS + 5 * HOUR_MS), ..any() },
        EscalationFilter {
            since_ms: Some(FIRST_DAY_MS + 7 * HOUR_MS),
            until_ms: Some(FIRST_DAY_MS + 5 * DAY_MS),
            kind: Some(RecordKind::Fired),
            ..any()
        },
    ]
}

/// All records after a number, read page by page.
fn pages(history: &History, mut after: u64, filter: &EscalationFilter, limit: usize) -> Vec<EscalationRecord> {
    let mut all = Vec::new();
    while after < history.last_escalation() {
        let Page { records: page, up_to: scanned_up_to, gaps } =
            history.escalations_after(after, filter, limit).unwrap();
        assert_eq!(gaps, []);
        assert!(page.len() <= limit && scanned_up_to > after);
        assert!(page.iter().all(|record| (after + 1..=scanned_up_to).contains(&record.sequence)));
        all.extend(page);
        after = scanned_up_to;
    }
    all
}

#[test]
fn pages_of_the_history_are_those_of_a_list() {
    let mut dice = Dice(7);
    let blocks = blocks(&mut dice, 60);
    let all = records(&blocks);
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let nothing = history.escalations_after(0, &EscalationFilter::default(), 10).unwrap();
    assert_eq!((nothing.records, nothing.up_to), (Vec::new(), 0));
    // In calls of some blocks each; each call repeats the last blocks of the one before, as after a crash.
    let mut from: usize = 0;
    while from < blocks.len() {
        let to = (from + 1 + dice.next(9) as usize).min(blocks.len());
        history.write_escalations(&blocks[from.saturating_sub(3)..to]).unwrap();
        from = to;
    }
    let reopened = History::open(folder.path()).unwrap();
    for history in [&history, &reopened] {
        assert_eq!(history.last_escalation(), all.len() as u64);
        assert_eq!(history.last_cycle(), 0);
        for filter in filters() {
            for (after, limit) in [(0, 1_000), (0, 1), (0, 7), (100, 13), (all.len() as u64 - 1, 5)] {
                let wanted: Vec<EscalationRecord> =
                    all.iter().filter(|record| record.sequence > after && filter.admits(record)).cloned().collect();
                assert_eq!(pages(history, after, &filter, limit), wanted, "{filter:?} after {after} by {limit}");
            }
        }
    }
    let nothing = reopened.escalations_after(u64::MAX, &EscalationFilter::default(), 5).unwrap();
    assert_eq!((nothing.records, nothing.up_to), (Vec::new(), u64::MAX));
    // Everything once more: nothing is added.
    reopened.write_escalations(&blocks).unwrap();
    assert_eq!(reopened.last_escalation(), all.len() as u64);
}

#[test]
fn a_gap_is_refused_and_what_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    history.write_cycles(&[cycle_block(1, 3)]).unwrap();
    assert_eq!(history.last_cycle(), 3);
    let rejected = history.write_cycles(&[cycle_block(5, 1)]).unwrap_err();
    assert!(matches!(rejected, HistoryError::Gap { expected: 4, found: 5, .. }), "{rejected}");
    // The first block is over a row that is there.
    history.write_cycles(&[cycle_block(2, 4), cycle_block(6, 0), cycle_block(6, 2)]).unwrap();
    assert_eq!(history.last_cycle(), 7);
    assert_eq!(History::open(folder.path()).unwrap().last_cycle(), 7);
}

#[test]
fn a_word_that_nobody_knows_is_no_word() {
    let mut block = cycle_block(1, 2).as_ref().clone();
    block.rows[1].labels[TicketLabel::Team] = 55;
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    let rejected = history.write_cycles(&[block.into()]).unwrap_err();
    assert_eq!(rejected.to_string(), "symbol 55 of the column team has no label");
    assert_eq!(history.last_cycle(), 0);
}

#[test]
fn days_that_were_removed_are_passed_over() {
    let mut dice = Dice(3);
    let blocks = blocks(&mut dice, 30);
    let folder = tempfile::tempdir().unwrap();
    History::open(folder.path()).unwrap().write_escalations(&blocks).unwrap();
    std::fs::remove_dir_all(folder.path().join("escalations/2026-11-22")).unwrap();
    let history = History::open(folder.path()).unwrap();
    let left = pages(&history, 0, &EscalationFilter::default(), 100);
    let wanted = records(&blocks).into_iter().filter(|record| record.recorded_ms >= FIRST_DAY_MS + DAY_MS);
    assert_eq!(left, wanted.collect::<Vec<_>>());
}

/// Files of the first release call manual escalations `by_hand`.
#[test]
fn manual_escalations_of_old_files_are_found() {
    let blocks = blocks(&mut Dice(11), 40);
    let folder = tempfile::tempdir().unwrap();
    History::open(folder.path()).unwrap().write_escalations(&blocks).unwrap();
    assert!(super::rename_label(folder.path(), "kind", "manual", "by_hand") > 0);
    let filter = EscalationFilter { kind: Some(RecordKind::Manual), ..EscalationFilter::default() };
    let found = pages(&History::open(folder.path()).unwrap(), 0, &filter, 7);
    let mut expected = records(&blocks);
    expected.retain(|record| record.kind == RecordKind::Manual);
    assert!(!expected.is_empty());
    assert_eq!(found, expected);
}
