//! `overdue check` on the command line.

mod support {
    mod command;
    pub mod folder;
    pub mod run;
}

use support::folder::Folder;
use support::run::{Run, run};

const POLICY: &str = "default_priority = \"p\"\n[calendars.c]\ntime_zone = \"Europe/Oslo\"\n\
                      mon-fri = [\"08:00-16:00\"]\n\
                      holidays = [{ file = \"days.ics\" }]\n[priorities.p]\ncalendar = \"c\"\n";

const HOLIDAY: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n\
                       DTSTAMP:20260101T000000Z\r\n\
                       DTSTART;VALUE=DATE:20260501\r\nSUMMARY:May Day\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn check(files: &[&str]) -> Run {
    run(&[&["check"], files].concat())
}

#[test]
fn a_valid_policy_is_summarised() {
    let folder = Folder::new();
    let policy = folder.write("policy.toml", POLICY.as_bytes());
    folder.write("days.ics", HOLIDAY.as_bytes());
    let Run { code, stdout, stderr } = check(&[&policy]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    assert!(stdout.contains("policy.toml: no errors"), "{stdout}");
    assert!(stdout.contains("calendar c: Europe/Oslo, mon-fri 08:00-16:00, 1 holiday\n"), "{stdout}");
    assert!(stdout.contains("priority p in c: no clocks, so no deadlines"), "{stdout}");
}

#[test]
fn errors_fail_the_check_and_warnings_do_not() {
    let folder = Folder::new();
    let warned =
        POLICY.replace("holidays = [{ file = \"days.ics\" }]\n", "") + "[[rules]]\nwhen = {}\npriority = \"p\"\n";
    let warned = folder.write("warned.toml", warned.as_bytes());
    let Run { code, stdout, stderr } = check(&[&warned]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.contains("warned.toml: 1 warning"), "{stdout}");
    assert!(stderr.contains("warning: a rule without conditions"), "{stderr}");
    let wrong = folder.write("wrong.toml", POLICY.as_bytes());
    let Run { code, stderr, .. } = check(&[&warned, &wrong]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("wrong.toml:5:22: error: holiday file \"days.ics\": cannot open"), "{stderr}");
    assert!(stderr.contains("wrong.toml: 1 error"), "{stderr}");
}

#[test]
fn unreadable_files_do_not_prevent_the_check_of_others() {
    let folder = Folder::new();
    let binary = folder.write("binary.toml", b"a = 1\nb = \xff\xfe\x00PAR1");
    let absent = folder.path("absent.toml");
    let good = folder.write("good.toml", POLICY.as_bytes());
    folder.write("days.ics", HOLIDAY.as_bytes());
    let long = folder.write("long.toml", &vec![b'#'; 20 << 20]);
    let Run { code, stdout, stderr } = check(&[&binary, &absent, &long, &folder.path("."), &good]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("binary.toml is not UTF-8 text: line 2, byte 10 of the file"), "{stderr}");
    assert!(stderr.contains("cannot open") && stderr.contains("is longer than 16777216 bytes"), "{stderr}");
    assert!(stdout.contains("good.toml: no errors"), "{stdout}");
}
