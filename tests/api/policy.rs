//! The policy and its parts: read, dry runs, conditional edits, removal, versions.

use crate::{POLICY, Reply, Running};
use reqwest::Method;
use serde_json::{Value, json};

const JSON: &str = "application/json";
const TOML: &str = "application/toml";

fn put(running: &Running, path: &str, body: &Value) -> Reply {
    running.send(Method::PUT, path, JSON, body.to_string())
}

fn load_open(running: &Running) {
    running.load(&[
        json!({ "id": "a", "opened_at": "2026-11-23T08:00:00Z", "team": "billing" }),
        json!({ "id": "b", "opened_at": "2026-11-23T08:30:00Z", "team": "sales" }),
    ]);
}

#[test]
fn a_policy_is_read_tried_in_a_dry_run_and_replaced() {
    let running = Running::new();
    load_open(&running);
    let first = running.get("/v1/policy");
    assert_eq!((first.status, first.text.as_str(), first.etag.as_deref()), (200, POLICY, Some("\"1\"")));
    let shorter = POLICY.replace("\"8h\"", "\"30m\"");
    let tried = running.send(Method::PUT, "/v1/policy?dry_run=true", TOML, shorter.clone());
    assert_eq!(
        (tried.status, &tried.json["version"], &tried.json["dry_run"]),
        (200, &json!(1), &json!(true)),
        "{}",
        tried.text
    );
    let effects = &tried.json["effects"];
    assert_eq!((&effects["all"]["tickets"], &effects["all"]["earlier"]), (&json!(2), &json!(2)), "{effects}");
    assert_eq!(effects["by_team"]["billing"]["tickets"], json!(1));
    assert_eq!(running.get("/v1/policy").text, POLICY);

    let with = |tag: &str, path: &str| {
        let request = running.request(Method::PUT, path).header("content-type", TOML).header("if-match", tag);
        Reply::of(request.body(shorter.clone()).send().unwrap())
    };
    assert_eq!(with("\"7\"", "/v1/policy").status, 412);
    let done = with("\"1\"", "/v1/policy?note=faster");
    assert_eq!(
        (done.status, &done.json["version"], done.etag.as_deref()),
        (200, &json!(2), Some("\"2\"")),
        "{}",
        done.text
    );
    assert_eq!(with("\"1\"", "/v1/policy").status, 412);
    assert_eq!(running.get("/v1/policy").text, shorter);
    let versions = running.get("/v1/policy/versions").json["versions"].clone();
    assert_eq!(
        (&versions[0]["version"], &versions[0]["note"], &versions[0]["actor"]),
        (&json!(2), &json!("faster"), &json!("local"))
    );
    assert_eq!(running.get("/v1/policy/versions/1").text, POLICY);
    assert_eq!(running.get("/v1/policy/versions/3").status, 404);
    running.stop();
}

#[test]
fn policy_errors_are_reported_with_line_and_field() {
    let running = Running::new();
    let reply = running.send(Method::PUT, "/v1/policy", TOML, POLICY.replace("\"8h\"", "\"8 hours\""));
    assert_eq!(reply.status, 422);
    let error = &reply.json["errors"][0];
    let line = 1 + POLICY.lines().position(|line| line.starts_with("target")).unwrap();
    assert_eq!(error["line"], json!(line), "{error}");
    assert!(error["excerpt"].as_str().unwrap().contains("8 hours"));
    let part = json!({ "calendar": "offise", "clocks": { "resolution": { "target": "8h", "levels": [] } } });
    let reply = put(&running, "/v1/priorities/normal", &part);
    assert_eq!(
        (reply.status, &reply.json["errors"][0]["field"]),
        (422, &json!("priorities.normal.calendar")),
        "{}",
        reply.text
    );
    assert!(reply.problem().contains("office"), "{}", reply.text);
    assert_eq!(running.send(Method::PUT, "/v1/calendars/x", JSON, "{").status, 400);
    assert_eq!(running.send(Method::PUT, "/v1/calendars/x", "text/plain", "{}").status, 415);
    assert_eq!(put(&running, "/v1/calendars/x", &json!({ "hours": null })).status, 400);
    assert_eq!(put(&running, "/v1/calendars/x?apply=sometimes", &json!({ "hours": "24x7" })).status, 400);
    assert_eq!(running.get("/v1/policy").text, POLICY);
    running.stop();
}

#[test]
fn a_calendar_is_edited_by_itself_and_has_its_own_versions() {
    let running = Running::new();
    let names = || {
        let list = running.get("/v1/calendars").json;
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(), ["office", "always"]);
    let office = running.get("/v1/calendars/office");
    assert_eq!(office.json, json!({ "time_zone": "Europe/Oslo", "mon-fri": ["08:00-16:00"] }));
    let toml = Reply::of(running.request(Method::GET, "/v1/calendars/office").header("accept", TOML).send().unwrap());
    assert!(toml.text.contains("time_zone = \"Europe/Oslo\""), "{}", toml.text);
    assert_eq!(running.get("/v1/calendars/nowhere").status, 404);

    // An edit of another part does not change the calendar's tag.
    assert_eq!(put(&running, "/v1/calendars/night", &json!({ "hours": "24x7" })).status, 200);
    assert_eq!(running.get("/v1/calendars/office").etag, office.etag);
    let longer = "time_zone = \"Europe/Oslo\"\nmon-fri = [\"08:00-18:00\"]\n";
    let with = |tag: &str| {
        let request = running.request(Method::PUT, "/v1/calendars/office").header("content-type", TOML);
        Reply::of(request.header("if-match", tag).body(longer).send().unwrap())
    };
    assert_eq!(with("\"other\"").status, 412);
    let done = with(office.etag.as_deref().unwrap());
    assert_eq!(done.status, 200, "{}", done.text);
    assert_eq!(done.etag, running.get("/v1/calendars/office").etag);
    assert_eq!(with(office.etag.as_deref().unwrap()).status, 412);
    let plain = running.get("/v1/calendars/office/versions").json;
    assert!(plain["next_before"].is_null() && plain["versions"][1]["definition"].is_null(), "{plain}");
    let newest = running.get("/v1/calendars/office/versions?limit=1").json;
    let next = newest["next_before"].as_u64().unwrap();
    let older = running.get(&format!("/v1/calendars/office/versions?limit=1&before={next}")).json;
    assert_eq!(newest["versions"][0], plain["versions"][0]);
    assert_eq!(older["versions"][0], plain["versions"][1]);
    for wrong in ["limit=1001", "before=0", "definitions=perhaps"] {
        assert_eq!(running.get(&format!("/v1/calendars/office/versions?{wrong}")).status, 400, "{wrong}");
    }
    let page = running.get("/v1/policy/versions?limit=1&definitions=true").json;
    assert!(page["versions"][0]["text"].as_str().unwrap().contains("[calendars.office]"), "{page}");
    let versions = running.get("/v1/calendars/office/versions?definitions=true").json["versions"].clone();
    let numbers: Vec<u64> = versions.as_array().unwrap().iter().map(|row| row["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 1]);
    assert_eq!(versions[1]["definition"]["mon-fri"], json!(["08:00-16:00"]));

    // A calendar in use cannot be removed.
    let used = running.send(Method::DELETE, "/v1/calendars/office", JSON, "");
    assert_eq!(
        (used.status, &used.json["errors"][0]["field"]),
        (409, &json!("priorities.normal.calendar")),
        "{}",
        used.text
    );
    assert_eq!(running.send(Method::DELETE, "/v1/calendars/night", JSON, "").status, 200);
    assert_eq!(running.send(Method::DELETE, "/v1/calendars/night", JSON, "").status, 404);
    assert_eq!(names(), ["office", "always"]);
    running.stop();
}

#[test]
fn a_calendar_adds_and_measures_business_time() {
    let running = Running::new();
    let add = running.get("/v1/calendars/office/add?start=2026-11-27T14:00:00Z&span=4h").json;
    assert_eq!(add["end"], "2026-11-30T10:00:00.000Z");
    assert_eq!(add["business_ms"], 4 * 3_600_000);
    let elapsed = running.get("/v1/calendars/office/elapsed?from=2026-11-27T14:00:00Z&to=2026-11-30T10:00:00Z").json;
    assert_eq!((&elapsed["business_ms"], &elapsed["business"]), (&json!(14_400_000), &json!("4h")));
    let month = running.get("/v1/calendars/office/intervals?month=2026-12").json;
    assert_eq!(month["intervals"].as_array().unwrap().len(), 23);
    assert_eq!(month["intervals"][0], json!({ "from": "2026-12-01T07:00:00.000Z", "to": "2026-12-01T15:00:00.000Z" }));
    for wrong in [
        "add?start=2026-11-27T14:00:00Z&span=4",
        "add?start=yesterday&span=4h",
        "add?span=4h",
        "elapsed?from=2026-11-27T14:00:00Z",
        "intervals?month=2026-13",
        "intervals",
    ] {
        assert_eq!(running.get(&format!("/v1/calendars/office/{wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(running.get("/v1/calendars/nowhere/intervals?month=2026-12").status, 404);
    running.stop();
}

#[test]
fn priorities_and_rules_are_edited_in_the_same_way() {
    let running = Running::new();
    load_open(&running);
    let urgent = json!({ "calendar": "always", "clocks": { "first_response": { "target": "5m",
        "levels": [{ "at": "100%", "notify": ["owner"] }] } } });
    assert_eq!(put(&running, "/v1/priorities/urgent", &urgent).status, 200);
    assert_eq!(running.get("/v1/priorities/urgent").json, urgent);
    let rules = running.get("/v1/rules");
    assert_eq!(rules.json["default_priority"], "normal");
    let new = json!({ "rules": [{ "when": { "channel": ["chat"] }, "priority": "urgent" }] });
    let done = put(&running, "/v1/rules", &new);
    assert_eq!(done.status, 200, "{}", done.text);
    assert_ne!(done.etag, rules.etag);
    assert_eq!(running.get("/v1/rules").json["rules"], new["rules"]);
    let unknown = json!({ "rules": [{ "when": { "channel": ["chat"] }, "priority": "urgend" }] });
    let reply = put(&running, "/v1/rules", &unknown);
    assert_eq!((reply.status, &reply.json["errors"][0]["field"]), (422, &json!("rules[0].priority")), "{}", reply.text);
    running.load(&[json!({ "id": "c", "opened_at": "2026-11-23T08:59:00Z", "channel": "chat" })]);
    assert_eq!(running.get("/v1/tickets/c").json["priority"], "urgent");
    // A rule names the priority, then a ticket has it.
    assert_eq!(running.send(Method::DELETE, "/v1/priorities/urgent", JSON, "").status, 409);
    assert_eq!(put(&running, "/v1/rules", &json!({ "rules": [] })).status, 200);
    let reply = running.send(Method::DELETE, "/v1/priorities/urgent", JSON, "");
    assert_eq!(reply.status, 409, "{}", reply.text);
    // An edit that changes nothing creates no version.
    let same = put(&running, "/v1/priorities/urgent", &urgent);
    assert_eq!((same.status, &same.json["is_unchanged"]), (200, &json!(true)), "{}", same.text);
    running.stop();
}

#[test]
fn concurrent_edits_of_different_parts_all_succeed() {
    let running = Running::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let running = &running;
            scope.spawn(move || {
                let reply = put(running, &format!("/v1/calendars/c{number}"), &json!({ "hours": "24x7" }));
                assert_eq!(reply.status, 200, "{}", reply.text);
            });
        }
    });
    assert_eq!(running.get("/v1/calendars").json["items"].as_array().unwrap().len(), 8);
    running.stop();
}
