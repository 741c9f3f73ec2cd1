use super::*;
use crate::generate::{History, Plan};
use crate::ticket::{Column, EventKind, Openings};

const KEEP: Keep = Keep { facts_for_rules: true };

/// A row with all its fields, for comparison.
type Row = (i64, String, EventKind, Option<crate::ticket::State>, Vec<Option<String>>, String);

fn rows(batch: &Batch) -> impl Iterator<Item = Row> {
    (0..batch.len()).map(|row| {
        let labels = Column::ALL.map(|column| batch.labels(column).get(row).map(str::to_owned)).to_vec();
        let text = if batch.text.is_empty() { String::new() } else { batch.text.get(row).to_owned() };
        (batch.at_ms[row], batch.ticket.get(row).to_owned(), batch.kind[row], batch.state[row], labels, text)
    })
}

/// A history cut into shuffled batches, with many equal times.
fn muddled(batch_rows: usize) -> Vec<Batch> {
    let mut history = History::new(Plan { tickets: 400, start_ms: 1_767_571_200_000, days: 10, seed: 3 });
    let mut batches: Vec<Batch> = std::iter::from_fn(|| history.next_batch(batch_rows)).collect();
    for batch in &mut batches {
        batch.at_ms.iter_mut().for_each(|at_ms| *at_ms -= *at_ms % 3_600_000);
    }
    batches.reverse();
    batches.iter_mut().for_each(|batch| batch.openings = Openings::Known);
    batches
}

fn sorted(batches: &[Batch], budget_bytes: usize, out_rows: usize) -> (Vec<Row>, bool) {
    let mut sorter = Sorter::new(budget_bytes, std::env::temp_dir(), KEEP);
    batches.iter().for_each(|batch| sorter.push(batch).unwrap());
    let in_memory = sorter.is_in_memory();
    let mut sorted = sorter.finish().unwrap();
    let mut all = Vec::new();
    let mut used = None;
    while let Some(batch) = sorted.next_batch(out_rows, used).unwrap() {
        // More rows than asked for only to complete the instant of the last one.
        let whole = batch.at_ms.iter().skip(out_rows.max(1) - 1);
        assert!(whole.clone().all(|at_ms| Some(at_ms) == batch.at_ms.last()), "{} rows", batch.len());
        let next_ms = all.last().map(|row: &Row| row.0);
        assert!(next_ms.is_none_or(|last_ms| last_ms < batch.at_ms[0]), "an instant in two batches");
        assert_eq!(batch.openings, Openings::Known);
        assert!(Column::ALL.iter().all(|column| batch.labels(*column).codes.len() == batch.len()));
        all.extend(rows(&batch));
        used = Some(batch);
    }
    (all, in_memory)
}

#[test]
fn order_is_by_time_then_by_input_in_memory_and_on_disk() {
    let batches = muddled(37);
    let mut expected: Vec<Row> = batches.iter().flat_map(rows).collect();
    expected.sort_by_key(|row| (row.0, row.2 != EventKind::Opened));
    for (budget_bytes, in_memory) in [(1 << 30, true), (100_000, false), (4_000, false)] {
        for out_rows in [1, 64, 1_000_000] {
            let (found, was_in_memory) = sorted(&batches, budget_bytes, out_rows);
            assert_eq!(was_in_memory, in_memory, "{budget_bytes}");
            assert!(found == expected, "budget of {budget_bytes} bytes, batches of {out_rows} rows");
        }
    }
}

#[test]
fn what_no_rule_reads_is_dropped() {
    let mut sorter = Sorter::new(1 << 20, std::env::temp_dir(), Keep { facts_for_rules: false });
    muddled(100).iter().for_each(|batch| sorter.push(batch).unwrap());
    let batch = sorter.finish().unwrap().next_batch(100_000, None).unwrap().unwrap();
    for row in 0..batch.len() {
        assert_eq!(batch.label(Column::Customer, row), None);
        let has_text = !batch.text.is_empty() && !batch.text.get(row).is_empty();
        assert_eq!(has_text, batch.kind[row] == EventKind::Escalated);
    }
    assert!(batch.labels(Column::Channel).codes.iter().any(|code| *code != crate::ticket::NO_LABEL));
}

#[test]
fn nothing_later_than_the_end_is_handed_out() {
    let batches = muddled(37);
    let mut expected: Vec<Row> = batches.iter().flat_map(rows).collect();
    expected.sort_by_key(|row| (row.0, row.2 != EventKind::Opened));
    let until_ms = expected[expected.len() / 2].0;
    for until_ms in [until_ms, until_ms - 1, 0] {
        for budget_bytes in [1 << 30, 4_000] {
            let mut sorter = Sorter::new(budget_bytes, std::env::temp_dir(), KEEP);
            batches.iter().for_each(|batch| sorter.push(batch).unwrap());
            let mut sorted = sorter.finish().unwrap();
            assert_eq!(sorted.rows(), expected.len() as u64);
            sorted.end_at(until_ms);
            let found: Vec<Row> = std::iter::from_fn(|| sorted.next_batch(50, None).unwrap())
                .flat_map(|batch| rows(&batch).collect::<Vec<_>>())
                .collect();
            assert!(found == expected[..expected.partition_point(|row| row.0 <= until_ms)], "{until_ms}");
        }
    }
}

#[test]
fn nothing_in_nothing_out() {
    let mut sorted = Sorter::new(0, std::env::temp_dir(), KEEP).finish().unwrap();
    assert!(sorted.next_batch(10, None).unwrap().is_none());
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let mut sorter = Sorter::new(0, PathBuf::from("no such folder"), KEEP);
    let error = sorter.push(&muddled(10)[0]).unwrap_err();
    assert!(error.to_string().contains("no such folder"), "{error}");
}
