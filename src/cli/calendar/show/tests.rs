use super::*;
use crate::calendar::CalendarDefinition;

fn month(toml: &str, month: &str) -> String {
    let definition: CalendarDefinition = toml::from_str(toml).unwrap();
    let calendar = Calendar::new("office", &definition, &mut |_| Err(String::new())).unwrap();
    let mut out = Vec::new();
    run(&calendar, Some(month), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_month_reads_like_a_wall_calendar() {
    let office = "time_zone = \"Europe/Oslo\"\nmon-thu = [\"08:00-12:00\", \"12:30-17:00\"]\nfri = \"08:00-15:00\"\n\
                  holidays = [\"--12-25\"]\n[special]\n2026-12-24 = \"08:00-12:00\"";
    let text = month(office, "2026-12");
    let expected = "December 2026   office (Europe/Oslo, zone data VERSION)

week 49
  Tue  1  08:00-12:00  12:30-17:00                8h30m
  Wed  2  08:00-12:00  12:30-17:00                8h30m
  Thu  3  08:00-12:00  12:30-17:00                8h30m
  Fri  4  08:00-15:00                                7h
  Sat  5  closed
  Sun  6  closed
          4 working days, 32h30m
"
    .replace("VERSION", zone_data_version());
    assert!(text.starts_with(&expected), "{text}");
    assert!(text.contains("  Thu 24  08:00-12:00                                4h   special day\n"), "{text}");
    assert!(text.contains("  Fri 25  closed                                          holiday\n"), "{text}");
    assert!(text.ends_with("\nDecember 2026: 22 working days, 178h\n"), "{text}");
}

#[test]
fn changes_of_the_clock_are_told() {
    let night = "time_zone = \"Europe/Oslo\"\nhours = \"22:00-06:00\"";
    let march = month(night, "2026-03");
    let line = "Sun 29  00:00-06:00  22:00-24:00                   7h   \
                the clock goes forward 1h at 02:00 (+01:00 to +02:00)\n";
    assert!(march.contains(line), "{march}");
    assert!(month(night, "2026-10").contains("9h   the clock goes back 1h at 03:00 (+02:00 to +01:00)"));
    let apia = month("time_zone = \"Pacific/Apia\"\nhours = \"24x7\"", "2011-12");
    assert!(
        apia.contains("Fri 30  closed                                          the clock skips this date"),
        "{apia}"
    );
}

#[test]
fn a_month_is_year_and_month() {
    for text in ["2026", "2026-13", "12-2026", "2026-1", "1969-12", "2106-01", "december"] {
        assert!(parse_month(text).is_err(), "{text}");
    }
    assert_eq!(parse_month("2026-12").unwrap().to_string(), "2026-12-01");
}
