use super::*;
use crate::calendar::CalendarDefinition;

fn office() -> Calendar {
    let toml = "time_zone = \"Europe/Oslo\"\nmon-fri = [\"09:00-17:00\"]";
    let definition: CalendarDefinition = toml::from_str(toml).unwrap();
    Calendar::new("office", &definition, &mut |_| Err(String::new())).unwrap()
}

fn response(start: &str, target: &str) -> String {
    let mut out = Vec::new();
    run(&office(), start, target.parse().unwrap(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_answer_comes_first_and_then_what_was_counted() {
    let expected = "due     Mon 2026-11-23 10:00 +01:00   2026-11-23T09:00:00Z
target  2h
start   Fri 2026-11-20 16:00 +01:00   2026-11-20T15:00:00Z
in      office (Europe/Oslo, zone data VERSION)

counted
  Fri 2026-11-20 16:00 +01:00  to  Fri 2026-11-20 17:00 +01:00         1h  sum        1h   2026-11-20T15:00:00Z/2026-11-20T16:00:00Z
  Mon 2026-11-23 09:00 +01:00  to  Mon 2026-11-23 10:00 +01:00         1h  sum        2h   2026-11-23T08:00:00Z/2026-11-23T09:00:00Z
"
    .replace("VERSION", zone_data_version());
    assert_eq!(response("2026-11-20T15:00:00Z", "2h"), expected);
    // A time without an offset is in the calendar's zone.
    assert_eq!(response("2026-11-20T16:00", "2h"), expected);
    assert_eq!(response("2026-11-20 16:00:00", "2h"), expected);
}

#[test]
fn days_say_where_they_start_and_end() {
    let text = response("2026-11-21T12:00", "1bd");
    assert!(text.starts_with("due     Tue 2026-11-24 09:00 +01:00"), "{text}");
    assert!(text.contains("outside opening hours; they begin Mon 2026-11-23 09:00 +01:00"), "{text}");
    assert!(response("2026-10-01T12:00", "30d").contains("721h"), "the clock goes back in October");
    assert!(response("2026-10-01T12:00", "0h").contains("nothing"));
    assert!(response("2026-01-01T12:00", "4000h").contains("more …"));
}

#[test]
fn what_has_no_end_or_no_start_is_refused() {
    let refusal = |start: &str, target: &str| {
        let target = target.parse().unwrap();
        format!("{:#}", run(&office(), start, target, &mut Vec::new()).unwrap_err())
    };
    assert!(refusal("2099-01-01T12:00", "40000bd").contains("ends after 2106-02-07T06:28:15Z"));
    assert!(refusal("yesterday", "1h").contains("\"yesterday\" is not an RFC 3339 time"));
    assert!(refusal("2150-01-01T12:00", "1h").contains("outside 1970-01-01 to 2099-12-31"));
    assert!(refusal("9999-12-31T23:59", "1h").contains("outside"));
}
