//! A policy as a document whose parts can be read, replaced and removed, and which is then written as a whole.
//!
//! Edits of a calendar, a priority or the rules are edits of the policy's text, so that there is one source of truth, one
//! history of versions and one check. The order of the parts is preserved. The first edit of a part drops the file's comments (the
//! version with the comments stays in the history).

use std::ops::Range;
use thiserror::Error;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

/// A named kind of part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Calendars,
    Priorities,
}

impl Section {
    /// The name of the table in the document and of the route.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Calendars => "calendars",
            Self::Priorities => "priorities",
        }
    }

    /// The singular, for messages.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Self::Calendars => "calendar",
            Self::Priorities => "priority",
        }
    }
}

/// Why a body is not a valid part of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub(super) struct PartError {
    pub message: String,
    pub line: u64,
    pub column: u64,
}

impl PartError {
    pub(super) fn json(error: &serde_json::Error) -> Self {
        Self { message: error.to_string(), line: error.line() as u64, column: error.column() as u64 }
    }
}

/// A parsed policy text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PolicyDocument {
    table: Table,
}

impl PolicyDocument {
    /// # Errors
    /// The parser's message. A policy in force can always be parsed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        text.parse::<Table>().map(|table| Self { table }).map_err(|error| error.to_string())
    }

    /// The parts of a section, in the order of the document.
    pub(crate) fn parts(&self, section: Section) -> impl Iterator<Item = (&str, &Table)> {
        let parts = self.table.get(section.name()).and_then(Value::as_table).into_iter().flatten();
        parts.filter_map(|(name, part)| Some((name.as_str(), part.as_table()?)))
    }

    pub(crate) fn part(&self, section: Section, name: &str) -> Option<&Table> {
        self.table.get(section.name())?.get(name)?.as_table()
    }

    /// Replaces a part in place, or appends it.
    pub(crate) fn set_part(&mut self, section: Section, name: &str, part: Table) {
        let parts = self.table.entry(section.name()).or_insert_with(|| Value::Table(Table::new()));
        if let Some(parts) = parts.as_table_mut() {
            parts.insert(name.to_owned(), Value::Table(part));
        }
    }

    /// Removes a part; returns whether it existed.
    pub(crate) fn remove_part(&mut self, section: Section, name: &str) -> bool {
        let parts = self.table.get_mut(section.name()).and_then(Value::as_table_mut);
        parts.is_some_and(|parts| parts.remove(name).is_some())
    }

    pub(crate) fn default_priority(&self) -> Option<&str> {
        self.table.get("default_priority")?.as_str()
    }

    pub(crate) fn set_default_priority(&mut self, name: &str) {
        self.table.insert("default_priority".to_owned(), Value::String(name.to_owned()));
    }

    pub(crate) fn rules(&self) -> &[Value] {
        self.table.get("rules").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn set_rules(&mut self, rules: Vec<Value>) {
        if rules.is_empty() {
            self.table.remove("rules");
        } else {
            self.table.insert("rules".to_owned(), Value::Array(rules));
        }
    }

    /// The document as text.
    pub(crate) fn to_text(&self) -> String {
        toml::to_string(&self.table).unwrap_or_default()
    }
}

/// Parses a part from a JSON object.
///
/// # Errors
/// [`PartError`], with line and column.
pub(super) fn part_from_json(body: &[u8]) -> Result<Table, PartError> {
    serde_json::from_slice(body).map_err(|error| PartError::json(&error))
}

/// Parses a part from the fields of a TOML table.
///
/// # Errors
/// [`PartError`], with line and column.
pub(super) fn part_from_toml(body: &[u8]) -> Result<Table, PartError> {
    let text =
        std::str::from_utf8(body).map_err(|_| PartError { message: "invalid UTF-8".to_owned(), line: 1, column: 1 })?;
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

/// Finds fields by their position in a text. Needed for errors with line numbers of a text that only the service has seen.
pub(super) struct Fields {
    line_starts: Vec<usize>,
    /// Spans of values and keys, with their paths, in the order of the walk: nested spans follow the enclosing one.
    spans: Vec<(Range<usize>, String)>,
}

impl Fields {
    pub(super) fn of(text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut spans = Vec::new();
        let (document, _) = DeTable::parse_recoverable(text);
        walk(document.get_ref(), "", &mut spans);
        Self { line_starts, spans }
    }

    /// The path of the innermost field at a position; line and column (in characters) are from 1.
    pub(super) fn path_at(&self, text: &str, line: u32, column: u32) -> Option<&str> {
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
