//! `Idempotency-Key` over real connections.

use super::client::{Answer, ask};
use super::*;

fn make(fixture: &Fixture, token: &str, key: &str, path: &str, body: &str) -> Answer {
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
        let answer = make(&fixture, &token, key, "/v1/things", "{}");
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["field"].as_str()),
            (400, Some("Idempotency-Key")),
            "{key:?}"
        );
    }
    fixture.handle.stop().unwrap();
}
