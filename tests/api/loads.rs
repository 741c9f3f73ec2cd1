//! Bulk bodies: every format and encoding, upserts, rejected rows, rejected bodies.

use crate::support::tables::{arrow_stream, parquet};
use crate::{NDJSON, Reply, Running, lines};
use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};
use std::io::{self, Read, Write};
use std::sync::Arc;

fn ticket(id: &str) -> Value {
    json!({ "id": id, "opened_at": "2026-11-23T08:00:00Z", "priority": "normal", "team": "billing" })
}

#[test]
fn every_text_format_and_encoding_loads_the_same_tickets() {
    let running = Running::new();
    let rows = [ticket("a"), ticket("b")];
    let ndjson = lines(&rows);
    let csv =
        "id,opened_at,priority,team\na,2026-11-23T08:00:00Z,normal,billing\nb,2026-11-23T08:00:00Z,normal,billing\n";
    let gzip = {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packer.write_all(ndjson.as_bytes()).unwrap();
        packer.finish().unwrap()
    };
    let zstd = zstd::encode_all(ndjson.as_bytes(), 1).unwrap();
    let counters = |reply: &Reply| (reply.status, reply.json["rows"].as_u64(), reply.json["rejected"].as_u64());
    for (kind, body) in [
        (NDJSON, ndjson.into_bytes()),
        ("application/json", json!(rows).to_string().into_bytes()),
        ("text/csv", csv.as_bytes().to_vec()),
        ("application/octet-stream", gzip.clone()),
    ] {
        let reply = running.post("/v1/tickets", kind, body);
        assert_eq!(counters(&reply), (200, Some(2), Some(0)), "{kind} {}", reply.text);
    }
    for (encoding, body) in [("gzip", gzip), ("zstd", zstd)] {
        let request = running.request(reqwest::Method::POST, "/v1/tickets").header("content-type", NDJSON);
        let reply = Reply::of(request.header("content-encoding", encoding).body(body).send().unwrap());
        assert_eq!(counters(&reply), (200, Some(2), Some(0)), "{encoding} {}", reply.text);
    }
    // One object on several lines instead of a list.
    let reply = running.post("/v1/tickets", "application/json", serde_json::to_string_pretty(&ticket("c")).unwrap());
    assert_eq!(counters(&reply), (200, Some(1), Some(0)), "{}", reply.text);
    assert_eq!(running.get("/v1/metrics").json["engine"]["rows_rejected"], 0);
    let list = running.get("/v1/tickets").json;
    assert_eq!(list["tickets"].as_array().unwrap().len(), 3, "{list}");
    running.stop();
}

#[test]
fn a_repeat_changes_nothing_and_a_later_row_changes_the_ticket() {
    let running = Running::new();
    running.load(&[ticket("a")]);
    let before = running.get("/v1/tickets/a/timeline").json;
    running.load(&[ticket("a")]);
    assert_eq!(running.get("/v1/tickets/a/timeline").json["events"], before["events"]);
    let mut later = ticket("a");
    later["updated_at"] = json!("2026-11-23T08:30:00Z");
    later["state"] = json!("waiting");
    later["team"] = json!("sales");
    running.load(&[later.clone()]);
    let after = running.get("/v1/tickets/a").json;
    assert_eq!((&after["state"], &after["team"]), (&json!("waiting"), &json!("sales")));
    let events = running.get("/v1/tickets/a/timeline").json["events"].clone();
    let kinds: Vec<&str> = events.as_array().unwrap().iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["opened", "assigned", "state_changed"]);
    running.load(&[later]);
    assert_eq!(running.get("/v1/tickets/a/timeline").json["events"], events);
    running.stop();
}

#[test]
fn rejected_rows_are_reported_with_their_lines() {
    let running = Running::new();
    let body = [
        ticket("a").to_string(),
        "{\"id\":\"b\"}".to_owned(),
        json!({ "id": "c", "opened_at": "2026-11-23T08:00:00Z", "resolved_at": "2026-11-23T08:05:00Z", "priority": "nope" })
            .to_string(),
        "rubbish".to_owned(),
        ticket("d").to_string(),
    ]
    .join("\n");
    let reply = running.post("/v1/tickets", NDJSON, body.clone());
    assert_eq!(
        (reply.status, &reply.json["accepted"], &reply.json["rejected"]),
        (200, &json!(2), &json!(3)),
        "{}",
        reply.text
    );
    let mut errors: Vec<(u64, Option<&str>)> = reply.json["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["line"].as_u64().unwrap(), error["field"].as_str()))
        .collect();
    errors.sort_unstable();
    assert_eq!(errors, [(2, Some("opened_at")), (3, Some("priority")), (4, None)]);
    // A row is rejected with all its events.
    assert_eq!(running.get("/v1/tickets/c").status, 404);

    let reply = running.post("/v1/tickets?on_error=abort", NDJSON, body);
    assert_eq!((reply.status, &reply.json["errors"][0]["line"]), (422, &json!(2)), "{}", reply.text);
    running.stop();
}

#[test]
fn a_rejected_body_gets_the_status_of_its_error() {
    let running = Running::new();
    let row = ticket("a").to_string();
    let status = |path: &str, kind: &str, body: &str| running.post(path, kind, body.to_owned()).status;
    assert_eq!(status("/v1/tickets", "text/html", &row), 415);
    assert_eq!(status("/v1/tickets?on_error=sometimes", NDJSON, &row), 400);
    assert_eq!(status("/v1/tickets?onerror=skip", NDJSON, &row), 400);
    assert_eq!(status("/v1/tickets", "application/json", "[{\"id\":1"), 400);
    assert_eq!(status("/v1/tickets", "text/csv", "name,when\n1,2\n"), 422);
    assert_eq!(status("/v1/tickets", "application/vnd.apache.parquet", "no parquet"), 400);
    let packed = running.request(reqwest::Method::POST, "/v1/tickets").header("content-encoding", "gzip");
    assert_eq!(Reply::of(packed.body(row).send().unwrap()).status, 400);
    assert_eq!(running.get("/v1/metrics").json["tickets"], 0);
    running.stop();
}

#[test]
fn a_long_body_is_streamed_and_a_bomb_or_an_oversized_body_is_rejected() {
    let running = Running::new();
    // Several blocks of rows with text: more than 4 MiB, less than the limit of 8 MiB.
    let rows = 20_000_u64;
    let body: String = (0..rows)
        .map(|number| {
            format!(
                "{{\"id\":\"T{number}\",\"opened_at\":\"2026-11-23T08:00:00Z\",\"subject\":\"{}\"}}\n",
                "x".repeat(200)
            )
        })
        .collect();
    assert!(body.len() > 5 << 20 && body.len() < 8 << 20);
    // An invalid row at the end: lines are counted across blocks.
    let body = body + "{\"id\":\"bad\",\"opened_at\":\"2026-11-23T08:00:00Z\",\"priority\":\"nope\"}\n";
    let reply = running.post("/v1/tickets", NDJSON, body.clone());
    assert_eq!((reply.status, &reply.json["accepted"]), (200, &json!(rows)), "{}", reply.text);
    assert_eq!(reply.json["errors"][0]["line"], json!(rows + 1));
    assert_eq!(running.get("/v1/metrics").json["tickets"].as_u64(), Some(rows));

    let reply = running.post("/v1/tickets", NDJSON, body.repeat(3));
    assert_eq!(reply.status, 413, "{}", reply.text);
    let mut packer = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    io::copy(&mut io::repeat(b' ').take(1 << 30), &mut packer).unwrap();
    let bomb = packer.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let request = running.request(reqwest::Method::POST, "/v1/events").header("content-type", NDJSON);
    let reply = Reply::of(request.header("content-encoding", "zstd").body(bomb).send().unwrap());
    assert_eq!(reply.status, 413, "{}", reply.text);
    running.stop();
}

/// Two tickets and a row that names an unknown priority, as a table.
fn table() -> RecordBatch {
    let opened = TimestampMillisecondArray::from(vec![crate::START_MS - 3_600_000; 3]).with_timezone("UTC");
    let columns: [(&str, ArrayRef); 3] = [
        ("id", Arc::new(StringArray::from(vec!["a", "b", "c"]))),
        ("opened_at", Arc::new(opened)),
        ("priority", Arc::new(StringArray::from(vec![Some("normal"), Some("nope"), None]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn tables_are_loaded_like_texts() {
    let running = Running::new();
    let table = table();
    let parquet = parquet(&table, WriterProperties::default());
    let arrow = arrow_stream(&[table], None);
    for (kind, body) in [("application/vnd.apache.arrow.stream", arrow), ("application/vnd.apache.parquet", parquet)] {
        let reply = running.post("/v1/tickets", kind, body);
        assert_eq!((reply.status, &reply.json["accepted"]), (200, &json!(2)), "{kind} {}", reply.text);
        assert_eq!((&reply.json["errors"][0]["line"], &reply.json["errors"][0]["value"]), (&json!(2), &json!("nope")));
    }
    assert_eq!(running.get("/v1/metrics").json["tickets"], 2);
    running.stop();
}

#[test]
fn openings_of_events_are_read_as_the_request_says() {
    let running = Running::new();
    let opened = |priority: &str| {
        json!({ "ticket": "T", "at": "2026-11-23T08:00:00Z", "event": "opened", "priority": priority }).to_string()
    };
    let priority = || running.get("/v1/tickets/T").json["priority"].clone();
    running.post("/v1/events", NDJSON, opened("normal"));
    // In a log, a ticket begins once; in an export, the row has the values of now.
    for (openings, expected) in [("log", "normal"), ("current", "critical")] {
        let reply = running.post(&format!("/v1/events?openings={openings}"), NDJSON, opened("critical"));
        assert_eq!(reply.json["accepted"], 1, "{}", reply.text);
        assert_eq!(priority(), expected, "{openings}");
    }
    for wrong in ["/v1/events?openings=both", "/v1/tickets?openings=log"] {
        assert_eq!(running.post(wrong, NDJSON, opened("normal")).status, 400, "{wrong}");
    }
    running.stop();
}
