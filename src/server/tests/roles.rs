//! Roles and rate limits.

use super::client::{Client, ask};
use super::*;

#[test]
fn each_role_may_do_what_it_says_and_all_below() {
    let fixture = Fixture::new();
    let tokens = Role::ALL.map(|role| fixture.token(role, None));
    let expired = fixture.token(Role::Admin, Some(wall_clock::now_ms() - 1));
    let status = |request: &str, token: &str, body: &str| {
        let head = format!("{request} HTTP/1.1\nauthorization: Bearer {token}\ncontent-type: application/json");
        ask(fixture.address(), &head, body).status
    };
    let body = "{\"name\": \"a\", \"count\": 1}";
    for (request, body, expected) in [
        ("GET /v1/things/1", "", [200, 200, 200]),
        ("POST /v1/things", body, [403, 201, 201]),
        ("DELETE /v1/things/1", "", [403, 403, 204]),
    ] {
        assert_eq!([0, 1, 2].map(|role| status(request, &tokens[role], body)), expected, "{request}");
        assert_eq!(status(request, &expired, body), 401, "{request}");
        assert_eq!(status(request, "ovd_unknown", body), 401, "{request}");
        assert_eq!(ask(fixture.address(), &format!("{request} HTTP/1.1"), body).status, 401, "{request}");
    }
    // A client without a token does not learn which paths exist.
    assert_eq!(ask(fixture.address(), "GET /v1/nowhere HTTP/1.1", "").status, 401);
    assert_eq!(status("GET /v1/nowhere", &tokens[0], ""), 404);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_refusal_says_why() {
    let fixture = Fixture::new();
    let expired = fixture.token(Role::Admin, Some(wall_clock::now_ms() - 1));
    let viewer = fixture.token(Role::Viewer, None);
    let detail = |head: &str| {
        let response = ask(fixture.address(), &format!("DELETE /v1/things/1 HTTP/1.1\n{head}"), "");
        (response.header("www-authenticate").map(str::to_owned), response.json()["detail"].as_str().unwrap().to_owned())
    };
    let (challenge, message) = detail("x: y");
    assert!(challenge.is_some_and(|text| text.starts_with("Bearer")) && message.contains("no token"), "{message}");
    assert!(detail(&format!("authorization: Bearer {expired}")).1.contains("has expired at"));
    assert!(detail("authorization: Basic Zm9vOmJhcg==").1.contains("not of the form"));
    assert!(detail(&format!("authorization: bearer {viewer}")).1.contains("has the role viewer, this needs admin"));
    fixture.handle.stop().unwrap();
}

#[test]
fn too_many_requests_are_refused_for_a_while() {
    let one = NonZeroU32::MIN;
    let three = NonZeroU32::new(3).unwrap();
    let fixture = Fixture::with(|config| {
        config.rates.token = Rate { per_second: one, burst: three };
        config.rates.anonymous = Rate { per_second: one, burst: three };
    });
    let token = fixture.token(Role::Viewer, None);
    for head in [format!("authorization: Bearer {token}"), "authorization: Bearer guess".to_owned()] {
        // All at once on one connection: faster than one per second.
        let mut client = Client::connect(fixture.address());
        let request = format!("GET /v1/things/1 HTTP/1.1\r\nhost: test\r\n{head}\r\n\r\n");
        client.send(request.repeat(20));
        let responses: Vec<_> = (0..20).map(|_| client.response()).collect();
        let rejected: Vec<_> = responses.iter().filter(|response| response.status == 429).collect();
        assert!(!rejected.is_empty() && rejected.len() <= 17, "{} rejected", rejected.len());
        assert!(rejected.iter().all(|response| response.header("retry-after") == Some("1")), "{}", rejected[0].head);
    }
    fixture.handle.stop().unwrap();
}

#[test]
fn without_tokens_everybody_on_this_machine_is_the_local_admin() {
    let fixture = Fixture::with(|config| config.tokens_of = None);
    let ask = |request: &str, head: &str| {
        let mut client = Client::connect(fixture.address());
        client.send(format!("{request} HTTP/1.1\r\n{head}\r\n\r\n"));
        client.response()
    };
    let response = ask("GET /v1/things/7", "host: localhost");
    assert_eq!(response.json(), serde_json::json!({ "name": "local", "count": 7 }));
    for host in ["127.0.0.1:8080", "[::1]", "[::1]:8080", "LOCALHOST:1\r\norigin: http://LOCALHOST:1"] {
        assert_eq!(ask("DELETE /v1/things/7", &format!("host: {host}")).status, 204, "{host}");
    }
    // A page of another origin, or a foreign name that resolves to this machine.
    for head in
        ["localhost\r\norigin: https://evil.example", "localhost\r\norigin: null", "evil.example", "192.0.2.1:80", ""]
    {
        assert_eq!(ask("DELETE /v1/things/7", &format!("host: {head}")).status, 403, "{head}");
    }
    fixture.handle.stop().unwrap();
}
