use super::*;
use crate::time::{DAY_MS, HOUR_MS};

const PLAN: Plan = Plan { tickets: 400, start_ms: 1_768_176_000_000, days: 4, seed: 5 };

fn rows(chunk: &Chunk) -> Vec<(String, i64)> {
    let of_part = |part: &Part| {
        let batch = Arc::clone(&part.batch);
        part.rows.clone().map(move |row| (batch.ticket.get(row).to_owned(), batch.at_ms[row])).collect::<Vec<_>>()
    };
    chunk.parts.iter().flat_map(of_part).collect()
}

#[test]
fn everything_comes_once_in_order_and_not_before_its_time() {
    let mut whole = Vec::new();
    let mut history = History::new(PLAN);
    while let Some(batch) = history.next_batch(1_000) {
        whole.extend(batch.ticket.iter().map(str::to_owned).zip(batch.at_ms.iter().copied()));
    }
    let mut traffic = Traffic::new(PLAN);
    let mut handed = Vec::new();
    for now_ms in (PLAN.start_ms..=PLAN.start_ms + 4 * DAY_MS).step_by(7 * HOUR_MS as usize / 3) {
        while let Some(chunk) = traffic.until(now_ms) {
            let rows = rows(&chunk);
            assert!(rows.iter().all(|(_, at_ms)| *at_ms <= now_ms));
            handed.extend(rows);
        }
        assert_eq!(handed.len(), whole.partition_point(|(_, at_ms)| *at_ms <= now_ms));
    }
    handed.extend(traffic.until(i64::MAX).iter().flat_map(rows));
    assert_eq!(handed, whole);
    assert!(traffic.until(i64::MAX).is_none());
}

#[test]
fn a_request_is_never_too_long() {
    let plan = Plan { tickets: 30_000, ..PLAN };
    let mut traffic = Traffic::new(plan);
    let sizes: Vec<usize> = std::iter::from_fn(|| traffic.until(i64::MAX)).map(|chunk| chunk.rows()).collect();
    assert!(sizes.len() > 1 && sizes[..sizes.len() - 1].iter().all(|rows| *rows == LOAD_CHUNK_ROWS), "{sizes:?}");
}
