//! The shipped history is the output of `overdue generate`.

use overdue::generate::{Csv, History, Plan, Table, TableWriter};
use overdue::time::parse_rfc3339;
use std::fs::File;
use std::io::Read;

#[test]
fn the_shipped_history_can_be_generated_again() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/history.csv.zst");
    let mut shipped = String::new();
    zstd::Decoder::new(File::open(path).unwrap()).unwrap().take(16 << 20).read_to_string(&mut shipped).unwrap();

    let start_ms = parse_rfc3339("2026-01-05T00:00:00Z").unwrap();
    let mut history = History::new(Plan { tickets: 2_000, start_ms, days: 90, seed: 1 });
    let mut generated = Vec::new();
    let mut csv = Box::new(Csv::new(&mut generated));
    while let Some(batch) = history.next_batch(1_000) {
        csv.write(&Table::of_events(batch)).unwrap();
    }
    csv.finish().unwrap();
    assert!(
        shipped.as_bytes() == generated,
        "run: overdue generate --tickets 2000 --seed 1 --start 2026-01-05 --days 90 --out data/history.csv.zst"
    );
}
