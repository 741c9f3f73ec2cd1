//! Bulk bodies of several clients.

use crate::support::server::TestServer;
use crate::support::tokens::start_with_tokens;
use crate::{Connection, begin};
use overdue::limits::{BULK_HEAD_BYTES, MAX_OPEN_LOADS_OF_A_TOKEN};
use overdue::server::auth::Role;
use serde_json::Value;

/// Events of tickets with this name, at least as many bytes; and their count.
fn rows(name: &str, bytes: usize) -> (String, u64) {
    let (mut text, mut count) = (String::new(), 0);
    while text.len() < bytes {
        text += &format!("{{\"ticket\":\"{name}-{count}\",\"at\":\"2026-11-22T09:05:00Z\",\"event\":\"opened\"}}\n");
        count += 1;
    }
    (text, count)
}

/// Begins a bulk body of this length.
fn begin_load(server: &TestServer, secret: &str, length: usize) -> Connection {
    let headers = format!("content-type: application/x-ndjson\r\ncontent-length: {length}\r\n");
    begin(server, "POST /v1/events", secret, &headers)
}

fn load(server: &TestServer, secret: &str, name: &str, bytes: usize) -> (u16, Value) {
    let (text, _) = rows(name, bytes);
    let mut connection = begin_load(server, secret, text.len());
    connection.send(text.as_bytes());
    let (status, body) = connection.reply();
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn slow_uploads_leave_places_to_loads_of_other_tokens() {
    let (server, secrets) = start_with_tokens(&[("slow", Role::Operator, None), ("fast", Role::Operator, None)]);
    let (text, count) = rows("slow", 2 * BULK_HEAD_BYTES);
    let (first, rest) = text.as_bytes().split_at(BULK_HEAD_BYTES + BULK_HEAD_BYTES / 2);
    let mut slow: Vec<Connection> = (0..MAX_OPEN_LOADS_OF_A_TOKEN)
        .map(|_| {
            let mut connection = begin_load(&server, &secrets[0], text.len());
            connection.send(first);
            connection
        })
        .collect();
    // One more load succeeds until all of them are open.
    let rejected = loop {
        let (status, problem) = load(&server, &secrets[0], "one more", 2 * BULK_HEAD_BYTES);
        if status != 200 {
            assert_eq!(status, 503, "{problem}");
            break problem;
        }
    };
    assert!(rejected["detail"].as_str().unwrap().contains("of this token"), "{rejected}");
    for round in 0..4 {
        let (status, reply) = load(&server, &secrets[1], &format!("fast {round}"), 8 * BULK_HEAD_BYTES);
        assert_eq!(status, 200, "{reply}");
    }
    // A short body needs no place.
    assert_eq!(load(&server, &secrets[0], "small", 1).0, 200);
    for connection in &mut slow {
        connection.send(rest);
    }
    for connection in &mut slow {
        let (status, body) = connection.reply();
        let reply: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, reply["accepted"].as_u64()), (200, Some(count)), "{reply}");
    }
    server.stop();
}

#[test]
fn uploads_that_have_just_begun_occupy_no_place() {
    let (server, secrets) = start_with_tokens(&[("one", Role::Operator, None)]);
    let (text, _) = rows("slow", BULK_HEAD_BYTES);
    let slow: Vec<Connection> = (0..5 * MAX_OPEN_LOADS_OF_A_TOKEN)
        .map(|_| {
            let mut connection = begin_load(&server, &secrets[0], text.len());
            connection.send(&text.as_bytes()[..100 << 10]);
            connection
        })
        .collect();
    assert_eq!(load(&server, &secrets[0], "fast", 8 * BULK_HEAD_BYTES).0, 200);
    drop(slow);
    server.stop();
}

#[test]
fn loads_beyond_the_limit_wait_for_a_place() {
    let (server, secrets) = start_with_tokens(&[("one", Role::Operator, None)]);
    std::thread::scope(|scope| {
        let loads: Vec<_> = (0..2 * MAX_OPEN_LOADS_OF_A_TOKEN)
            .map(|number| {
                let (server, secret) = (&server, &secrets[0]);
                scope.spawn(move || load(server, secret, &format!("load {number}"), 2 * BULK_HEAD_BYTES))
            })
            .collect();
        for load in loads {
            let (status, reply) = load.join().unwrap();
            assert_eq!(status, 200, "{reply}");
        }
    });
    server.stop();
}
