//! The time settings of a mapping: formats, zones, time columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::DeTable;

use super::TimeColumn;
use super::check::Checker;
use super::toml_table::Value;
use crate::calendar::Zone;
use crate::ingest::rows::timestamp::{Format, Writing};
use crate::ticket::EventKind;

impl<'t> Checker<'t> {
    /// The formats and zone of a table; missing ones come from `[time]`.
    pub(super) fn writing_of(&mut self, table: Option<&DeTable<'t>>) -> Option<Writing> {
        let general = self.writing.clone();
        let mut described = Vec::new();
        let formats = match table.and_then(|table| table.get("formats")) {
            Some(value) => {
                let mut formats = Vec::new();
                for (name, place) in self.document.texts(value, "formats") {
                    match Format::named(name) {
                        Ok(format) => formats.push(format),
                        Err(message) => self.document.mistake(place, format!("formats: {message}")),
                    }
                    described.push(name.to_owned());
                }
                if described.is_empty() {
                    self.document.mistake(value.span(), "formats is empty, expected at least one format");
                }
                formats
            }
            None => match &general {
                Some(general) => {
                    described.push(general.described.clone());
                    general.formats.clone()
                }
                None => {
                    described.push("rfc3339".to_owned());
                    vec![Format::Rfc3339]
                }
            },
        };
        let zone = match table.and_then(|table| table.get("zone")) {
            Some(value) => {
                let name = self.document.text_value(value, "zone")?;
                match Zone::named(name) {
                    Ok(zone) => Some(Arc::new(zone)),
                    Err(message) => {
                        self.document.mistake(value.span(), format!("zone: {message}"));
                        None
                    }
                }
            }
            None => general.and_then(|general| general.zone.clone()),
        };
        let zones = match table.and_then(|table| table.get("zones")) {
            Some(value) => Arc::new(self.zones_of(value)?),
            None => self.writing.as_ref().map(|general| Arc::clone(&general.zones)).unwrap_or_default(),
        };
        Some(Writing { formats, zone, zones, described: described.join(" or ") })
    }

    /// What abbreviations of zones stand for.
    fn zones_of(&mut self, value: &Value<'t>) -> Option<BTreeMap<String, Arc<Zone>>> {
        let Some(table) = value.get_ref().as_table() else {
            let message = "zones is not a table, expected one such as { EST = \"America/New_York\" }";
            self.document.mistake(value.span(), message);
            return None;
        };
        let mut zones = BTreeMap::new();
        for (word, value) in table {
            let Some(name) = self.document.text_value(value, "zones") else { continue };
            if word.get_ref().contains(char::is_whitespace) {
                let message = format!("zones: {:?} has white space, expected one word, as %Z reads it", word.get_ref());
                self.document.mistake(word.span(), message);
            }
            match Zone::named(name) {
                Ok(zone) => drop(zones.insert(word.get_ref().to_string(), Arc::new(zone))),
                Err(message) => self.document.mistake(value.span(), format!("zones: {message}")),
            }
        }
        Some(zones)
    }

    pub(super) fn time_column(&mut self, value: &Value<'t>, field: &str) -> Option<TimeColumn> {
        if let Some(table) = value.get_ref().as_table() {
            self.document.known_keys(table, &format!("{field}."), &["column", "formats", "zone", "zones"]);
            let writing = self.writing_of(Some(table)).map(Arc::new);
            let Some(column) = table.get("column") else {
                self.document
                    .mistake(value.span(), format!("{field} has no column, expected {{ column = \"...\", ... }}"));
                return None;
            };
            return Some(TimeColumn { input: self.input(column, field)?, writing: writing? });
        }
        Some(TimeColumn { input: self.input(value, field)?, writing: self.writing.clone()? })
    }

    /// Events and the columns of their times, in the order of [`EventKind::ALL`].
    pub(super) fn event_times(&mut self, table: &DeTable<'t>, place: &str) -> Vec<(EventKind, TimeColumn)> {
        self.document.known_keys(table, &format!("{place}."), &EventKind::ALL.map(EventKind::name));
        let mut events = Vec::new();
        for kind in EventKind::ALL {
            let Some(value) = table.get(kind.name()) else { continue };
            let field = format!("{place}.{}", kind.name());
            match value.get_ref().as_array() {
                Some(several) => {
                    for value in several {
                        events.extend(self.time_column(value, &field).map(|column| (kind, column)));
                    }
                }
                None => events.extend(self.time_column(value, &field).map(|column| (kind, column))),
            }
        }
        events
    }
}
