//! The real binary: what `overdue serve` says, how it starts, and how it stops.

mod process;

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const POLICY: &str = r#"
default_priority = "normal"
[calendars.always]
hours = "24x7"
time_zone = "UTC"
[priorities.normal]
calendar = "always"
[priorities.normal.clocks.resolution]
target = "8h"
levels = [{ at = "100%", notify = ["owner"] }]
"#;

fn overdue(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overdue"));
    command.args(arguments).env_remove("OVERDUE_CONFIG").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = overdue(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Reads what the child prints until it is ready; its greeting ends with the line about tokens.
fn greeting(child: &mut Child) -> String {
    let mut text = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    let mut byte = [0];
    while !(text.contains("\n  tokens ") && text.ends_with('\n')) {
        assert_ne!(stdout.read(&mut byte).unwrap(), 0, "ended after {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}

fn line<'t>(greeting: &'t str, word: &str) -> &'t str {
    let found = greeting.lines().find_map(|line| line.trim().strip_prefix(word));
    found.unwrap_or_else(|| panic!("{word} is not in {greeting}")).trim()
}

fn client() -> reqwest::blocking::Client {
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::new()
}

fn send_signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

struct Folders {
    _all: tempfile::TempDir,
    data: String,
    policy: String,
}

fn folders() -> Folders {
    let all = tempfile::tempdir().unwrap();
    let path = |name: &str| all.path().join(name).display().to_string();
    let (data, policy) = (path("data"), path("policy.toml"));
    fs::write(&policy, POLICY).unwrap();
    Folders { _all: all, data, policy }
}

#[test]
fn it_starts_says_so_and_stops_when_told() {
    let folders = folders();
    for (signal, arguments) in [
        ("TERM", vec!["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"]),
        // The second time the data folder has its policy.
        (
            "INT",
            vec!["serve", "--data-dir", &folders.data, "--listen", "127.0.0.1:0", "--no-auth", "--log-format", "json"],
        ),
    ] {
        let mut child = overdue(&arguments).spawn().unwrap();
        let said = greeting(&mut child);
        let url = line(&said, "url").to_owned();
        assert!(said.contains("is ready") && line(&said, "docs") == format!("{url}/docs/"), "{said}");
        assert!(line(&said, "data").ends_with("0 tickets, policy version 1"), "{said}");
        assert_eq!(client().get(format!("{url}/readyz")).send().unwrap().status(), 200);
        send_signal(&child, signal);
        let ended = child.wait_with_output().unwrap();
        let log = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(0), "{log}");
        assert!(log.contains("/readyz") && log.contains("stopped"), "{log}");
        assert!(client().get(format!("{url}/readyz")).send().is_err());
    }
}

#[test]
fn a_token_made_while_it_runs_lets_in_and_a_revoked_one_does_not() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = overdue(&arguments).spawn().unwrap();
    let said = greeting(&mut child);
    assert!(line(&said, "tokens").contains("overdue token create"), "{said}");
    let url = format!("{}/v1/metrics", line(&said, "url"));
    let (code, secret, _) =
        output(&["token", "create", "--data-dir", &folders.data, "--name", "me", "--role", "viewer"]);
    assert_eq!(code, Some(0));
    let client = client();
    let status = || client.get(&url).bearer_auth(secret.trim()).send().unwrap().status().as_u16();
    // The server looks at the file once a second.
    wait_until(|| status() != 401);
    assert_ne!(status(), 403);
    assert_eq!(output(&["token", "revoke", "me", "--data-dir", &folders.data]).0, Some(0));
    wait_until(|| status() == 401);
    send_signal(&child, "TERM");
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && !log.contains(secret.trim()), "{log}");
}

/// Asks again and again; gives up after so many times that something must be wrong.
fn wait_until(is_so: impl Fn() -> bool) {
    let pause = std::time::Duration::from_millis(50);
    assert!((0..1_200).any(|_| is_so() || {
        std::thread::park_timeout(pause);
        false
    }));
}

/// `overdue serve` for anybody, on a free port; the process and where it listens.
fn serve(folders: &Folders, settings: &[&str]) -> (Child, String) {
    let arguments =
        ["serve", "--no-auth", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = overdue(&[arguments.as_slice(), settings].concat()).spawn().unwrap();
    let url = line(&greeting(&mut child), "url").to_owned();
    (child, url)
}

/// Stops it; its log.
fn stop(child: Child) -> String {
    send_signal(&child, "TERM");
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{log}");
    log
}

#[test]
fn a_stop_while_a_snapshot_is_written_ends_well() {
    let folders = folders();
    let stops = std::env::var("OVERDUE_STOPS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let rows: String =
        (0..20_000).map(|id| format!("{{\"id\":\"T{id}\",\"opened_at\":\"2026-11-20T08:00:00Z\"}}\n")).collect();
    let folder = Path::new(&folders.data).join("snapshots");
    let is_writing = || {
        let entries = fs::read_dir(&folder).into_iter().flatten();
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "partial"))
    };
    let mut tickets = 0;
    for _ in 0..stops {
        let (child, url) = serve(&folders, &["--snapshot-every", "1s"]);
        let count: u64 = {
            let metrics = client().get(format!("{url}/v1/metrics")).send().unwrap();
            let metrics: serde_json::Value = serde_json::from_str(&metrics.text().unwrap()).unwrap();
            metrics["tickets"].as_u64().unwrap()
        };
        assert_eq!(count, tickets);
        if tickets == 0 {
            let request = client().post(format!("{url}/v1/tickets")).header("content-type", "application/x-ndjson");
            assert_eq!(request.body(rows.clone()).send().unwrap().status(), 200);
            tickets = 20_000;
        }
        wait_until(is_writing);
        stop(child);
        assert!(!is_writing(), "half a snapshot is left");
    }
}

/// What stands behind a word in a text, up to the next space.
fn after<'t>(text: &'t str, word: &str) -> &'t str {
    let at = text.find(word).unwrap_or_else(|| panic!("{word} is not in {text}")) + word.len();
    text[at..].split([' ', '\n', '"']).next().unwrap_or_default()
}

#[test]
fn a_wall_clock_that_is_far_off_is_accepted_by_a_flag_only() {
    let folders = folders();
    let readyz = |url: &str| {
        let answer = client().get(format!("{url}/readyz")).send().unwrap();
        (answer.status().as_u16(), answer.text().unwrap())
    };
    // The folder's last time is years ago: the machine's clock is far ahead.
    stop(serve(&folders, &["--clock-start", "2020-01-01T00:00:00Z"]).0);
    let arguments = ["serve", "--data-dir", &folders.data, "--listen", "127.0.0.1:0"];
    let (code, _, said) = output(&arguments);
    assert_eq!(code, Some(2));
    assert!(said.contains("after 2020-01-01T00:00:0") && said.contains("--max-clock-ahead is 7 d"), "{said}");
    let other = output(&[arguments.as_slice(), &["--accept-time", "2020-01-01T00:00:00Z"]].concat());
    assert!(other.0 == Some(2) && other.2.contains("is not within 1 h"), "{}", other.2);
    let (child, url) = serve(&folders, &["--accept-time", after(&said, "--accept-time ")]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);
    // And is no longer.
    let (child, url) = serve(&folders, &[]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);

    // It was ahead once: now it is far behind.
    stop(serve(&folders, &["--clock-start", "2090-01-01T00:00:00Z"]).0);
    let (child, url) = serve(&folders, &[]);
    let (status, said) = readyz(&url);
    assert_eq!(status, 503, "{said}");
    assert!(said.contains("before the service's time 2090-01-01T"), "{said}");
    let metrics = client().get(format!("{url}/metrics")).send().unwrap().text().unwrap();
    let figure = |name: &str| after(&metrics, &format!("\n{name} ")).parse::<f64>().unwrap();
    assert!(figure("overdue_clock_offset_seconds") < -1e9, "{metrics}");
    assert!(figure("overdue_engine_lag_seconds") > 1e9, "{metrics}");
    let log = stop(child);
    assert!(log.contains("ERROR") && log.contains("--accept-time 20"), "{log}");
    let (child, url) = serve(&folders, &["--accept-time", after(&said, "--accept-time ")]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);
}

#[test]
fn a_second_process_is_refused_the_folder() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = overdue(&arguments).spawn().unwrap();
    greeting(&mut child);
    let (code, _, said) = output(&arguments);
    assert_eq!(code, Some(2));
    assert!(said.contains("in use by another process"), "{said}");
    send_signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_address_that_is_taken_ends_it_and_leaves_the_folder_usable() {
    let folders = folders();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let serve = |address: &str| {
        output(&["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", address])
    };
    for _ in 0..2 {
        let (code, _, said) = serve(&address);
        assert!(code == Some(2) && said.contains(&format!("cannot listen on {address}")), "{said}");
    }
}

#[test]
fn another_policy_file_is_told_that_the_stored_one_stands() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    for policy in [POLICY.to_owned(), POLICY.replace("8h", "9h")] {
        fs::write(&folders.policy, &policy).unwrap();
        let mut child = overdue(&arguments).spawn().unwrap();
        assert!(line(&greeting(&mut child), "data").ends_with("policy version 1"));
        send_signal(&child, "TERM");
        let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(log.contains("differs from version 1 of the policy"), policy != POLICY, "{log}");
    }
}

#[test]
fn all_mistakes_of_the_configuration_are_told_at_once() {
    let folders = folders();
    let file = Path::new(&folders.policy).with_file_name("serve.toml");
    fs::write(&file, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let file = file.display().to_string();
    let (code, _, said) = output(&["serve", "--config", &file, "--workers", "none"]);
    assert_eq!(code, Some(2));
    for words in
        ["3 errors", "serve.toml:1: there is no setting \"lisen\"; write listen", "--workers \"none\"", "--data-dir"]
    {
        assert!(said.contains(words), "{words} is not in {said}");
    }
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let folders = folders();
    let token = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["token"].iter().chain(arguments).copied().chain(["--data-dir", folders.data.as_str()]).collect();
        output(&all)
    };
    let (code, secret, said) = token(&["create", "--name", "crm", "--role", "operator", "--expires", "90d"]);
    assert!(code == Some(0) && secret.starts_with("ovd_") && secret.trim().len() == 68, "{said}");
    assert!(!said.contains(secret.trim()), "{said}");
    let (code, _, said) = token(&["create", "--name", "crm", "--role", "viewer"]);
    assert!(code == Some(2) && said.contains("there is a token \"crm\" already"), "{said}");
    for (wrong, words) in
        [(["a b", "90d"], "--name \"a b\""), (["b", "soon"], "--expires \"soon\""), (["b", "0s"], "--expires")]
    {
        let (code, _, said) = token(&["create", "--name", wrong[0], "--role", "viewer", "--expires", wrong[1]]);
        assert!(code == Some(2) && said.contains(words), "{said}");
    }
    let (_, list, _) = token(&["list"]);
    assert!(list.contains("crm") && list.contains("operator") && !list.contains(secret.trim()), "{list}");
    assert_eq!(token(&["revoke", "crm"]).0, Some(0));
    let (code, _, said) = token(&["revoke", "crm"]);
    assert!(code == Some(2) && said.contains("there is no token \"crm\""), "{said}");
    assert!(!token(&["list"]).1.contains("crm"));
}
