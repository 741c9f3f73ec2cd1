//! Converts the cells of a row to texts, times and labels by the mapping's rules.

use super::cell::Cell;
use super::timestamp::{Fault, in_range};
use crate::ingest::error::shorten;
use crate::ingest::mapping::{Mapping, TimeColumn, ValueRule};
use crate::limits::MAX_TICKET_ID_BYTES;

/// Why a row cannot be read: the input column (or none, for the whole row), the value found, what was expected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FieldError {
    pub input: Option<usize>,
    pub value: String,
    pub reason: String,
}

/// Converts values; it owns the buffers for this.
pub(crate) struct Values<'m> {
    mapping: &'m Mapping,
    scratch: String,
    joined: String,
    longest_empty: usize,
}

impl<'m> Values<'m> {
    pub(crate) fn new(mapping: &'m Mapping) -> Self {
        let longest_empty = mapping.empty.iter().map(String::len).max().unwrap_or(0);
        Self { mapping, scratch: String::new(), joined: String::new(), longest_empty }
    }

    /// A cell's text, if it is not empty.
    pub(crate) fn value<'s>(&'s mut self, cells: &'s [Cell<'_>], input: usize) -> Result<Option<&'s str>, FieldError> {
        let found =
            cells[input].text(&mut self.scratch).map_err(|what| fault(input, what, "expected a single value"))?;
        let is_empty = |text: &str| {
            text.is_empty() || text.len() <= self.longest_empty && self.mapping.empty.iter().any(|empty| empty == text)
        };
        Ok(found.map(trimmed).filter(|text| !is_empty(text)))
    }

    pub(crate) fn ticket_id<'s>(
        &self,
        cells: &'s [Cell<'_>],
        input: usize,
        scratch: &'s mut String,
    ) -> Result<&'s str, FieldError> {
        let found = cells[input].text(scratch).map_err(|what| fault(input, what, "expected a ticket's id"))?;
        let id = trimmed(found.unwrap_or_default());
        if id.is_empty() || self.mapping.empty.iter().any(|empty| empty == id) {
            return Err(fault(input, id, "expected a ticket's id"));
        }
        if id.len() > MAX_TICKET_ID_BYTES {
            return Err(fault(input, id, format!("expected a ticket's id of at most {MAX_TICKET_ID_BYTES} bytes")));
        }
        Ok(id)
    }

    pub(crate) fn required_time(&mut self, cells: &[Cell<'_>], column: &TimeColumn) -> Result<i64, FieldError> {
        let expected = || fault(column.input, "", format!("expected a time ({})", column.writing.described));
        self.time(cells, column)?.ok_or_else(expected)
    }

    /// The time in a column that the mapping may lack.
    pub(crate) fn time_if_mapped(
        &mut self,
        cells: &[Cell<'_>],
        column: Option<&TimeColumn>,
    ) -> Result<Option<i64>, FieldError> {
        column.map_or(Ok(None), |column| self.time(cells, column))
    }

    pub(crate) fn time(&mut self, cells: &[Cell<'_>], column: &TimeColumn) -> Result<Option<i64>, FieldError> {
        let cell = &cells[column.input];
        let read = match cell {
            Cell::Null => return Ok(None),
            Cell::Text(_) => match self.value(cells, column.input)? {
                None => return Ok(None),
                Some(text) => column.writing.read(text.trim()),
            },
            Cell::Instant(at_ms) => in_range(*at_ms),
            Cell::Local(local_ms) => column.writing.read_local(*local_ms),
            Cell::Integer(number) => column.writing.read_number(*number),
            Cell::Unsigned(number) => {
                i64::try_from(*number).map_err(|_| Fault::Range).and_then(|number| column.writing.read_number(number))
            }
            Cell::Float(number) if number.is_nan() => return Ok(None),
            Cell::Float(number) => column.writing.read(&number.to_string()),
            Cell::Bool(_) | Cell::Other(_) => Err(Fault::Syntax),
        };
        read.map(Some).map_err(|found| {
            let reason = match found {
                Fault::Syntax => format!("expected a time ({})", column.writing.described),
                Fault::Range => "lies outside 1970-01-01 to 2099-12-31".to_owned(),
                Fault::Unit => {
                    "is a time of the first months of 1970: probably the unit is another one (unix_s for seconds, \
                                unix_ms for milliseconds), or it is the day number of a spreadsheet"
                        .to_owned()
                }
                Fault::Zone => {
                    "ends with a time zone that is not known: expected UTC, GMT, Z, an IANA name, or one of zones in \
                                the mapping, such as zones = { EST = \"America/New_York\" }"
                        .to_owned()
                }
                Fault::NoZone => "is a local time: name its zone in the mapping, or give an offset from UTC".to_owned(),
            };
            fault(column.input, &cell.shown(), reason)
        })
    }

    /// A label rule's value from the input, joined if it is in several columns. `None` if all columns are empty.
    pub(crate) fn said<'s>(
        &'s mut self,
        cells: &'s [Cell<'_>],
        inputs: &[usize],
    ) -> Result<Option<&'s str>, FieldError> {
        match inputs {
            [] => Ok(None),
            [input] => self.value(cells, *input),
            _ => {
                let mut joined = std::mem::take(&mut self.joined);
                joined.clear();
                let mut says = false;
                for (index, input) in inputs.iter().enumerate() {
                    if index > 0 {
                        joined.push('/');
                    }
                    if let Some(text) = self.value(cells, *input)? {
                        joined.push_str(text);
                        says = true;
                    }
                }
                self.joined = joined;
                Ok(says.then_some(self.joined.as_str()))
            }
        }
    }

    /// The label of a state or event: `None` if the columns are missing or empty, `Some(None)` if they contain a value that
    /// counts as empty.
    pub(crate) fn label<W: Copy>(
        &mut self,
        cells: &[Cell<'_>],
        rule: &ValueRule<W>,
        what: &str,
        name: fn(W) -> &'static str,
    ) -> Result<Option<Option<W>>, FieldError> {
        let Some(said) = self.said(cells, &rule.inputs)? else { return Ok(None) };
        match rule.values.get(said).copied().or(rule.other) {
            Some(label) => Ok(Some(label)),
            None => {
                let mut known: Vec<&str> = rule.values.keys().map(String::as_str).collect();
                known.sort_unstable();
                known.truncate(12);
                let first = rule.values.values().flatten().next().map(|label| name(*label)).unwrap_or_default();
                let reason = format!(
                    "is not a known {what}, expected one of {} (or an entry such as \"{}\" = \"{first}\" in [values.{what}])",
                    known.join(", "),
                    shorten(said)
                );
                Err(fault(rule.inputs[0], said, reason))
            }
        }
    }
}

/// A text without blanks at its ends, and without the invisible characters that spreadsheets leave there.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|char: char| char.is_whitespace() || matches!(char, '\u{feff}' | '\u{200b}'))
}

fn fault(input: usize, value: &str, reason: impl Into<String>) -> FieldError {
    FieldError { input: Some(input), value: shorten(value), reason: reason.into() }
}
