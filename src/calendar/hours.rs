//! Parses opening hours: intervals, weekdays, dates.

use jiff::civil::Date;
use std::fmt;
use std::str::FromStr;

/// Seconds of a wall-clock day.
pub(super) const DAY_S: u32 = 86_400;

/// The names of the weekdays, Monday first.
pub const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// An interval of opening hours on the wall clock: from its first second to before its last. If it ends at or before its
/// beginning it runs over midnight into the next date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    from_s: u32,
    to_s: u32,
}

impl Interval {
    /// All of a date.
    pub const WHOLE_DAY: Self = Self { from_s: 0, to_s: DAY_S };

    /// From two times of the day: `"08:00"`, `"08:00:30"`, or `"24:00"` as an end.
    ///
    /// # Errors
    /// What is wrong with them, and what was expected.
    pub fn from_times(from: &str, to: &str) -> Result<Self, String> {
        let (from_s, to_s) = (time_of_day(from)?, time_of_day(to)?);
        if from_s == DAY_S {
            return Err(format!("opening hours cannot begin at {from}: write 00:00 on the next day"));
        }
        Ok(Self { from_s, to_s })
    }

    /// The part on the date that it is written for, in seconds of the wall-clock day.
    pub fn on_its_date(self) -> (u32, u32) {
        (self.from_s, if self.is_over_midnight() { DAY_S } else { self.to_s })
    }

    /// The part on the next date, if it has one.
    pub fn on_the_next_date(self) -> Option<(u32, u32)> {
        (self.is_over_midnight() && self.to_s > 0).then_some((0, self.to_s))
    }

    fn is_over_midnight(self) -> bool {
        self.to_s <= self.from_s
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('-') {
            Some((from, to)) => Self::from_times(from.trim(), to.trim()),
            None if text.contains(['\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}']) => {
                Err(format!("{:?} has a dash, expected a hyphen between the times, as in \"08:00-17:00\"", short(text)))
            }
            None => Err(format!("{:?} are not opening hours: expected a text such as \"08:00-17:00\"", short(text))),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", TimeOfDay(self.from_s), TimeOfDay(self.to_s))
    }
}

/// A number of seconds since midnight, shown as `08:00`, with seconds only if they are not zero.
pub struct TimeOfDay(pub u32);

impl fmt::Display for TimeOfDay {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3_600, self.0 / 60 % 60, self.0 % 60);
        write!(out, "{hours:02}:{minutes:02}")?;
        if seconds == 0 { Ok(()) } else { write!(out, ":{seconds:02}") }
    }
}

fn time_of_day(text: &str) -> Result<u32, String> {
    let wrong = || format!("{:?} is not a time of day: expected 00:00 to 24:00, such as \"08:30\"", short(text));
    let mut parts = text.split(':');
    let mut part = |limit: u32| {
        let digits = parts.next().filter(|digits| digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u32>().ok()).filter(|&number| number <= limit).ok_or_else(wrong)
    };
    let (hours, minutes) = (part(24)?, part(59)?);
    let seconds = if text.len() > 5 { part(59)? } else { 0 };
    let total = hours * 3_600 + minutes * 60 + seconds;
    if total > DAY_S || parts.next().is_some() { Err(wrong()) } else { Ok(total) }
}

/// Parses the weekdays that a key names: `"mon"`, `"mon-thu"`, `"sat-mon"`, `"mon,wed,fri"`; `None` if it names none.
pub(super) fn weekdays(key: &str) -> Option<Vec<usize>> {
    let mut days = Vec::new();
    for part in key.split(',') {
        match part.split_once('-') {
            None => days.push(weekday(part)?),
            Some((first, last)) => {
                let (first, last) = (weekday(first)?, weekday(last)?);
                days.extend((0..=(last + 7 - first) % 7).map(|step| (first + step) % 7));
            }
        }
    }
    Some(days)
}

fn weekday(name: &str) -> Option<usize> {
    const LONG: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let name = name.trim().to_ascii_lowercase();
    (0..7).find(|&day| WEEKDAYS[day] == name || LONG[day] == name)
}

/// Parses a date such as `2027-03-25`.
///
/// # Errors
/// What is wrong with it, and what was expected.
pub fn parse_date(text: &str) -> Result<Date, String> {
    let plain = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    plain
        .then(|| text.parse().ok())
        .flatten()
        .ok_or_else(|| format!("{:?} is not a date: expected one such as \"2027-03-25\"", short(text)))
}

/// The beginning of a text, for use in a message.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests;
