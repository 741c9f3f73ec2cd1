//! Calendars for tests, compiled once.

use overdue::calendar::{Calendar, CalendarDefinition};
use std::sync::{Arc, LazyLock};

/// Monday to Friday, 09:00 to 17:00 in Oslo: the example of SuperOffice.
pub const OFFICE: &str = "office";
pub const ALWAYS: &str = "always";
/// The same from 08:00 to 16:00.
pub const EARLY: &str = "early";

const DEFINITIONS: [(&str, &str); 7] = [
    (OFFICE, "time_zone = 'Europe/Oslo'\nmon-fri = ['09:00-17:00']"),
    (ALWAYS, "hours = '24x7'"),
    (EARLY, "time_zone = 'Europe/Oslo'\nmon-fri = ['08:00-16:00']"),
    (
        "lunch",
        "time_zone = 'Europe/Oslo'\nmon-thu = ['08:00-12:00', '12:30-17:00']\nfri = ['08:00-15:00']\n\
         holidays = ['2026-03-27', '--05-01']",
    ),
    ("night", "time_zone = 'Europe/London'\nmon-sun = ['22:00-06:00']"),
    ("new_york", "time_zone = 'America/New_York'\nmon-sat = ['09:00-17:30']\nholidays = ['2026-03-28']"),
    ("all_day", "time_zone = 'Europe/Berlin'\nmon-sat = ['00:00-24:00']"),
];

static ALL: LazyLock<Vec<Arc<Calendar>>> =
    LazyLock::new(|| DEFINITIONS.iter().map(|(name, text)| Arc::new(make(name, text))).collect());

fn make(name: &str, text: &str) -> Calendar {
    let definition: CalendarDefinition = toml::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let no_files = &mut |file: &str| Err(format!("the calendars of the tests have no file {file}"));
    Calendar::new(name, &definition, no_files).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn all() -> &'static [Arc<Calendar>] {
    &ALL
}

pub fn named(name: &str) -> Arc<Calendar> {
    let named = ALL.iter().find(|calendar| calendar.name == name);
    Arc::clone(named.unwrap_or_else(|| panic!("no calendar of the tests is named {name}")))
}
