use super::problems::problem_of_ingest;
use super::slots::Slots;
use super::*;
use crate::engine::CatchUp;
use crate::ingest::IngestError;
use crate::policy::Policy;
use crate::ticket::{Batch, EventKind};
use std::io;
use std::sync::Arc;

fn rows(on_error: OnError, key: Option<u128>) -> BulkLoader {
    let query = LoadQuery { on_error, catch_up: CatchUp::default() };
    BulkLoader::new(RowKind::Tickets, query, Arc::from("somebody"), key)
}

/// Reads a body with the options of a small one.
fn read(
    body: impl Read + Send + 'static,
    is_one: bool,
    format: Option<Format>,
    threads: usize,
) -> Result<Vec<Numbered>, IngestError> {
    let mut batches = Vec::new();
    let rows = rows(OnError::Skip, None);
    ingest::read_numbered(
        [wrapped(body, is_one)],
        RowKind::Tickets.mapping(),
        &options(&rows, format, threads),
        |numbered| {
            batches.push(numbered);
            ControlFlow::Continue(())
        },
        |_| Ok(()),
    )?;
    Ok(batches)
}

fn ids(batches: &[Numbered]) -> Vec<(String, u64)> {
    let rows = |Numbered { batch, lines }: &Numbered| {
        assert_eq!(batch.len(), lines.len());
        batch.ticket.iter().map(str::to_owned).zip(lines.clone()).collect::<Vec<_>>()
    };
    batches.iter().flat_map(rows).collect()
}

#[test]
fn rows_keep_the_lines_that_brought_them() {
    let row = |id: &str| format!("{{\"id\":\"{id}\",\"opened_at\":\"2026-11-22T09:00:00Z\"}}");
    let ndjson = format!("{}\n\n{{\n{}\n", row("a"), row("b"));
    let expected = [("a".to_owned(), 1), ("b".to_owned(), 4)];
    for threads in [0, 2] {
        let body = Cursor::new(ndjson.clone().into_bytes());
        assert_eq!(ids(&read(body, false, Some(Format::Ndjson), threads).expect("read")), expected);
    }
    let csv = "id,opened_at,subject\na,2026-11-22T09:00:00Z,\"two\nlines\"\nb,2026-11-22T09:00:00Z,x\n";
    let found = read(Cursor::new(csv.as_bytes().to_vec()), false, Some(Format::Csv), 0).expect("read");
    assert_eq!(ids(&found), [("a".to_owned(), 2), ("b".to_owned(), 4)]);
    // One object, over several lines, is one row.
    let one = b"{\n \"id\": \"a\",\n \"opened_at\": \"2026-11-22T09:00:00Z\"\n}\n".to_vec();
    assert_eq!(ids(&read(Cursor::new(one), true, Some(Format::Json), 0).expect("read")), [("a".to_owned(), 1)]);
}

#[test]
fn a_bomb_is_too_large_and_a_broken_body_no_end() {
    // 1 GiB of spaces in about 32 KiB.
    let mut packer = zstd::stream::Encoder::new(Vec::new(), 1).expect("a packer");
    io::copy(&mut io::repeat(b' ').take(1 << 30), &mut packer).expect("packed");
    let bomb = packer.finish().expect("packed");
    assert!(bomb.len() < 1 << 20);
    let error = read(Cursor::new(bomb), false, Some(Format::Ndjson), 1).expect_err("a bomb");
    assert_eq!(problem_of_ingest(&error).status, 413);

    let (feeder, reader) = body_reader::channel(Arc::new(Arc::new(Slots::new(1)).of("token".into())));
    drop(feeder);
    let error = read(reader, false, Some(Format::Ndjson), 1).expect_err("a client that went away");
    assert_eq!(problem_of_ingest(&error).status, 400);
    assert!(error.to_string().contains("went away"), "{error}");
}

fn three_rows() -> Numbered {
    let mut batch = Batch::default();
    for (id, kind, priority) in [
        ("a", EventKind::Opened, Some("high")),
        ("b", EventKind::Opened, Some("nope")),
        ("b", EventKind::Resolved, None),
        ("c", EventKind::Opened, None),
    ] {
        batch.push(id, 1_795_339_800_000, kind);
        if let Some(priority) = priority {
            batch.set_last(crate::ticket::Column::Priority, priority);
        }
    }
    Numbered { batch, lines: vec![1, 2, 2, 3] }
}

/// A policy with these priorities, the first of which is the default.
fn policy(priorities: &[&str]) -> Policy {
    let mut text = format!("default_priority = \"{}\"\n[calendars.c]\nhours = \"24x7\"\n", priorities[0]);
    for name in priorities {
        text +=
            &format!("[priorities.{name}]\ncalendar = \"c\"\n[priorities.{name}.clocks.resolution]\ntarget = \"4h\"\n");
    }
    crate::policy::load(&text, "policy.toml", &mut |_| Err("no files".to_owned())).expect("a policy")
}

#[test]
fn a_row_with_an_unknown_priority_goes_with_all_its_events() {
    let mut rows = rows(OnError::Skip, Some(5));
    let (input, lines) = rows.next_input(three_rows(), &policy(&["high", "normal"])).expect("the others are accepted");
    assert_eq!(input.batch.ticket.iter().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(input.batch.label(crate::ticket::Column::Priority, 0), Some("high"));
    assert_eq!(lines, [1, 3]);
    assert_eq!((rows.response.rejected, rows.response.errors[0].line), (1, Some(2)));
    // Each batch has its own key; the first has that of the request.
    assert_eq!(input.origin.key, Some(5));
    let (next, _) = rows.next_input(three_rows(), &policy(&["nope", "high"])).expect("accepted");
    assert!(next.origin.key.is_some_and(|key| key != 5));
}

#[test]
fn abort_stops_before_the_batch_with_the_bad_row() {
    let mut rows = rows(OnError::Abort, None);
    let problem = rows.next_input(three_rows(), &policy(&["high", "normal"])).expect_err("stopped");
    assert_eq!((problem.status, problem.errors[0].line), (422, Some(2)));
}

#[test]
fn fingerprints_number_choices_as_the_first_release_did() {
    assert_eq!([OnError::Skip, OnError::Abort].map(loader::on_error_number), [0, 1]);
    assert_eq!([CatchUp::Latest, CatchUp::All, CatchUp::None].map(loader::catch_up_number), [0, 1, 2]);
}
