//! `overdue calendar eval`: evaluates business-time cases given as JSON lines.
//!
//! Lines are processed in blocks of what has arrived: a program may send one case and wait for its response, and a file of
//! millions is evaluated on all cores. Compiled calendars are cached, up to a few hundred of the latest.

use crate::calendar::{Calendar, CalendarDefinition, CalendarError, Holiday, Interval, WEEKDAYS, parse_date};
use crate::limits::{BLOCK_BYTES, MAX_INTERVALS_A_DAY, MAX_LINE_BYTES, MAX_SPECIAL_DAYS};
use crate::time::{HORIZON_MS, NEVER_MS, SECOND_MS, format_rfc3339};
use instant::Instant;

use jiff::civil::Date;
use rayon::prelude::*;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

mod instant;

/// Lines evaluated as one block.
const BLOCK_LINES: usize = 1 << 14;

/// Size of the cache of compiled calendars, of about 1 MiB each.
const CALENDARS_KEPT: usize = 128;

#[derive(Debug, Deserialize)]
struct Case {
    id: Value,
    calendar: CaseCalendar,
    #[serde(flatten)]
    question: Question,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Question {
    Add { start: Instant, seconds: u32 },
    Between { start: Instant, end: Instant },
}

/// A calendar in the format of the cases.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseCalendar {
    tz: String,
    #[serde(default)]
    weekly: BTreeMap<String, Vec<(String, String)>>,
    #[serde(default)]
    holidays: BTreeSet<Day>,
    #[serde(default)]
    overrides: BTreeMap<Day, Vec<(String, String)>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Day(Date);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_date(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

type Compiled = HashMap<CaseCalendar, Result<Arc<Calendar>, String>>;

/// Evaluates every line of `input`, in order.
///
/// # Errors
/// Unreadable input, or unwritable output. An invalid line gets an error response.
pub(super) fn run(input: impl Read, mut output: impl Write) -> std::io::Result<()> {
    let mut input = BufReader::with_capacity(BLOCK_BYTES, input);
    let mut compiled = Compiled::new();
    let mut line_number = 0;
    let mut lines = Vec::new();
    while read_block(&mut input, &mut lines)? {
        let cases: Vec<_> = lines.par_iter().map(|line| line.as_deref().map_err(Clone::clone).and_then(case)).collect();
        for part in cases.chunks(CALENDARS_KEPT) {
            compile(part, &mut compiled);
            let responses: Vec<_> = part.par_iter().map(|case| response(case, &compiled)).collect();
            for mut response in responses {
                line_number += 1;
                if response["id"].is_null() {
                    response["line"] = line_number.into();
                }
                writeln!(output, "{response}")?;
            }
        }
        output.flush()?;
    }
    Ok(())
}

/// A case, or why its line is invalid.
type Line = Result<String, CaseError>;

/// The error of a line, and the id of its case if it has one.
#[derive(Debug, Clone)]
struct CaseError {
    id: Value,
    error: String,
}

/// Reads the lines that have arrived, at least one; returns `false` at the end of the input.
fn read_block(input: &mut BufReader<impl Read>, lines: &mut Vec<Line>) -> std::io::Result<bool> {
    lines.clear();
    let mut bytes = 0;
    while lines.is_empty() || (bytes < BLOCK_BYTES && lines.len() < BLOCK_LINES && input.buffer().contains(&b'\n')) {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        bytes += line.len();
        let rejected = |error: String| Err(CaseError { id: Value::Null, error });
        if line.len() > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            input.skip_until(b'\n')?;
            lines.push(rejected(format!("the line is longer than {MAX_LINE_BYTES} bytes")));
            continue;
        }
        match String::from_utf8(line) {
            Ok(line) => lines.push(Ok(line)),
            Err(_) => lines.push(rejected("the line is not UTF-8 text".to_owned())),
        }
    }
    Ok(!lines.is_empty())
}

fn case(line: &str) -> Result<Case, CaseError> {
    serde_json::from_str(line).map_err(|error| {
        #[derive(Deserialize)]
        struct Named {
            id: Value,
        }
        let id = serde_json::from_str(line).map_or(Value::Null, |named: Named| named.id);
        CaseError { id, error: format!("invalid case: {error}") }
    })
}

/// Compiles the calendars of these cases that are not in the cache.
fn compile(cases: &[Result<Case, CaseError>], compiled: &mut Compiled) {
    let calendars = cases.iter().flatten().map(|case| &case.calendar);
    let missing: BTreeSet<&CaseCalendar> = calendars.filter(|calendar| !compiled.contains_key(*calendar)).collect();
    if compiled.len() + missing.len() > CALENDARS_KEPT {
        let wanted: HashSet<&CaseCalendar> = cases.iter().flatten().map(|case| &case.calendar).collect();
        compiled.retain(|calendar, _| wanted.contains(calendar));
    }
    let timelines: Vec<_> = missing.into_par_iter().map(|calendar| (calendar.clone(), calendar.compile())).collect();
    compiled.extend(timelines);
}

fn response(case: &Result<Case, CaseError>, compiled: &Compiled) -> Value {
    let Case { id, calendar, question } = match case {
        Ok(case) => case,
        Err(CaseError { id, error }) => return json!({ "id": id, "error": error }),
    };
    let result = match compiled.get(calendar) {
        Some(Ok(calendar)) => question.result(calendar),
        Some(Err(error)) => Err(error.clone()),
        None => Err("the calendar was not compiled".to_owned()),
    };
    match result {
        Ok(result) => json!({ "id": id, "result": result }),
        Err(error) => json!({ "id": id, "error": error }),
    }
}

impl Question {
    fn result(&self, calendar: &Arc<Calendar>) -> Result<Value, String> {
        let timeline = calendar.timeline();
        match *self {
            Self::Add { start: Instant(start_ms), seconds } => {
                match timeline.add(start_ms, i64::from(seconds) * SECOND_MS) {
                    NEVER_MS => Err(format!(
                        "the calendar has less than {seconds} s of business time from {} to its end at {}",
                        format_rfc3339(start_ms),
                        format_rfc3339(HORIZON_MS)
                    )),
                    due_ms => Ok(format_rfc3339(due_ms).into()),
                }
            }
            Self::Between { start: Instant(start_ms), end: Instant(end_ms) } => {
                let elapsed_ms = timeline.elapsed(start_ms, end_ms);
                Ok(match elapsed_ms % SECOND_MS {
                    0 => (elapsed_ms / SECOND_MS).into(),
                    _ => (elapsed_ms as f64 / SECOND_MS as f64).into(),
                })
            }
        }
    }
}

impl CaseCalendar {
    fn compile(&self) -> Result<Arc<Calendar>, String> {
        let mut weekly: [Vec<Interval>; 7] = Default::default();
        for (name, hours) in &self.weekly {
            let Some(day) = WEEKDAYS.iter().position(|weekday| weekday == name) else {
                return Err(format!("weekly has no day {name:?}: expected mon to sun"));
            };
            weekly[day] = intervals(hours)?;
        }
        let days = self.holidays.len() + self.overrides.len();
        if days > MAX_SPECIAL_DAYS {
            return Err(CalendarError::TooManyDays { days }.to_string());
        }
        let holidays = self.holidays.iter().map(|day| Holiday::On(day.0)).collect();
        let special = self
            .overrides
            .iter()
            .map(|(date, hours)| Ok((date.0, intervals(hours)?)))
            .collect::<Result<_, String>>()?;
        let definition = CalendarDefinition { time_zone: self.tz.clone(), weekly, holidays, special };
        let mut no_files = |_: &str| Err("a case has no files".to_owned());
        Calendar::new("case", &definition, &mut no_files).map(Arc::new).map_err(|error| error.to_string())
    }
}

fn intervals(hours: &[(String, String)]) -> Result<Vec<Interval>, String> {
    if hours.len() > MAX_INTERVALS_A_DAY {
        return Err(format!("a day has {} intervals of hours: at most {MAX_INTERVALS_A_DAY}", hours.len()));
    }
    hours.iter().map(|(from, to)| Interval::from_times(from, to)).collect()
}

#[cfg(test)]
mod tests;
