//! `overdue serve` as a process: what it prints, how it starts and how it stops. And `overdue token`.

mod process;
#[path = "../support"]
mod support {
    pub mod command;
    pub mod environment;
    pub mod http;
    pub mod policies;
    pub mod run;
    pub mod signal;
    pub mod until;
}

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::command::overdue;
use support::environment::setting;
use support::http::client;
use support::policies::around_the_clock;
use support::run::{Run, run};
use support::signal::send_signal;
use support::until::until;

fn policy(target: &str) -> String {
    let resolution = format!("target = \"{target}\"\nlevels = [{{ at = \"100%\", notify = [\"owner\"] }}]");
    around_the_clock(&[("resolution", &resolution)])
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs a command that must fail; returns its error.
fn fails(arguments: &[&str]) -> String {
    let Run { code, stderr, .. } = run(arguments);
    assert_eq!(code, Some(2), "{stderr}");
    stderr
}

/// Reads what the service prints when it is ready; the last line is the one about tokens.
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

/// The rest of the line that begins with a name.
fn line<'t>(greeting: &'t str, name: &str) -> &'t str {
    let found = greeting.lines().find_map(|line| line.trim().strip_prefix(name));
    found.unwrap_or_else(|| panic!("{name} is not in {greeting}")).trim()
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
    fs::write(&policy, self::policy("8h")).unwrap();
    Folders { _all: all, data, policy }
}

#[test]
fn the_service_prints_where_it_listens_and_stops_on_a_signal() {
    let folders = folders();
    for (signal, arguments) in [
        ("TERM", vec!["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"]),
        // At the second start the data folder has a policy.
        (
            "INT",
            vec!["serve", "--data-dir", &folders.data, "--listen", "127.0.0.1:0", "--no-auth", "--log-format", "json"],
        ),
    ] {
        let mut child = piped(overdue(&arguments));
        let printed = greeting(&mut child);
        let url = line(&printed, "url").to_owned();
        assert!(printed.contains("is ready") && line(&printed, "docs") == format!("{url}/docs/"), "{printed}");
        assert!(line(&printed, "data").ends_with("0 tickets, policy version 1"), "{printed}");
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
fn tokens_can_be_created_and_revoked_while_the_service_runs() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = piped(overdue(&arguments));
    let printed = greeting(&mut child);
    assert!(line(&printed, "tokens").contains("overdue token create"), "{printed}");
    let url = format!("{}/v1/metrics", line(&printed, "url"));
    let created = run(&["token", "create", "--data-dir", &folders.data, "--name", "me", "--role", "viewer"]);
    assert_eq!(created.code, Some(0), "{}", created.stderr);
    let secret = created.stdout;
    let client = client();
    let status = || client.get(&url).bearer_auth(secret.trim()).send().unwrap().status().as_u16();
    // The server checks the file once a second.
    until("the new token is accepted", || status() != 401);
    assert_ne!(status(), 403);
    assert_eq!(run(&["token", "revoke", "me", "--data-dir", &folders.data]).code, Some(0));
    until("the revoked token is rejected", || status() == 401);
    send_signal(&child, "TERM");
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success() && !log.contains(secret.trim()), "{log}");
}

/// Starts `overdue serve` without tokens on a free port; returns the process and its address.
fn serve(folders: &Folders, settings: &[&str]) -> (Child, String) {
    let arguments =
        ["serve", "--no-auth", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = piped(overdue(&[arguments.as_slice(), settings].concat()));
    let url = line(&greeting(&mut child), "url").to_owned();
    (child, url)
}

/// Stops the service; returns its log.
fn stop(child: Child) -> String {
    send_signal(&child, "TERM");
    let ended = child.wait_with_output().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{log}");
    log
}

#[test]
fn a_stop_while_a_snapshot_is_written_leaves_no_partial_snapshot() {
    let folders = folders();
    let rows: String =
        (0..20_000).map(|id| format!("{{\"id\":\"T{id}\",\"opened_at\":\"2026-11-20T08:00:00Z\"}}\n")).collect();
    let folder = Path::new(&folders.data).join("snapshots");
    let is_writing = || {
        let entries = fs::read_dir(&folder).into_iter().flatten();
        entries.flatten().any(|entry| entry.path().extension().is_some_and(|extension| extension == "partial"))
    };
    let mut tickets = 0;
    for _ in 0..setting("OVERDUE_STOPS", 6) {
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
        until("a snapshot is written", is_writing);
        stop(child);
        assert!(!is_writing(), "a partial snapshot is left");
    }
}

/// The text after a prefix, up to the next space.
fn after<'t>(text: &'t str, prefix: &str) -> &'t str {
    let at = text.find(prefix).unwrap_or_else(|| panic!("{prefix} is not in {text}")) + prefix.len();
    text[at..].split([' ', '\n', '"']).next().unwrap_or_default()
}

#[test]
fn a_wall_clock_that_is_far_off_needs_accept_time() {
    let folders = folders();
    let readyz = |url: &str| {
        let response = client().get(format!("{url}/readyz")).send().unwrap();
        (response.status().as_u16(), response.text().unwrap())
    };
    // The last time in the folder is years ago: the wall clock is far ahead.
    stop(serve(&folders, &["--clock-start", "2020-01-01T00:00:00Z"]).0);
    let arguments = ["serve", "--data-dir", &folders.data, "--listen", "127.0.0.1:0"];
    let error = fails(&arguments);
    assert!(error.contains("after 2020-01-01T00:00:0") && error.contains("--max-clock-ahead is 7 d"), "{error}");
    let other = fails(&[arguments.as_slice(), &["--accept-time", "2020-01-01T00:00:00Z"]].concat());
    assert!(other.contains("is not within 1 h"), "{other}");
    let (child, url) = serve(&folders, &["--accept-time", after(&error, "--accept-time ")]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);
    // The next start needs no flag.
    let (child, url) = serve(&folders, &[]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);

    // The last time in the folder is in the future: the wall clock is far behind.
    stop(serve(&folders, &["--clock-start", "2090-01-01T00:00:00Z"]).0);
    let (child, url) = serve(&folders, &[]);
    let (status, problem) = readyz(&url);
    assert_eq!(status, 503, "{problem}");
    assert!(problem.contains("before the service's time 2090-01-01T"), "{problem}");
    let metrics = client().get(format!("{url}/metrics")).send().unwrap().text().unwrap();
    let gauge = |name: &str| after(&metrics, &format!("\n{name} ")).parse::<f64>().unwrap();
    assert!(gauge("overdue_clock_offset_seconds") < -1e9, "{metrics}");
    assert!(gauge("overdue_engine_lag_seconds") > 1e9, "{metrics}");
    let log = stop(child);
    assert!(log.contains("ERROR") && log.contains("--accept-time 20"), "{log}");
    let (child, url) = serve(&folders, &["--accept-time", after(&problem, "--accept-time ")]);
    assert_eq!(readyz(&url).0, 200);
    stop(child);
}

#[test]
fn a_second_process_on_the_folder_fails() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    let mut child = piped(overdue(&arguments));
    greeting(&mut child);
    let error = fails(&arguments);
    assert!(error.contains("in use by another process"), "{error}");
    send_signal(&child, "TERM");
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_address_in_use_ends_the_service_and_leaves_the_folder_usable() {
    let folders = folders();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for _ in 0..2 {
        let error = fails(&["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", &address]);
        assert!(error.contains(&format!("cannot listen on {address}")), "{error}");
    }
}

#[test]
fn a_policy_file_that_differs_from_the_stored_policy_is_logged_and_ignored() {
    let folders = folders();
    let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"];
    for target in ["8h", "9h"] {
        fs::write(&folders.policy, policy(target)).unwrap();
        let mut child = piped(overdue(&arguments));
        assert!(line(&greeting(&mut child), "data").ends_with("policy version 1"));
        send_signal(&child, "TERM");
        let log = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
        assert_eq!(log.contains("differs from version 1 of the policy"), target != "8h", "{log}");
    }
}

#[test]
fn all_configuration_errors_are_reported_at_once() {
    let folders = folders();
    let file = Path::new(&folders.policy).with_file_name("serve.toml");
    fs::write(&file, "lisen = \"127.0.0.1:0\"\n").unwrap();
    let file = file.display().to_string();
    let error = fails(&["serve", "--config", &file, "--workers", "none"]);
    for part in
        ["3 errors", "serve.toml:1: there is no setting \"lisen\"; write listen", "--workers \"none\"", "--data-dir"]
    {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[test]
fn tokens_are_created_listed_and_revoked() {
    let folders = folders();
    let token = |arguments: &[&str]| run(&[["token"].as_slice(), arguments, &["--data-dir", &folders.data]].concat());
    let created = token(&["create", "--name", "crm", "--role", "operator", "--expires", "90d"]);
    let secret = created.stdout.trim();
    assert!(created.code == Some(0) && secret.starts_with("ovd_") && secret.len() == 68, "{}", created.stderr);
    assert!(!created.stderr.contains(secret), "{}", created.stderr);
    let token_fails = |arguments: &[&str], part: &str| {
        let Run { code, stderr, .. } = token(arguments);
        assert!(code == Some(2) && stderr.contains(part), "{stderr}");
    };
    token_fails(&["create", "--name", "crm", "--role", "viewer"], "there is a token \"crm\" already");
    for (name, expires, part) in
        [("a b", "90d", "--name \"a b\""), ("b", "soon", "--expires \"soon\""), ("b", "0s", "--expires")]
    {
        token_fails(&["create", "--name", name, "--role", "viewer", "--expires", expires], part);
    }
    let list = token(&["list"]).stdout;
    assert!(list.contains("crm") && list.contains("operator") && !list.contains(secret), "{list}");
    assert_eq!(token(&["revoke", "crm"]).code, Some(0));
    token_fails(&["revoke", "crm"], "there is no token \"crm\"");
    assert!(!token(&["list"]).stdout.contains("crm"));
}
