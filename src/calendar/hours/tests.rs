use super::*;

#[test]
fn intervals_are_read_and_written() {
    for text in ["08:00-17:00", "00:00-24:00", "22:00-06:00", "06:00-06:00", "08:00:30-12:30:15"] {
        assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
    }
    let night: Interval = "22:00-06:00".parse().unwrap();
    assert_eq!(night.on_its_date(), (22 * 3_600, DAY_S));
    assert_eq!(night.on_the_next_date(), Some((0, 6 * 3_600)));
    let evening: Interval = "22:00-00:00".parse().unwrap();
    assert_eq!((evening.on_its_date(), evening.on_the_next_date()), ((22 * 3_600, DAY_S), None));
    for text in [
        "",
        "8:00-17:00",
        "08:00",
        "08.00-17.00",
        "24:00-25:00",
        "24:00-24:00",
        "08:00-24:01",
        "08:60-09:00",
        "08:00-17:00:00:00",
        "08:00-",
        "+8:00-17:00",
        "08:00-17:00:60",
    ] {
        assert!(text.parse::<Interval>().is_err(), "{text}");
    }
}

#[test]
fn weekdays_come_in_ranges_and_lists() {
    assert_eq!(weekdays("mon"), Some(vec![0]));
    assert_eq!(weekdays("mon-thu"), Some(vec![0, 1, 2, 3]));
    assert_eq!(weekdays("sat-mon"), Some(vec![5, 6, 0]));
    assert_eq!(weekdays("mon, Wednesday,fri-sat"), Some(vec![0, 2, 4, 5]));
    assert_eq!(weekdays("holidays"), None);
    assert_eq!(weekdays(""), None);
}

#[test]
fn dates_are_plain() {
    assert_eq!(parse_date("2027-03-25").unwrap().to_string(), "2027-03-25");
    for text in ["2027-02-30", "2027-3-25", "27-03-25", "2027-03-25T00:00", "20270325"] {
        assert!(parse_date(text).is_err(), "{text}");
    }
}
