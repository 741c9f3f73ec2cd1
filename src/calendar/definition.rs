//! Calendar definitions, in TOML or JSON.
//!
//! ```toml
//! time_zone = "Europe/Oslo"
//! mon-thu = ["08:00-12:00", "12:30-17:00"]
//! fri = ["08:00-15:00"]
//! holidays = ["--01-01", "2027-03-25", { file = "norway.ics" }]
//! [special]
//! "2026-12-24" = ["08:00-12:00"]
//! ```
//!
//! or `hours = "24x7"`, or `hours = [...]` for the same hours every day. A calendar that is open around the clock may omit its
//! zone (it is then UTC); any other must name it.

use super::holiday_file::HolidayFile;
use super::hours::{DAY_S, Interval, WEEKDAYS, weekdays};
use super::ical::HolidayNote;
use super::zone::Zone;
use super::{CalendarError, hours, ical};
use crate::limits::{MAX_INTERVALS_A_DAY, MAX_SPECIAL_DAYS};
use jiff::civil::Date;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// A calendar as written. All its texts are parsed; whether its zone exists and it ever opens is known only after compiling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarDefinition {
    /// An IANA name.
    pub time_zone: String,
    /// Opening hours of Monday to Sunday.
    pub weekly: [Vec<Interval>; 7],
    /// Dates without hours.
    pub holidays: Vec<Holiday>,
    /// Dates with hours of their own, which replace all others on that date, even on a holiday.
    pub special: BTreeMap<Date, Vec<Interval>>,
}

/// A day, or a file of days, without opening hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holiday {
    /// The same date every year: `"--12-25"`.
    Yearly { month: i8, day: i8 },
    /// One date: `"2027-03-25"`.
    On(Date),
    /// The days of an iCalendar file: `{ file = "norway.ics" }`.
    File(HolidayFile),
    /// A day, or a part of one, that an event of such a file closes.
    Event {
        date: Date,
        /// Seconds of the wall-clock day, from and to; all of it if missing.
        part: Option<(u32, u32)>,
        /// Its summary.
        name: Arc<str>,
    },
}

impl CalendarDefinition {
    /// The same calendar with its holiday files replaced by their days, so that it is self-contained; and the events that were
    /// left out. `read` returns the text of a file by the name that the definition has for it, or the reason why it cannot.
    ///
    /// # Errors
    /// An unknown zone; a file that cannot be read or is not iCalendar; more days than [`MAX_SPECIAL_DAYS`].
    pub fn resolved(
        &self,
        read: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<(Self, Vec<HolidayNote>), CalendarError> {
        let mut holidays = Vec::with_capacity(self.holidays.len());
        let mut notes = Vec::new();
        let mut zone = None;
        for holiday in &self.holidays {
            match holiday {
                Holiday::File(choice) => {
                    let zone = match &zone {
                        Some(zone) => zone,
                        None => zone.insert(Zone::named(&self.time_zone)?),
                    };
                    let closed = read(&choice.file).and_then(|text| ical::closed_days(&text, zone, choice));
                    let (days, mut of_file) =
                        closed.map_err(|reason| CalendarError::File { file: choice.file.clone(), reason })?;
                    let days =
                        days.into_iter().map(|day| Holiday::Event { date: day.date, part: day.part, name: day.event });
                    holidays.extend(days);
                    notes.append(&mut of_file);
                }
                day => holidays.push(day.clone()),
            }
            let days = holidays.len() + self.special.len();
            if days > MAX_SPECIAL_DAYS {
                return Err(CalendarError::TooManyDays { days });
            }
        }
        Ok((Self { holidays, ..self.clone() }, notes))
    }

    /// What is valid and probably not meant: hours that end within the last minute of the day.
    pub fn warnings(&self) -> Vec<String> {
        let weekly = WEEKDAYS.iter().zip(&self.weekly).map(|(day, hours)| ((*day).to_owned(), hours));
        let special = self.special.iter().map(|(date, hours)| (date.to_string(), hours));
        weekly
            .chain(special)
            .flat_map(|(day, hours)| hours.iter().map(move |interval| (day.clone(), interval)))
            .filter(|(_, interval)| (DAY_S - 60..DAY_S).contains(&interval.on_its_date().1))
            .map(|(day, interval)| {
                format!("{day}: the hours {interval} leave the last minute of the day closed: for all of it, end them at 24:00")
            })
            .collect()
    }
}

impl<'de> Deserialize<'de> for CalendarDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DefinitionVisitor)
    }
}

struct DefinitionVisitor;

impl<'de> Visitor<'de> for DefinitionVisitor {
    type Value = CalendarDefinition;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a calendar: time_zone, hours by weekday, holidays, special days")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CalendarDefinition, A::Error> {
        let mut time_zone: Option<String> = None;
        let mut every_day: Option<EveryDay> = None;
        let mut by_weekday: [Option<Vec<Interval>>; 7] = Default::default();
        let mut holidays = Holidays::default();
        let mut special = SpecialDays::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "time_zone" => time_zone = Some(map.next_value()?),
                "hours" => every_day = Some(map.next_value()?),
                "holidays" => holidays = map.next_value()?,
                "special" => special = map.next_value()?,
                key => {
                    let Some(days) = weekdays(key) else {
                        return Err(A::Error::custom(format!(
                            "unknown key {:?} in a calendar: expected time_zone, hours, holidays, special, or weekdays \
                             such as mon, mon-fri or \"mon,wed\"",
                            hours::short(key)
                        )));
                    };
                    let DayHours(intervals) = map.next_value()?;
                    for day in days {
                        if by_weekday[day].replace(intervals.clone()).is_some() {
                            return Err(A::Error::custom(format!(
                                "{} gets its hours twice, the second time from {key:?}: name each weekday once",
                                WEEKDAYS[day]
                            )));
                        }
                    }
                }
            }
        }
        if every_day.is_some() && by_weekday.iter().any(Option::is_some) {
            return Err(A::Error::custom("hours applies to every weekday: leave it out, or leave the weekdays out"));
        }
        let around_the_clock = matches!(every_day, Some(EveryDay::AroundTheClock));
        let weekly = match every_day {
            Some(EveryDay::AroundTheClock) => [const { Interval::WHOLE_DAY }; 7].map(|whole| vec![whole]),
            Some(EveryDay::Hours(intervals)) => std::array::from_fn(|_| intervals.clone()),
            None => by_weekday.map(Option::unwrap_or_default),
        };
        let time_zone = match time_zone {
            Some(zone) => zone,
            None if around_the_clock && holidays.0.is_empty() && special.0.is_empty() => "Etc/UTC".to_owned(),
            None => {
                return Err(A::Error::custom(
                    "a calendar with opening hours needs a time_zone, such as time_zone = \"Europe/Oslo\"",
                ));
            }
        };
        Ok(CalendarDefinition { time_zone, weekly, holidays: holidays.0, special: special.0 })
    }
}

/// The value of `hours`.
enum EveryDay {
    AroundTheClock,
    Hours(Vec<Interval>),
}

impl<'de> Deserialize<'de> for EveryDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Hours;
        impl<'de> Visitor<'de> for Hours {
            type Value = EveryDay;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("\"24x7\" or a list of opening hours such as [\"08:00-17:00\"]")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<EveryDay, E> {
                match text {
                    "24x7" | "24/7" => Ok(EveryDay::AroundTheClock),
                    hours => DayHoursVisitor.visit_str(hours).map(|DayHours(intervals)| EveryDay::Hours(intervals)),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<EveryDay, A::Error> {
                DayHoursVisitor.visit_seq(seq).map(|DayHours(intervals)| EveryDay::Hours(intervals))
            }
        }
        deserializer.deserialize_any(Hours)
    }
}

/// The intervals of one day: a list, or one text for a single interval.
struct DayHours(Vec<Interval>);

struct DayHoursVisitor;

impl<'de> Visitor<'de> for DayHoursVisitor {
    type Value = DayHours;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of opening hours such as [\"08:00-12:00\", \"12:30-17:00\"], or [] for none")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<DayHours, E> {
        text.parse().map(|interval| DayHours(vec![interval])).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<DayHours, A::Error> {
        let mut intervals = Vec::new();
        while let Some(Parsed(interval)) = seq.next_element()? {
            if intervals.len() == MAX_INTERVALS_A_DAY {
                return Err(A::Error::custom(format!("a day has at most {MAX_INTERVALS_A_DAY} intervals of hours")));
            }
            intervals.push(interval);
        }
        Ok(DayHours(intervals))
    }
}

impl<'de> Deserialize<'de> for DayHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DayHoursVisitor)
    }
}

/// One interval; its mistakes are reported at its place.
struct Parsed(Interval);

impl<'de> Deserialize<'de> for Parsed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Parsed;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("opening hours such as \"08:00-17:00\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Parsed, E> {
                text.parse().map(Parsed).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

#[derive(Default)]
struct Holidays(Vec<Holiday>);

impl<'de> Deserialize<'de> for Holidays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Holidays;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of holidays such as [\"--12-25\", \"2027-03-25\", { file = \"holidays.ics\" }]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Holidays, A::Error> {
                let mut holidays = Vec::new();
                while let Some(holiday) = seq.next_element()? {
                    if holidays.len() == MAX_SPECIAL_DAYS {
                        return Err(A::Error::custom(format!("a calendar has at most {MAX_SPECIAL_DAYS} holidays")));
                    }
                    holidays.push(holiday);
                }
                Ok(Holidays(holidays))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// How serde sees a TOML date without quotes.
const TOML_DATE_KEY: &str = "$__toml_private_datetime";

impl<'de> Deserialize<'de> for Holiday {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Holiday;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a holiday: \"--12-25\", \"2027-03-25\" or { file = \"holidays.ics\" }")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Holiday, E> {
                match text.strip_prefix("--") {
                    // 2000 is a leap year, so 29 February is accepted, a day that some years do not have.
                    Some(yearly) => match hours::parse_date(&format!("2000-{yearly}")) {
                        Ok(date) => Ok(Holiday::Yearly { month: date.month(), day: date.day() }),
                        Err(_) => Err(E::custom(format!(
                            "{:?} is not a day of a year: expected month and day such as \"--12-25\"",
                            hours::short(text)
                        ))),
                    },
                    None => hours::parse_date(text).map(Holiday::On).map_err(E::custom),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Holiday, A::Error> {
                let mut choice: HolidayFile = Default::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        TOML_DATE_KEY => return self.visit_str(&map.next_value::<String>()?),
                        "file" => choice.file = map.next_value()?,
                        "only" => choice.only = map.next_value()?,
                        "except" => choice.except = map.next_value()?,
                        "categories" => choice.categories = map.next_value()?,
                        "description" => choice.description = map.next_value()?,
                        "partial" => choice.partial = map.next_value()?,
                        key => {
                            return Err(A::Error::custom(format!(
                                "unknown key {:?}: a holiday is a date or {{ file = \"holidays.ics\" }}, with only, except, \
                                 categories, description, partial",
                                hours::short(key)
                            )));
                        }
                    }
                }
                if choice.file.is_empty() {
                    return Err(A::Error::custom("a holiday is a date or { file = \"holidays.ics\" }"));
                }
                Ok(Holiday::File(choice))
            }
        }
        deserializer.deserialize_any(One)
    }
}

#[derive(Default)]
struct SpecialDays(BTreeMap<Date, Vec<Interval>>);

impl<'de> Deserialize<'de> for SpecialDays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Days;
        impl<'de> Visitor<'de> for Days {
            type Value = SpecialDays;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("special days: dates and their hours, such as \"2026-12-24\" = [\"08:00-12:00\"]")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SpecialDays, A::Error> {
                let mut days = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    let date = hours::parse_date(&key).map_err(A::Error::custom)?;
                    let DayHours(intervals) = map.next_value()?;
                    if days.insert(date, intervals).is_some() {
                        return Err(A::Error::custom(format!("special day {date} is given twice")));
                    }
                    if days.len() > MAX_SPECIAL_DAYS {
                        return Err(A::Error::custom(format!(
                            "a calendar has at most {MAX_SPECIAL_DAYS} special days"
                        )));
                    }
                }
                Ok(SpecialDays(days))
            }
        }
        deserializer.deserialize_map(Days)
    }
}

impl Serialize for CalendarDefinition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time_zone", &self.time_zone)?;
        if self.weekly.iter().all(|day| *day == [Interval::WHOLE_DAY]) {
            map.serialize_entry("hours", "24x7")?;
        } else {
            for (name, day) in WEEKDAYS.iter().zip(&self.weekly).filter(|(_, day)| !day.is_empty()) {
                map.serialize_entry(name, &Texts(day))?;
            }
        }
        if !self.holidays.is_empty() {
            map.serialize_entry("holidays", &self.holidays)?;
        }
        // Last, because in TOML a table ends the plain keys.
        if !self.special.is_empty() {
            let special: BTreeMap<String, Texts<'_>> =
                self.special.iter().map(|(date, day)| (date.to_string(), Texts(day))).collect();
            map.serialize_entry("special", &special)?;
        }
        map.end()
    }
}

struct Texts<'a>(&'a [Interval]);

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for interval in self.0 {
            seq.serialize_element(&interval.to_string())?;
        }
        seq.end()
    }
}

impl Serialize for Holiday {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Yearly { month, day } => serializer.serialize_str(&format!("--{month:02}-{day:02}")),
            Self::On(date) => serializer.serialize_str(&date.to_string()),
            // Of a resolved calendar: as the holiday that it is.
            Self::Event { date, .. } => serializer.serialize_str(&date.to_string()),
            Self::File(file) => file.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests;
