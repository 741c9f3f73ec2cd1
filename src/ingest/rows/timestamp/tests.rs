use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::time::{format_rfc3339, parse_rfc3339};

fn writing(formats: &[&str], zone: Option<&str>) -> Writing {
    Writing {
        formats: formats.iter().map(|name| Format::named(name).expect("a format")).collect(),
        zone: zone.map(|name| Arc::new(Zone::named(name).expect("a zone"))),
        zones: Arc::default(),
        described: String::new(),
    }
}

fn read(formats: &[&str], zone: Option<&str>, text: &str) -> Result<String, Fault> {
    writing(formats, zone).read(text).map(format_rfc3339)
}

#[test]
fn each_format_is_read() {
    let oslo = Some("Europe/Oslo");
    let cases: [(&str, Option<&str>, &str, &str); 14] = [
        ("rfc3339", None, "2026-11-22T10:30:00+01:00", "2026-11-22T09:30:00Z"),
        ("rfc3339", None, "2026-11-22 10:30:00.25Z", "2026-11-22T10:30:00.250Z"),
        ("rfc3339", None, "2017-01-01T00:00:00.000+0000", "2017-01-01T00:00:00Z"),
        ("rfc3339", oslo, "2026-11-22T10:30:00", "2026-11-22T09:30:00Z"),
        ("unix_s", None, "1500000000.5", "2017-07-14T02:40:00.500Z"),
        ("unix_ms", None, "1500000000123", "2017-07-14T02:40:00.123Z"),
        ("%Y-%m-%d %H:%M:%S", oslo, "2026-07-01 10:30:05", "2026-07-01T08:30:05Z"),
        ("%Y-%m-%dT%H:%M", oslo, "2016-02-29T01:16", "2016-02-29T00:16:00Z"),
        ("%d/%m/%Y %H:%M", oslo, "1/7/2026 9:05", "2026-07-01T07:05:00Z"),
        ("%F %T%.f", oslo, "2026-07-01 10:30:05.75", "2026-07-01T08:30:05.750Z"),
        ("%Y-%m-%d", oslo, "2026-07-01", "2026-06-30T22:00:00Z"),
        ("%d/%b/%y %I:%M %p", oslo, "22/Nov/26 1:05 PM", "2026-11-22T12:05:00Z"),
        ("%d/%b/%y", oslo, "22/Nov/26", "2026-11-21T23:00:00Z"),
        ("%d %b %Y %H:%M %z", None, "22 Nov 2026 13:05 +0100", "2026-11-22T12:05:00Z"),
    ];
    for (format, zone, text, expected) in cases {
        assert_eq!(read(&[format], zone, text).as_deref(), Ok(expected), "{format} of {text}");
    }
    assert_eq!(read(&["rfc3339", "unix_s"], None, "1500000000").as_deref(), Ok("2017-07-14T02:40:00Z"));
}

#[test]
fn a_named_zone_counts_or_the_time_is_rejected() {
    let zone = |name| Arc::new(Zone::named(name).expect("a zone"));
    let mut writing = writing(&["%Y-%m-%d %H:%M:%S %Z", "%a %b %d %H:%M:%S %Z %Y"], Some("Europe/Berlin"));
    writing.zones = Arc::new(BTreeMap::from([("EST".to_owned(), zone("America/New_York"))]));
    for (text, expected) in [
        ("2026-01-05 09:00:00 EST", Ok("2026-01-05T14:00:00Z")),
        ("2026-01-05 09:00:00 UTC", Ok("2026-01-05T09:00:00Z")),
        ("2026-07-05 09:00:00 GMT", Ok("2026-07-05T09:00:00Z")),
        ("2026-07-05 09:00:00 Z", Ok("2026-07-05T09:00:00Z")),
        ("2026-07-05 09:00:00 Asia/Tokyo", Ok("2026-07-05T00:00:00Z")),
        ("Sun Jul 05 09:00:00 America/New_York 2026", Ok("2026-07-05T13:00:00Z")),
        // Not in the table; names of the database that are rules of their own; nonsense; nothing.
        ("2026-07-05 09:00:00 EDT", Err(Fault::Zone)),
        ("2026-07-05 09:00:00 CET", Err(Fault::Zone)),
        ("2026-07-05 09:00:00 Mars/Base", Err(Fault::Zone)),
        ("2026-07-05 09:00:00 ", Err(Fault::Zone)),
        ("2026-07-05 09:00:00 UTC 1", Err(Fault::Zone)),
    ] {
        let read = writing.read(text).map(format_rfc3339);
        let read = read.as_deref().map_err(|fault| if *fault == Fault::Syntax { Fault::Zone } else { *fault });
        assert_eq!(read, expected, "{text}");
    }
    for format in ["%H %Z %Z", "%Y %Z %z", "%Y-%m-%d %I:%M"] {
        assert!(Format::named(format).is_err(), "{format}");
    }
}

#[test]
fn numbers_of_another_unit_are_rejected() {
    // Seconds read as milliseconds, a spreadsheet's day read as either, and an empty value that was written as 0.
    for (format, text) in
        [("unix_ms", "1767603600"), ("unix_ms", "46027.375"), ("unix_s", "46027.375"), ("unix_s", "0")]
    {
        assert_eq!(read(&[format], None, text), Err(Fault::Unit), "{format} of {text}");
    }
    assert_eq!(writing(&["unix_ms"], None).read_number(1_767_603_600), Err(Fault::Unit));
    assert_eq!(read(&["unix_s"], None, "1767603600000"), Err(Fault::Range));
    // A time of day that cannot be read is not midnight.
    assert_eq!(read(&["%d/%b/%y %I %p"], Some("Etc/UTC"), "22/Nov/26 13 PM"), Err(Fault::Syntax));
}

#[test]
fn what_is_no_time_says_why() {
    let zone = Some("Etc/UTC");
    for (format, zone, text, fault) in [
        ("rfc3339", None, "2026-11-22T10:30:00", Fault::NoZone),
        ("rfc3339", None, "9999-01-01T00:00:00Z", Fault::Range),
        ("rfc3339", None, "1969-12-31T23:59:59Z", Fault::Range),
        ("rfc3339", None, "2026-02-29T00:00:00Z", Fault::Syntax),
        ("rfc3339", None, "2026-11-22T10:30:00+25:00", Fault::Syntax),
        ("rfc3339", None, "2026-11-22T10:30:00.Z", Fault::Syntax),
        ("%Y-%m-%d", zone, "2026-13-01", Fault::Syntax),
        ("%Y-%m-%d", zone, "2026-11-22 ", Fault::Syntax),
        ("unix_s", None, "99999999999999999999", Fault::Range),
        ("unix_s", None, "-5", Fault::Syntax),
        ("%d/%b/%y", None, "22/Nov/26", Fault::NoZone),
    ] {
        assert_eq!(read(&[format], zone, text), Err(fault), "{format} of {text}");
    }
    assert!(Format::named("iso").is_err());
    assert!(Format::named("%Q").is_err());
}

proptest! {
    #[test]
    fn the_hand_path_agrees_with_chrono(at_ms in 0i64..4_102_444_800_000) {
        let text = format_rfc3339(at_ms);
        prop_assert_eq!(writing(&["rfc3339"], None).read(&text).ok(), parse_rfc3339(&text).ok());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}", date in "[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.+Z-]{0,20}") {
        let writing = writing(&["rfc3339", "unix_s", "%Y-%m-%d %H:%M", "%d/%b/%y %I:%M %p"], Some("America/New_York"));
        let _ = writing.read(&text);
        if let Ok(at_ms) = writing.read(&date) {
            prop_assert!((MIN_INPUT_MS..MAX_INPUT_MS).contains(&at_ms));
        }
    }
}
