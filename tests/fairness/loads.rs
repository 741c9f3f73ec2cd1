//! Bulk bodies of several senders.

use crate::{Connection, Running};
use overdue::limits::{BULK_HEAD_BYTES, MAX_OPEN_LOADS_OF_A_TOKEN};
use overdue::server::auth::Role;
use serde_json::Value;

/// Events of tickets with this name, at least so many bytes.
fn rows(name: &str, bytes: usize) -> (String, u64) {
    let (mut text, mut count) = (String::new(), 0);
    while text.len() < bytes {
        text += &format!("{{\"ticket\":\"{name}-{count}\",\"at\":\"2026-11-22T09:05:00Z\",\"event\":\"opened\"}}\n");
        count += 1;
    }
    (text, count)
}

/// A bulk body of this length has begun.
fn begin(running: &Running, secret: &str, length: usize) -> Connection {
    let headers = format!("content-type: application/x-ndjson\r\ncontent-length: {length}\r\n");
    running.begin("POST /v1/events", secret, &headers)
}

fn load(running: &Running, secret: &str, name: &str, bytes: usize) -> (u16, Value) {
    let (text, _) = rows(name, bytes);
    let mut connection = begin(running, secret, text.len());
    connection.send(text.as_bytes());
    let (status, body) = connection.answer();
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn slow_uploads_keep_no_load_of_another_token_out() {
    let (running, secrets) = Running::new(&[("slow", Role::Operator, None), ("fast", Role::Operator, None)]);
    let (text, count) = rows("slow", 2 * BULK_HEAD_BYTES);
    let (first, rest) = text.as_bytes().split_at(BULK_HEAD_BYTES + BULK_HEAD_BYTES / 2);
    let mut slow: Vec<Connection> = (0..MAX_OPEN_LOADS_OF_A_TOKEN)
        .map(|_| {
            let mut connection = begin(&running, &secrets[0], text.len());
            connection.send(first);
            connection
        })
        .collect();
    // Until all of them are open, one more finds a place.
    let refused = loop {
        let (status, problem) = load(&running, &secrets[0], "one more", 2 * BULK_HEAD_BYTES);
        if status != 200 {
            assert_eq!(status, 503, "{problem}");
            break problem;
        }
    };
    assert!(refused["detail"].as_str().unwrap().contains("of this token"), "{refused}");
    for round in 0..4 {
        let (status, answer) = load(&running, &secrets[1], &format!("fast {round}"), 8 * BULK_HEAD_BYTES);
        assert_eq!(status, 200, "{answer}");
    }
    // A body of a few rows needs no place.
    assert_eq!(load(&running, &secrets[0], "small", 1).0, 200);
    for connection in &mut slow {
        connection.send(rest);
    }
    for connection in &mut slow {
        let (status, body) = connection.answer();
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, answer["accepted"].as_u64()), (200, Some(count)), "{answer}");
    }
    running.stop();
}

#[test]
fn uploads_that_have_hardly_begun_hold_no_place() {
    let (running, secrets) = Running::new(&[("one", Role::Operator, None)]);
    let (text, _) = rows("slow", BULK_HEAD_BYTES);
    let slow: Vec<Connection> = (0..5 * MAX_OPEN_LOADS_OF_A_TOKEN)
        .map(|_| {
            let mut connection = begin(&running, &secrets[0], text.len());
            connection.send(&text.as_bytes()[..100 << 10]);
            connection
        })
        .collect();
    assert_eq!(load(&running, &secrets[0], "fast", 8 * BULK_HEAD_BYTES).0, 200);
    drop(slow);
    running.stop();
}

#[test]
fn more_loads_than_places_wait_for_one_another() {
    let (running, secrets) = Running::new(&[("one", Role::Operator, None)]);
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..2 * MAX_OPEN_LOADS_OF_A_TOKEN)
            .map(|number| {
                let (running, secret) = (&running, &secrets[0]);
                scope.spawn(move || load(running, secret, &format!("load {number}"), 2 * BULK_HEAD_BYTES))
            })
            .collect();
        for load in loads {
            let (status, answer) = load.join().unwrap();
            assert_eq!(status, 200, "{answer}");
        }
    });
    running.stop();
}
