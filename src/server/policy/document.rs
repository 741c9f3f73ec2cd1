//! A policy as a document: its parts are taken out, replaced and removed, and the whole is written again.
//!
//! Edits of a calendar, a priority or the rules are edits of the policy's text, so that there is one source of truth, one
//! history of versions and one check. The order of the parts stays; comments of a file do not outlive the first edit of a part
//! (the version with them stays in the history).

use std::ops::Range;
use thiserror::Error;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A named kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Calendars,
    Priorities,
}

impl Section {
    /// The name of its table in the document, and of its route.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calendars => "calendars",
            Self::Priorities => "priorities",
        }
    }

    /// What one of its parts is called.
    pub fn one(self) -> &'static str {
        match self {
            Self::Calendars => "calendar",
            Self::Priorities => "priority",
        }
    }
}

/// Why a body is not a part of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct PartError {
    pub message: String,
    pub line: u64,
    pub column: u64,
}

impl PartError {
    pub fn json(error: &serde_json::Error) -> Self {
        Self { message: error.to_string(), line: error.line() as u64, column: error.column() as u64 }
    }
}

/// A policy's text, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDocument {
    table: Table,
}

impl PolicyDocument {
    /// # Errors
    /// The parser's message. A policy in force can always be parsed.
    pub fn parse(text: &str) -> Result<Self, String> {
        text.parse::<Table>().map(|table| Self { table }).map_err(|error| error.to_string())
    }

    /// The parts of a kind, in order of the document.
    pub fn parts(&self, section: Section) -> impl Iterator<Item = (&str, &Table)> {
        let parts = self.table.get(section.name()).and_then(Value::as_table).into_iter().flatten();
        parts.filter_map(|(name, part)| Some((name.as_str(), part.as_table()?)))
    }

    pub fn part(&self, section: Section, name: &str) -> Option<&Table> {
        self.table.get(section.name())?.get(name)?.as_table()
    }

    /// Replaces a part, at its place, or adds it behind the others.
    pub fn set_part(&mut self, section: Section, name: &str, part: Table) {
        let parts = self.table.entry(section.name()).or_insert_with(|| Value::Table(Table::new()));
        if let Some(parts) = parts.as_table_mut() {
            parts.insert(name.to_owned(), Value::Table(part));
        }
    }

    /// Removes a part; whether it was there.
    pub fn remove_part(&mut self, section: Section, name: &str) -> bool {
        let parts = self.table.get_mut(section.name()).and_then(Value::as_table_mut);
        parts.is_some_and(|parts| parts.remove(name).is_some())
    }

    pub fn default_priority(&self) -> Option<&str> {
        self.table.get("default_priority")?.as_str()
    }

    pub fn set_default_priority(&mut self, name: &str) {
        self.table.insert("default_priority".to_owned(), Value::String(name.to_owned()));
    }

    pub fn rules(&self) -> &[Value] {
        self.table.get("rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub fn set_rules(&mut self, rules: Vec<Value>) {
        if rules.is_empty() {
            self.table.remove("rules");
        } else {
            self.table.insert("rules".to_owned(), Value::Array(rules));
        }
    }

    /// The document as text.
    pub fn to_text(&self) -> String {
        toml::to_string(&self.table).unwrap_or_default()
    }
}

/// A part as its owner sent it: an object in JSON, or its fields in TOML.
///
/// # Errors
/// [`PartError`], with the place.
pub fn part_from_json(body: &[u8]) -> Result<Table, PartError> {
    serde_json::from_slice(body).map_err(|error| PartError::json(&error))
}

/// The same for the fields of a table in TOML.
///
/// # Errors
/// [`PartError`], with the place.
pub fn part_from_toml(body: &[u8]) -> Result<Table, PartError> {
    let text =
        std::str::from_utf8(body).map_err(|_| PartError { message: "no UTF-8 text".to_owned(), line: 1, column: 1 })?;
    text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start).min(text.len());
        let before = text.get(..at).unwrap_or_default();
        let line = before.matches('\n').count() as u64 + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() as u64 + 1;
        PartError { message: error.message().to_owned(), line, column }
    })
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Finds fields by their place in a text, for errors that name lines of a text which nobody but the service has seen.
pub struct Fields {
    line_starts: Vec<usize>,
    /// Spans of values and keys, with their paths, as the walk finds them: what lies inside comes after what holds it.
    spans: Vec<(Range<usize>, String)>,
}

impl Fields {
    pub fn of(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut spans = Vec::new();
        let (document, _) = DeTable::parse_recoverable(text);
        walk(document.get_ref(), "", &mut spans);
        Self { line_starts, spans }
    }

    /// The path of the smallest field at a place; line and column (in characters of the text) are from 1.
    pub fn path_at(&self, text: &str, line: u32, column: u32) -> Option<&str> {
        let start = *self.line_starts.get(line as usize - 1)?;
        let before: usize = text[start..].chars().take(column as usize - 1).map(char::len_utf8).sum();
        let at = start + before;
        let holds = self.spans.iter().filter(|(span, _)| span.contains(&at));
        holds.min_by_key(|(span, _)| span.len()).map(|(_, path)| path.as_str())
    }
}

fn walk(table: &DeTable<'_>, path: &str, spans: &mut Vec<(Range<usize>, String)>) {
    for (key, value) in table {
        let path = below(path, key.get_ref());
        spans.push((key.span(), path.clone()));
        walk_value(value, &path, spans);
    }
}

fn walk_value(value: &Spanned<DeValue<'_>>, path: &str, spans: &mut Vec<(Range<usize>, String)>) {
    spans.push((value.span(), path.to_owned()));
    match value.get_ref() {
        DeValue::Table(table) => walk(table, path, spans),
        DeValue::Array(members) => {
            for (place, member) in members.iter().enumerate() {
                walk_value(member, &format!("{path}[{place}]"), spans);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
