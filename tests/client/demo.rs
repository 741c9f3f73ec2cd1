//! `overdue demo`, the first command of README.md, and `overdue top` on its service.

use crate::support::command::overdue;
use crate::support::run::run;
use crate::support::signal::send_signal;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

/// Lines to read before the test fails: totals are printed every ten seconds.
const LINES: usize = 40;

/// A running demo; killed with the test.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        // The demo may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demo_prints_its_address_and_escalations_and_stops_on_sigint() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let child = overdue(&["demo", "--tickets-a-day", "2000", "--data-dir"])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let mut demo = Demo(child);
    let mut lines = BufReader::new(demo.0.stdout.take().expect("piped")).split(b'\n');
    let mut printed = Vec::new();
    let mut next_with = |part: &str| -> String {
        for line in lines.by_ref().take(LINES) {
            let line = String::from_utf8(line.expect("read")).expect("text");
            printed.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
        panic!("no {part:?} in\n{}", printed.join("\n"));
    };
    let url = next_with("  url ").split_whitespace().nth(1).expect("an address").to_owned();
    assert!(next_with("  docs ").contains(&format!("{url}/docs")));
    next_with("who is notified");
    let escalation = next_with("first_response");
    assert!(escalation.contains(" T0") && escalation.starts_with("Thu 15 Jan"), "{escalation}");

    let top = run(&["top", "--url", &url, "--once"]);
    assert_eq!(top.code, Some(0), "{}", top.stderr);
    let page = top.stdout;
    for part in [&url, "policy version 1", "priority", "team", "first_response", "due_not_fired"] {
        assert!(page.contains(part), "{part} in\n{page}");
    }

    send_signal(&demo.0, "INT");
    let mut rest = String::new();
    for line in lines.by_ref() {
        rest.push_str(&String::from_utf8(line.expect("read")).expect("text"));
        rest.push('\n');
    }
    let ended = demo.0.wait().expect("it ends");
    let mut log = String::new();
    demo.0.stderr.take().expect("piped").read_to_string(&mut log).expect("text");
    assert!(ended.success(), "{ended}\n{rest}\n{log}");
    assert!(rest.contains("Stopped: ") && rest.contains("The data stays in"), "{rest}");
    assert!(fs::read_dir(&data).expect("its data").next().is_some());
    assert_eq!(run(&["top", "--url", &url, "--once"]).code, Some(2), "the service has stopped");

    let again = run(&["demo", "--for", "1s", "--data-dir", &data.display().to_string()]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("empty"), "{}", again.stderr);
}
