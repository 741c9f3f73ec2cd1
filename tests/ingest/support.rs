//! What the tests of ingest share.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;

use overdue::ingest;
use overdue::ingest::{IngestError, Mapping, Options, Report, RowError, Source};
use overdue::ticket::{Batch, Column, EventKind, State};

/// One row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub ticket: String,
    pub at_ms: i64,
    pub kind: EventKind,
    pub state: Option<State>,
    pub labels: [Option<String>; Column::ALL.len()],
    pub text: String,
}

pub fn rows_of(batches: &[Batch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.len() {
            rows.push(Row {
                ticket: batch.ticket.get(row).to_owned(),
                at_ms: batch.at_ms[row],
                kind: batch.kind[row],
                state: batch.state[row],
                labels: Column::ALL.map(|column| batch.labels(column).get(row).map(str::to_owned)),
                text: if batch.text.is_empty() { String::new() } else { batch.text.get(row).to_owned() },
            });
        }
    }
    rows
}

pub fn read_all(
    sources: Vec<Source>,
    mapping: &Mapping,
    options: &Options,
) -> (Vec<Batch>, Vec<RowError>, Result<Report, IngestError>) {
    let (mut batches, mut rejects) = (Vec::new(), Vec::new());
    let report = ingest::read(
        sources,
        mapping,
        options,
        |batch| {
            batches.push(batch);
            ControlFlow::Continue(())
        },
        |reject| {
            rejects.push(reject.clone());
            Ok(())
        },
    );
    (batches, rejects, report)
}

/// Bytes in the compression that a file's ending stands for.
pub fn compressed(ending: &str, bytes: &[u8]) -> Vec<u8> {
    match ending {
        ".zst" => zstd::encode_all(bytes, 1).expect("compressed"),
        ".gz" => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(bytes).expect("compressed");
            encoder.finish().expect("compressed")
        }
        _ => bytes.to_vec(),
    }
}

/// A shipped mapping.
pub fn shipped(name: &str) -> Mapping {
    let path = format!("{}/data/mappings/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("a shipped mapping");
    Mapping::parse(&text, &path).unwrap_or_else(|error| panic!("{error}"))
}

/// A file of the shared data; `None`, said aloud, where it is not present.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("OVERDUE_SHARED")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")), PathBuf::from);
    let path = root.join("data").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} is not present");
    None
}
