//! The whole API, as its own description names it: who may call what, and that errors are problem documents.
//!
//! Nothing here lists routes: a new one is held to its description as soon as it is there.

use overdue::engine::CatchUp;
use overdue::server::auth::tokens::{Token, change};
use overdue::server::auth::{Role, wall_clock};
use overdue::server::middleware::Timeouts;
use overdue::server::middleware::rate_limit::{Rate, Rates};
use overdue::server::state::Limits;
use overdue::server::{Handle, ServerConfig, start};
use overdue::service::{ClockChoice, Config, Seed, Service, Stopper, Trust};
use reqwest::Method;
use reqwest::blocking::{Client, Response};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);

const POLICY: &str = r#"
default_priority = "normal"

[calendars.office]
time_zone = "Europe/Oslo"
mon-fri = ["08:00-16:00"]

[priorities.normal]
calendar = "office"
[priorities.normal.clocks.resolution]
target = "8h"
levels = [{ at = "100%", notify = ["owner"] }]
"#;

/// A running service with a server before it.
struct Running {
    handle: Handle,
    stopper: Stopper,
    folder: TempDir,
}

impl Running {
    fn new(make_tokens: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_tokens(folder.path());
        let seed = Seed { name: "policy.toml".to_owned(), text: POLICY.to_owned(), files: Vec::new() };
        let (service, stopper) = Service::start(&Config {
            data_dir: folder.path().to_owned(),
            seed: Some(seed),
            catch_up_after_downtime: CatchUp::Latest,
            snapshot_every: Duration::from_secs(3_600),
            snapshots_kept: 2,
            cut_history: false,
            clock: ClockChoice::Wall(Trust::default()),
            threads: 2,
        })
        .unwrap();
        let plenty = Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX };
        let config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            tokens_of: Some(folder.path().to_owned()),
            tls: None,
            workers: 2,
            connections: 1_024,
            limits: Limits { body_bytes: 1 << 20, bulk_body_bytes: 1 << 30 },
            timeouts: Timeouts { head: LONG, body_idle: LONG, body_total: LONG, keep_alive: LONG },
            rates: Rates { token: plenty, anonymous: plenty },
            drain: Duration::from_secs(5),
        };
        let handle = start(config, service).unwrap();
        Self { handle, stopper, folder }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.handle.address)
    }

    fn stop(self) {
        self.handle.stop().unwrap();
        self.stopper.stop().unwrap();
        drop(self.folder);
    }
}

fn client() -> Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(LONG).build().unwrap()
}

/// What the description says of an operation.
struct Operation {
    method: Method,
    path: String,
    /// `None`: open to everybody.
    role: Option<Role>,
    responses: Vec<String>,
}

/// All operations, with something in the place of each parameter of their paths.
fn operations(description: &Value) -> Vec<Operation> {
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
            assert!(role.is_some() || !path.starts_with("/v1"), "{method} {path} is open to everybody");
            let filled: Vec<&str> =
                path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect();
            let responses = operation["responses"].as_object().unwrap().keys().cloned().collect();
            all.push(Operation { method, path: filled.join("/"), role, responses });
        }
    }
    all
}

/// An error must be a problem document; whatever it is must be in the description.
fn conforms(operation: &Operation, answer: Response) {
    let (status, name) = (answer.status(), format!("{} {}", operation.method, operation.path));
    let code = status.as_u16().to_string();
    let is_known = operation.responses.iter().any(|known| *known == code || *known == "default");
    assert!(is_known, "{name}: {status} is not in its description ({:?})", operation.responses);
    assert!(answer.headers().contains_key("x-request-id"), "{name}: {status} without x-request-id");
    if status.is_client_error() || status.is_server_error() {
        let kind = answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        assert_eq!(kind.as_deref(), Some("application/problem+json"), "{name}: {status}");
        let problem: Value = serde_json::from_str(&answer.text().unwrap()).unwrap();
        assert_eq!(problem["status"].as_u64(), Some(u64::from(status.as_u16())), "{name}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|words| !words.is_empty()), "{name}: {problem}");
        assert_ne!(status.as_u16(), 500, "{name}: {problem}");
    }
}

#[test]
fn every_route_asks_for_the_role_that_its_description_names() {
    let mut secrets = Vec::new();
    let running = Running::new(|folder| {
        let now_ms = wall_clock::now_ms();
        let callers = [
            ("viewer", Role::Viewer, None),
            ("operator", Role::Operator, None),
            ("admin", Role::Admin, None),
            ("expired", Role::Admin, Some(now_ms - 1)),
        ];
        for (name, role, expires_ms) in callers {
            let (token, secret) = Token::make(name, role, now_ms, expires_ms).unwrap();
            change(folder, |tokens| {
                tokens.push(token);
                Ok(())
            })
            .unwrap();
            secrets.push((role, expires_ms.is_some(), secret));
        }
    });
    let client = client();
    let description: Value =
        serde_json::from_str(&client.get(running.url("/openapi.json")).send().unwrap().text().unwrap()).unwrap();
    let operations = operations(&description);
    for operation in &operations {
        let name = format!("{} {}", operation.method, operation.path);
        let ask = |secret: Option<&str>| {
            let request = client.request(operation.method.clone(), running.url(&operation.path));
            let request = match secret {
                Some(secret) => request.bearer_auth(secret),
                None => request,
            };
            request.send().unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let strangers = [None, Some("ovd_0000000000000000000000000000000000000000000000000000000000000000")];
        for secret in strangers {
            let answer = ask(secret);
            let refused = answer.status() == 401;
            assert_eq!(refused, operation.role.is_some(), "{name} without a valid token: {}", answer.status());
            assert_eq!(refused, answer.headers().contains_key("www-authenticate"), "{name}");
            conforms(operation, answer);
        }
        for (role, is_expired, secret) in &secrets {
            let answer = ask(Some(secret));
            let status = answer.status().as_u16();
            match operation.role {
                Some(_) if *is_expired => assert_eq!(status, 401, "{name} with an expired token"),
                Some(needed) if *role < needed => assert_eq!(status, 403, "{name} as {role}"),
                _ => assert!(!matches!(status, 401 | 403), "{name} as {role}: {status}"),
            }
            if !is_stream(&answer) {
                conforms(operation, answer);
            }
        }
    }
    println!("{} operations x 6 callers", operations.len());
    running.stop();
}

/// A feed has no end to wait for.
fn is_stream(answer: &Response) -> bool {
    answer.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

#[test]
fn other_methods_of_a_path_are_told_which_it_takes() {
    let running = Running::new(|_| ());
    let client = client();
    for path in ["/healthz", "/readyz", "/openapi.json", "/"] {
        assert_eq!(client.get(running.url(path)).send().unwrap().status(), 200, "{path}");
        let answer = client.patch(running.url(path)).send().unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["allow"].to_str().unwrap()), (405, "GET"), "{path}");
    }
    running.stop();
}

#[test]
fn rights_come_before_any_byte_of_a_body() {
    let mut secrets = Vec::new();
    let running = Running::new(|folder| {
        change(folder, |tokens| {
            for role in Role::ALL {
                let (token, secret) = Token::make(role.name(), role, wall_clock::now_ms(), None)?;
                tokens.push(token);
                secrets.push((role, secret));
            }
            Ok(())
        })
        .unwrap();
    });
    let description = client().get(running.url("/openapi.json")).send().unwrap().text().unwrap();
    for operation in operations(&serde_json::from_str(&description).unwrap()) {
        let Some(needed) = operation.role else { continue };
        for (role, secret) in secrets.iter().filter(|(role, _)| *role < needed) {
            // The body never comes: who waits for it never answers.
            let mut stream = TcpStream::connect(running.handle.address).unwrap();
            stream.set_read_timeout(Some(LONG)).unwrap();
            let head = format!(
                "{} {} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {secret}\r\ncontent-type: application/json\r\n\
                 idempotency-key: key\r\ncontent-length: 1000\r\n\r\n",
                operation.method, operation.path
            );
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            let name = format!("{} {} as {role}", operation.method, operation.path);
            assert_eq!(std::str::from_utf8(&answer).unwrap(), "HTTP/1.1 403", "{name}");
        }
    }
    running.stop();
}
