//! The memory that lines without end and decompression bombs take. One test, because memory is counted for the whole process.

mod support {
    pub mod memory;
}

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use overdue::ingest;
use overdue::ingest::{IngestError, Mapping, Options, Report, RowError, Source};
use overdue::ticket::Batch;
use support::memory::memory_bytes;

/// Memory that the process may take in addition: blocks being parsed, decoders, the compressed bombs.
const ALLOWED_BYTES: u64 = 150 << 20;

/// One byte, repeated.
struct Endless {
    byte: u8,
    left: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = (buffer.len() as u64).min(self.left) as usize;
        buffer[..count].fill(self.byte);
        self.left -= count as u64;
        Ok(count)
    }
}

fn read(source: Source) -> (Vec<Batch>, Vec<RowError>, Result<Report, IngestError>) {
    let (mut batches, mut rejects) = (Vec::new(), Vec::new());
    let take = |batch| {
        batches.push(batch);
        ControlFlow::Continue(())
    };
    let on_reject = |reject: &RowError| {
        rejects.push(reject.clone());
        Ok(())
    };
    let report = ingest::read([source], &Mapping::default(), &Options::default(), take, on_reject);
    (batches, rejects, report)
}

fn error_of(source: Source) -> IngestError {
    read(source).2.expect_err("an error")
}

fn lines_of_300_megabytes() {
    let good = "{\"ticket\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"opened\"}\n";
    let long = || Endless { byte: b'x', left: 300 << 20 };
    let head = Cursor::new(format!("{good}{{\"ticket\":\""));
    let text = head.chain(long()).chain(Cursor::new(format!("\"}}\n{good}")));
    let (batches, rejects, report) = read(Source::stream("a.ndjson", text));
    assert_eq!(report.expect("a report").rows, 3);
    assert_eq!(batches.iter().map(|batch| batch.len()).sum::<usize>(), 2);
    assert_eq!((rejects[0].line, rejects.len()), (2, 1));
    assert!(rejects[0].reason.contains("longer than 4194304 bytes"), "{}", rejects[0]);

    // An unclosed quote extends to the end; after the limit, reading resumes at the next line.
    let text = Cursor::new("ticket,at\n\"").chain(long()).chain(Cursor::new("\nb,2026-01-01T00:00:00Z\n"));
    let (batches, rejects, _) = read(Source::stream("a.csv", text));
    assert_eq!((batches[0].ticket.get(0), rejects.len(), rejects[0].line), ("b", 1, 2));

    let text = Cursor::new("[\"").chain(long()).chain(Cursor::new("\"]"));
    assert!(error_of(Source::stream("a.json", text)).to_string().contains("element of more than 4194304 bytes"));
}

fn bombs() {
    let zstd = |head: &'static str, byte| {
        let stream = Cursor::new(head).chain(Endless { byte, left: 256 << 20 });
        zstd::encode_all(stream, 1).expect("compressed")
    };
    let gzip = |byte| {
        let mut packed = Vec::new();
        let stream = Endless { byte, left: 128 << 20 };
        let mut encoder = flate2::read::GzEncoder::new(stream, flate2::Compression::fast());
        encoder.read_to_end(&mut packed).expect("compressed");
        packed
    };
    for (name, packed) in [
        ("a.ndjson.zst", zstd("", b'\n')),
        ("a.csv.zst", zstd("", b'\n')),
        ("a.csv.zst", zstd("ticket,at\n", b'\n')),
        ("a.json.zst", zstd("[", b' ')),
        ("a.parquet.zst", zstd("PAR1", 0)),
        ("a.ndjson.gz", gzip(b'\n')),
        ("a.csv.gz", gzip(b'\n')),
    ] {
        let error = error_of(Source::stream(name, Cursor::new(packed)));
        assert!(matches!(error, IngestError::Bomb { .. }), "{name}: {error}");
    }
}

#[test]
fn memory_is_bounded_for_any_input() {
    let before = memory_bytes("self", "VmHWM");
    lines_of_300_megabytes();
    bombs();
    let grown = memory_bytes("self", "VmHWM") - before;
    assert!(grown < ALLOWED_BYTES, "{grown} bytes more than before");
}
