//! Slow clients, and a server that stops.

use super::client::{Client, get};
use super::*;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_body_that_stops_coming_is_given_up() {
    let fixture = Fixture::with(|config| config.timeouts.body_idle = SHORT);
    let token = fixture.token(Role::Operator, None);
    for path in ["/v1/things", "/v1/events"] {
        let mut client = Client::connect(fixture.address());
        client.send(format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: 100\r\n\r\n{{"
        ));
        let response = client.response();
        assert_eq!(response.status, 408, "{path}: {}", response.text());
        assert_eq!(response.header("content-type"), Some("application/problem+json"));
        assert_eq!(response.header("connection"), Some("close"), "{}", response.head);
        assert!(response.text().contains("nothing more of the body came for 0.3 s"), "{}", response.text());
        assert!(client.is_closed());
    }
    fixture.handle.stop().unwrap();
}

#[test]
fn a_body_that_drips_for_ever_is_given_up() {
    let fixture = Fixture::with(|config| config.timeouts.body_total = SHORT);
    let token = fixture.token(Role::Operator, None);
    let mut client = Client::connect(fixture.address());
    client.send(format!(
        "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    let mut writer = Client(client.0.try_clone().unwrap());
    let is_over = std::sync::Arc::new(AtomicBool::new(false));
    let watched = is_over.clone();
    let drip = thread::spawn(move || {
        while !watched.load(Ordering::Relaxed) {
            writer.send("1\r\nx\r\n");
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    let response = client.response();
    is_over.store(true, Ordering::Relaxed);
    drip.join().unwrap();
    assert_eq!(response.status, 408, "{}", response.text());
    assert!(response.text().contains("the body took longer than 0.3 s"), "{}", response.text());
    fixture.handle.stop().unwrap();
}

#[test]
fn a_client_that_takes_nothing_is_dropped() {
    let fixture = Fixture::with(|config| config.timeouts.body_idle = SHORT);
    let token = fixture.token(Role::Viewer, None);
    let mut client = Client::connect(fixture.address());
    client.send(format!("GET /v1/flood HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n"));
    while FLOODS_ENDED.load(Ordering::Relaxed) == 0 {
        thread::yield_now();
    }
    drop(client);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_head_that_does_not_end_is_given_up() {
    let fixture = Fixture::with(|config| config.timeouts.head = SHORT);
    let mut client = Client::connect(fixture.address());
    client.send("GET /healthz HTTP/1.1\r\nhost: te");
    assert_eq!(client.response().status, 408);
    assert!(client.is_closed());
    fixture.handle.stop().unwrap();
}

#[test]
fn a_thousand_slow_connections_keep_nobody_waiting() {
    const SLOW: usize = 1_000;
    let fixture = Fixture::new();
    let token = fixture.token(Role::Operator, None);
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    // Half of them inside the head, half inside the body.
    let mut slow: Vec<Client> = (0..SLOW)
        .map(|number| {
            let mut client = Client::connect(fixture.address());
            client.send(if number % 2 == 0 { &head[..20] } else { &head });
            client
        })
        .collect();
    let mut waits = Vec::new();
    for round in 0..200 {
        // Connections inside the body send a byte now and then; those inside the head send nothing.
        let first = 1 + 2 * (round % 5);
        for client in slow.iter_mut().skip(first).step_by(10) {
            client.send("1\r\nx\r\n");
        }
        let began = tokio::time::Instant::now();
        assert_eq!(get(fixture.address(), "/healthz").status, 200);
        waits.push(began.elapsed());
    }
    waits.sort();
    println!("healthy requests beside {SLOW} slow connections: p50 {:?}, p99 {:?}", waits[100], waits[197]);
    // No slow connection was closed for it.
    for client in slow.iter_mut().skip(1).step_by(2) {
        client.send("0\r\n\r\n");
    }
    let responded = slow.iter_mut().skip(1).step_by(2).filter_map(|client| client.try_response().ok());
    assert_eq!(responded.filter(|response| response.status == 200).count(), SLOW / 2);
    drop(slow);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_server_that_stops_says_so_first_and_closes_connections() {
    let fixture = Fixture::new();
    let mut cached = Client::connect(fixture.address());
    let request = "GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n";
    cached.send(request);
    assert_eq!(cached.response().header("connection"), None);
    assert_eq!(get(fixture.address(), "/readyz").status, 200);
    fixture.handle.begin_stop();
    assert_eq!(get(fixture.address(), "/readyz").status, 503);
    cached.send(request);
    let last = cached.response();
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert!(cached.is_closed());
    let address = fixture.address();
    fixture.handle.stop().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
}
