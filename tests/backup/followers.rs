//! A feed reader across starts and restores.

use crate::process::{backup, events, follow, open, page, start};
use crate::support::until::until;
use serde_json::Value;

fn last(url: &str) -> u64 {
    page(url, "limit=1")["last_sequence"].as_u64().unwrap()
}

#[test]
fn a_feed_reader_detects_a_restore_but_no_restart() {
    let outer = tempfile::tempdir().unwrap();
    let (data, store, restored) =
        (outer.path().join("data"), outer.path().join("backups"), outer.path().join("restored"));
    let process = start(&data);
    assert!(open(&process.url, "a", 4));
    until("levels", || last(&process.url) >= 8);
    let (code, output) = backup(&["create", "--data-dir"], &[&data, &store]);
    assert_eq!(code, Some(0), "{output}");
    assert!(open(&process.url, "b", 4));
    until("levels", || last(&process.url) >= 16);
    let first_events = events(follow(&process.url, ""), 16);
    let epoch = page(&process.url, "limit=1")["epoch"].as_str().unwrap().to_owned();
    for ((id, _, record), number) in first_events.iter().zip(1..) {
        assert_eq!(*id, format!("{epoch}-{number}"));
        assert_eq!(record["epoch"], Value::from(epoch.as_str()));
    }
    drop(process);

    // After a restart a feed reader continues where it was.
    let process = start(&data);
    let id = &first_events[11].0;
    assert_eq!(events(follow(&process.url, id), 4), first_events[12..]);
    drop(process);

    let (code, output) = backup(&["restore"], &[&store, &restored]);
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("4 tickets, 8 escalation records") && output.contains(&epoch), "{output}");
    let process = start(&restored);
    let url = &process.url;
    let now = page(url, "limit=1")["epoch"].as_str().unwrap().to_owned();
    assert!(now.starts_with("2.") && epoch.starts_with("1."), "{now}");
    // Records before the backup are the same, and so are their ids.
    assert_eq!(events(follow(url, ""), 8), first_events[..8]);
    let rejected = follow(url, id);
    assert_eq!(rejected.status(), 410);
    let problem: Value = rejected.json().unwrap();
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&now) && detail.contains("restored"), "{detail}");
    let common = problem["errors"][0]["expected"].as_str().unwrap();
    assert_eq!(common, format!("{epoch}-8"));

    assert!(open(url, "c", 4));
    until("levels", || last(url) >= 16);
    // The numbers are assigned again, under another epoch: no id belongs to two records.
    assert_eq!(follow(url, id).status(), 410);
    let since = events(follow(url, common), 8);
    for ((new_id, _, record), number) in since.iter().zip(9..) {
        assert_eq!(*new_id, format!("{now}-{number}"));
        assert!(record["ticket"].as_str().unwrap().starts_with('c'), "{record}");
        assert!(first_events.iter().all(|(old_id, ..)| old_id != new_id));
    }
    // An id that is not assigned yet, one of another service, invalid ones.
    assert_eq!(follow(url, &format!("{now}-1000000")).status(), 410);
    let foreign = follow(url, "1.00000000-3");
    assert_eq!(foreign.status(), 410);
    assert!(foreign.text().unwrap().contains("nothing is in common"));
    for wrong in ["x", "1.0-3", &format!("{now}-"), "1-3"] {
        assert_eq!(follow(url, wrong).status(), 400, "{wrong}");
    }
    // A bare number belongs to the current epoch.
    assert_eq!(events(follow(url, "12"), 4), since[4..]);
}
