//! Inputs read to rows.

use std::io::Write;
use std::ops::ControlFlow;

use arrow::array::RecordBatch;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use overdue::ingest;
use overdue::ingest::{IngestError, Mapping, Options, Report, RowError, Source};
use overdue::ticket::{Batch, Column, EventKind, State};

/// A row of a batch.
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

/// Reads sources to the end: batches, rejected rows, and the report.
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

/// Bytes in the compression of a file extension.
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

/// The tables as an Arrow IPC file.
pub fn arrow_file(batches: &[RecordBatch], compression: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = IpcWriteOptions::default().try_with_compression(compression).unwrap();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.finish().unwrap();
    drop(writer);
    bytes
}
