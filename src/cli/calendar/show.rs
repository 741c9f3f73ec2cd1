//! `overdue calendar show`: a month, day by day.

use super::format::{length, offset};
use crate::calendar::{Calendar, Holiday, TimeOfDay, Timeline, zone_data_version};
use crate::time::{DAY_MS, HORIZON_MS, SECOND_MS, civil, civil_ms};
use anyhow::{Context, bail};
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn run(calendar: &Calendar, month: Option<&str>, out: &mut impl Write) -> anyhow::Result<()> {
    let timeline = calendar.timeline();
    let first = match month {
        Some(text) => parse_month(text)?,
        None => this_month(timeline)?,
    };
    let next_month = first.checked_add(1.month()).context("there is no month after it")?;
    let title = first.strftime("%B %Y").to_string();
    writeln!(out, "{title}   {} ({}, zone data {})", calendar.name, timeline.zone().name(), zone_data_version())?;

    let mut month_total = Total::default();
    let mut week_total = Total::default();
    for date in first.series(1.day()).take_while(|date| *date < next_month) {
        if date == first || date.weekday() == Weekday::Monday {
            writeln!(out, "\nweek {}", date.iso_week_date().week())?;
            week_total = Total::default();
        }
        let day = Day::of(calendar, date);
        writeln!(out, "{}", day.line(date))?;
        week_total.add(&day);
        month_total.add(&day);
        let is_last = date.tomorrow().is_ok_and(|tomorrow| tomorrow == next_month);
        if is_last || date.weekday() == Weekday::Sunday {
            writeln!(out, "          {week_total}")?;
        }
    }
    writeln!(out, "\n{title}: {month_total}")?;
    Ok(())
}

fn parse_month(text: &str) -> anyhow::Result<Date> {
    match format!("{text}-01").parse::<Date>() {
        Ok(first) if text.len() == 7 && (1970..=2105).contains(&first.year()) => Ok(first),
        _ => bail!("--month {text:?} is not a month from 1970-01 to 2105-12: expected one such as 2026-12"),
    }
}

#[expect(clippy::disallowed_methods, reason = "without --month the current month is shown")]
fn this_month(timeline: &Timeline) -> anyhow::Result<Date> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the machine's clock is before 1970")?;
    let now_ms = i64::try_from(now.as_millis()).unwrap_or(HORIZON_MS).min(HORIZON_MS);
    Ok(civil(timeline.zone().local_ms(now_ms)).date().first_of_month())
}

/// The line of a date.
struct Day {
    hours: Vec<String>,
    open_ms: i64,
    remarks: Vec<String>,
}

impl Day {
    fn of(calendar: &Calendar, date: Date) -> Self {
        let timeline = calendar.timeline();
        let zone = timeline.zone();
        let midnight_ms = civil_ms(date.into());
        let (from_ms, to_ms) = (zone.first_instant_at(midnight_ms), zone.first_instant_at(midnight_ms + DAY_MS));
        let hours = timeline.open_intervals(from_ms, to_ms).map(|(open_ms, close_ms)| {
            let time = |at_ms: i64| TimeOfDay(((zone.local_ms(at_ms) - midnight_ms) / SECOND_MS) as u32);
            // For the date that ends, midnight is 24:00.
            let close = if close_ms == to_ms { TimeOfDay((DAY_MS / SECOND_MS) as u32) } else { time(close_ms) };
            format!("{}-{close}", time(open_ms))
        });
        let mut remarks = Vec::new();
        remarks.extend(exception(calendar, date));
        if from_ms == to_ms {
            remarks.push("the clock skips this date".to_owned());
        }
        for change in zone.stretches().windows(2).filter(|pair| (from_ms..to_ms).contains(&pair[1].from_ms)) {
            let (before, after) = (change[0].offset_ms, change[1].offset_ms);
            let direction = if after > before { "forward" } else { "back" };
            let at = civil(change[1].from_ms + before).strftime("%H:%M");
            let amount = length((after - before).abs());
            remarks.push(format!(
                "the clock goes {direction} {amount} at {at} ({} to {})",
                offset(before),
                offset(after)
            ));
        }
        Self { hours: hours.collect(), open_ms: timeline.elapsed(from_ms, to_ms), remarks }
    }

    fn line(&self, date: Date) -> String {
        let hours = if self.hours.is_empty() { "closed".to_owned() } else { self.hours.join("  ") };
        let total = if self.open_ms == 0 { String::new() } else { length(self.open_ms) };
        let line = format!("  {}  {hours:<36} {total:>8}   {}", date.strftime("%a %e"), self.remarks.join("; "));
        line.trim_end().to_owned()
    }
}

/// Why a date does not have the hours of its weekday.
fn exception(calendar: &Calendar, date: Date) -> Option<String> {
    let definition = &calendar.definition;
    let is_holiday = definition.holidays.iter().any(|holiday| match holiday {
        Holiday::On(day) | Holiday::Event { date: day, part: None, .. } => *day == date,
        Holiday::Yearly { month, day } => (*month, *day) == (date.month(), date.day()),
        Holiday::Event { .. } | Holiday::File(_) => false,
    });
    let events = definition.holidays.iter().filter_map(|holiday| match holiday {
        Holiday::Event { date: day, name, part } if *day == date => Some(match part {
            Some((from, to)) => format!("{name} (closed {}-{})", TimeOfDay(*from), TimeOfDay(*to)),
            None => name.to_string(),
        }),
        _ => None,
    });
    let names = events.collect::<Vec<_>>().join(", ");
    let remark = match (is_holiday, definition.special.contains_key(&date)) {
        (true, true) => "holiday with special hours",
        (true, false) => "holiday",
        (false, true) => "special day",
        (false, false) if names.is_empty() => return None,
        (false, false) => return Some(names),
    };
    Some(if names.is_empty() { remark.to_owned() } else { format!("{remark}: {names}") })
}

#[derive(Default)]
struct Total {
    working_days: u32,
    open_ms: i64,
}

impl Total {
    fn add(&mut self, day: &Day) {
        self.working_days += u32::from(day.open_ms > 0);
        self.open_ms += day.open_ms;
    }
}

impl std::fmt::Display for Total {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let days = if self.working_days == 1 { "day" } else { "days" };
        write!(out, "{} working {days}, {}", self.working_days, length(self.open_ms))
    }
}

#[cfg(test)]
mod tests;
