//! `overdue check` as its users meet it.

use std::path::Path;
use std::process::{Command, Output};

const POLICY: &str = "default_priority = \"p\"\n[calendars.c]\ntime_zone = \"Europe/Oslo\"\n\
                      mon-fri = [\"08:00-16:00\"]\n\
                      holidays = [{ file = \"days.ics\" }]\n[priorities.p]\ncalendar = \"c\"\n";

const HOLIDAY: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n\
                       DTSTAMP:20260101T000000Z\r\n\
                       DTSTART;VALUE=DATE:20260501\r\nSUMMARY:May Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn check(files: &[&Path]) -> (Option<i32>, String, String) {
    let command = Command::new(env!("CARGO_BIN_EXE_overdue")).arg("check").args(files).output();
    let Output { status, stdout, stderr } = command.unwrap_or_else(|error| panic!("{error}"));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"));
    (status.code(), text(stdout), text(stderr))
}

fn write(folder: &Path, name: &str, contents: &[u8]) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn a_good_policy_is_summed_up() {
    let folder = folder();
    let policy = write(folder.path(), "policy.toml", POLICY.as_bytes());
    write(folder.path(), "days.ics", HOLIDAY.as_bytes());
    let (code, out, errors) = check(&[&policy]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.contains("policy.toml: no errors"), "{out}");
    assert!(out.contains("calendar c: Europe/Oslo, mon-fri 08:00-16:00, 1 holiday\n"), "{out}");
    assert!(out.contains("priority p in c: no clocks, so no deadlines"), "{out}");
}

#[test]
fn errors_and_warnings_differ_in_the_exit_code() {
    let folder = folder();
    let warned =
        POLICY.replace("holidays = [{ file = \"days.ics\" }]\n", "") + "[[rules]]\nwhen = {}\npriority = \"p\"\n";
    let warned = write(folder.path(), "warned.toml", warned.as_bytes());
    let (code, out, errors) = check(&[&warned]);
    assert_eq!(code, Some(0), "{errors}");
    assert!(
        out.contains("warned.toml: 1 warning") && errors.contains("warning: a rule without conditions"),
        "{errors}"
    );
    let wrong = write(folder.path(), "wrong.toml", POLICY.as_bytes());
    let (code, _, errors) = check(&[&warned, &wrong]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("wrong.toml:5:22: error: holiday file \"days.ics\": cannot open"), "{errors}");
    assert!(errors.contains("wrong.toml: 1 error"), "{errors}");
}

#[test]
fn files_that_are_no_text_do_not_stop_the_others() {
    let folder = folder();
    let binary = write(folder.path(), "binary.toml", b"a = 1\nb = \xff\xfe\x00PAR1");
    let absent = folder.path().join("absent.toml");
    let good = write(folder.path(), "good.toml", POLICY.as_bytes());
    write(folder.path(), "days.ics", HOLIDAY.as_bytes());
    let long = write(folder.path(), "long.toml", &vec![b'#'; 20 << 20]);
    let (code, out, errors) = check(&[&binary, &absent, &long, folder.path(), &good]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("binary.toml is not UTF-8 text: line 2, byte 10 of the file"), "{errors}");
    assert!(errors.contains("cannot open") && errors.contains("is longer than 16777216 bytes"), "{errors}");
    assert!(out.contains("good.toml: no errors"), "{out}");
}
