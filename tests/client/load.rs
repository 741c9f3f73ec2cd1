//! `overdue load`.

use crate::stub::{Request, Stub};
use crate::support::folder::Folder;
use crate::support::run::{Run, run};
use overdue::ingest::{Format, Mapping, Options, Source, read};
use overdue::ticket::{Batch, Column};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;

/// The rows of a source, as texts.
fn rows(source: Source, format: Option<Format>) -> Vec<String> {
    let mut rows = Vec::new();
    let on_batch = |batch: Batch| {
        for row in 0..batch.len() {
            let (ticket, at_ms, kind, state) =
                (batch.ticket.get(row), batch.at_ms[row], batch.kind[row], batch.state[row]);
            let (team, text) =
                (batch.label(Column::Team, row), if batch.text.is_empty() { "" } else { batch.text.get(row) });
            rows.push(format!("{ticket} {at_ms} {kind:?} {state:?} {team:?} {text:?}"));
        }
        ControlFlow::Continue(())
    };
    let options = Options { format, strict: true, ..Options::default() };
    read([source], &Mapping::default(), &options, on_batch, |_| Ok(())).expect("readable");
    rows
}

/// The rows in the body of a request.
fn rows_of(request: &Request) -> Vec<String> {
    rows(Source::stream("body", Cursor::new(request.body.clone())), Some(Format::Arrow))
}

/// The response of a service that accepts all rows.
fn accepted(request: &Request) -> (u16, String) {
    let rows = rows_of(request).len();
    (200, format!("{{\"rows\":{rows},\"accepted\":{rows},\"rejected\":0,\"errors\":[]}}"))
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

/// Writes a history of several chunks.
fn history(folder: &Folder) -> String {
    let path = folder.path("history.parquet");
    assert_eq!(run(&["generate", "--tickets", "30000", "--out", &path]).code, Some(0));
    path
}

#[test]
fn each_row_is_loaded_once_if_each_chunk_fails_at_first() {
    let folder = Folder::new();
    let input = history(&folder);
    let stub = Stub::start(|earlier, request| {
        let attempts = earlier.iter().filter(|earlier| earlier.key == request.key).count();
        if attempts == 0 { (503, String::new()) } else { accepted(request) }
    });
    let Run { code, stdout, stderr } =
        run(&["load", "--url", &stub.url, "--token", "secret", "--catch-up", "none", "--connections", "4", &input]);
    assert_eq!(code, Some(0), "{stderr}");
    let requests = stub.requests();
    let path = "/v1/events?catch_up=none&on_error=skip";
    assert!(requests.iter().all(|request| request.path == path), "{}", requests[0].path);
    assert!(requests.iter().all(|request| request.token == "Bearer secret"));
    let mut by_key: BTreeMap<&str, Vec<&Request>> = BTreeMap::new();
    requests.iter().for_each(|request| by_key.entry(&request.key).or_default().push(request));
    assert!(by_key.len() > 2, "{} chunks", by_key.len());
    assert!(by_key.values().all(|attempts| attempts.len() == 2 && attempts[0].body == attempts[1].body));
    let loaded = by_key.values().flat_map(|attempts| rows_of(attempts[0])).collect();
    let expected = rows(Source::file(&input), None);
    assert_eq!(sorted(loaded), sorted(expected.clone()));
    let count = expected.len().to_string();
    assert!(stdout.replace(',', "").contains(&count) && stdout.contains("attempts failed"), "{stdout}");
}

#[test]
fn a_second_run_resumes_the_load() {
    let folder = Folder::new();
    let (input, resume) = (history(&folder), folder.path("load.resume"));
    let whole = sorted(rows(Source::file(&input), None));
    // Accepts two chunks and rejects the others.
    let first = Stub::start(|earlier, request| {
        let problem = "{\"title\":\"No\",\"detail\":\"not now\"}".to_owned();
        if earlier.len() < 2 { accepted(request) } else { (422, problem) }
    });
    let load =
        |stub: &Stub| run(&["load", "--url", &stub.url, "--connections", "1", "--resume", &resume, "--quiet", &input]);
    let Run { code, stderr, .. } = load(&first);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("422") && stderr.contains("not now") && stderr.contains("load.resume"), "{stderr}");
    let before = first.requests();
    assert_eq!(fs::read_to_string(&resume).expect("the file").lines().count(), 3);

    // The resume file belongs to an address: the second service needs the same one.
    let second = Stub::start(|_, request| accepted(request));
    let Run { code, stderr, .. } = load(&second);
    assert_eq!(code, Some(2));
    assert!(stderr.contains(&first.url), "{stderr}");
    let moved = fs::read_to_string(&resume).expect("the file").replace(&first.url, &second.url);
    fs::write(&resume, moved).expect("written");
    let Run { code, stderr, .. } = load(&second);
    assert_eq!(code, Some(0), "{stderr}");
    let after = second.requests();
    let done: BTreeSet<&str> = before[..2].iter().map(|request| request.key.as_str()).collect();
    assert!(after.iter().all(|request| !done.contains(request.key.as_str())));
    assert_eq!(after[0].key, before[2].key, "a chunk without a reply is sent under its old key");
    assert_eq!(sorted(before[..2].iter().chain(&after).flat_map(rows_of).collect()), whole);
    assert!(!std::path::Path::new(&resume).exists(), "a complete load deletes its resume file");
}

#[test]
fn rejected_rows_are_reported_with_line_and_field() {
    let folder = Folder::new();
    let text = b"ticket,at,event\nA,2026-01-05T08:00:00Z,opened\nB,yesterday,opened\nC,2026-01-05T09:00:00Z,closed\n";
    let (input, rejects) = (folder.write("few.csv", text), folder.path("rejects.ndjson"));
    let rejecting = |_: &[Request], _: &Request| {
        let error = "{\"line\":2,\"field\":\"ticket\",\"value\":\"C\",\"message\":\"is not known\"}";
        (200, format!("{{\"rows\":2,\"accepted\":1,\"rejected\":1,\"errors\":[{error}]}}"))
    };
    let stub = Stub::start(rejecting);
    let Run { code, stderr, .. } = run(&["load", "--url", &stub.url, "--rejects", &rejects, &input]);
    assert_eq!(code, Some(1), "{stderr}");
    let lines = fs::read_to_string(&rejects).expect("the file");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["line"], &lines[0]["field"], &lines[0]["value"]),
        (&3.into(), &"at".into(), &"yesterday".into())
    );
    assert_eq!((&lines[1]["event"]["ticket"], &lines[1]["event"]["event"]), (&"C".into(), &"closed".into()));
    assert_eq!((&lines[1]["reason"], &lines[1]["line"]), (&"is not known".into(), &4.into()));
    assert!(stderr.contains("is not known"), "{stderr}");

    let strict = Stub::start(rejecting);
    let Run { code, stderr, .. } = run(&["load", "--url", &strict.url, "--on-error", "abort", &input]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("yesterday") && strict.requests().is_empty(), "{stderr}");
}

#[test]
fn an_error_that_a_retry_cannot_fix_ends_the_load() {
    let folder = Folder::new();
    let input = folder.write("few.ndjson", b"{\"ticket\":\"A\",\"at\":\"2026-01-05T08:00:00Z\"}\n");
    let stub =
        Stub::start(|_, _| (401, "{\"title\":\"Unauthorized\",\"detail\":\"the token is not known\"}".to_owned()));
    let Run { code, stderr, .. } = run(&["load", "--url", &stub.url, "--token", "old", &input]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("the token is not known") && stderr.contains("--token-file"), "{stderr}");
    assert_eq!(stub.requests().len(), 1);
    let Run { stderr, .. } = run(&["load", "--url", "http://example.org", "--token", "t", &input]);
    assert!(stderr.contains("--insecure-http"), "{stderr}");
    assert_eq!(run(&["load", "--url", &stub.url, &folder.path("none.csv")]).code, Some(2));
}
