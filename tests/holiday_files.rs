//! Holiday files against what python-dateutil and recurring-ical-events find in them (`scripts/holiday-cases` wrote the cases).

use flate2::read::GzDecoder;
use overdue::calendar::{CalendarDefinition, Holiday, HolidayFile, Partial};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A date, and the first and last minute of it that are closed.
type Part = (String, u32, u32);

#[derive(Deserialize)]
struct Case {
    zone: String,
    text: String,
    parts: BTreeSet<Part>,
}

/// The parts of days that our reader finds from 2025 to 2030; `None` for a series without an end that has too many of them.
fn found(case: &Case) -> Option<BTreeSet<Part>> {
    let file = HolidayFile { file: "days.ics".to_owned(), partial: Partial::Close, ..HolidayFile::default() };
    let definition = CalendarDefinition {
        time_zone: case.zone.clone(),
        weekly: Default::default(),
        holidays: vec![Holiday::File(file)],
        special: Default::default(),
    };
    let (resolved, notes) = match definition.resolved(&mut |_| Ok(case.text.clone())) {
        Ok((_, notes)) if notes.iter().any(|note| note.message.contains("more than 20000 days")) => return None,
        Ok(resolved) => resolved,
        Err(error) if error.to_string().contains("more than 20000 days") => return None,
        Err(error) => panic!("{error}\n{}", case.text),
    };
    assert!(notes.iter().all(|note| note.message == "it gives no day"), "{notes:?}\n{}", case.text);
    let closed = resolved.holidays.iter().map(|holiday| match holiday {
        Holiday::Event { date, part, .. } => {
            let (from_s, to_s) = part.unwrap_or((0, 86_400));
            (date.to_string(), from_s / 60, to_s / 60)
        }
        other => panic!("{other:?} from a file"),
    });
    Some(closed.filter(|(date, ..)| ("2025".."2031").contains(&date.as_str())).collect())
}

#[test]
fn every_case_is_read_as_by_others() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/icalendar/generated.jsonl.gz");
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let (mut cases, mut too_many) = (0, 0);
    for line in text.lines() {
        let case: Case = serde_json::from_str(line).unwrap();
        let Some(found) = found(&case) else {
            too_many += 1;
            continue;
        };
        let missing: Vec<_> = case.parts.difference(&found).take(5).collect();
        let extra: Vec<_> = found.difference(&case.parts).take(5).collect();
        assert_eq!((missing, extra), (vec![], vec![]), "in {}:\n{}", case.zone, case.text);
        cases += 1;
    }
    assert_eq!(cases + too_many, 3_000);
    assert!(too_many < 100, "{too_many} series have too many days");
}
