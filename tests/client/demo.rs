//! `overdue demo`, and `overdue top` on it: the whole service, as the README's first command starts it.

use crate::fake::{overdue, words};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

/// Lines to look at before it is clear that no escalation comes: totals come every ten seconds.
const LINES: usize = 40;

/// A running demonstration; ended with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_tells_where_it_is_and_who_is_told_and_ends_in_peace() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let child = Command::new(env!("CARGO_BIN_EXE_overdue"))
        .args(["demo", "--tickets-a-day", "2000", "--data-dir"])
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut demo = Demo(child);
    let mut lines = BufReader::new(demo.0.stdout.take().expect("piped")).split(b'\n');
    let mut seen = Vec::new();
    let mut next_with = |part: &str| -> String {
        for line in lines.by_ref().take(LINES) {
            let line = String::from_utf8(line.expect("read")).expect("text");
            seen.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
        panic!("no {part:?} in\n{}", seen.join("\n"));
    };
    let url = next_with("  url ").split_whitespace().nth(1).expect("an address").to_owned();
    assert!(next_with("  docs ").contains(&format!("{url}/docs")));
    next_with("who is notified");
    let escalation = next_with("first_response");
    assert!(escalation.contains(" T0") && escalation.starts_with("Thu 15 Jan"), "{escalation}");

    let top = overdue(&["top", "--url", &url, "--once"]);
    assert!(top.status.success(), "{}", words(&top.stderr));
    let page = words(&top.stdout);
    for part in [&url, "policy version 1", "priority", "team", "first_response", "due_not_fired"] {
        assert!(page.contains(part), "{part} in\n{page}");
    }

    let id = demo.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill runs").success());
    let mut rest = String::new();
    for line in lines.by_ref() {
        rest.push_str(&String::from_utf8(line.expect("read")).expect("text"));
        rest.push('\n');
    }
    let ended = demo.0.wait().expect("it ends");
    let mut said = String::new();
    demo.0.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert!(ended.success(), "{ended}\n{rest}\n{said}");
    assert!(rest.contains("Stopped: ") && rest.contains("The data stays in"), "{rest}");
    assert!(fs::read_dir(&data).expect("its data").next().is_some());
    assert!(overdue(&["top", "--url", &url, "--once"]).status.code() == Some(2), "nobody answers any more");

    let again = overdue(&["demo", "--for", "1s", "--data-dir", &data.display().to_string()]);
    assert_eq!(again.status.code(), Some(2));
    assert!(words(&again.stderr).contains("empty"), "{}", words(&again.stderr));
}
