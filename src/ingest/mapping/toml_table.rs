//! A TOML document with its lines, and the errors found in it so far.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::ingest::error::{MappingError, Mistake};
use crate::suggest::nearest;

/// A value with its place.
pub(crate) type Value<'t> = Spanned<DeValue<'t>>;

/// Collects errors with their lines.
pub(crate) struct Document<'t> {
    text: &'t str,
    file: &'t str,
    mistakes: Vec<Mistake>,
}

impl<'t> Document<'t> {
    pub(super) fn new(text: &'t str, file: &'t str) -> Self {
        Self { text, file, mistakes: Vec::new() }
    }

    pub(super) fn mistake(&mut self, place: Range<usize>, message: impl Into<String>) {
        let before = self.text.as_bytes().iter().take(place.start);
        let line = 1 + before.filter(|byte| **byte == b'\n').count();
        self.mistakes.push(Mistake { file: self.file.to_owned(), line, message: message.into() });
    }

    pub(super) fn syntax(&mut self, error: &toml::de::Error) {
        let message = error.message().trim().replace('\n', " ");
        self.mistake(error.span().unwrap_or(0..0), format!("not TOML: {message}"));
    }

    pub(super) fn finish<T>(mut self, done: Option<T>) -> Result<T, MappingError> {
        match done {
            Some(done) if self.mistakes.is_empty() => Ok(done),
            _ => {
                self.mistakes.sort_by_key(|mistake| mistake.line);
                Err(MappingError { mistakes: self.mistakes })
            }
        }
    }

    /// Reports every unknown key.
    pub(super) fn known_keys(&mut self, table: &DeTable<'t>, place: &str, known: &[&str]) {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let message = match nearest(name, known.iter().copied()) {
                Some(near) => format!("{place}{name} is unknown, perhaps {near} is meant"),
                None => format!("{place}{name} is unknown, expected one of {}", known.join(", ")),
            };
            self.mistake(key.span(), message);
        }
    }

    /// A table of the document; an empty one if it is missing.
    pub(super) fn table<'a>(&mut self, table: &'a DeTable<'t>, key: &str) -> Option<&'a DeTable<'t>> {
        let value = table.get(key)?;
        let found = value.get_ref().as_table();
        if found.is_none() {
            self.mistake(value.span(), format!("{key} is a {}, expected a table", value.get_ref().type_str()));
        }
        found
    }

    pub(super) fn text_value<'a>(&mut self, value: &'a Value<'t>, field: &str) -> Option<&'a str> {
        let found = value.get_ref().as_str();
        if found.is_none() {
            self.mistake(value.span(), format!("{field} is a {}, expected a text", value.get_ref().type_str()));
        }
        found
    }

    /// A text or a list of texts, each with its place.
    pub(super) fn texts<'a>(&mut self, value: &'a Value<'t>, field: &str) -> Vec<(&'a str, Range<usize>)> {
        if let Some(items) = value.get_ref().as_array() {
            return items
                .iter()
                .filter_map(|item| Some((self.text_value(item, &format!("an item of {field}"))?, item.span())))
                .collect();
        }
        match value.get_ref().as_str() {
            Some(text) => vec![(text, value.span())],
            None => {
                let found = value.get_ref().type_str();
                self.mistake(value.span(), format!("{field} is a {found}, expected a text or a list of texts"));
                Vec::new()
            }
        }
    }
}
