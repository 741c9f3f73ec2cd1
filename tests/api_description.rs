//! The whole API against its OpenAPI description: which role may call what, and that errors are problem documents.
//!
//! The routes come from the description, so each new one is tested.

mod support {
    mod config;
    pub mod http;
    mod policies;
    pub mod server;
    pub mod tokens;
}

use overdue::server::auth::{Role, wall_clock};
use reqwest::Method;
use reqwest::blocking::Response;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use support::http::client;
use support::server::{TIMEOUT, TestServer};
use support::tokens::start_with_tokens;

fn url(server: &TestServer, path: &str) -> String {
    format!("http://{}{path}", server.handle.address)
}

/// An operation as the description has it.
struct Operation {
    method: Method,
    path: String,
    /// `None`: public.
    role: Option<Role>,
    responses: Vec<String>,
}

/// All operations of the server's description, with a value for each parameter of their paths.
fn operations(server: &TestServer) -> Vec<Operation> {
    let description = client().get(url(server, "/openapi.json")).send().unwrap().text().unwrap();
    let description: Value = serde_json::from_str(&description).unwrap();
    let mut all = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
            if !operation["responses"].is_object() {
                continue;
            }
            let needs = operation["security"].as_array().unwrap_or_else(|| panic!("{method} {path} names no role"));
            let roles: Vec<&str> = needs
                .iter()
                .filter_map(|need| need["bearer"].as_array())
                .flatten()
                .map(|role| role.as_str().unwrap())
                .collect();
            let role = match roles[..] {
                [] => None,
                ["viewer"] => Some(Role::Viewer),
                ["operator"] => Some(Role::Operator),
                ["admin"] => Some(Role::Admin),
                _ => panic!("{method} {path} has the roles {roles:?}, expected one of viewer, operator, admin"),
            };
            assert!(role.is_some() || !path.starts_with("/v1"), "{method} {path} is public");
            let filled: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
            let responses = operation["responses"].as_object().unwrap().keys().cloned().collect();
            all.push(Operation { method, path: filled.join("/"), role, responses });
        }
    }
    all
}

/// A response must be in the description, and an error must be a problem document.
fn conforms(operation: &Operation, response: Response) {
    let (status, name) = (response.status(), format!("{} {}", operation.method, operation.path));
    let code = status.as_u16().to_string();
    let is_known = operation.responses.iter().any(|known| *known == code || *known == "default");
    assert!(is_known, "{name}: {status} is not in its description ({:?})", operation.responses);
    assert!(response.headers().contains_key("x-request-id"), "{name}: {status} without x-request-id");
    if status.is_client_error() || status.is_server_error() {
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{name}: {status}");
        let problem: Value = serde_json::from_str(&response.text().unwrap()).unwrap();
        assert_eq!(problem["status"].as_u64(), Some(u64::from(status.as_u16())), "{name}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{name}: {problem}");
        assert_ne!(status.as_u16(), 500, "{name}: {problem}");
    }
}

#[test]
fn every_route_requires_the_role_of_its_description() {
    let callers = [
        ("viewer", Role::Viewer, None),
        ("operator", Role::Operator, None),
        ("admin", Role::Admin, None),
        ("expired", Role::Admin, Some(wall_clock::now_ms() - 1)),
    ];
    let (server, secrets) = start_with_tokens(&callers);
    let client = client();
    let operations = operations(&server);
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        let request = |secret: Option<&str>| {
            let request = client.request(operation.method.clone(), url(&server, &operation.path));
            let request = match secret {
                Some(secret) => request.bearer_auth(secret),
                None => request,
            };
            request.send().unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let strangers = [None, Some("ovd_0000000000000000000000000000000000000000000000000000000000000000")];
        for secret in strangers {
            let response = request(secret);
            let is_unauthorized = response.status() == 401;
            assert_eq!(
                is_unauthorized,
                operation.role.is_some(),
                "{name} without a valid token: {}",
                response.status()
            );
            assert_eq!(is_unauthorized, response.headers().contains_key("www-authenticate"), "{name}");
            conforms(operation, response);
        }
        for ((_, role, expires_ms), secret) in callers.iter().zip(&secrets) {
            let response = request(Some(secret));
            let status = response.status().as_u16();
            match operation.role {
                Some(_) if expires_ms.is_some() => assert_eq!(status, 401, "{name} with an expired token"),
                Some(needed) if *role < needed => assert_eq!(status, 403, "{name} as {role}"),
                _ => assert!(!matches!(status, 401 | 403), "{name} as {role}: {status}"),
            }
            if !is_stream(&response) {
                conforms(operation, response);
            }
        }
    }
    println!("{} operations x 6 callers", operations.len());
    server.stop();
}

/// A feed does not end.
fn is_stream(response: &Response) -> bool {
    response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

#[test]
fn a_method_that_a_path_does_not_have_gets_405_with_the_allowed_ones() {
    let server = start_with_tokens(&[]).0;
    let client = client();
    for path in ["/healthz", "/readyz", "/openapi.json", "/"] {
        assert_eq!(client.get(url(&server, path)).send().unwrap().status(), 200, "{path}");
        let response = client.patch(url(&server, path)).send().unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, "GET"), "{path}");
    }
    server.stop();
}

#[test]
fn a_role_is_checked_before_the_body_is_read() {
    let (server, secrets) = start_with_tokens(&Role::ALL.map(|role| (role.name(), role, None)));
    for operation in operations(&server) {
        let Some(needed) = operation.role else { continue };
        for (role, secret) in Role::ALL.into_iter().zip(&secrets).filter(|(role, _)| *role < needed) {
            // The body is never sent: a server that waits for it does not respond.
            let mut stream = TcpStream::connect(server.handle.address).unwrap();
            stream.set_read_timeout(Some(TIMEOUT)).unwrap();
            let head = format!(
                "{} {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {secret}\r\ncontent-type: application/json\r\n\
                 idempotency-key: key\r\ncontent-length: 1000\r\n\r\n",
                operation.method, operation.path
            );
            stream.write_all(head.as_bytes()).unwrap();
            let mut response = [0; 12];
            stream.read_exact(&mut response).unwrap();
            let name = format!("{} {} as {role}", operation.method, operation.path);
            assert_eq!(std::str::from_utf8(&response).unwrap(), "HTTP/1.1 403", "{name}");
        }
    }
    server.stop();
}
