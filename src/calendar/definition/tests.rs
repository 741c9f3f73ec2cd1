use super::*;

const NORWAY: &str = r#"
time_zone = "Europe/Oslo"
mon-thu = ["08:00-12:00", "12:30-17:00"]
fri = "08:00-15:00"
sun = []
holidays = ["--01-01", "--05-17", "2027-03-25", 2027-03-26, { file = "norway.ics" }]
[special]
"2026-12-24" = ["08:00-12:00"]
2026-12-31 = ["08:00-12:00"]
"#;

fn read(toml: &str) -> CalendarDefinition {
    toml::from_str(toml).unwrap()
}

fn refusal(toml: &str) -> String {
    toml::from_str::<CalendarDefinition>(toml).unwrap_err().to_string()
}

fn nothing(_: &str) -> Result<String, String> {
    Err("there is no such file".to_owned())
}

#[test]
fn a_calendar_reads_like_the_page_that_describes_it() {
    let norway = read(NORWAY);
    let hours = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Interval>>();
    assert_eq!(norway.time_zone, "Europe/Oslo");
    assert_eq!(norway.weekly[3], hours(&["08:00-12:00", "12:30-17:00"]));
    assert_eq!(norway.weekly[4], hours(&["08:00-15:00"]));
    assert_eq!(norway.weekly[5], []);
    assert_eq!(norway.holidays[1], Holiday::Yearly { month: 5, day: 17 });
    assert_eq!(norway.holidays[3], Holiday::On("2027-03-26".parse().unwrap()));
    assert_eq!(
        norway.holidays[4],
        Holiday::File(HolidayFile { file: "norway.ics".to_owned(), ..HolidayFile::default() })
    );
    assert_eq!(norway.special[&"2026-12-31".parse::<Date>().unwrap()], hours(&["08:00-12:00"]));
}

#[test]
fn what_is_written_back_reads_the_same() {
    let every_day = "time_zone = \"Asia/Tokyo\"\nhours = [\"22:00-06:00\"]\nholidays = [\"--02-29\"]";
    let chosen = "time_zone = \"Etc/UTC\"\nholidays = [{ file = \"a.ics\", only = [\"A*\"], partial = \"close\" }]";
    for text in [NORWAY, "hours = \"24x7\"", every_day, chosen] {
        let definition = read(text);
        assert_eq!(read(&toml::to_string(&definition).unwrap()), definition);
        let json = serde_json::to_string(&definition).unwrap();
        assert_eq!(serde_json::from_str::<CalendarDefinition>(&json).unwrap(), definition, "{json}");
    }
}

#[test]
fn holiday_files_are_put_in_their_place() {
    let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270514\nEND:VEVENT\nEND:VCALENDAR\n";
    let (resolved, notes) = read(NORWAY).resolved(&mut |file| Ok(ics.replace("norway", file))).unwrap();
    let (date, name) = ("2027-05-14".parse().unwrap(), "without a SUMMARY".into());
    assert_eq!(resolved.holidays[4], Holiday::Event { date, part: None, name });
    assert_eq!(notes, []);
    let error = read(NORWAY).resolved(&mut nothing).unwrap_err();
    assert_eq!(error.to_string(), "holiday file \"norway.ics\": there is no such file");
}

#[test]
fn mistakes_are_named_with_what_was_expected() {
    for (text, expected) in [
        ("mon = [\"09:00-17:00\"]", "needs a time_zone"),
        ("hours = \"24x7\"\nholidays = [\"--12-25\"]", "needs a time_zone"),
        ("time_zone = 7\nmon = []", "expected a string"),
        ("time_zone = \"Etc/UTC\"\nmonn = []", "unknown key \"monn\" in a calendar: expected time_zone"),
        ("time_zone = \"Etc/UTC\"\nmon-wed = []\ntue = []", "tue gets its hours twice, the second time from \"tue\""),
        ("time_zone = \"Etc/UTC\"\nhours = []\ntue = []", "hours applies to every weekday"),
        ("time_zone = \"Etc/UTC\"\nhours = \"always\"", "\"always\" are not opening hours"),
        ("time_zone = \"Etc/UTC\"\nmon = [\"9-17\"]", "\"9\" is not a time of day: expected 00:00 to 24:00"),
        ("time_zone = \"Etc/UTC\"\nmon = [\"09:00\u{2013}17:00\"]", "has a dash"),
        ("time_zone = \"Etc/UTC\"\nmon = [9]", "expected opening hours such as"),
        ("time_zone = \"Etc/UTC\"\nholidays = [\"--13-01\"]", "\"--13-01\" is not a day of a year"),
        ("time_zone = \"Etc/UTC\"\nholidays = [\"25.12.2026\"]", "\"25.12.2026\" is not a date"),
        ("time_zone = \"Etc/UTC\"\nholidays = [2026-12-25T00:00:00Z]", "is not a date"),
        ("time_zone = \"Etc/UTC\"\nholidays = [{ url = \"x\" }]", "a holiday is a date or { file"),
        ("time_zone = \"Etc/UTC\"\nholidays = [{ file = \"x\", year = 3 }]", "unknown key \"year\": a holiday"),
        ("time_zone = \"Etc/UTC\"\nholidays = \"--12-25\"", "a list of holidays"),
        ("time_zone = \"Etc/UTC\"\n[special]\ntomorrow = []", "\"tomorrow\" is not a date"),
        ("time_zone = \"Etc/UTC\"\nspecial = []", "expected special days"),
    ] {
        let message = refusal(text);
        assert!(message.contains(expected), "{text}: {message}");
    }
    let many = vec!["\"09:00-10:00\""; 49].join(",");
    assert!(refusal(&format!("time_zone = \"Etc/UTC\"\nmon = [{many}]")).contains("at most 48 intervals"));
}

#[test]
fn mistakes_are_found_on_their_line() {
    let message = refusal("time_zone = \"Etc/UTC\"\nmon = [\n  \"09:00-12:00\",\n  \"13:00-25:00\",\n]");
    assert!(message.contains("line 4"), "{message}");
}
