//! Reads tables of a policy file field by field.
//!
//! serde stops at the first mistake and does not suggest similar names, so the reader walks the parsed TOML itself: every
//! getter reports an unusable value and returns `None`, and reading continues.

use super::problem::{Place, Report, quoted};
use crate::suggest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A text of the file, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub text: String,
    pub place: Place,
}

/// One `key = value` of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'d, 't> {
    pub key: &'d Spanned<toml::de::DeString<'t>>,
    pub value: &'d Spanned<DeValue<'t>>,
}

impl<'d, 't> Field<'d, 't> {
    pub(crate) fn name(&self) -> &'d str {
        self.key.get_ref()
    }

    pub(crate) fn word(&self) -> Word {
        Word { text: self.name().to_owned(), place: self.key.span() }
    }

    /// The value as text; otherwise reports what it should look like.
    pub(crate) fn text(&self, example: &str, report: &mut Report<'_>) -> Option<Word> {
        text_of(self.value, self.name(), example, report)
    }

    /// The value as a list of texts; members of other types are reported and skipped.
    pub(crate) fn texts(&self, example: &str, report: &mut Report<'_>) -> Vec<Word> {
        match self.value.get_ref() {
            DeValue::Array(members) => {
                members.iter().filter_map(|member| text_of(member, self.name(), example, report)).collect()
            }
            DeValue::String(text) => {
                let (name, listed) = (self.name(), quoted(text));
                let message = format!("{name} must be a list, not the single text {listed}");
                report.error(&self.value.span(), message, format!("{name} = [{listed}]"));
                Vec::new()
            }
            other => {
                let message = format!("{} must be a list of texts, not {}", self.name(), described(other));
                report.error(&self.value.span(), message, format!("{} = [{example}]", self.name()));
                Vec::new()
            }
        }
    }

    pub(crate) fn flag(&self, report: &mut Report<'_>) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            other => {
                let message = format!("{} must be true or false, not {}", self.name(), described(other));
                report.error(&self.value.span(), message, format!("{} = true", self.name()));
                None
            }
        }
    }

    /// The value as a table.
    pub(crate) fn table(&self, example: &str, report: &mut Report<'_>) -> Option<Table<'d, 't>> {
        table_of(self.value, self.name(), example, report)
    }

    /// The value as a list of tables; members of other types are reported and skipped.
    pub(crate) fn tables(&self, example: &str, report: &mut Report<'_>) -> Vec<Table<'d, 't>> {
        match self.value.get_ref() {
            DeValue::Array(members) => {
                members.iter().filter_map(|member| table_of(member, self.name(), example, report)).collect()
            }
            other => {
                let message = format!("{} must be a list of tables, not {}", self.name(), described(other));
                report.error(&self.value.span(), message, example);
                Vec::new()
            }
        }
    }
}

/// A table's fields in the order of the file.
#[derive(Debug, Clone)]
pub(crate) struct Table<'d, 't> {
    pub place: Place,
    pub fields: Vec<Field<'d, 't>>,
}

impl<'d, 't> Table<'d, 't> {
    pub(crate) fn new(table: &'d DeTable<'t>, place: Place) -> Self {
        let mut fields: Vec<Field<'d, 't>> = table.iter().map(|(key, value)| Field { key, value }).collect();
        fields.sort_by_key(|field| field.key.span().start);
        Self { place, fields }
    }

    /// The field with that name.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'d, 't>> {
        self.fields.iter().find(|field| field.name() == name).copied()
    }

    /// Reports every field that is not one of `known`; `of` names the table.
    pub(crate) fn refuse_others(&self, known: &[&str], of: &str, report: &mut Report<'_>) {
        for field in self.fields.iter().filter(|field| !known.contains(&field.name())) {
            let message = format!("{of} has no field {}", quoted(field.name()));
            let near = if report.is_full() { None } else { suggest::nearest(field.name(), known.iter().copied()) };
            let instead = match near {
                Some(name) => name.to_owned(),
                None => format!("one of {}", known.join(", ")),
            };
            report.error(&field.key.span(), message, instead);
        }
    }

    pub(crate) fn text(&self, name: &str, example: &str, report: &mut Report<'_>) -> Option<Word> {
        self.get(name)?.text(example, report)
    }

    pub(crate) fn texts(&self, name: &str, example: &str, report: &mut Report<'_>) -> Option<Vec<Word>> {
        Some(self.get(name)?.texts(example, report))
    }

    pub(crate) fn flag(&self, name: &str, report: &mut Report<'_>) -> Option<bool> {
        self.get(name)?.flag(report)
    }
}

fn text_of(value: &Spanned<DeValue<'_>>, name: &str, example: &str, report: &mut Report<'_>) -> Option<Word> {
    match value.get_ref() {
        DeValue::String(text) => Some(Word { text: text.to_string(), place: value.span() }),
        other => {
            let message = format!("{name} must be text, not {}", described(other));
            report.error(&value.span(), message, format!("text in quotes, such as {example}"));
            None
        }
    }
}

fn table_of<'d, 't>(
    value: &'d Spanned<DeValue<'t>>,
    name: &str,
    example: &str,
    report: &mut Report<'_>,
) -> Option<Table<'d, 't>> {
    match value.get_ref() {
        DeValue::Table(table) => Some(Table::new(table, value.span())),
        other => {
            let message = format!("{name} must be a table of fields, not {}", described(other));
            report.error(&value.span(), message, example);
            None
        }
    }
}

fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", quoted(text)),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(flag) => format!("{flag}"),
        DeValue::Datetime(time) => format!("the time {time}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
