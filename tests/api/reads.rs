//! Reads: tickets in pages, timelines, metrics, the forecast, snapshots; and the events that change them.

use crate::{NDJSON, Running};
use reqwest::Method;
use serde_json::{Value, json};

/// Loads ten tickets in the order in which they are opened, and so in the order of their due times.
fn load_ten(running: &Running) {
    let rows: Vec<Value> = (0..10)
        .map(|number| {
            let team = if number < 5 { "billing" } else { "sales" };
            json!({ "id": format!("T{number}"), "opened_at": format!("2026-11-23T08:{number:02}:00Z"), "team": team,
                    "owner": format!("agent {number}"), "customer": "ACME", "category": "orders", "channel": "mail" })
        })
        .collect();
    running.load(&rows);
}

fn ids(page: &Value) -> Vec<&str> {
    page["tickets"].as_array().unwrap().iter().map(|ticket| ticket["id"].as_str().unwrap()).collect()
}

#[test]
fn tickets_are_listed_by_due_time_in_pages() {
    let running = Running::new();
    load_ten(&running);
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = running.get(&format!("/v1/tickets?limit=4{cursor}"));
        assert_eq!(page.status, 200, "{}", page.text);
        found.extend(ids(&page.json).into_iter().map(str::to_owned));
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, (0..10).map(|number| format!("T{number}")).collect::<Vec<_>>());
    running.post(
        "/v1/events",
        NDJSON,
        json!({ "ticket": "T3", "at": "2026-11-23T08:59:00Z", "event": "resolved" }).to_string(),
    );
    let count = |query: &str| ids(&running.get(&format!("/v1/tickets?{query}")).json).len();
    assert_eq!(count("team=billing"), 5);
    assert_eq!(count("team=billing&state=active"), 4);
    assert_eq!(count("state=resolved"), 1);
    assert_eq!(count("owner=agent%207"), 1);
    assert_eq!(count("customer=ACME&category=orders&channel=mail&priority=normal"), 10);
    assert_eq!(count("customer=nobody"), 0);
    assert_eq!(count("breached=true"), 0);
    // The first level of T0 falls due after four business hours.
    assert_eq!(count("due_before=2026-11-23T12:00:30Z"), 1);
    for wrong in ["limit=0", "state=other", "breached=maybe", "cursor=1", "due_before=soon", "due=1"] {
        assert_eq!(running.get(&format!("/v1/tickets?{wrong}")).status, 400, "{wrong}");
    }
    running.stop();
}

#[test]
fn a_ticket_is_shown_explained_and_deleted() {
    let running = Running::new();
    load_ten(&running);
    let ticket = running.get("/v1/tickets/T0").json;
    assert_eq!(ticket["clocks"][0]["clock"], "resolution");
    assert_eq!(ticket["clocks"][0]["due_at"], "2026-11-24T08:00:00.000Z");
    // The first level is at half of the target, the at-risk mark at three quarters.
    assert_eq!(ticket["next_due_at"], "2026-11-23T12:00:00.000Z");
    assert_eq!(ticket["at_risk_at"], "2026-11-23T14:00:00.000Z");
    let timeline = running.get("/v1/tickets/T0/timeline").json;
    let cycle = &timeline["cycles"][0];
    assert_eq!(cycle["target"]["due_at"], "2026-11-24T08:00:00.000Z");
    assert_eq!(cycle["levels"][0]["status"], "pending");
    assert_eq!(cycle["version"]["calendar"], "office");
    assert_eq!(cycle["segments"][0]["intervals"][0]["from"], "2026-11-23T08:00:00.000Z");
    // An id may have any characters.
    running.load(&[json!({ "id": "a/b c%", "opened_at": "2026-11-23T08:00:00Z" })]);
    assert_eq!(running.get("/v1/tickets/a%2Fb%20c%25").json["id"], "a/b c%");

    assert_eq!(running.send(Method::DELETE, "/v1/tickets/T0", NDJSON, "").status, 204);
    assert_eq!(running.get("/v1/tickets/T0").status, 404);
    assert_eq!(running.get("/v1/tickets/T0/timeline").status, 404);
    assert_eq!(running.send(Method::DELETE, "/v1/tickets/T0", NDJSON, "").status, 404);
    assert_eq!(running.get(&format!("/v1/tickets/{}", "x".repeat(256))).status, 400);
    running.stop();
}

#[test]
fn a_repeat_with_the_same_key_gets_the_same_reply_and_has_no_effect() {
    let running = Running::new();
    let body = json!({ "id": "a", "opened_at": "2026-11-20T08:00:00Z" }).to_string();
    let send = || {
        let request = running.request(Method::POST, "/v1/tickets").header("content-type", NDJSON);
        crate::Reply::of(request.header("idempotency-key", "once").body(body.clone()).send().unwrap())
    };
    let (first, again) = (send(), send());
    assert_eq!((first.status, &first.json), (again.status, &again.json));
    assert_eq!(running.get("/v1/escalations").json["last_sequence"], 1);
    running.stop();
}

#[test]
fn counts_of_metrics_add_up() {
    let running = Running::new();
    load_ten(&running);
    let published = || running.get("/v1/metrics").json;
    let metrics = published();
    assert_eq!((&metrics["tickets"], &metrics["totals"]["open"]), (&json!(10), &json!(10)), "{metrics}");
    let teams = metrics["by_team"].as_array().unwrap();
    assert_eq!(teams.iter().map(|team| team["open"].as_u64().unwrap()).sum::<u64>(), 10);
    assert_eq!(metrics["engine"]["due_not_fired"], 0);
    let hours = running.get("/v1/forecast?hours=5").json;
    assert!(hours["hours"].as_array().unwrap().len() <= 5, "{hours}");
    for wrong in ["hours=0", "hours=169", "hours=x"] {
        assert_eq!(running.get(&format!("/v1/forecast?{wrong}")).status, 400, "{wrong}");
    }
    let text = running.get("/metrics").text;
    assert!(text.contains("\noverdue_tickets{priority=\"normal\",status=\"within_target\"} 10.0\n"), "{text}");
    assert!(text.ends_with("# EOF\n"));
    running.stop();
}

#[test]
fn a_snapshot_is_taken_and_listed() {
    let running = Running::new();
    load_ten(&running);
    let taken = running.send(Method::POST, "/v1/snapshots", "application/json", "");
    assert_eq!((taken.status, &taken.json["tickets"]), (200, &json!(10)), "{}", taken.text);
    let list = running.get("/v1/snapshots").json;
    assert_eq!(list["snapshots"][0]["number"], taken.json["number"], "{list}");
    running.stop();
}
