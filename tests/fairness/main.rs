//! What one client may take from the others: places of bulk loads and of the feed, against a live service with tokens.

mod feed;
mod loads;

use overdue::engine::CatchUp;
use overdue::server::auth::tokens::{Token, change};
use overdue::server::auth::{Role, wall_clock};
use overdue::server::middleware::Timeouts;
use overdue::server::middleware::rate_limit::{Rate, Rates};
use overdue::server::state::Limits;
use overdue::server::{Handle, ServerConfig, start};
use overdue::service::{ClockChoice, Config, Seed, Service, Stopper, Trust};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::num::NonZeroU32;
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(120);

const POLICY: &str = r#"
default_priority = "normal"
[calendars.always]
hours = "24x7"
[priorities.normal]
calendar = "always"
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
    /// With these tokens; their secrets come in the same order.
    fn new(tokens: &[(&str, Role, Option<i64>)]) -> (Self, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = Vec::new();
        change(folder.path(), |known| {
            for (name, role, expires_ms) in tokens {
                let (token, secret) = Token::make(name, *role, wall_clock::now_ms(), *expires_ms)?;
                known.push(token);
                secrets.push(secret);
            }
            Ok(())
        })
        .unwrap();
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
            limits: Limits { body_bytes: 1 << 20, bulk_body_bytes: 64 << 20 },
            timeouts: Timeouts { head: LONG, body_idle: LONG, body_total: LONG, keep_alive: LONG },
            rates: Rates { token: plenty, anonymous: plenty },
            drain: Duration::from_secs(5),
        };
        (Self { handle: start(config, service).unwrap(), stopper, folder }, secrets)
    }

    /// A connection on which a request has begun.
    fn begin(&self, request: &str, secret: &str, headers: &str) -> Connection {
        let mut stream = TcpStream::connect(self.handle.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {secret}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Connection(stream)
    }

    fn stop(self) {
        self.handle.stop().unwrap();
        self.stopper.stop().unwrap();
    }
}

struct Connection(TcpStream);

impl Connection {
    /// The head of the answer, in small letters, and its status.
    fn head(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.0.read(&mut byte).unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    /// The whole answer, which has a length.
    fn answer(&mut self) -> (u16, String) {
        let (status, head) = self.head();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
}
