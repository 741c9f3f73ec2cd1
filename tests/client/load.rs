//! `overdue load`.

use crate::fake::{Fake, Seen, overdue, words};
use overdue::ingest::{Format, Mapping, Options, Source, read};
use overdue::ticket::{Batch, Column};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;

/// Rows of a source, each as a text.
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

fn rows_of(seen: &Seen) -> Vec<String> {
    rows(Source::stream("body", Cursor::new(seen.body.clone())), Some(Format::Arrow))
}

fn taken(seen: &Seen) -> (u16, String) {
    let rows = rows_of(seen).len();
    (200, format!("{{\"rows\":{rows},\"accepted\":{rows},\"rejected\":0,\"errors\":[]}}"))
}

fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort();
    rows
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// A history of several chunks.
    fn history(&self) -> String {
        let path = self.path("history.parquet");
        assert!(overdue(&["generate", "--tickets", "30000", "--out", &path]).status.success());
        path
    }
}

#[test]
fn everything_arrives_once_though_each_chunk_fails_at_first() {
    let folder = Folder::new();
    let input = folder.history();
    let fake = Fake::start(|before, seen| {
        let attempts = before.iter().filter(|earlier| earlier.key == seen.key).count();
        if attempts == 0 { (503, String::new()) } else { taken(seen) }
    });
    let output =
        overdue(&["load", "--url", &fake.url, "--token", "secret", "--catch-up", "none", "--connections", "4", &input]);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output.stderr));
    let seen = fake.seen();
    assert!(seen.iter().all(|request| request.path == "/v1/events?catch_up=none&on_error=skip"), "{}", seen[0].path);
    assert!(seen.iter().all(|request| request.token == "Bearer secret"));
    let mut by_key: BTreeMap<&str, Vec<&Seen>> = BTreeMap::new();
    seen.iter().for_each(|request| by_key.entry(&request.key).or_default().push(request));
    assert!(by_key.len() > 2, "{} chunks", by_key.len());
    assert!(by_key.values().all(|attempts| attempts.len() == 2 && attempts[0].body == attempts[1].body));
    let arrived = by_key.values().flat_map(|attempts| rows_of(attempts[0])).collect();
    let expected = rows(Source::file(&input), None);
    assert_eq!(sorted(arrived), sorted(expected.clone()));
    let said = words(&output.stdout);
    let count = expected.len().to_string();
    assert!(said.replace(',', "").contains(&count) && said.contains("attempts failed"), "{said}");
}

#[test]
fn a_second_run_sends_what_the_first_could_not() {
    let folder = Folder::new();
    let (input, resume) = (folder.history(), folder.path("load.resume"));
    let whole = sorted(rows(Source::file(&input), None));
    // Takes two chunks, then wants no more.
    let first = Fake::start(|before, seen| {
        if before.len() < 2 { taken(seen) } else { (422, "{\"title\":\"No\",\"detail\":\"not now\"}".to_owned()) }
    });
    // The address is part of what the file remembers: the second service must answer under the same one.
    let run = |fake: &Fake| {
        overdue(&["load", "--url", &fake.url, "--connections", "1", "--resume", &resume, "--quiet", &input])
    };
    let output = run(&first);
    let said = words(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("422") && said.contains("not now") && said.contains("load.resume"), "{said}");
    let before = first.seen();
    assert_eq!(fs::read_to_string(&resume).expect("the file").lines().count(), 3);

    let second = Fake::start(|_, seen| taken(seen));
    let refused = run(&second);
    assert_eq!(refused.status.code(), Some(2));
    assert!(words(&refused.stderr).contains(&first.url), "{}", words(&refused.stderr));
    let moved = fs::read_to_string(&resume).expect("the file").replace(&first.url, &second.url);
    fs::write(&resume, moved).expect("written");
    let output = run(&second);
    assert_eq!(output.status.code(), Some(0), "{}", words(&output.stderr));
    let after = second.seen();
    let done: BTreeSet<&str> = before[..2].iter().map(|request| request.key.as_str()).collect();
    assert!(after.iter().all(|request| !done.contains(request.key.as_str())));
    assert_eq!(after[0].key, before[2].key, "what is in doubt goes under its old key");
    assert_eq!(sorted(before[..2].iter().chain(&after).flat_map(rows_of).collect()), whole);
    assert!(!std::path::Path::new(&resume).exists(), "a complete load is forgotten");
}

#[test]
fn rows_that_are_not_taken_are_told_with_their_place() {
    let folder = Folder::new();
    let (input, rejects) = (folder.path("few.csv"), folder.path("rejects.ndjson"));
    let text = "ticket,at,event\nA,2026-01-05T08:00:00Z,opened\nB,yesterday,opened\nC,2026-01-05T09:00:00Z,closed\n";
    fs::write(&input, text).expect("written");
    let refusing = |_: &[Seen], _: &Seen| {
        let error = "{\"line\":2,\"field\":\"ticket\",\"value\":\"C\",\"message\":\"is not known\"}";
        (200, format!("{{\"rows\":2,\"accepted\":1,\"rejected\":1,\"errors\":[{error}]}}"))
    };
    let fake = Fake::start(refusing);
    let output = overdue(&["load", "--url", &fake.url, "--rejects", &rejects, &input]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output.stderr));
    let lines = fs::read_to_string(&rejects).expect("the file");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["line"], &lines[0]["field"], &lines[0]["value"]),
        (&3.into(), &"at".into(), &"yesterday".into())
    );
    assert_eq!((&lines[1]["event"]["ticket"], &lines[1]["event"]["event"]), (&"C".into(), &"closed".into()));
    assert_eq!((&lines[1]["reason"], &lines[1]["line"]), (&"is not known".into(), &4.into()));
    assert!(words(&output.stderr).contains("is not known"));

    let strict = Fake::start(refusing);
    let output = overdue(&["load", "--url", &strict.url, "--on-error", "abort", &input]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output.stderr).contains("yesterday") && strict.seen().is_empty(), "{}", words(&output.stderr));
}

#[test]
fn what_will_not_pass_ends_the_load_at_once() {
    let folder = Folder::new();
    let input = folder.path("few.ndjson");
    fs::write(&input, "{\"ticket\":\"A\",\"at\":\"2026-01-05T08:00:00Z\"}\n").expect("written");
    let fake =
        Fake::start(|_, _| (401, "{\"title\":\"Unauthorized\",\"detail\":\"the token is not known\"}".to_owned()));
    let output = overdue(&["load", "--url", &fake.url, "--token", "old", &input]);
    let said = words(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the token is not known") && said.contains("--token-file"), "{said}");
    assert_eq!(fake.seen().len(), 1);
    let said = words(&overdue(&["load", "--url", "http://example.org", "--token", "t", &input]).stderr);
    assert!(said.contains("--insecure-http"), "{said}");
    assert_eq!(overdue(&["load", "--url", &fake.url, &folder.path("none.csv")]).status.code(), Some(2));
}
