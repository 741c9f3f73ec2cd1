//! `Idempotency-Key` over real connections.

use super::client::{ApiResult, Client, ask};
use super::*;

fn make(fixture: &Fixture, token: &str, key: &str, path: &str, body: &str) -> ApiResult {
    let head = format!(
        "POST {path} HTTP/1.1\nauthorization: Bearer {token}\ncontent-type: application/json\nidempotency-key: {key}"
    );
    ask(fixture.address(), &head, body)
}

#[test]
fn a_repeat_gets_the_first_answer_and_nothing_is_done_again() {
    let fixture = Fixture::new();
    let (mine, yours) = (fixture.token(Role::Operator, None), fixture.token(Role::Operator, None));
    let body = "{\"name\": \"a\", \"count\": 1}";
    let first = make(&fixture, &mine, "key-1", "/v1/things", body);
    assert_eq!((first.status, first.json()["has_key"].as_bool()), (201, Some(true)));
    let again = make(&fixture, &mine, "key-1", "/v1/things", body);
    assert_eq!((again.status, again.json()), (201, first.json()));
    assert_eq!(again.header("x-made"), first.header("x-made"));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.header("idempotency-replayed"), again.header("content-type")), (None, Some("application/json")));

    assert_ne!(make(&fixture, &mine, "key-2", "/v1/things", body).json(), first.json());
    assert_ne!(make(&fixture, &yours, "key-1", "/v1/things", body).json(), first.json());
    assert_eq!(make(&fixture, &mine, "key-1", "/v1/things", "{\"name\": \"b\", \"count\": 1}").status, 422);
    assert_eq!(make(&fixture, &mine, "key-1", "/v1/things?dry_run=true", body).status, 422);
    fixture.handle.stop().unwrap();
}

#[test]
fn bodies_of_any_length_are_compared_and_none_is_waited_for_while_the_first_runs() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Operator, None);
    let begin = || {
        let mut client = Client::connect(fixture.address());
        client.send(format!(
            "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\nidempotency-key: key\r\n\
             transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n"
        ));
        assert_eq!(client.response().status, 100);
        client
    };
    let chunk = |byte: &str| format!("{:x}\r\n{}\r\n", 1 << 18, byte.repeat(1 << 18));
    let mut first = begin();
    first.send(chunk("a").repeat(3));
    // The first body has not ended, and this one never arrives.
    assert_eq!(begin().response().status, 409);
    first.send("0\r\n\r\n");
    assert_eq!(first.response().text(), (3 << 18).to_string());
    for (last, status) in [("a", 200), ("b", 422)] {
        let mut again = begin();
        again.send(format!("{}{}0\r\n\r\n", chunk("a").repeat(2), chunk(last)));
        let response = again.response();
        assert_eq!((response.status, response.header("idempotency-replayed").is_some()), (status, status == 200));
    }
    let mut endless = begin();
    endless.send(chunk("a").repeat(5));
    assert_eq!(endless.response().status, 413);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_refused_request_may_be_mended_under_its_key() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Operator, None);
    assert_eq!(make(&fixture, &token, "key", "/v1/things", "{\"name\": \"a\", \"count\": 0}").status, 422);
    assert_eq!(make(&fixture, &token, "key", "/v1/things", "{\"name\": \"a\", \"count\": 1}").status, 201);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_key_is_short_and_visible() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Operator, None);
    for key in ["", "two words", &"x".repeat(129)] {
        let response = make(&fixture, &token, key, "/v1/things", "{}");
        assert_eq!(
            (response.status, response.json()["errors"][0]["field"].as_str()),
            (400, Some("Idempotency-Key")),
            "{key:?}"
        );
    }
    fixture.handle.stop().unwrap();
}
