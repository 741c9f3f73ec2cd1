//! Checks calendars: reads them by the calendar's own rules, compiles them, and reports mistakes at their places.

use super::names;
use crate::calendar::{Calendar, CalendarDefinition, CalendarError};
use crate::limits::MAX_CALENDARS;
use crate::policy::file::fields::{Field, Table};
use crate::policy::file::problem::{Place, Report, quoted};
use crate::policy::file::raw::RawPolicy;
use crate::suggest;
use serde::Deserialize;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Error, ValueDeserializer};

/// Returns the text of a file that the policy names (holidays in an iCalendar file), by the name that it has there; or the
/// reason why it cannot.
pub type ReadFile<'r> = &'r mut dyn FnMut(&str) -> Result<String, String>;

/// [`Calendar::new`] or [`Calendar::known`].
pub(crate) type MakeCalendar = fn(&str, &CalendarDefinition, ReadFile<'_>) -> Result<Calendar, CalendarError>;

/// Every calendar's name, and the calendar unless it has mistakes; made by `make`.
pub(crate) fn calendars<'d>(
    raw: &RawPolicy<'d, '_>,
    make: MakeCalendar,
    read: ReadFile<'_>,
    report: &mut Report<'_>,
) -> Vec<(&'d str, Option<Arc<Calendar>>)> {
    if let Some(first_too_many) = raw.calendars.get(MAX_CALENDARS) {
        names::too_many(&raw.calendars, MAX_CALENDARS, "calendars", &first_too_many.word(), report);
    }
    let compiled = raw.calendars.iter().enumerate().map(|(number, field)| {
        let calendar = if number < MAX_CALENDARS { calendar(field, make, read, report) } else { None };
        (field.name(), calendar.map(Arc::new))
    });
    compiled.collect()
}

fn calendar(
    field: &Field<'_, '_>,
    make: MakeCalendar,
    read: ReadFile<'_>,
    report: &mut Report<'_>,
) -> Option<Calendar> {
    names::is_name(&field.word(), "the calendar", report);
    let table = field.table(&format!("[calendars.{}] and its fields below", field.name()), report)?;
    let definition = match definition(field.value.clone()) {
        Ok(definition) => definition,
        Err(whole) => {
            mistakes(field, &table, &whole, report);
            return None;
        }
    };
    let error = match make(field.name(), &definition, read) {
        Ok(calendar) => {
            for note in &calendar.notes {
                let place = file_place(&table.get("holidays"), &note.file).unwrap_or_else(|| field.key.span());
                report.warning_plain(&place, note.to_string());
            }
            for warning in definition.warnings() {
                report.warning_plain(&field.key.span(), format!("calendar {}: {warning}", quoted(field.name())));
            }
            return Some(calendar);
        }
        Err(error) => error,
    };
    let name = quoted(field.name());
    let place = |key: &str| table.get(key).map_or(field.key.span(), |field| field.value.span());
    match &error {
        CalendarError::UnknownZone(zone) => {
            let instead = match zone.near.first() {
                Some(near) => format!("time_zone = {near:?}"),
                None => "an IANA name, such as time_zone = \"Europe/Oslo\"".to_owned(),
            };
            report.error(&place("time_zone"), format!("there is no time zone {}", quoted(&zone.name)), instead);
        }
        CalendarError::NeverOpens => {
            let message = format!("the calendar {name} never opens: nothing that is measured in it would ever be due");
            let instead = "hours for at least one weekday, such as mon-fri = [\"08:00-16:00\"], or hours = \"24x7\"";
            report.error(&field.key.span(), message, instead);
        }
        CalendarError::TooManyDays { .. } => report.error(&place("holidays"), error.to_string(), "fewer holidays"),
        CalendarError::File { file, .. } => {
            let place = file_place(&table.get("holidays"), file).unwrap_or_else(|| place("holidays"));
            report.error(&place, error.to_string(), "the name of an iCalendar file, relative to this file");
        }
    }
    None
}

/// Where a holiday file is named.
fn file_place(holidays: &Option<Field<'_, '_>>, file: &str) -> Option<Place> {
    let members = holidays.as_ref()?.value.get_ref().as_array()?.iter();
    let mut files = members.filter_map(|member| member.get_ref().as_table()?.get("file"));
    files.find(|value| value.get_ref().as_str() == Some(file)).map(Spanned::span)
}

fn definition(value: Spanned<DeValue<'_>>) -> Result<CalendarDefinition, Error> {
    CalendarDefinition::deserialize(ValueDeserializer::from(value))
}

/// Fields of a calendar, for similar names; `mon-fri` and the like are found as their first day.
const CALENDAR_FIELDS: [&str; 11] =
    ["time_zone", "hours", "holidays", "special", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reports every mistake of a calendar that cannot be read.
///
/// serde stops at the first, and knows the places of values but not of keys. So each smallest part (a weekday's interval, a
/// holiday, a special day's interval) is read in a calendar that has nothing else: a failure then lies in that part.
fn mistakes(field: &Field<'_, '_>, table: &Table<'_, '_>, whole: &Error, report: &mut Report<'_>) {
    let errors_before = report.errors();
    for part in &table.fields {
        match (part.name(), part.value.get_ref()) {
            ("time_zone", _) => {
                part.text("\"Europe/Oslo\"", report);
            }
            ("special", DeValue::Table(days)) => {
                for day in Table::new(days, part.value.span()).fields {
                    refuse_parts(&day, |value| alone("special", table_of(day.name(), value)), report);
                }
            }
            _ => refuse_parts(part, |value| alone(part.name(), value), report),
        }
    }
    if report.errors() == errors_before {
        // Every part is valid, so the mistake is in their combination.
        let all = field.value.span();
        let narrower = whole.span().filter(|span| *span != all && all.start <= span.start && span.end <= all.end);
        report.error_plain(&narrower.unwrap_or(field.key.span()), whole.message());
    }
}

/// Reports a field, or each member of its list, that makes an otherwise empty calendar unreadable.
fn refuse_parts<'t>(
    field: &Field<'_, 't>,
    read: impl Fn(DeValue<'t>) -> Result<CalendarDefinition, Error>,
    report: &mut Report<'_>,
) {
    let DeValue::Array(members) = field.value.get_ref() else {
        if let Err(error) = read(field.value.get_ref().clone()) {
            let is_known = read(DeValue::Array(DeArray::new())).is_ok();
            let place = if is_known { field.value.span() } else { field.key.span() };
            report.error_plain(&place, error.message());
        }
        return;
    };
    if let Err(error) = read(DeValue::Array(DeArray::new())) {
        match suggest::nearest(field.name(), CALENDAR_FIELDS) {
            Some(near) => report.error(&field.key.span(), error.message(), near),
            None => report.error_plain(&field.key.span(), error.message()),
        }
        return;
    }
    for member in members {
        let mut list = DeArray::new();
        list.push(member.clone());
        if let Err(error) = read(DeValue::Array(list)) {
            report.error_plain(&member.span(), error.message());
        }
    }
}

/// Reads a calendar that has only this field and the required ones.
fn alone(key: &str, value: DeValue<'_>) -> Result<CalendarDefinition, Error> {
    let text = |text: &'static str| Spanned::new(0..0, DeValue::String(text.into()));
    let mut table = DeTable::new();
    table.insert(Spanned::new(0..0, "time_zone".into()), text("Etc/UTC"));
    if matches!(key, "holidays" | "special") {
        table.insert(Spanned::new(0..0, "hours".into()), text("24x7"));
    }
    table.insert(Spanned::new(0..0, key.to_owned().into()), Spanned::new(0..0, value));
    definition(Spanned::new(0..0, DeValue::Table(table)))
}

fn table_of<'t>(key: &str, value: DeValue<'t>) -> DeValue<'t> {
    let mut table = DeTable::new();
    table.insert(Spanned::new(0..0, key.to_owned().into()), Spanned::new(0..0, value));
    DeValue::Table(table)
}
