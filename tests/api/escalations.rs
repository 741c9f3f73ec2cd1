//! Escalations: by level and manual, acknowledged, listed, and followed by feed readers.

use crate::{NDJSON, Running, lines};
use reqwest::Method;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};

/// Loads four tickets with levels that are due already: the highest of each fires. Returns the last sequence number.
fn load_overdue(running: &Running) -> u64 {
    let rows: Vec<Value> = (0..4)
        .map(|number| {
            let team = if number % 2 == 0 { "even" } else { "odd" };
            json!({ "id": format!("L{number}"), "opened_at": "2026-11-20T08:00:00Z", "team": team })
        })
        .collect();
    let reply = running.post("/v1/tickets", NDJSON, lines(&rows));
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json["escalations"]["last"].as_u64().unwrap()
}

#[test]
fn pages_continue_after_the_previous_one_and_filters_apply() {
    let running = Running::new();
    assert_eq!(load_overdue(&running), 4);
    let mut after = 0;
    let mut found = Vec::new();
    loop {
        let page = running.get(&format!("/v1/escalations?after={after}&limit=3")).json;
        let rows = page["escalations"].as_array().unwrap();
        found.extend(rows.iter().map(|row| row["escalation_id"].as_str().unwrap().to_owned()));
        after = page["next_after"].as_u64().unwrap();
        if after == page["last_sequence"].as_u64().unwrap() {
            break;
        }
    }
    assert_eq!(found, ["L0/resolution/1/2", "L1/resolution/1/2", "L2/resolution/1/2", "L3/resolution/1/2"]);
    let count = |query: &str| {
        let page = running.get(&format!("/v1/escalations?{query}"));
        assert_eq!(page.status, 200, "{query} {}", page.text);
        page.json["escalations"].as_array().unwrap().len()
    };
    assert_eq!(count("team=odd"), 2);
    assert_eq!(count("level=1"), 0);
    assert_eq!(count("kind=fired&clock=resolution&ticket=L2"), 1);
    assert_eq!(count("kind=withdrawn"), 0);
    assert_eq!(count("until=2026-11-23T09:00:00Z"), 0);
    for wrong in ["limit=0", "limit=1001", "kind=other", "after=-1", "since=yesterday", "nonsense=1"] {
        assert_eq!(running.get(&format!("/v1/escalations?{wrong}")).status, 400, "{wrong}");
    }
    let one = running.get("/v1/escalations/3").json;
    assert_eq!((&one["ticket"], &one["actions"]["notify"]), (&json!("L2"), &json!(["team_lead"])));
    assert_eq!(running.get("/v1/escalations/0").status, 404);
    assert_eq!(running.get("/v1/escalations/99").status, 404);
    assert_eq!(running.get("/v1/escalations/x").status, 400);
    running.stop();
}

#[test]
fn the_last_sequence_does_not_depend_on_the_query() {
    let running = Running::new();
    let last = |query: &str| {
        let page = running.get(&format!("/v1/escalations?{query}")).json;
        (page["last_sequence"].as_u64().unwrap(), page["next_after"].as_u64().unwrap())
    };
    assert_eq!(last(""), (0, 0));
    assert_eq!(running.get("/v1/escalations?after=1").status, 410, "there is no record yet");
    load_overdue(&running);
    for query in ["", "limit=1", "after=2", "after=4", "team=nobody", "kind=withdrawn&after=1", "level=1"] {
        assert_eq!(last(query).0, 4, "{query}");
    }
    for path in ["escalations", "escalations/feed"] {
        for after in ["5", "5000", "9007199254740991"] {
            let gone = running.get(&format!("/v1/{path}?after={after}"));
            assert_eq!((gone.status, &gone.json["errors"][0]["expected"]), (410, &json!("4")), "{path} {after}");
        }
    }
    let running = running.restarted();
    for query in ["", "after=2&limit=1", "after=4", "team=nobody"] {
        let page = running.get(&format!("/v1/escalations?{query}")).json;
        assert_eq!(page["last_sequence"], 4, "{query} after a restart: {page}");
    }
    assert_eq!(running.get("/v1/metrics").json["escalations"]["last_sequence"], 4);
    running.stop();
}

#[test]
fn a_manual_escalation_can_be_acknowledged_once() {
    let running = Running::new();
    load_overdue(&running);
    let body = json!({ "reason": "the line is down" }).to_string();
    let reply = running.post("/v1/tickets/L1/escalate", "application/json", body.clone());
    assert_eq!((reply.status, &reply.json["kind"]), (200, &json!("manual")), "{}", reply.text);
    assert_eq!((&reply.json["reason"], &reply.json["actor"]), (&json!("the line is down"), &json!("local")));
    assert_eq!(running.post("/v1/tickets/nobody/escalate", "application/json", body).status, 404);
    let empty = json!({ "reason": " " }).to_string();
    assert_eq!(running.post("/v1/tickets/L1/escalate", "application/json", empty).status, 422);

    let sequence = reply.json["sequence"].as_u64().unwrap();
    let path = format!("/v1/escalations/{sequence}/acknowledge");
    let first = running.post(&path, "application/json", json!({ "note": "on it" }).to_string());
    assert_eq!((first.status, &first.json["note"]), (200, &json!("on it")), "{}", first.text);
    let again = running.post(&path, "application/json", "{}");
    assert_eq!((again.status, &again.json), (200, &first.json));
    let shown = running.get(&format!("/v1/escalations/{sequence}")).json;
    assert_eq!(shown["acknowledged"], first.json);
    assert_eq!(running.post("/v1/escalations/99/acknowledge", "application/json", "{}").status, 404);
    running.stop();
}

/// Reads the next event of a feed: the sequence number in its id, its kind, its data.
fn next(feed: &mut impl BufRead) -> (u64, String, Value) {
    let mut event = (0, String::new(), Value::Null);
    loop {
        let mut line = Vec::new();
        assert!(feed.read_until(b'\n', &mut line).unwrap() > 0, "the feed ended");
        let line = String::from_utf8(line).unwrap();
        match line.trim_end().split_once(": ") {
            Some(("id", id)) => event.0 = id.rsplit_once('-').unwrap().1.parse().unwrap(),
            Some(("event", kind)) => kind.clone_into(&mut event.1),
            Some(("data", data)) => event.2 = serde_json::from_str(data).unwrap(),
            _ if line == "\n" && event.0 > 0 => return event,
            _ => {}
        }
    }
}

#[test]
fn the_feed_resumes_after_the_last_event_and_sends_new_records() {
    let running = Running::new();
    load_overdue(&running);
    let follow = |query: &str, last: Option<&str>| {
        let mut request = running.request(Method::GET, &format!("/v1/escalations/feed{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().unwrap();
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        BufReader::new(response)
    };
    let mut all = follow("?after=0", None);
    let listed = running.get("/v1/escalations").json["escalations"].clone();
    for record in listed.as_array().unwrap() {
        assert_eq!(next(&mut all), (record["sequence"].as_u64().unwrap(), "fired".to_owned(), record.clone()));
    }
    let mut resumed = follow("?after=0", Some("3"));
    assert_eq!(next(&mut resumed).0, 4);
    let mut manual = follow("?kind=manual", None);
    let reply = running.post("/v1/tickets/L1/escalate", "application/json", json!({ "reason": "now" }).to_string());
    for feed in [&mut all, &mut resumed, &mut manual] {
        let (id, kind, record) = next(feed);
        assert_eq!((Some(id), kind.as_str()), (reply.json["sequence"].as_u64(), "manual"));
        assert_eq!(record["reason"], "now");
    }
    let wrong = running.request(Method::GET, "/v1/escalations/feed").header("last-event-id", "x").send().unwrap();
    assert_eq!(wrong.status(), 400);
    // Feeds end when the service stops; otherwise this hangs.
    running.stop();
}
