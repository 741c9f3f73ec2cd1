use super::chunk::{Chunk, Cutter};
use super::encode::encode;
use super::resume::{About, Done, Resume, sha256};
use super::retry::Patience;
use crate::cli::common::shutdown::Stop;
use crate::generate::{History, Plan};
use crate::ingest;
use crate::ingest::{Format, Mapping, Numbered, Options, Source};
use crate::limits::{LOAD_CHUNK_BYTES, MAX_ATTEMPTS, MAX_TEXT_BYTES};
use crate::ticket::{Batch, Column, EventKind};
use std::fs;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

const PLAN: Plan = Plan { tickets: 900, start_ms: 1_767_571_200_000, days: 9, seed: 3 };

/// A row with all its labels: what must be the same on the other side.
fn rows_of(batch: &Batch, rows: std::ops::Range<usize>) -> Vec<String> {
    let message = |row: usize| Column::ALL.map(|column| batch.labels(column).get(row).unwrap_or("-").to_owned());
    let text = |row: usize| if batch.text.is_empty() { "" } else { batch.text.get(row) };
    rows.map(|row| {
        let (ticket, at_ms, kind, state) = (batch.ticket.get(row), batch.at_ms[row], batch.kind[row], batch.state[row]);
        format!("{ticket} {at_ms} {kind:?} {state:?} {:?} {:?}", message(row), text(row))
    })
    .collect()
}

fn rows_of_chunk(chunk: &Chunk) -> Vec<String> {
    chunk.parts.iter().flat_map(|part| rows_of(&part.batch, part.rows.clone())).collect()
}

fn chunks(rows_a_batch: usize, rows_a_chunk: usize) -> Vec<Chunk> {
    let (mut history, mut cutter) = (History::new(PLAN), Cutter::with_rows(0, rows_a_chunk));
    let mut chunks = Vec::new();
    while let Some(batch) = history.next_batch(rows_a_batch) {
        chunks.extend(cutter.push(unnumbered(batch)));
    }
    chunks.extend(cutter.finish());
    chunks
}

fn unnumbered(batch: Batch) -> Numbered {
    Numbered { batch, lines: Vec::new() }
}

/// The rows that a service reads from a body without a mapping.
fn read_back(body: Vec<u8>) -> Vec<String> {
    let mut rows = Vec::new();
    let options = Options { format: Some(Format::Arrow), strict: true, ..Options::default() };
    let on_batch = |batch: Batch| {
        rows.extend(rows_of(&batch, 0..batch.len()));
        ControlFlow::Continue(())
    };
    let source = Source::stream("body", Cursor::new(body));
    ingest::read([source], &Mapping::default(), &options, on_batch, |_| Ok(())).unwrap();
    rows
}

#[test]
fn every_column_arrives_whatever_the_cut() {
    let mut batch = Batch::default();
    for (row, kind) in EventKind::ALL.into_iter().enumerate() {
        batch.push(&format!("T {row} æ\u{1f600}"), 1_000 + row as i64, kind);
        for column in Column::ALL {
            batch.set_last(column, &format!("{} {}, \"{row}\"", column.name(), row % 3));
        }
    }
    let bare = rows_of(&batch, 0..batch.len());
    let mut cutter = Cutter::with_rows(0, 1_000);
    cutter.push(unnumbered(batch));
    // The second batch has dictionaries and texts of its own.
    let mut history = History::new(PLAN);
    let second = history.next_batch(300).unwrap();
    assert!(second.text.iter().any(|text| !text.is_empty()));
    let expected = [bare, rows_of(&second, 0..second.len())].concat();
    assert!(cutter.push(unnumbered(second)).is_empty());
    let chunk = cutter.finish().unwrap();
    for is_packed in [false, true] {
        assert_eq!(read_back(encode(&chunk, is_packed).unwrap()), expected);
    }
}

#[test]
fn a_chunk_ends_at_the_same_event_however_the_events_came() {
    let whole: Vec<Vec<String>> = chunks(100_000, 250).iter().map(rows_of_chunk).collect();
    assert!(whole.len() > 10 && whole[..whole.len() - 1].iter().all(|chunk| chunk.len() == 250));
    for rows_a_batch in [1, 97, 250, 251] {
        let other: Vec<Vec<String>> = chunks(rows_a_batch, 250).iter().map(rows_of_chunk).collect();
        assert_eq!(other, whole);
    }
    for chunk in chunks(97, 250) {
        assert_eq!(read_back(encode(&chunk, false).unwrap()), rows_of_chunk(&chunk));
    }
}

#[test]
fn a_refused_line_is_traced_to_its_event() {
    let chunk = &chunks(97, 250)[1];
    let all = rows_of_chunk(chunk);
    for line in [1, 2, 97, 98, 249, 250] {
        let (part, row) = chunk.row(line).unwrap();
        assert_eq!(rows_of(&part.batch, row..row + 1), all[line as usize - 1..line as usize]);
    }
    assert!(chunk.row(0).is_none() && chunk.row(251).is_none());
}

#[test]
fn long_texts_end_a_chunk_early() {
    let mut cutter = Cutter::new(0);
    let text = "x".repeat(MAX_TEXT_BYTES);
    let mut full = Vec::new();
    for row in 0..1_000 {
        let mut batch = Batch::default();
        batch.push(&row.to_string(), 0, EventKind::Opened);
        batch.text.push(&text);
        full.extend(cutter.push(unnumbered(batch)));
    }
    let bytes = LOAD_CHUNK_BYTES / MAX_TEXT_BYTES;
    assert!(full.iter().all(|chunk| chunk.rows() <= bytes + 1), "{:?}", full.first().map(Chunk::rows));
    assert_eq!(full.iter().map(|chunk| chunk.number).collect::<Vec<_>>(), (0..full.len() as u64).collect::<Vec<_>>());
}

#[test]
fn patience_grows_keeps_to_what_is_asked_and_ends() {
    let mut patience = Patience::new(1.0);
    assert_eq!(patience.after_failure(None), Some(Duration::from_millis(250)));
    assert_eq!(patience.after_failure(None), Some(Duration::from_millis(500)));
    assert_eq!(patience.after_failure(Some(Duration::from_secs(7))), Some(Duration::from_secs(7)));
    assert_eq!(patience.after_failure(Some(Duration::from_secs(100_000))), Some(Duration::from_secs(60)));
    let waits: Vec<Option<Duration>> = (4..MAX_ATTEMPTS).map(|_| patience.after_failure(None)).collect();
    assert!(waits[..waits.len() - 1].iter().all(|wait| wait.is_some_and(|wait| wait <= Duration::from_secs(60))));
    assert_eq!(waits.last(), Some(&None));
    let spread = Patience::new(0.0).after_failure(None).unwrap();
    assert!(spread < Duration::from_millis(250) && spread >= Duration::from_millis(125));
}

#[test]
fn a_stop_ends_a_wait() {
    let stop = Stop::default();
    assert!(!stop.wait(Duration::from_millis(1)));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| stop.wait(Duration::from_secs(3_600)));
        stop.set();
        assert!(waiting.join().unwrap());
    });
    assert!(stop.is_set());
}

fn about() -> About {
    About { url: "http://127.0.0.1:8080/".to_owned(), catch_up: "latest".to_owned() }
}

fn done(chunk: u64, body: &[u8]) -> Done {
    let input = "a b.csv".to_owned();
    Done { input, input_bytes: Some(9), chunk, sha256: sha256(body), accepted: 10, rejected: 1 }
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn what_was_acknowledged_is_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.resume");
    let mut first = Resume::open(Some(&path), &about()).unwrap();
    let run = first.run().to_owned();
    first.record(&done(0, b"zero")).unwrap();
    first.record(&done(1, b"one")).unwrap();
    drop(first);
    // A crash in the middle of a line.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"input\":\"a b.csv\",\"ch\xc3").unwrap();
    let mut second = Resume::open(Some(&path), &about()).unwrap();
    assert_eq!(second.run(), run, "the same keys, so that a request whose response was lost is not executed twice");
    assert_eq!(second.done("a b.csv", 1, &sha256(b"one")), Some(&done(1, b"one")));
    assert_eq!(second.done("a b.csv", 1, &sha256(b"another one")), None);
    assert_eq!(second.done("b.csv", 1, &sha256(b"one")), None);
    assert_eq!(second.done("a b.csv", 2, &sha256(b"one")), None);
    second.record(&done(2, b"two")).unwrap();
    assert_eq!(text_of(&path).lines().count(), 4);
    second.complete().unwrap();
    assert!(!path.exists());
    assert_ne!(Resume::open(Some(&path), &about()).unwrap().run(), run);
}

#[test]
fn a_file_of_another_load_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.resume");
    drop(Resume::open(Some(&path), &about()).unwrap());
    let other = About { catch_up: "none".to_owned(), ..about() };
    let said = format!("{:#}", Resume::open(Some(&path), &other).unwrap_err());
    assert!(said.contains("--catch-up latest"), "{said}");
    for strange in [
        "",
        "ticket,at\n",
        "ticket,at",
        "{}\n",
        "{\"overdue_load\":2,\"run\":\"r\",\"url\":\"u\",\"levels\":\"all\"}\n",
    ] {
        fs::write(&path, strange).unwrap();
        assert_eq!(Resume::open(Some(&path), &about()).is_ok(), strange.is_empty(), "{strange:?}");
        assert!(strange.is_empty() || text_of(&path) == strange, "what is not ours stays as it is");
    }
}
