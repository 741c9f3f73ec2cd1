use super::*;

fn file(events: &[&str]) -> String {
    let events: String = events.iter().map(|event| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n")).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn read(text: &str, choice: &HolidayFile) -> Result<(Vec<ClosedDay>, Vec<HolidayNote>), String> {
    closed_days(text, &Zone::named("Europe/Oslo").unwrap(), choice)
}

fn dates(days: &[ClosedDay]) -> Vec<String> {
    days.iter().map(|day| day.date.to_string()).collect()
}

fn days(event: &str) -> Vec<String> {
    dates(&read(&file(&[event]), &HolidayFile::default()).unwrap().0)
}

/// What is noted of a file with one event, which closes no day.
fn note(event: &str) -> String {
    let (days, notes) = read(&file(&[event]), &HolidayFile::default()).unwrap();
    assert_eq!(days, [], "{event}");
    notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn days_and_spans_of_days() {
    assert_eq!(days("DTSTART;VALUE=DATE:20261225"), ["2026-12-25"]);
    assert_eq!(days("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261226"), ["2026-12-25"]);
    assert_eq!(days("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261225"), ["2026-12-25"]);
    assert_eq!(days("DTSTART;VALUE=DATE:20261231\r\nDTEND;VALUE=DATE:20270102"), ["2026-12-31", "2027-01-01"]);
    assert_eq!(days("DTSTART;VALUE=DATE:20261225\r\nDURATION:P2D"), ["2026-12-25", "2026-12-26"]);
    assert_eq!(days("DTSTART;VALUE=DATE:20261225\r\nSTATUS:CANCELLED"), [""; 0]);
    let midnight = "DTSTART;TZID=Europe/Oslo:20261225T000000\r\nDTEND;TZID=Europe/Oslo:20261226T000000";
    assert_eq!(days(midnight), ["2026-12-25"]);
    // A long line is folded.
    assert_eq!(days("SUMMARY:a\r\n b\r\nDTSTART;VALUE=\r\n DATE:20261225"), ["2026-12-25"]);
}

#[test]
fn recurrences_are_written_out() {
    let yearly = days("DTSTART;VALUE=DATE:20251225\r\nRRULE:FREQ=YEARLY");
    assert_eq!((yearly.len(), yearly[0].as_str(), yearly[81].as_str()), (82, "2025-12-25", "2106-12-25"));
    // The fourth Thursday of November, until a date, which is included.
    let thanksgiving = "DTSTART;VALUE=DATE:20251127\r\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20271125";
    assert_eq!(days(thanksgiving), ["2025-11-27", "2026-11-26", "2027-11-25"]);
    let edited = "UID:1\r\nDTSTART;VALUE=DATE:20260105\r\nRRULE:FREQ=WEEKLY;COUNT=4\r\n\
                  EXDATE;VALUE=DATE:20260112\r\nRDATE;VALUE=DATE:20260301,20260302";
    assert_eq!(days(edited), ["2026-01-05", "2026-01-19", "2026-01-26", "2026-03-01", "2026-03-02"]);
    // One occurrence is moved by a separate event.
    let moved = "UID:1\r\nRECURRENCE-ID;VALUE=DATE:20260119\r\nDTSTART;VALUE=DATE:20260120";
    let days = dates(&read(&file(&[edited, moved]), &HolidayFile::default()).unwrap().0);
    assert_eq!(days, ["2026-01-05", "2026-01-20", "2026-01-26", "2026-03-01", "2026-03-02"]);
    // A rule that began before 1970.
    assert_eq!(self::days("DTSTART;VALUE=DATE:19001225\r\nRRULE:FREQ=YEARLY;COUNT=71"), ["1969-12-25", "1970-12-25"]);
}

#[test]
fn what_would_be_a_guess_is_left_out_by_name() {
    for (event, expected) in [
        (
            "SUMMARY:Office party\r\nDTSTART:20261218T180000Z\r\nDTEND:20261218T200000Z",
            "line 3, event \"Office party\": it closes part",
        ),
        ("DTSTART:20261225T000000Z\r\nDTEND:20261226T000000Z", "part of a day (2026-12-25 01:00-24:00)"),
        ("DTSTART:20261225T000000", "has no end"),
        ("DTSTART;TZID=Mars/Base:20261225T080000\r\nDURATION:PT1H", "\"Mars/Base\" is not an IANA time zone"),
        ("DTSTART:20261225T080000\r\nDTEND:20261225T080000", "at or before its start"),
        ("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:99991231", "expected 1 to 20000"),
        ("DTSTART;VALUE=DATE:20261325", "is not a date"),
        ("SUMMARY:Nothing", "no DTSTART"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=HOURLY", "recurs daily"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=SOMETIMES", "RRULE"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY;INTERVAL=0", "RRULE"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY", "more than 20000 days"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=MONTHLY;BYDAY=-\u{3f2}O", "ASCII"),
        ("DTSTART;VALUE=DATE:20261225\r\nRDATE;VALUE=PERIOD:20261225T000000Z/P1D", "RDATE"),
    ] {
        let message = note(event);
        assert!(message.contains(expected) && message.contains("line 3, event"), "{event}: {message}");
        // Beside another event it is left out and reported.
        let (days, notes) = read(&file(&[event, "DTSTART;VALUE=DATE:20260501"]), &HolidayFile::default()).unwrap();
        assert_eq!(dates(&days), ["2026-05-01"], "{event}");
        assert!(notes.iter().any(|note| note.line == 3 && note.message.contains("left out")), "{event}: {notes:?}");
    }
}

#[test]
fn a_start_that_is_a_date_makes_an_all_day_event() {
    for (end, expected) in [
        ("DTEND:20261225T050001Z", "2026-12-25"),
        ("DTEND:20261226T050001Z", "2026-12-25"),
        ("DTEND;TZID=Europe/Oslo:20261226T000000", "2026-12-25"),
        ("DURATION:PT24H", "2026-12-25"),
        ("DURATION:PT8H", "2026-12-25"),
        ("DURATION:P1DT24H", "2026-12-25,2026-12-26"),
        ("DURATION:P1W", "2026-12-25,2026-12-26,2026-12-27,2026-12-28,2026-12-29,2026-12-30,2026-12-31"),
        ("DTEND;VALUE=DATE:20261224", "2026-12-25"),
        ("DTEND:tomorrow", "2026-12-25"),
        ("DURATION:PT8", "2026-12-25"),
    ] {
        assert_eq!(days(&format!("DTSTART;VALUE=DATE:20261225\r\n{end}")).join(","), expected, "{end}");
    }
    // The calendar's midnight in UTC, as some programs write all-day events.
    assert_eq!(days("DTSTART:20261224T230000Z\r\nDTEND:20261225T230000Z"), ["2026-12-25"]);
    let summer_too = "DTSTART:20261224T230000Z\r\nDTEND:20261225T230000Z\r\nRRULE:FREQ=MONTHLY;BYMONTHDAY=25;COUNT=7";
    assert_eq!(days(summer_too).last().map(String::as_str), Some("2027-06-25"));
    assert_eq!(days("dtstart;value=date:20261225\r\nduration:pt24h"), ["2026-12-25"]);
}

#[test]
fn the_end_of_a_series_and_its_exceptions_are_on_the_calendars_wall_clock() {
    let weekly = |end: &str| days(&format!("DTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY;{end}")).len();
    // Midnight of the fourth Tuesday in Oslo, a second before it, and forms without a zone.
    assert_eq!(weekly("UNTIL=20261221T230000Z"), 4);
    assert_eq!(weekly("UNTIL=20261221T225959Z"), 3);
    assert_eq!([weekly("UNTIL=20261222"), weekly("UNTIL=20261222T000000"), weekly("UNTIL=20261221T235959")], [4, 4, 3]);
    let base = "DTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\n";
    for exception in [
        "EXDATE;VALUE=DATE:20261208",
        "EXDATE:20261207T230000Z",
        "EXDATE;TZID=Europe/Oslo:20261208T000000",
        "EXDATE:20261208T000000",
        "EXRULE:FREQ=MONTHLY;BYMONTHDAY=8;COUNT=1",
    ] {
        assert_eq!(days(&format!("{base}{exception}")), ["2026-12-01", "2026-12-15"], "{exception}");
    }
    let moved = "UID:1\r\nRECURRENCE-ID:20261207T230000Z\r\nDTSTART;VALUE=DATE:20261210";
    let both = file(&[&format!("UID:1\r\n{base}"), moved]);
    let (days, _) = read(&both, &HolidayFile::default()).unwrap();
    assert_eq!(dates(&days), ["2026-12-01", "2026-12-10", "2026-12-15"]);
    // A series that ends before it begins has no day, and the file counts.
    let stopped = "SUMMARY:Stopped\r\nDTSTART;VALUE=DATE:20261128\r\nRRULE:FREQ=YEARLY;UNTIL=20261106";
    let (days, notes) = read(&file(&[stopped, "DTSTART;VALUE=DATE:20261225"]), &HolidayFile::default()).unwrap();
    assert_eq!((dates(&days), notes[0].message.as_str()), (vec!["2026-12-25".to_owned()], "it gives no day"));
}

#[test]
fn the_newest_revision_counts() {
    let revision = |sequence: u32, day: &str, more: &str| {
        format!("UID:1\r\nSEQUENCE:{sequence}\r\nDTSTART;VALUE=DATE:{day}{more}")
    };
    let both = |first: &str, second: &str| dates(&read(&file(&[first, second]), &HolidayFile::default()).unwrap().0);
    let (old, new) = (revision(1, "20261224", ""), revision(2, "20261225", ""));
    assert_eq!([both(&old, &new), both(&new, &old)], [["2026-12-25"], ["2026-12-25"]]);
    let cancelled = revision(2, "20261224", "\r\nSTATUS:cancelled");
    assert_eq!(both(&old, &cancelled), [""; 0]);
    assert_eq!(both(&revision(3, "20261224", ""), &cancelled), ["2026-12-24"]);
    // A calendar that cancels, beside the one that announced.
    let announced = file(&[&old]);
    let cancels = file(&[&revision(1, "20261224", "")]).replace("VERSION:2.0", "VERSION:2.0\r\nMETHOD:CANCEL");
    assert_eq!(dates(&read(&format!("{announced}{cancels}"), &HolidayFile::default()).unwrap().0), [""; 0]);
    // One occurrence is cancelled.
    let series = "UID:2\r\nDTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=WEEKLY;COUNT=2";
    let one = "UID:2\r\nRECURRENCE-ID;VALUE=DATE:20261208\r\nDTSTART;VALUE=DATE:20261208\r\nSTATUS:CANCELLED";
    assert_eq!(both(series, one), ["2026-12-01"]);
    // Revisions of an occurrence that write its time in two ways.
    let first = "UID:4\r\nRECURRENCE-ID:20261207T230000Z\r\nDTSTART;VALUE=DATE:20261209";
    let second =
        "UID:4\r\nSEQUENCE:2\r\nRECURRENCE-ID;TZID=/x.org/1/Europe/Oslo:20261208T000000\r\nDTSTART;VALUE=DATE:20261210";
    assert_eq!(both(first, second), ["2026-12-10"]);
    // Events without a revision number that share an id are different events: some programs give all the same.
    assert_eq!(both("UID:3\r\nDTSTART:20261201", "UID:3\r\nDTSTART:20261202"), ["2026-12-01", "2026-12-02"]);
}

#[test]
fn parts_of_days_are_closed_if_the_entry_says_so() {
    let close = HolidayFile { partial: Partial::Close, ..HolidayFile::default() };
    let parts = |event: &str| {
        let (days, _) = read(&file(&[event]), &close).unwrap();
        days.iter()
            .map(|day| (day.date.to_string(), day.part.map(|(from, to)| (from / 60, to / 60))))
            .collect::<Vec<_>>()
    };
    let day = |date: &str, part| (date.to_owned(), part);
    let eve = "DTSTART;TZID=Europe/Oslo:20261224T130000\r\nDTEND;TZID=Europe/Oslo:20261224T140000";
    assert_eq!(parts(eve), [day("2026-12-24", Some((780, 840)))]);
    // In another zone, and over midnight into the next date of the calendar.
    let new_york = "DTSTART;TZID=America/New_York:20261224T173000\r\nDURATION:PT1H";
    assert_eq!(parts(new_york), [day("2026-12-24", Some((1_410, 1_440))), day("2026-12-25", Some((0, 30)))]);
    let long = "DTSTART:20261224T120000Z\r\nDTEND:20261226T070000Z";
    assert_eq!(
        parts(long),
        [day("2026-12-24", Some((780, 1_440))), day("2026-12-25", None), day("2026-12-26", Some((0, 480)))]
    );
    // A series keeps its time on the wall clock over a change of the clock.
    let weekly =
        "DTSTART;TZID=Europe/Oslo:20261022T150000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;UNTIL=20261029T140000Z";
    assert_eq!(parts(weekly), [day("2026-10-22", Some((900, 960))), day("2026-10-29", Some((900, 960)))]);
}

#[test]
fn an_entry_chooses_its_events() {
    let events = [
        "SUMMARY:Christmas Day\r\nDESCRIPTION:Public holiday\r\nDTSTART;VALUE=DATE:20261225",
        "SUMMARY:Remembrance\r\nDESCRIPTION:Observance\\nTo hide observances\\, go on\r\nDTSTART;VALUE=DATE:20261208",
        "SUMMARY:Feast (Saxony)\r\nDESCRIPTION:Public holiday in: Saxony\r\nCATEGORIES:Regional\\, small,Other\r\nDTSTART;VALUE=DATE:20261209",
    ];
    let chosen = |choice: HolidayFile| {
        let (days, notes) = read(&file(&events), &choice).unwrap();
        (days.iter().map(|day| day.event.to_string()).collect::<Vec<_>>().join(","), notes.len())
    };
    let texts = |text: &str| vec![text.to_owned()];
    let any = HolidayFile::default;
    assert_eq!(chosen(HolidayFile { description: texts("public holiday"), ..any() }), ("Christmas Day".into(), 0));
    assert_eq!(chosen(HolidayFile { except: texts("*(saxony)"), ..any() }), ("Remembrance,Christmas Day".into(), 0));
    assert_eq!(chosen(HolidayFile { categories: texts("Regional, small"), ..any() }), ("Feast (Saxony)".into(), 0));
    assert_eq!(chosen(HolidayFile { description: texts("Observance*"), ..any() }), ("Remembrance".into(), 0));
    // A text that fits nothing is reported.
    assert_eq!(chosen(HolidayFile { only: texts("Chrismas Day"), ..any() }), (String::new(), 1));
}

#[test]
fn files_in_the_wild_are_read() {
    let usual = file(&["SUMMARY:A\r\nDTSTART;VALUE=DATE:20261201", "SUMMARY:B\r\nDTSTART;VALUE=DATE:20261204"]);
    let expected = ["2026-12-01", "2026-12-04"];
    for text in [
        usual.replace("\r\n", "\r"),
        usual.replace("\r\n", "\n"),
        usual.replacen("\r\n", "\r", 5),
        format!("\u{feff}{usual}"),
        usual.to_lowercase(),
        usual.replace("\r\n", "\r\n\r\n"),
        usual.replace("SUMMARY:A", "SUMMARY;LANGUAGE=\"a;b:c\":A\r\nnot a property"),
        usual.replace("DTSTART", "BEGIN:VALARM\r\nDTSTART:19990101\r\nEND:VALARM\r\nDTSTART"),
        file(&["DTSTART:20261201"]) + &file(&["DTSTART:20261204"]),
        usual.replace("END:VEVENT\r\nEND:VCALENDAR\r\n", ""),
    ] {
        let (days, _) = read(&text, &HolidayFile::default()).unwrap();
        assert_eq!(dates(&days), expected, "{text:?}");
    }
    let two_rules = "DTSTART;VALUE=DATE:20261201\r\nRRULE:FREQ=YEARLY;BYMONTHDAY=1;BYMONTH=12;COUNT=1\r\nRRULE:FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=4;COUNT=1";
    assert_eq!(days(two_rules), expected);
}

#[test]
fn rubbish_is_refused() {
    let nested = "BEGIN:A\n".repeat(1 << 20);
    for text in ["", "hello", "BEGIN:", "BEGIN:VCALENDAR\nEND:VCALENDAR", &nested, "\u{0}\u{1}\u{2}"] {
        assert!(read(text, &HolidayFile::default()).is_err(), "{:?}", text.chars().take(40).collect::<String>());
    }
    for text in ["BEGIN:VCALENDAR\nBEGIN:VEVENT\n", "BEGIN:VEVENT\nDTSTART\nEND:VEVENT"] {
        let (days, notes) = read(text, &HolidayFile::default()).unwrap();
        assert!(days.is_empty() && !notes.is_empty(), "{text}");
    }
}
