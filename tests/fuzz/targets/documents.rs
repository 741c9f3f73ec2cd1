//! Groups of the journal, iCalendar, mappings, policies, tokens and manifests.

use overdue::calendar::{CalendarDefinition, Holiday, HolidayFile};
use overdue::ingest::Mapping;
use overdue::server::auth::tokens;
use overdue::server::auth::tokens::Token;
use overdue::store::codec::{decode, encode};
use overdue::store::snapshot::{MANIFEST, Manifest};
use std::fs;
use tempfile::TempDir;

/// What can be decoded can be encoded, and is the same after it.
pub fn codec(bytes: &[u8]) {
    let Ok(group) = decode(bytes) else { return };
    let (mut encoded, mut again) = (Vec::new(), Vec::new());
    encode(&group, &mut encoded).expect("a decoded group can be encoded");
    let decoded = decode(&encoded).expect("an encoded group can be decoded");
    assert_eq!(format!("{group:?}"), format!("{decoded:?}"), "the group has changed");
    encode(&decoded, &mut again).expect("encoded before");
    assert!(encoded == again, "the same group gives other bytes");
}

/// Days in order and each once, or an error that names the file.
pub fn icalendar(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let definition = CalendarDefinition {
        time_zone: "UTC".to_owned(),
        weekly: Default::default(),
        holidays: vec![Holiday::File(HolidayFile { file: "days.ics".to_owned(), ..HolidayFile::default() })],
        special: Default::default(),
    };
    match definition.resolved(&mut |_| Ok(text.to_owned())) {
        Ok((resolved, _)) => {
            let mut last = None;
            for holiday in &resolved.holidays {
                let Holiday::Event { date, part: None, .. } = holiday else {
                    panic!("a file gives {holiday:?}, expected dates")
                };
                assert!(last < Some(*date), "{date} after {last:?}");
                last = Some(*date);
            }
        }
        Err(error) => assert!(error.to_string().contains("days.ics"), "no file in: {error}"),
    }
}

/// Every mistake names a line of the file.
pub fn mapping(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Err(error) = Mapping::parse(text, "mapping.toml") else { return };
    assert!(!error.mistakes.is_empty(), "refused without a mistake");
    for mistake in &error.mistakes {
        assert!((1..=lines(text)).contains(&mistake.line), "no such line: {mistake}");
        assert!(!mistake.message.is_empty(), "a mistake without a message");
    }
}

/// A policy or an error; every problem names a line and can be printed. A policy without a problem is accepted again.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let days = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261225\nEND:VEVENT\nEND:VCALENDAR\n";
    let check = || overdue::policy::check(text, "policy.toml", &mut |_| Ok(days.to_owned()));
    let checked = check();
    assert_eq!(checked.policy.is_none(), checked.problems.iter().any(|problem| problem.is_error()));
    for problem in &checked.problems {
        assert!((1..=lines(text)).contains(&(problem.line as usize)), "no such line: {problem}");
    }
    assert_eq!(checked.problems, check().problems, "other problems the second time");
}

/// Tokens that are accepted are the same after they are written and read.
pub fn tokens(bytes: &[u8]) {
    let folder = folder();
    fs::write(folder.path().join("tokens.json"), bytes).expect("a file");
    let Ok(read) = tokens::read(folder.path()) else { return };
    let text = serde_json::to_string(&read).expect("tokens can be written");
    assert_eq!(serde_json::from_str::<Vec<Token>>(&text).expect("and read"), read);
}

/// Bytes under a right checksum: a manifest that is accepted is the same after it is written and read.
pub fn manifest(bytes: &[u8]) {
    let folder = folder();
    let path = folder.path().join(MANIFEST);
    let read = |mut text: Vec<u8>| {
        let checksum = crc32c::crc32c(&text);
        text.extend(format!("  \"checksum\": \"{checksum:08x}\"\n}}\n").bytes());
        fs::write(&path, text).expect("a file");
        Manifest::of(folder.path())
    };
    let Ok(manifest) = read(bytes.to_vec()) else { return };
    let _ = (manifest.first_position(), manifest.last_position(), manifest.rows_of("tickets"));
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest can be written");
    let body = text.strip_suffix("\n}").expect("an object");
    assert_eq!(read(format!("{body},\n").into_bytes()).expect("and read"), manifest);
}

/// Lines of a text; a mistake at its very end may stand on the empty one after the last.
fn lines(text: &str) -> usize {
    1 + text.bytes().filter(|byte| *byte == b'\n').count()
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}
