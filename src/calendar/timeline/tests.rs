use super::*;
use crate::time::{HOUR_MS, parse_rfc3339};

fn ms(text: &str) -> i64 {
    parse_rfc3339(text).unwrap()
}

fn timeline(toml: &str) -> Timeline {
    Timeline::compile(&toml::from_str(toml).unwrap()).unwrap()
}

fn office() -> Timeline {
    timeline("time_zone = \"Europe/Oslo\"\nmon-fri = [\"09:00-17:00\"]")
}

#[test]
fn superoffice_fires_on_monday() {
    // Monday to Friday 09:00-17:00, two hours from Friday 16:00: Monday 10:00.
    let friday = ms("2026-11-20T16:00:00+01:00");
    assert_eq!(office().add(friday, 2 * HOUR_MS), ms("2026-11-23T10:00:00+01:00"));
    assert_eq!(office().elapsed(friday, ms("2026-11-23T10:00:00+01:00")), 2 * HOUR_MS);
}

#[test]
fn an_amount_that_ends_at_closing_time_is_due_at_closing_time() {
    let office = office();
    let friday = ms("2026-11-20T16:00:00+01:00");
    assert_eq!(office.add(friday, HOUR_MS), ms("2026-11-20T17:00:00+01:00"));
    assert_eq!(office.add(friday, HOUR_MS + 1), ms("2026-11-23T09:00:00.001+01:00"));
    let saturday = ms("2026-11-21T12:00:00+01:00");
    assert_eq!(office.add(saturday, 0), saturday);
    assert_eq!(office.next_open(saturday), ms("2026-11-23T09:00:00+01:00"));
    assert_eq!(office.next_open(friday), friday);
    assert_eq!(office.next_close(friday), ms("2026-11-20T17:00:00+01:00"));
    assert!(office.is_open(friday) && !office.is_open(saturday));
    assert!(!office.is_open(ms("2026-11-20T17:00:00+01:00")));
}

#[test]
fn open_intervals_join_over_midnight_utc() {
    let sydney = timeline("time_zone = \"Australia/Sydney\"\nmon-tue = [\"08:00-12:00\", \"12:00-18:00\"]");
    let intervals: Vec<_> = sydney.open_intervals(ms("2026-11-22T22:00:00Z"), ms("2026-11-24T00:00:00Z")).collect();
    let expected = [("2026-11-22T22:00:00Z", "2026-11-23T07:00:00Z"), ("2026-11-23T21:00:00Z", "2026-11-24T00:00:00Z")];
    assert_eq!(intervals, expected.map(|(from, to)| (ms(from), ms(to))));
}

#[test]
fn business_days_keep_the_wall_clock() {
    let office = timeline(
        "time_zone = \"Europe/Oslo\"\nmon-thu = [\"09:00-17:00\"]\nfri = [\"09:00-15:00\"]\nholidays = [\"2026-11-24\"]",
    );
    let due = |start: &str, days| office.add_business_days(ms(start), days);
    // Tuesday is a holiday.
    assert_eq!(due("2026-11-23T10:30:00+01:00", 1), ms("2026-11-25T10:30:00+01:00"));
    // Before opening: from the opening. After closing, on a closed day: from the next opening.
    assert_eq!(due("2026-11-23T07:00:00+01:00", 1), ms("2026-11-25T09:00:00+01:00"));
    assert_eq!(due("2026-11-20T15:00:00+01:00", 1), ms("2026-11-25T09:00:00+01:00"));
    assert_eq!(due("2026-11-21T12:00:00+01:00", 2), ms("2026-11-26T09:00:00+01:00"));
    // The same wall-clock time, although Friday closes at 15:00.
    assert_eq!(due("2026-11-26T16:00:00+01:00", 1), ms("2026-11-27T16:00:00+01:00"));
    // None: into opening hours, no further.
    assert_eq!(due("2026-11-21T12:00:00+01:00", 0), ms("2026-11-23T09:00:00+01:00"));
    // Over the change to winter time.
    assert_eq!(due("2026-10-23T10:00:00+02:00", 1), ms("2026-10-26T10:00:00+01:00"));
    assert_eq!(due("2026-10-23T10:00:00+02:00", 50_000), NEVER_MS);
}

#[test]
fn days_land_on_skipped_and_repeated_wall_times_by_the_rule() {
    let oslo = timeline("time_zone = \"Europe/Oslo\"\nhours = \"24x7\"");
    assert!(oslo.is_always());
    for add in [Timeline::add_calendar_days, Timeline::add_business_days] {
        assert_eq!(add(&oslo, ms("2026-03-28T02:30:00+01:00"), 1), ms("2026-03-29T03:00:00+02:00"));
        assert_eq!(add(&oslo, ms("2026-10-24T02:30:00+02:00"), 1), ms("2026-10-25T02:30:00+02:00"));
        assert_eq!(add(&oslo, ms("2026-10-25T02:30:00+01:00"), 1), ms("2026-10-26T02:30:00+01:00"));
        assert_eq!(add(&oslo, ms("2026-10-25T02:30:00+01:00"), 0), ms("2026-10-25T02:30:00+01:00"));
    }
    // Samoa had no 30 December 2011: it is not a working day, but 30 days count it.
    let apia = timeline("time_zone = \"Pacific/Apia\"\nmon-fri = [\"09:00-17:00\"]");
    let thursday = ms("2011-12-29T10:00:00-10:00");
    assert_eq!(apia.add_business_days(thursday, 1), ms("2012-01-02T10:00:00+14:00"));
    assert_eq!(apia.add_calendar_days(thursday, 1), ms("2011-12-31T00:00:00+14:00"));
    let always = Timeline::always(Zone::named("Pacific/Apia").unwrap());
    assert_eq!(always.add_business_days(thursday, 1), ms("2011-12-31T10:00:00+14:00"));
}

#[test]
fn compiled_and_constructed_around_the_clock_are_the_same() {
    for zone in ["Etc/UTC", "Pacific/Apia", "America/New_York"] {
        let compiled = timeline(&format!("time_zone = \"{zone}\"\nhours = \"24x7\""));
        let always = Timeline::always(Zone::named(zone).unwrap());
        for at in [0, 1, ms("2011-12-29T23:00:00Z"), HORIZON_MS - 1] {
            for days in [0, 1, 300] {
                assert_eq!(compiled.add_business_days(at, days), always.add_business_days(at, days), "{zone} {at}");
            }
        }
        assert_eq!(always.open_intervals(5, 9).collect::<Vec<_>>(), [(5, 9)]);
        assert_eq!(always.open_intervals(HORIZON_MS - 5, NEVER_MS).collect::<Vec<_>>(), [(HORIZON_MS - 5, HORIZON_MS)]);
    }
}

#[test]
fn nothing_is_open_beyond_the_ends() {
    for timeline in [office(), timeline("hours = \"24x7\"")] {
        assert_eq!(timeline.add(HORIZON_MS - 1, 40 * HOUR_MS), NEVER_MS);
        assert_eq!(timeline.add(NEVER_MS, 1), NEVER_MS);
        assert_eq!(timeline.add(0, i64::MAX), NEVER_MS);
        assert_eq!(timeline.next_open(NEVER_MS), NEVER_MS);
        assert_eq!(timeline.next_open(HORIZON_MS + 1), NEVER_MS);
        assert_eq!(timeline.add_business_days(NEVER_MS, 1), NEVER_MS);
        assert_eq!(timeline.add_calendar_days(NEVER_MS, 1), NEVER_MS);
        assert_eq!(timeline.add_calendar_days(HORIZON_MS - 1, 1), NEVER_MS);
        assert_eq!(timeline.elapsed(NEVER_MS, NEVER_MS), 0);
        assert_eq!(timeline.elapsed(-5, 0), 0);
        assert_eq!(timeline.elapsed(9, 3), 0);
        assert_eq!(timeline.elapsed(HORIZON_MS, NEVER_MS), 0);
        assert_eq!(timeline.open_intervals(HORIZON_MS, NEVER_MS).next(), None);
    }
    // The first local date begins before 1970 UTC in the west.
    let west = timeline("time_zone = \"Pacific/Pago_Pago\"\nhours = [\"10:00-24:00\"]");
    assert_eq!(west.next_open(0), 0);
    assert_eq!(west.add_business_days(0, 1), DAY_MS);
    let east = timeline("time_zone = \"Pacific/Kiritimati\"\nhours = [\"10:00-24:00\"]");
    assert_eq!(east.add_business_days(HORIZON_MS - DAY_MS, 0), HORIZON_MS - DAY_MS);
}

#[test]
fn a_minute_a_year_is_enough() {
    let yearly = "time_zone = \"Etc/UTC\"\n[special]\n".to_owned()
        + &(1970..2106).map(|year| format!("{year}-07-01 = [\"12:00-12:01\"]\n")).collect::<String>();
    let yearly = timeline(&yearly);
    assert_eq!(yearly.add(0, 61_000), ms("1971-07-01T12:00:01Z"));
    assert_eq!(yearly.add(ms("2026-01-01T00:00:00Z"), 60_000), ms("2026-07-01T12:01:00Z"));
    assert_eq!(yearly.next_open(ms("2026-07-01T12:01:00Z")), ms("2027-07-01T12:00:00Z"));
    assert_eq!(yearly.add_business_days(ms("2026-01-01T00:00:00Z"), 3), ms("2029-07-01T12:00:00Z"));
}

#[test]
fn a_calendar_that_never_opens_is_refused() {
    let compile = |toml: &str| Timeline::compile(&toml::from_str(toml).unwrap()).unwrap_err();
    assert_eq!(compile("time_zone = \"Etc/UTC\""), CalendarError::NeverOpens);
    assert_eq!(compile("time_zone = \"Etc/UTC\"\nmon = []"), CalendarError::NeverOpens);
    // Only on a date that the zone skipped.
    let skipped = "time_zone = \"Pacific/Apia\"\n[special]\n2011-12-30 = [\"09:00-17:00\"]";
    assert_eq!(compile(skipped), CalendarError::NeverOpens);
    let message = compile("time_zone = \"Europe/Olso\"\nhours = \"24x7\"").to_string();
    assert!(message.contains("Europe/Olso") && message.contains("did you mean Europe/Oslo"), "{message}");
    let unread = compile("time_zone = \"Etc/UTC\"\nmon = \"09:00-17:00\"\nholidays = [{ file = \"x.ics\" }]");
    assert!(unread.to_string().contains("x.ics"));
}

#[test]
fn many_intervals_a_day_and_their_spill() {
    let hours: Vec<String> = (0..48)
        .map(|half| format!("\"{:02}:{:02}:00-{:02}:{:02}:59\"", half / 2, half % 2 * 30, half / 2, half % 2 * 30))
        .collect();
    let many = timeline(&format!("time_zone = \"Asia/Kathmandu\"\nhours = [{}]", hours.join(", ")));
    let start = ms("2026-11-22T00:00:00+05:45");
    assert_eq!(many.elapsed(start, start + DAY_MS), 48 * 59_000);
    for part in 1..100 {
        let due = many.add(start, part * 30_000);
        assert_eq!(many.elapsed(start, due), part * 30_000);
    }
    // Overlapping hours are merged.
    let overlapping = timeline("time_zone = \"Etc/UTC\"\nhours = [\"09:00-17:00\", \"08:00-12:00\", \"10:00-11:00\"]");
    assert_eq!(overlapping.elapsed(0, DAY_MS), 9 * HOUR_MS);
}

#[test]
fn years_of_hours_and_then_a_minute_a_year() {
    // The index is as fine as the whole calendar allows: the last 116 years lie in one entry of it.
    let daily: String = (0..5_000)
        .map(|day| jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).unwrap())
        .map(|date| format!("{date} = [\"00:00-24:00\"]\n"))
        .collect();
    let yearly: String = (1990..2106).map(|year| format!("{year}-07-01 = [\"12:00-12:01\"]\n")).collect();
    let calendar = timeline(&format!("time_zone = \"Etc/UTC\"\n[special]\n{daily}{yearly}"));
    for year in 1990..2105 {
        let start = ms(&format!("{}-07-01T12:00:30Z", year.min(2098)));
        let due = calendar.add(start, 60_000);
        assert_eq!(due, ms(&format!("{}-07-01T12:00:30Z", year.min(2098) + 1)));
        assert_eq!(calendar.elapsed(start, due), 60_000);
        assert_eq!(calendar.next_open(start + 60_000), due - 30_000);
    }
}
