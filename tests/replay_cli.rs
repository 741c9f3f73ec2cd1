//! `overdue replay` and `overdue generate` as a user runs them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const HISTORY: &str = "data/history.csv.zst";
const POLICY: &str = "data/policies/contact_centre.toml";
const FILES: [&str; 3] = ["escalations.parquet", "cycles.parquet", "summary.json"];

fn overdue(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_overdue"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs")
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeeds(arguments: &[&str]) -> Output {
    let output = overdue(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", words(&output.stderr));
    output
}

/// Runs what must fail; what it says then. A panic is no way to fail.
fn fails(arguments: &[&str]) -> String {
    let output = overdue(arguments);
    let said = words(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn write(&self, name: &str, content: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("a file");
        path
    }
}

/// Replays with more options; what the files hold.
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
    assert_eq!(names.len(), FILES.len(), "nothing else is left behind: {names:?}");
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
fn every_format_and_the_standard_input_give_the_same() {
    let folder = Folder::new();
    let expected = replay(&folder.path("shipped"), HISTORY, &[]);
    for name in ["h.csv", "h.csv.gz", "h.ndjson", "h.ndjson.zst", "h.parquet", "h.arrows"] {
        let input = folder.path(name);
        succeeds(&["generate", "--out", &input]);
        assert!(replay(&folder.path("out"), &input, &[]) == expected, "{name}");
    }
    let out = folder.path("stdin");
    let mut child = Command::new(env!("CARGO_BIN_EXE_overdue"))
        .args(["replay", "--quiet", "--policy", POLICY, "--out", &out, "-"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    let csv = fs::read(folder.path("h.csv")).expect("made before");
    child.stdin.take().expect("a pipe").write_all(&csv).expect("the child reads");
    assert!(child.wait().expect("an end").success());
    assert!(fs::read(Path::new(&out).join("cycles.parquet")).expect("written") == expected[1]);
}

#[test]
fn the_summary_is_on_the_standard_output_unless_quiet() {
    let folder = Folder::new();
    let out = folder.path("out");
    let output = succeeds(&["replay", "--policy", POLICY, "--out", &out, HISTORY]);
    let shown = words(&output.stdout);
    for part in ["2,000 tickets, ", "critical", "first_response", "Escalations: ", "p99"] {
        assert!(shown.contains(part), "{part:?} is missing:\n{shown}");
    }
    assert!(!shown.contains("events/s"), "speed belongs to the terminal, not into what is compared");
    let output = succeeds(&["replay", "--quiet", "--policy", POLICY, "--out", &out, HISTORY]);
    assert_eq!((output.stdout.len(), words(&output.stderr).as_str()), (0, ""));
}

const BAD_ROWS: &str = "ticket,at,event,priority\n\
    A,2026-01-05T09:00:00Z,opened,normal\n\
    B,yesterday,opened,normal\n\
    C,2026-01-05T09:00:00Z,exploded,normal\n\
    D,2026-01-05T09:30:00Z,opened,gigantic\n\
    A,2026-01-05T10:00:00Z,resolved,\n";

#[test]
fn bad_rows_are_told_counted_and_kept() {
    let folder = Folder::new();
    let (input, rejects, out) =
        (folder.write("bad.csv", BAD_ROWS.as_bytes()), folder.path("rejects"), folder.path("out"));
    let output = succeeds(&["replay", "--policy", POLICY, "--out", &out, "--rejects", &rejects, &input]);
    let said = words(&output.stderr);
    for part in ["bad.csv:3", "\"yesterday\"", "bad.csv:4", "\"exploded\"", "\"gigantic\" is not in the policy"] {
        assert!(said.contains(part), "{part:?} is missing:\n{said}");
    }
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(&out).join("summary.json")).expect("written")).expect("JSON");
    assert_eq!((&summary["rejected_rows"], &summary["rejected_events"]), (&3.into(), &0.into()));
    assert_eq!((&summary["tickets"], &summary["events"]), (&1.into(), &2.into()));
    let kept = words(&fs::read(&rejects).expect("written"));
    assert_eq!(kept.lines().count(), 3, "{kept}");
    assert!(kept.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{kept}");
}

#[test]
fn strict_stops_at_the_first_bad_row_and_leaves_nothing() {
    let folder = Folder::new();
    let out = folder.path("out");
    for (rows, part) in [(BAD_ROWS.to_owned(), "yesterday"), (without_rejects(), "gigantic")] {
        let input = folder.write("bad.csv", rows.as_bytes());
        let said = fails(&["replay", "--strict", "--policy", POLICY, "--out", &out, &input]);
        assert!(said.contains(part), "{said}");
        assert_eq!(fs::read_dir(&out).expect("a folder").count(), 0);
    }
}

/// As over HTTP: the engine alone would reject the opening, and open the ticket at its next event.
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
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(Path::new(&out).join("summary.json")).expect("written")).expect("JSON");
    assert_eq!((&summary["tickets"], &summary["events"]), (&1.into(), &2.into()));
    assert_eq!((&summary["rejected_rows"], &summary["rejected_events"]), (&1.into(), &0.into()));
    let line: serde_json::Value = serde_json::from_slice(&fs::read(&rejects).expect("written")).expect("one line");
    assert_eq!((&line["line"], &line["field"], &line["value"]), (&3.into(), &"priority".into(), &"gigantic".into()));
}

fn without_rejects() -> String {
    BAD_ROWS
        .lines()
        .filter(|line| !line.contains("yesterday") && !line.contains("exploded"))
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn rubbish_is_refused_in_words() {
    let folder = Folder::new();
    let out = folder.path("out");
    let whole = folder.path("whole.parquet");
    succeeds(&["generate", "--tickets", "50", "--out", &whole]);
    let whole = fs::read(&whole).expect("made before");
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
        let output = overdue(&["replay", "--policy", POLICY, "--out", &out, &input]);
        let said = words(&output.stderr);
        assert!(said.contains(name), "{name}: {said}");
        assert!(!said.contains("panicked"), "{name}: {said}");
        assert!(said.len() < 20_000, "{name}: {} bytes of messages", said.len());
    }
}

#[test]
fn what_cannot_be_done_is_said() {
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
    let said = fails(&["replay", "--policy", &policy, "--out", &out, HISTORY]);
    assert!(said.contains("policy.toml") && said.contains("\"z\""), "{said}");
    let file = folder.write("file", b"");
    assert!(fails(&["replay", "--policy", POLICY, "--out", &file, HISTORY]).contains(&file));
    assert!(fails(&["generate", "--out", "history.docx"]).contains(".parquet"));
}

/// Every command line in README.md that names `overdue` uses options that exist, and files that ship.
#[test]
fn the_readme_shows_what_there_is() {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(top.join("README.md")).expect("README.md");
    let mut seen = 0;
    let mut inside = false;
    for line in readme.lines() {
        inside ^= line.starts_with("```");
        let line = line.split(" #").next().unwrap_or_default();
        let called = line.strip_prefix("cargo run --release -- ").or_else(|| line.strip_prefix("overdue "));
        let Some(called) = called.filter(|_| inside) else { continue };
        let typed: Vec<&str> = called.split_whitespace().collect();
        let command: Vec<&str> =
            typed.iter().take_while(|word| word.chars().all(|letter| letter.is_ascii_lowercase())).copied().collect();
        let help = words(&succeeds(&[&command[..], &["--help"]].concat()).stdout);
        for word in &typed[command.len()..] {
            let option = word.split('=').next().unwrap_or_default();
            assert!(!option.starts_with("--") || help.contains(option), "README.md: `{line}`: {option} is no option");
            assert!(!word.starts_with("data/") || top.join(word).exists(), "README.md: `{line}`: {word} does not ship");
        }
        seen += 1;
    }
    assert!(seen >= 4, "README.md shows {seen} commands");
}
