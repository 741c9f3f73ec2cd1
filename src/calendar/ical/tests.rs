use super::*;

fn file(events: &[&str]) -> String {
    let events: String = events.iter().map(|event| format!("BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n")).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn days(event: &str) -> Vec<String> {
    holidays(&file(&[event])).unwrap().iter().map(Date::to_string).collect()
}

fn refusal(event: &str) -> String {
    holidays(&file(&[event])).unwrap_err()
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
    let days: Vec<String> = holidays(&file(&[edited, moved])).unwrap().iter().map(Date::to_string).collect();
    assert_eq!(days, ["2026-01-05", "2026-01-20", "2026-01-26", "2026-03-01", "2026-03-02"]);
    // A rule that began before 1970.
    assert_eq!(self::days("DTSTART;VALUE=DATE:19001225\r\nRRULE:FREQ=YEARLY;COUNT=71"), ["1969-12-25", "1970-12-25"]);
}

#[test]
fn what_would_be_a_guess_is_refused_by_name() {
    for (event, expected) in [
        ("SUMMARY:Office party\r\nDTSTART:20261218T180000", "line 3, event \"Office party\": DTSTART"),
        ("DTSTART:20261225T000000Z\r\nDTEND:20261226T000000Z", "not a whole day"),
        ("DTSTART:20261225T000000", "has no end"),
        ("DTSTART;VALUE=DATE:20261225\r\nDURATION:PT8H", "not in days"),
        ("DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261224", "lasts -1 days"),
        ("DTSTART;VALUE=DATE:20261325", "is not a date"),
        ("SUMMARY:Nothing", "no DTSTART"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=HOURLY", "recurs daily"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=SOMETIMES", "RRULE"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY;INTERVAL=0", "RRULE"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=DAILY", "more than 20000 days"),
        ("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it gives no day"),
        ("DTSTART;VALUE=DATE:20261225\r\nRRULE:FREQ=MONTHLY;BYDAY=-\u{3f2}O", "ASCII"),
        ("DTSTART;VALUE=DATE:20261225\r\nEXRULE:FREQ=DAILY", "EXRULE"),
        ("DTSTART;VALUE=DATE:20261225\r\nRDATE;VALUE=PERIOD:20261225T000000Z/P1D", "RDATE"),
    ] {
        let message = refusal(event);
        assert!(message.contains(expected) && message.starts_with("line 3, event"), "{event}: {message}");
    }
}

#[test]
fn rubbish_is_refused() {
    let nested = "BEGIN:A\n".repeat(1 << 20);
    for text in [
        "",
        "hello",
        "BEGIN:",
        "BEGIN:VCALENDAR\nEND:VCALENDAR",
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\n",
        &nested,
        "\u{0}\u{1}\u{2}",
        "BEGIN:VEVENT\nDTSTART\nEND:VEVENT",
    ] {
        assert!(holidays(text).is_err(), "{:?}", text.chars().take(40).collect::<String>());
    }
}
