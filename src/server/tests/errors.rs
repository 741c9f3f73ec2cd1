//! Every error is a problem document.

use super::client::{ApiResult, Client, ask, get};
use super::*;
use crate::limits::{MAX_HEADERS, MAX_URI_BYTES};

/// Verifies what every problem document has.
fn is_problem(response: &ApiResult, status: u16) -> serde_json::Value {
    assert_eq!(response.status, status, "{}\n{}", response.head, response.text());
    assert_eq!(response.header("content-type"), Some("application/problem+json"), "{}", response.head);
    let problem = response.json();
    assert_eq!(problem["status"], status);
    assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
    assert_eq!(problem["request_id"].as_str(), response.header("x-request-id"), "{problem}");
    assert!(problem["instance"].as_str().is_some_and(|path| path.starts_with('/')), "{problem}");
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"), "{}", response.head);
    problem
}

#[test]
fn every_error_is_a_problem_document() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Admin, None);
    let bearer = format!("authorization: Bearer {token}");
    let json = format!("{bearer}\ncontent-type: application/json");
    let ask = |head: String, body: &str| ask(fixture.address(), &head, body);

    is_problem(&get(fixture.address(), "/nowhere"), 404);
    is_problem(&ask(format!("GET /v1/nowhere HTTP/1.1\n{bearer}"), ""), 404);
    is_problem(&get(fixture.address(), "/docs/no-such-file.js"), 404);
    let wrong_method = ask(format!("PATCH /v1/things/7 HTTP/1.1\n{bearer}"), "");
    is_problem(&wrong_method, 405);
    assert_eq!(wrong_method.header("allow"), Some("GET, PUT, DELETE"));
    assert_eq!(ask("POST /healthz HTTP/1.1".to_owned(), "").header("allow"), Some("GET"));

    let bad_path = is_problem(&ask(format!("GET /v1/things/many HTTP/1.1\n{bearer}"), ""), 400);
    assert!(bad_path["errors"][0]["message"].is_string(), "{bad_path}");
    let no_json = is_problem(&ask(format!("POST /v1/things HTTP/1.1\n{json}"), "{\"name\": nothing}"), 400);
    assert_eq!(no_json["errors"][0]["line"], 1);
    is_problem(&ask(format!("POST /v1/things HTTP/1.1\n{json}"), "{\"name\": 7, \"count\": 1}"), 422);
    is_problem(&ask(format!("POST /v1/things HTTP/1.1\n{bearer}\ncontent-type: text/csv"), "a,b"), 415);
    is_problem(&ask(format!("POST /v1/things HTTP/1.1\n{json}\ncontent-encoding: gzip"), "rubbish"), 415);
    let long = format!("{{\"name\": \"{}\", \"count\": 1}}", "x".repeat(5_000));
    let too_large = ask(format!("POST /v1/things HTTP/1.1\n{json}"), &long);
    is_problem(&too_large, 413);
    is_problem(&ask(format!("PUT /v1/things/7 HTTP/1.1\n{bearer}"), &"x".repeat(5_000)), 413);
    is_problem(&get(fixture.address(), &format!("/v1/things/{}", "7".repeat(MAX_URI_BYTES))), 414);
    let many: Vec<String> = (0..MAX_HEADERS).map(|number| format!("x-{number}: y")).collect();
    is_problem(&ask(format!("GET /healthz HTTP/1.1\n{}", many.join("\n")), ""), 431);
    is_problem(&ask(format!("GET /healthz HTTP/1.1\nx-long: {}", "y".repeat(40_000)), ""), 431);
    is_problem(&ask(format!("GET /v1/panics HTTP/1.1\n{bearer}"), ""), 500);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_body_that_is_too_long_by_its_own_word_is_not_waited_for() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Admin, None);
    for (path, length) in [
        ("/v1/things", "4097"),
        ("/v1/things", "18446744073709551615"),
        ("/v1/tickets", "1048577"),
        ("/v1/tickets", "99999999999999"),
    ] {
        let mut client = Client::connect(fixture.address());
        client.send(format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ncontent-length: {length}\r\n\r\n"
        ));
        // Nothing of the body is ever sent.
        let response = client.response();
        let problem = is_problem(&response, 413);
        assert!(problem["detail"].as_str().unwrap().contains(length), "{problem}");
        assert_eq!(response.header("connection"), Some("close"));
    }
    fixture.handle.stop().unwrap();
}

#[test]
fn a_connection_is_not_upgraded_and_does_not_stall() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Admin, None);
    for method in ["POST", "GET"] {
        let mut client = Client::connect(fixture.address());
        client.send(format!(
            "{method} /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\nconnection: upgrade\r\n\
             upgrade: websocket\r\n\r\n"
        ));
        let response = client.response();
        let problem = is_problem(&response, 400);
        assert_eq!(problem["errors"][0]["field"], "Upgrade", "{problem}");
        assert!(client.is_closed(), "{method}");
    }
    // Unknown protocols are ignored.
    let other = ask(fixture.address(), "GET /healthz HTTP/1.1\nconnection: upgrade\nupgrade: h2c", "");
    assert_eq!(other.status, 200);
    fixture.handle.stop().unwrap();
}

#[test]
fn the_service_outlives_a_panic_on_the_same_connection() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Viewer, None);
    let mut client = Client::connect(fixture.address());
    client.send(format!("GET /v1/panics HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\r\n"));
    let problem = is_problem(&client.response(), 500);
    assert!(!problem["detail"].as_str().unwrap().contains("on purpose"), "{problem}");
    assert_eq!(get(fixture.address(), "/healthz").status, 200);
    fixture.handle.stop().unwrap();
}

#[test]
fn a_request_has_the_id_it_came_with_or_a_new_one() {
    let fixture = Fixture::new();
    let id = |sent: &str| {
        let response = ask(fixture.address(), &format!("GET /healthz HTTP/1.1\nx-request-id: {sent}"), "");
        response.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("order-66"), "order-66");
    let made = [id("two words"), id(&"x".repeat(200)), id("")];
    assert!(made.iter().all(|id| id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit())), "{made:?}");
    assert!(made[0] != made[1] && made[1] != made[2], "{made:?}");
    fixture.handle.stop().unwrap();
}

#[test]
fn pages_and_description_need_no_internet() {
    let fixture = Fixture::new();
    let address = fixture.address();
    assert_eq!(get(address, "/healthz").json()["status"], "ok");
    assert_eq!(get(address, "/docs").header("location"), Some("/docs/"));
    let description = get(address, "/openapi.json").json();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/v1/things/{count}"]["get"]["responses"]["401"].is_object(), "{description}");
    assert!(description["components"]["schemas"]["FieldError"].is_object(), "{description}");
    // Everything that a browser would load by itself.
    for path in ["/", "/docs/", "/docs/swagger-initializer.js", "/docs/index.css"] {
        let response = get(address, path);
        assert_eq!(response.status, 200, "{path}");
        let text = response.text();
        assert!(
            !text.contains("http://") && !text.contains("https://") && !text.contains("src=\"//"),
            "{path}: {text}"
        );
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'self'"), "{policy}");
    }
    assert!(get(address, "/docs/swagger-initializer.js").text().contains("\"validatorUrl\": \"none\""));
    fixture.handle.stop().unwrap();
}
