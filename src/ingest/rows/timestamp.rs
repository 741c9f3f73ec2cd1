//! Times in the formats of exports.
//!
//! A time column has one or more formats, tried in order. RFC 3339 and patterns of plain numbers (`%Y-%m-%d %H:%M:%S` and
//! similar) have their own parsers, because they run for every row; month names, `%p` and other rare patterns use chrono.

use chrono::format::{Item, Parsed, StrftimeItems};
use chrono::{NaiveDate, NaiveTime};

use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::calendar::Zone;
use crate::time::{DAY_MS, HOUR_MS, MAX_INPUT_MS, MIN_INPUT_MS, MINUTE_MS, SECOND_MS};

/// A time format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Format {
    Rfc3339,
    UnixSeconds,
    UnixMillis,
    /// A strftime pattern of plain numbers.
    Numbers(Vec<Token>),
    /// Any other strftime pattern.
    Names {
        items: Vec<Item<'static>>,
        place: Place,
    },
}

/// How a time names its offset from UTC.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// Not at all: it is a local time.
    Local,
    /// `%z`.
    Offset,
    /// `%Z`, and what follows it.
    Zone { tail: Vec<Item<'static>> },
}

/// A token of a pattern of plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Literal(u8),
    Number(Part),
    /// `.` and digits, or nothing.
    Fraction,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// Why a text is not a valid time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Syntax,
    Range,
    /// A local time without a zone.
    NoZone,
    /// A name of a zone that is not known.
    Zone,
    /// A number so small that another unit is probably meant.
    Unit,
}

/// Numbers of so many milliseconds, from 1970-01-01 to 1970-04-26, are rejected: today's times in seconds, read as milliseconds,
/// lie there, and so do the day numbers of spreadsheets, whatever they are read as.
const PROBABLY_ANOTHER_UNIT_MS: i64 = 10_000_000_000;

impl Format {
    /// Parses a format's name: `rfc3339`, `unix_s`, `unix_ms` or a strftime pattern.
    pub(crate) fn named(name: &str) -> Result<Self, String> {
        match name {
            "rfc3339" => return Ok(Self::Rfc3339),
            "unix_s" => return Ok(Self::UnixSeconds),
            "unix_ms" => return Ok(Self::UnixMillis),
            _ if !name.contains('%') => {
                return Err(format!(
                    "{name:?} is not a format; expected rfc3339, unix_s, unix_ms or a pattern such as \"%Y-%m-%d %H:%M:%S\""
                ));
            }
            _ => {}
        }
        if let Some(tokens) = Token::list(name) {
            return Ok(Self::Numbers(tokens));
        }
        let has = |items: &[&str]| items.iter().any(|item| name.contains(item));
        if has(&["%I", "%l"]) && !has(&["%p", "%P"]) {
            return Err(format!(
                "{name:?} has an hour of twelve without %p, which says which half of the day it is in"
            ));
        }
        let items = |pattern: &str| {
            StrftimeItems::new(pattern)
                .parse_to_owned()
                .map_err(|_| format!("{name:?} is not a strftime pattern; expected one such as \"%d/%b/%y %I:%M %p\""))
        };
        let has_offset = has(&["%z", "%:z", "%#z"]);
        // chrono reads any word as %Z and forgets it.
        match name.split_once("%Z") {
            None if has_offset => Ok(Self::Names { items: items(name)?, place: Place::Offset }),
            None => Ok(Self::Names { items: items(name)?, place: Place::Local }),
            // An offset says more than a name.
            Some((_, after)) if has_offset || after.contains("%Z") => {
                Err(format!("{name:?} has a zone (%Z) and another zone or offset: expected one of them"))
            }
            Some((before, after)) => {
                Ok(Self::Names { items: items(before)?, place: Place::Zone { tail: items(after)? } })
            }
        }
    }

    fn is_number(&self) -> bool {
        matches!(self, Self::UnixSeconds | Self::UnixMillis)
    }
}

impl Token {
    /// The tokens of a pattern, if it consists of plain numbers only.
    fn list(pattern: &str) -> Option<Vec<Self>> {
        let mut tokens = Vec::new();
        let mut bytes = pattern.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                if !byte.is_ascii() || byte.is_ascii_digit() || byte.is_ascii_whitespace() && byte != b' ' {
                    return None;
                }
                tokens.push(Self::Literal(byte));
                continue;
            }
            match bytes.next()? {
                b'Y' => tokens.push(Self::Number(Part::Year)),
                b'm' => tokens.push(Self::Number(Part::Month)),
                b'd' => tokens.push(Self::Number(Part::Day)),
                b'H' => tokens.push(Self::Number(Part::Hour)),
                b'M' => tokens.push(Self::Number(Part::Minute)),
                b'S' => tokens.push(Self::Number(Part::Second)),
                b'F' => tokens.extend(Self::list("%Y-%m-%d")?),
                b'T' => tokens.extend(Self::list("%H:%M:%S")?),
                b'.' if bytes.next()? == b'f' => tokens.push(Self::Fraction),
                _ => return None,
            }
        }
        // Without a complete date there is nothing to parse.
        [Part::Year, Part::Month, Part::Day].iter().all(|part| tokens.contains(&Self::Number(*part))).then_some(tokens)
    }
}

/// The time formats of one column.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Writing {
    pub formats: Vec<Format>,
    /// The zone of local times; without one they are rejected.
    pub zone: Option<Arc<Zone>>,
    /// What abbreviations of zones stand for.
    pub zones: Arc<BTreeMap<String, Arc<Zone>>>,
    /// The formats and the zone as written in the mapping, for messages.
    pub described: String,
}

impl Writing {
    /// Parses a text.
    pub(crate) fn read(&self, text: &str) -> Result<i64, Fault> {
        let mut fault = Fault::Syntax;
        for format in &self.formats {
            match self.read_as(format, text.as_bytes(), text) {
                Ok(at_ms) => return in_range(at_ms),
                Err(found) if fault == Fault::Syntax => fault = found,
                Err(_) => {}
            }
        }
        Err(fault)
    }

    /// Converts a number: seconds or milliseconds, by the first such format.
    pub(crate) fn read_number(&self, number: i64) -> Result<i64, Fault> {
        match self.formats.iter().find(|format| format.is_number()) {
            Some(Format::UnixSeconds) => of_unit(number.checked_mul(SECOND_MS).ok_or(Fault::Range)?),
            Some(_) => of_unit(number),
            None => Err(Fault::Syntax),
        }
    }

    /// Converts a local time that the input stores in milliseconds.
    pub(crate) fn read_local(&self, local_ms: i64) -> Result<i64, Fault> {
        if !(MIN_INPUT_MS - DAY_MS..MAX_INPUT_MS + DAY_MS).contains(&local_ms) {
            return Err(Fault::Range);
        }
        in_range(self.zone.as_ref().ok_or(Fault::NoZone)?.first_instant_at(local_ms))
    }

    fn read_as(&self, format: &Format, bytes: &[u8], text: &str) -> Result<i64, Fault> {
        match format {
            Format::Rfc3339 => match rfc3339(bytes).ok_or(Fault::Syntax)? {
                (local_ms, Some(offset_ms)) => Ok(local_ms - offset_ms),
                (local_ms, None) => self.local(local_ms),
            },
            Format::UnixSeconds => of_unit(unix(text, SECOND_MS)?),
            Format::UnixMillis => of_unit(unix(text, 1)?),
            Format::Numbers(tokens) => self.local(numbers(tokens, bytes).ok_or(Fault::Syntax)?),
            Format::Names { items, place } => {
                let mut parsed = Parsed::new();
                let rest = chrono::format::parse_and_remainder(&mut parsed, text, items.iter());
                let rest = rest.map_err(|_| Fault::Syntax)?;
                let mut zone = "";
                let rest = match place {
                    Place::Zone { tail } => {
                        let rest = rest.trim_start();
                        let (word, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
                        zone = word;
                        chrono::format::parse_and_remainder(&mut parsed, rest, tail.iter())
                            .map_err(|_| Fault::Syntax)?
                    }
                    Place::Local | Place::Offset => rest,
                };
                if !rest.is_empty() {
                    return Err(Fault::Syntax);
                }
                let date = parsed.to_naive_date().map_err(|_| Fault::Syntax)?;
                // Midnight only where the format has no time of the day.
                let has_time =
                    parsed.hour_mod_12().is_some() || parsed.hour_div_12().is_some() || parsed.minute().is_some();
                let time = match parsed.to_naive_time() {
                    Ok(time) => time,
                    Err(_) if has_time => return Err(Fault::Syntax),
                    Err(_) => NaiveTime::MIN,
                };
                let local_ms = date.and_time(time).and_utc().timestamp_millis();
                match place {
                    Place::Local => self.local(local_ms),
                    Place::Offset => {
                        let offset = parsed.to_fixed_offset().map_err(|_| Fault::Syntax)?;
                        Ok(local_ms - i64::from(offset.local_minus_utc()) * SECOND_MS)
                    }
                    Place::Zone { .. } => Ok(self.zone_named(zone).ok_or(Fault::Zone)?.first_instant_at(local_ms)),
                }
            }
        }
    }

    /// The zone that a word stands for: one of the mapping's table, UTC, or an IANA name.
    fn zone_named(&self, word: &str) -> Option<Arc<Zone>> {
        /// Zones that rows have named: at most all of the database.
        static NAMED: RwLock<BTreeMap<String, Arc<Zone>>> = RwLock::new(BTreeMap::new());
        let name = match word {
            "UTC" | "GMT" | "Z" | "UT" => "Etc/UTC",
            word => word,
        };
        if let Some(zone) = self.zones.get(word) {
            return Some(Arc::clone(zone));
        }
        if let Some(zone) = NAMED.read().get(name) {
            return Some(Arc::clone(zone));
        }
        // Short names of the database, such as EST and MST, are rules of their own that abbreviations do not mean.
        let zone = Arc::new(Zone::named(name).ok().filter(|_| name.contains('/'))?);
        NAMED.write().insert(name.to_owned(), Arc::clone(&zone));
        Some(zone)
    }

    fn local(&self, local_ms: i64) -> Result<i64, Fault> {
        Ok(self.zone.as_ref().ok_or(Fault::NoZone)?.first_instant_at(local_ms))
    }
}

/// Checks that an instant is in the engine's range of time.
pub(crate) fn in_range(at_ms: i64) -> Result<i64, Fault> {
    if (MIN_INPUT_MS..MAX_INPUT_MS).contains(&at_ms) { Ok(at_ms) } else { Err(Fault::Range) }
}

/// Checks that a number is probably of the unit that it is read in.
fn of_unit(at_ms: i64) -> Result<i64, Fault> {
    if (MIN_INPUT_MS..PROBABLY_ANOTHER_UNIT_MS).contains(&at_ms) { Err(Fault::Unit) } else { in_range(at_ms) }
}

/// Seconds or milliseconds in decimal digits; a fraction is truncated to milliseconds.
fn unix(text: &str, unit_ms: i64) -> Result<i64, Fault> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::Syntax);
    }
    let whole: i64 = whole.parse().map_err(|_| Fault::Range)?;
    let part_ms = if unit_ms == 1 { 0 } else { fraction_ms(fraction.as_bytes()) };
    whole.checked_mul(unit_ms).and_then(|ms| ms.checked_add(part_ms)).ok_or(Fault::Range)
}

/// The milliseconds of a decimal fraction's digits.
fn fraction_ms(digits: &[u8]) -> i64 {
    let digit = |index: usize| digits.get(index).map_or(0, |byte| i64::from(byte - b'0'));
    digit(0) * 100 + digit(1) * 10 + digit(2)
}

/// An RFC 3339 time: local milliseconds and the offset, if there is one. As in many exports, the separator may be a space
/// and the offset may lack its colon.
fn rfc3339(bytes: &[u8]) -> Option<(i64, Option<i64>)> {
    let head = bytes.get(..19)?;
    if head[4] != b'-'
        || head[7] != b'-'
        || head[13] != b':'
        || head[16] != b':'
        || !matches!(head[10], b'T' | b't' | b' ')
    {
        return None;
    }
    let year = pair(&head[0..2])? * 100 + pair(&head[2..4])?;
    let (hour, minute, second) = (pair(&head[11..13])?, pair(&head[14..16])?, pair(&head[17..19])?);
    let mut local_ms = civil_ms(year, pair(&head[5..7])?, pair(&head[8..10])?, hour, minute, second)?;
    let mut rest = &bytes[19..];
    if let [b'.' | b',', digits @ ..] = rest {
        let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        local_ms += fraction_ms(&digits[..count]);
        rest = &digits[count..];
    }
    let offset_ms = match rest {
        [] => None,
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), digits @ ..] => {
            let (hours, minutes) = match digits {
                [hours @ .., b':', m1, m2] if hours.len() == 2 => (pair(hours)?, pair(&[*m1, *m2])?),
                [h1, h2, m1, m2] => (pair(&[*h1, *h2])?, pair(&[*m1, *m2])?),
                [h1, h2] => (pair(&[*h1, *h2])?, 0),
                _ => return None,
            };
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset_ms = hours * HOUR_MS + minutes * MINUTE_MS;
            Some(if *sign == b'-' { -offset_ms } else { offset_ms })
        }
        _ => return None,
    };
    Some((local_ms, offset_ms))
}

/// A time in a pattern of plain numbers, as local milliseconds.
fn numbers(tokens: &[Token], mut bytes: &[u8]) -> Option<i64> {
    let (mut year, mut month, mut day, mut hour, mut minute, mut second, mut part_ms) = (0, 0, 0, 0, 0, 0, 0);
    for token in tokens {
        match token {
            Token::Literal(literal) => {
                let (first, rest) = bytes.split_first()?;
                if first != literal {
                    return None;
                }
                bytes = rest;
            }
            Token::Number(Part::Year) => {
                year = pair(bytes.get(0..2)?)? * 100 + pair(bytes.get(2..4)?)?;
                bytes = &bytes[4..];
            }
            Token::Number(part) => {
                let digits = bytes.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
                let number = match digits {
                    2 => pair(&bytes[..2])?,
                    1 => i64::from(bytes[0] - b'0'),
                    _ => return None,
                };
                bytes = &bytes[digits..];
                match part {
                    Part::Month => month = number,
                    Part::Day => day = number,
                    Part::Hour => hour = number,
                    Part::Minute => minute = number,
                    Part::Second => second = number,
                    Part::Year => year = number,
                }
            }
            Token::Fraction => {
                if let [b'.', digits @ ..] = bytes {
                    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    part_ms = fraction_ms(&digits[..count]);
                    bytes = &digits[count..];
                }
            }
        }
    }
    if !bytes.is_empty() {
        return None;
    }
    Some(civil_ms(year, month, day, hour, minute, second)? + part_ms)
}

/// Two digits as a number.
fn pair(digits: &[u8]) -> Option<i64> {
    match digits {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(i64::from(a - b'0') * 10 + i64::from(b - b'0')),
        _ => None,
    }
}

/// A civil date and time as milliseconds since 1970-01-01T00:00 of the same clock. A leap second counts as the second before.
fn civil_ms(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || day < 1 || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    if day > 28 {
        NaiveDate::from_ymd_opt(year as i32, month as u32, day as u32)?;
    }
    // Days since the epoch in the proleptic Gregorian calendar, with years that start in March (Hinnant, days_from_civil).
    let march_year = if month <= 2 { year - 1 } else { year };
    let era = march_year.div_euclid(400);
    let year_of_era = march_year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS + second.min(59) * SECOND_MS)
}

#[cfg(test)]
mod tests;
