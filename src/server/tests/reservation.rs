//! Memory for request bodies.

use super::client::{ApiResult, Client};
use super::*;
use crate::limits::BODIES_BYTES;

const BODY_BYTES: usize = 20 << 20;

fn begin(fixture: &Fixture, token: &str) -> Client {
    let mut client = Client::connect(fixture.address());
    client.send(format!(
        "PUT /v1/things/7 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ncontent-length: {BODY_BYTES}\r\n\r\n"
    ));
    client
}

fn put(fixture: &Fixture, token: &str) -> ApiResult {
    let mut client = begin(fixture, token);
    client.send(vec![b'x'; BODY_BYTES]);
    client.response()
}

/// Waits until this many bytes are free.
fn until_free(fixture: &Fixture, bytes: usize) {
    while fixture.handle.free_memory() != bytes {
        std::thread::yield_now();
    }
}

#[test]
fn bodies_of_one_token_leave_room_for_those_of_another() {
    let fixture = Fixture::with(|config| config.limits.body_bytes = BODY_BYTES);
    let (mine, yours) = (fixture.token(Role::Admin, None), fixture.token(Role::Admin, None));
    // Their bodies never end.
    let held: Vec<Client> = (0..3).map(|_| begin(&fixture, &mine)).collect();
    until_free(&fixture, BODIES_BYTES - 3 * BODY_BYTES);
    let rejected = put(&fixture, &mine);
    assert_eq!((rejected.status, rejected.header("retry-after")), (503, Some("2")), "{}", rejected.text());
    assert!(rejected.text().contains("of this token"), "{}", rejected.text());
    assert_eq!(put(&fixture, &yours).status, 200);
    // A small one of the same token still fits.
    let head = format!("PUT /v1/things/7 HTTP/1.1\nauthorization: Bearer {mine}");
    assert_eq!(super::client::ask(fixture.address(), &head, "x").status, 200);

    // When all memory is reserved, no token gets any. A waiting request gets what is released.
    let more: Vec<Client> = (0..3).map(|_| begin(&fixture, &yours)).collect();
    until_free(&fixture, BODIES_BYTES - 6 * BODY_BYTES);
    let third = fixture.token(Role::Admin, None);
    let rejected = put(&fixture, &third);
    assert_eq!(rejected.status, 503);
    assert!(rejected.text().contains("of all requests"), "{}", rejected.text());
    let mut waiting = begin(&fixture, &third);
    drop(held);
    waiting.send(vec![b'x'; BODY_BYTES]);
    assert_eq!(waiting.response().status, 200);
    drop((more, waiting));
    until_free(&fixture, BODIES_BYTES);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_body_of_unknown_length_takes_room_as_it_comes() {
    let fixture = Fixture::with(|config| config.limits.body_bytes = BODY_BYTES);
    let token = fixture.token(Role::Admin, None);
    let mut client = Client::connect(fixture.address());
    client.send(format!(
        "PUT /v1/things/7 HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ntransfer-encoding: chunked\r\n\r\n"
    ));
    client.send("1\r\nx\r\n");
    until_free(&fixture, BODIES_BYTES - (16 << 10));
    client.send(format!("{:x}\r\n{}\r\n", 40_000, "x".repeat(40_000)));
    until_free(&fixture, BODIES_BYTES - (48 << 10));
    client.send("0\r\n\r\n");
    assert_eq!(client.response().status, 200);
    until_free(&fixture, BODIES_BYTES);
    fixture.handle.stop().unwrap();
}
