//! Many bodies at once, held against the memory that the real binary takes, and against what a client beside them sees.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What the process may take: the room for bodies, what is made of them, and itself.
const ALLOWED_BYTES: u64 = 450 << 20;

const BODY_BYTES: usize = 20 << 20;
const BODIES: usize = 60;
const VIEWERS: usize = 800;

const POLICY: &str = "default_priority = \"p\"\n[calendars.c]\nhours = \"24x7\"\n[priorities.p]\ncalendar = \"c\"\n";

struct Served {
    child: Child,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn overdue() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overdue"));
    command.env_remove("OVERDUE_CONFIG").stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn serve(data: &Path, policy: &Path) -> Served {
    let mut command = overdue();
    command.args(["serve", "--listen", "127.0.0.1:0", "--log-level", "error", "--data-dir"]).arg(data);
    let mut child = command.arg("--policy").arg(policy).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
    let address = loop {
        let line = String::from_utf8(lines.next().unwrap().unwrap()).unwrap();
        if let Some((_, rest)) = line.split_once("http://") {
            break rest.split(['/', ' ']).next().unwrap().to_owned();
        }
    };
    std::thread::spawn(move || lines.for_each(drop));
    Served { child, address }
}

fn token(data: &Path, role: &str) -> String {
    let mut command = overdue();
    let made =
        command.args(["token", "create", "--name", role, "--role", role, "--data-dir"]).arg(data).output().unwrap();
    assert!(made.status.success());
    String::from_utf8(made.stdout).unwrap().trim().to_owned()
}

impl Served {
    /// The most memory that it ever had, in bytes.
    fn peak_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    }

    /// The status of the answer; none when the connection broke while the body was sent.
    fn ask(&self, request: &str, token: &str, headers: &str, body: &[u8]) -> Option<u16> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let head = format!("{request} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses does not read all of it.
        let _ = stream.write_all(body);
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).ok()?;
        std::str::from_utf8(&answer[9..]).unwrap().parse().ok()
    }
}

#[test]
fn bodies_take_no_more_memory_than_there_is_room_for() {
    let folder = tempfile::tempdir().unwrap();
    let (data, policy) = (folder.path().join("data"), folder.path().join("policy.toml"));
    std::fs::write(&policy, POLICY).unwrap();
    let [viewer, admin, healthy] = ["viewer", "admin", "operator"].map(|role| token(&data, role));
    let served = serve(&data, &policy);
    let before = served.peak_bytes();
    let is_over = AtomicBool::new(false);
    let large = vec![b'#'; BODY_BYTES];
    let put = || {
        let headers = format!("content-type: application/toml\r\ncontent-length: {BODY_BYTES}\r\n");
        served.ask("PUT /v1/policy", &admin, &headers, &large)
    };
    std::thread::scope(|scope| {
        let beside = scope.spawn(|| {
            let mut count = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_eq!(served.ask("GET /v1/metrics", &healthy, "", b""), Some(200));
                let body = br#"{"ticket":"T-1","at":"2026-11-22T09:05:00Z","event":"opened"}"#;
                let headers = format!("content-type: application/x-ndjson\r\ncontent-length: {}\r\n", body.len());
                assert_eq!(served.ask("POST /v1/events", &healthy, &headers, body), Some(200));
                count += 1;
            }
            count
        });
        let puts: Vec<_> = (0..BODIES).map(|_| scope.spawn(put)).collect();
        let statuses: Vec<_> = puts.into_iter().map(|put| put.join().unwrap()).collect();
        let refused = statuses.iter().filter(|status| matches!(status, Some(503) | None)).count();
        assert!(statuses.iter().all(|status| matches!(status, Some(400..=422 | 503) | None)), "{statuses:?}");
        assert!(refused < BODIES, "none was read: {statuses:?}");
        let after_puts = served.peak_bytes();

        let body = vec![b' '; 1 << 20];
        let mut viewers: Vec<TcpStream> = (0..VIEWERS)
            .map(|number| {
                let mut stream = TcpStream::connect(&served.address).unwrap();
                stream.set_nonblocking(true).unwrap();
                let head = format!(
                    "POST /v1/tickets HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {viewer}\r\n\
                     idempotency-key: {number}\r\ncontent-length: {}\r\n\r\n",
                    body.len() + 1
                );
                stream.write_all(head.as_bytes()).unwrap();
                // As much as goes in, and never the end.
                let _ = stream.write(&body);
                stream
            })
            .collect();
        for stream in &mut viewers {
            stream.set_nonblocking(false).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer[9..], b"403");
        }
        is_over.store(true, Ordering::Relaxed);
        let rounds = beside.join().unwrap();
        let after = served.peak_bytes();
        println!(
            "peak {} MiB at first, {} MiB after {BODIES} bodies of 20 MiB ({refused} refused), {} MiB after {VIEWERS} viewers; \
             {rounds} healthy rounds beside them",
            before >> 20,
            after_puts >> 20,
            after >> 20
        );
        assert!(after < ALLOWED_BYTES, "{after} bytes");
    });
}
