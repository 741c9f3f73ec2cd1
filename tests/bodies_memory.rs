//! Many bodies at once: the memory that the binary takes, and the replies that a client beside them gets.

mod support {
    mod command;
    pub mod memory;
    pub mod policies;
    pub mod process;
    pub mod run;
}

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::memory::memory_bytes;
use support::policies::around_the_clock;
use support::process::{Process, serve};
use support::run::run;

/// Memory of the process: the reservation for bodies, what is parsed from them, and the rest.
const ALLOWED_BYTES: u64 = 450 << 20;

const BODY_BYTES: usize = 20 << 20;
const BODIES: usize = 60;
const VIEWERS: usize = 800;

fn token(data: &str, role: &str) -> String {
    let run = run(&["token", "create", "--name", role, "--role", role, "--data-dir", data]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    run.stdout.trim().to_owned()
}

struct Server(Process);

impl Server {
    fn address(&self) -> &str {
        self.0.url.trim_start_matches("http://")
    }

    fn peak_bytes(&self) -> u64 {
        memory_bytes(&self.0.child.id().to_string(), "VmHWM")
    }

    /// Sends a request; returns the status of the response, or `None` if the server closed the connection during the body.
    fn send(&self, request: &str, token: &str, headers: &str, body: &[u8]) -> Option<u16> {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A server that rejects the request does not read all of the body.
        let _ = stream.write_all(body);
        let mut response = [0; 12];
        stream.read_exact(&mut response).ok()?;
        std::str::from_utf8(&response[9..]).unwrap().parse().ok()
    }
}

#[test]
fn bodies_take_no_more_memory_than_is_reserved_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let (data, policy) = (folder.path().join("data"), folder.path().join("policy.toml"));
    std::fs::write(&policy, around_the_clock(&[])).unwrap();
    let [viewer, admin, healthy] = ["viewer", "admin", "operator"].map(|role| token(data.to_str().unwrap(), role));
    let server = Server(Process::start(serve(&data, &policy, &[])));
    let before = server.peak_bytes();
    let is_over = AtomicBool::new(false);
    let large = vec![b'#'; BODY_BYTES];
    let put = || {
        let headers = format!("content-type: application/toml\r\ncontent-length: {BODY_BYTES}\r\n");
        server.send("PUT /v1/policy", &admin, &headers, &large)
    };
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(server.send("GET /v1/metrics", &healthy, "", b""), Some(200));
                let body = br#"{"ticket":"T-1","at":"2026-11-22T09:05:00Z","event":"opened"}"#;
                let headers = format!("content-type: application/x-ndjson\r\ncontent-length: {}\r\n", body.len());
                assert_eq!(server.send("POST /v1/events", &healthy, &headers, body), Some(200));
                count += 1;
            }
            count
        });
        let puts: Vec<_> = (0..BODIES).map(|_| scope.spawn(put)).collect();
        let statuses: Vec<_> = puts.into_iter().map(|put| put.join().unwrap()).collect();
        let rejected = statuses.iter().filter(|status| matches!(status, Some(503) | None)).count();
        assert!(statuses.iter().all(|status| matches!(status, Some(400..=422 | 503) | None)), "{statuses:?}");
        assert!(rejected < BODIES, "no body was read: {statuses:?}");
        let after_puts = server.peak_bytes();

        let body = vec![b' '; 1 << 20];
        let mut viewers: Vec<TcpStream> = (0..VIEWERS)
            .map(|number| {
                let mut stream = TcpStream::connect(server.address()).unwrap();
                stream.set_nonblocking(true).unwrap();
                let head = format!(
                    "POST /v1/tickets HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {viewer}\r\n\
                     idempotency-key: {number}\r\ncontent-length: {}\r\n\r\n",
                    body.len() + 1
                );
                stream.write_all(head.as_bytes()).unwrap();
                // As much as the socket takes; the end is never sent.
                let _ = stream.write(&body);
                stream
            })
            .collect();
        for stream in &mut viewers {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
            let mut response = [0; 12];
            stream.read_exact(&mut response).unwrap();
            assert_eq!(&response[9..], b"403");
        }
        is_over.store(true, Ordering::Relaxed);
        let rounds = beside.join().unwrap();
        let after = server.peak_bytes();
        println!(
            "peak {} MiB at first, {} MiB after {BODIES} bodies of 20 MiB ({rejected} rejected), {} MiB after {VIEWERS} viewers; \
             {rounds} healthy rounds beside them",
            before >> 20,
            after_puts >> 20,
            after >> 20
        );
        assert!(after < ALLOWED_BYTES, "{after} bytes");
    });
}
