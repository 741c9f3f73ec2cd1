//! `overdue replay` and `overdue generate` on the command line.

mod support {
    pub mod command;
    pub mod folder;
    pub mod run;
}

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use support::command::overdue;
use support::folder::Folder;
use support::run::{Run, run};

const HISTORY: &str = "data/history.csv.zst";
const POLICY: &str = "data/policies/contact_centre.toml";
const FILES: [&str; 3] = ["escalations.parquet", "cycles.parquet", "summary.json"];

fn succeeds(arguments: &[&str]) -> Run {
    let run = run(arguments);
    assert_eq!(run.code, Some(0), "{arguments:?}: {}", run.stderr);
    run
}

/// Runs a command that must fail without a panic; returns its error.
fn fails(arguments: &[&str]) -> String {
    let Run { code, stderr, .. } = run(arguments);
    assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Replays with more options; returns the contents of the files.
fn replay(out: &str, input: &str, more: &[&str]) -> Vec<Vec<u8>> {
    succeeds(&[&["replay", "--quiet", "--policy", POLICY, "--out", out, input], more].concat());
    FILES.iter().map(|name| fs::read(Path::new(out).join(name)).expect(name)).collect()
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let folder = Folder::new();
    let expected = replay(&folder.path("one"), HISTORY, &[]);
    assert!(expected.iter().all(|bytes| bytes.len() > 1_000));
    for more in [&[][..], &["--shards", "1"], &["--shards", "7", "--threads", "1"], &["--threads", "5"]] {
        assert!(replay(&folder.path("two"), HISTORY, more) == expected, "{more:?}");
    }
    let names: Vec<_> =
        fs::read_dir(folder.path("two")).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), FILES.len(), "no other file is left: {names:?}");
}

#[test]
fn sorting_on_disk_gives_the_same_bytes() {
    let folder = Folder::new();
    let input = folder.path("history.parquet");
    succeeds(&["generate", "--tickets", "40000", "--out", &input]);
    let expected = replay(&folder.path("memory"), &input, &[]);
    assert!(replay(&folder.path("disk"), &input, &["--memory", "16MiB"]) == expected);
}

#[test]
fn every_format_and_the_standard_input_give_the_same_bytes() {
    let folder = Folder::new();
    let expected = replay(&folder.path("shipped"), HISTORY, &[]);
    for name in ["h.csv", "h.csv.gz", "h.ndjson", "h.ndjson.zst", "h.parquet", "h.arrows"] {
        let input = folder.path(name);
        succeeds(&["generate", "--out", &input]);
        assert!(replay(&folder.path("out"), &input, &[]) == expected, "{name}");
    }
    let out = folder.path("stdin");
    let mut child = overdue(&["replay", "--quiet", "--policy", POLICY, "--out", &out, "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let csv = fs::read(folder.path("h.csv")).expect("generated before");
    child.stdin.take().expect("a pipe").write_all(&csv).expect("the child reads");
    assert!(child.wait().expect("an end").success());
    assert!(fs::read(Path::new(&out).join("cycles.parquet")).expect("written") == expected[1]);
}

#[test]
fn the_summary_is_printed_unless_quiet() {
    let folder = Folder::new();
    let out = folder.path("out");
    let printed = succeeds(&["replay", "--policy", POLICY, "--out", &out, HISTORY]).stdout;
    for part in ["2,000 tickets, ", "critical", "first_response", "Escalations: ", "p99"] {
        assert!(printed.contains(part), "{part:?} is missing:\n{printed}");
    }
    assert!(!printed.contains("events/s"), "the speed is printed to a terminal only");
    let quiet = succeeds(&["replay", "--quiet", "--policy", POLICY, "--out", &out, HISTORY]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

fn summary(out: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(out).join("summary.json")).expect("written")).expect("JSON")
}

const INVALID_ROWS: &str = "ticket,at,event,priority\n\
    A,2026-01-05T09:00:00Z,opened,normal\n\
    B,yesterday,opened,normal\n\
    C,2026-01-05T09:00:00Z,exploded,normal\n\
    D,2026-01-05T09:30:00Z,opened,gigantic\n\
    A,2026-01-05T10:00:00Z,resolved,\n";

#[test]
fn invalid_rows_are_reported_counted_and_written_to_a_file() {
    let folder = Folder::new();
    let (input, rejects, out) =
        (folder.write("bad.csv", INVALID_ROWS.as_bytes()), folder.path("rejects"), folder.path("out"));
    let log = succeeds(&["replay", "--policy", POLICY, "--out", &out, "--rejects", &rejects, &input]).stderr;
    for part in ["bad.csv:3", "\"yesterday\"", "bad.csv:4", "\"exploded\"", "\"gigantic\" is not in the policy"] {
        assert!(log.contains(part), "{part:?} is missing:\n{log}");
    }
    let summary = summary(&out);
    assert_eq!((&summary["rejected_rows"], &summary["rejected_events"]), (&3.into(), &0.into()));
    assert_eq!((&summary["tickets"], &summary["events"]), (&1.into(), &2.into()));
    let lines = fs::read_to_string(&rejects).expect("written");
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{lines}");
}

#[test]
fn strict_stops_at_the_first_invalid_row_and_writes_no_file() {
    let folder = Folder::new();
    let out = folder.path("out");
    for (rows, part) in [(INVALID_ROWS.to_owned(), "yesterday"), (accepted_by_ingest(), "gigantic")] {
        let input = folder.write("bad.csv", rows.as_bytes());
        let error = fails(&["replay", "--strict", "--policy", POLICY, "--out", &out, &input]);
        assert!(error.contains(part), "{error}");
        assert_eq!(fs::read_dir(&out).expect("a folder").count(), 0);
    }
}

/// The same as over HTTP. The engine alone would reject the opening and open the ticket at its next event.
#[test]
fn a_source_row_with_an_unknown_priority_is_rejected_with_all_its_events() {
    const MAPPING: &str = "rows = \"tickets\"\n[columns]\nticket = \"id\"\npriority = \"priority\"\n\
        [events]\nopened = \"opened\"\nresolved = \"resolved\"\n";
    const EXPORT: &str = "id,priority,opened,resolved\n\
        A,normal,2026-01-05T09:00:00Z,2026-01-05T10:00:00Z\n\
        B,gigantic,2026-01-05T09:30:00Z,2026-01-05T11:00:00Z\n";
    let folder = Folder::new();
    let (mapping, input) =
        (folder.write("map.toml", MAPPING.as_bytes()), folder.write("export.csv", EXPORT.as_bytes()));
    let (rejects, out) = (folder.path("rejects"), folder.path("out"));
    succeeds(&["replay", "--policy", POLICY, "--mapping", &mapping, "--out", &out, "--rejects", &rejects, &input]);
    let summary = summary(&out);
    assert_eq!((&summary["tickets"], &summary["events"]), (&1.into(), &2.into()));
    assert_eq!((&summary["rejected_rows"], &summary["rejected_events"]), (&1.into(), &0.into()));
    let line: Value = serde_json::from_slice(&fs::read(&rejects).expect("written")).expect("one line");
    assert_eq!((&line["line"], &line["field"], &line["value"]), (&3.into(), &"priority".into(), &"gigantic".into()));
}

/// The rows without those that ingest rejects.
fn accepted_by_ingest() -> String {
    INVALID_ROWS
        .lines()
        .filter(|line| !line.contains("yesterday") && !line.contains("exploded"))
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn invalid_files_are_reported_by_name() {
    let folder = Folder::new();
    let out = folder.path("out");
    let whole = folder.path("whole.parquet");
    succeeds(&["generate", "--tickets", "50", "--out", &whole]);
    let whole = fs::read(&whole).expect("generated before");
    let noise: Vec<u8> = (0..200_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (name, content) in [
        ("truncated.parquet", &whole[..whole.len() / 2]),
        ("noise.csv", &noise),
        ("noise.parquet", &noise),
        ("noise.csv.zst", &noise),
        ("noise.ndjson", &noise),
        ("empty.csv", b""),
    ] {
        let input = folder.write(name, content);
        let log = run(&["replay", "--policy", POLICY, "--out", &out, &input]).stderr;
        assert!(log.contains(name), "{name}: {log}");
        assert!(!log.contains("panicked"), "{name}: {log}");
        assert!(log.len() < 20_000, "{name}: {} bytes of messages", log.len());
    }
}

#[test]
fn invalid_arguments_are_reported() {
    let folder = Folder::new();
    let out = folder.path("out");
    let with = |more: &[&str]| fails(&[&["replay", "--policy", POLICY, "--out", &out], more].concat());
    assert!(with(&["no_such_file.csv"]).contains("no_such_file.csv"));
    assert!(with(&[HISTORY, "--until", "tomorrow"]).contains("--until \"tomorrow\""));
    assert!(with(&[HISTORY, "--memory", "1KiB"]).contains("such as 512MiB"));
    assert!(with(&[HISTORY, "--shards", "0"]).contains("expected 1 to"));
    assert!(with(&[HISTORY, "--frobnicate"]).contains("--frobnicate"));
    assert!(with(&[HISTORY, "--mapping", "no_such_mapping.toml"]).contains("no_such_mapping.toml"));
    let policy = folder.write("policy.toml", b"default_priority = \"x\"\n[priorities.y]\ncalendar = \"z\"\n");
    let error = fails(&["replay", "--policy", &policy, "--out", &out, HISTORY]);
    assert!(error.contains("policy.toml") && error.contains("\"z\""), "{error}");
    let file = folder.write("file", b"");
    assert!(fails(&["replay", "--policy", POLICY, "--out", &file, HISTORY]).contains(&file));
    assert!(fails(&["generate", "--out", "history.docx"]).contains(".parquet"));
}

/// Each command line of `overdue` in README.md has options that exist and files that ship.
#[test]
fn the_readme_shows_existing_options_and_files() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(top.join("README.md")).expect("README.md");
    let mut count = 0;
    let mut inside = false;
    for line in readme.lines() {
        inside ^= line.starts_with("```");
        let line = line.split(" #").next().unwrap_or_default();
        let called = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("overdue "));
        let Some(called) = called.filter(|_| inside) else { continue };
        let arguments: Vec<&str> = called.split_whitespace().collect();
        let command: Vec<&str> =
            arguments.iter().take_while(|name| name.chars().all(|char| char.is_ascii_lowercase())).copied().collect();
        let help = succeeds(&[&command[..], &["--help"]].concat()).stdout;
        for argument in &arguments[command.len()..] {
            let option = argument.split('=').next().unwrap_or_default();
            assert!(!option.starts_with("--") || help.contains(option), "README.md: `{line}`: {option} is no option");
            let is_file = argument.starts_with("data/");
            assert!(!is_file || top.join(argument).exists(), "README.md: `{line}`: {argument} does not ship");
        }
        count += 1;
    }
    assert!(count >= 4, "README.md shows {count} commands");
}
