//! Parses and checks the text of a mapping file; the result is a [`Mapping`].

use std::ops::Range;
use std::sync::Arc;

use toml::de::DeTable;

use super::toml_table::{Document, Value};
use super::{Input, LabelRule, Mapping, Reported, Shape, ValueRule};
use crate::ingest::error::{MappingError, Mistake};
use crate::ingest::maps::{Map, Set};
use crate::ingest::rows::timestamp::Writing;
use crate::limits::{MAX_CONFIG_BYTES, MAX_LABEL_BYTES};
use crate::suggest::nearest;
use crate::ticket::{Column, EventKind};

const TOP_KEYS: [&str; 12] = [
    "rows",
    "empty",
    "optional",
    "records",
    "delimiter",
    "time",
    "columns",
    "events",
    "event_at",
    "values",
    "defaults",
    "skip",
];

impl Mapping {
    /// Reads and checks a mapping.
    ///
    /// # Errors
    /// Every error of the file, each with its line.
    pub fn parse(text: &str, file: &str) -> Result<Self, MappingError> {
        check(text, file)
    }
}

fn check(text: &str, file: &str) -> Result<Mapping, MappingError> {
    if text.len() as u64 > MAX_CONFIG_BYTES {
        let message = format!("{} bytes, expected at most {MAX_CONFIG_BYTES}", text.len());
        return Err(MappingError { mistakes: vec![Mistake { file: file.to_owned(), line: 1, message }] });
    }
    let mut document = Document::new(text, file);
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        for error in &errors {
            document.syntax(error);
        }
        return document.finish(None);
    }
    let mut checker = Checker { document, inputs: Vec::new(), optional: Set::default(), writing: None };
    let mapping = checker.mapping(root.get_ref());
    checker.document.finish(mapping)
}

pub(crate) struct Checker<'t> {
    pub document: Document<'t>,
    inputs: Vec<Input>,
    optional: Set<String>,
    /// From `[time]`, for all time columns.
    pub writing: Option<Arc<Writing>>,
}

impl<'t> Checker<'t> {
    fn mapping(&mut self, root: &DeTable<'t>) -> Option<Mapping> {
        self.document.known_keys(root, "", &TOP_KEYS);
        let empty = match root.get("empty") {
            Some(value) => self.document.texts(value, "empty").into_iter().map(|(text, _)| text.to_owned()).collect(),
            None => vec![String::new()],
        };
        let optional = root.get("optional").map(|value| self.document.texts(value, "optional")).unwrap_or_default();
        self.optional = optional.iter().map(|(name, _)| (*name).to_owned()).collect();
        let time = self.document.table(root, "time");
        if let Some(time) = time {
            self.document.known_keys(time, "time.", &["formats", "zone", "zones"]);
        }
        self.writing = self.writing_of(time).map(Arc::new);
        let delimiter = self.delimiter(root);
        let records =
            root.get("records").and_then(|value| self.document.text_value(value, "records")).map(str::to_owned);

        let columns = match self.document.table(root, "columns") {
            Some(columns) => columns,
            None => {
                self.document.mistake(0..0, "columns is missing, expected a table [columns] with at least ticket");
                return None;
            }
        };
        let one_row_a_ticket = self.one_row_a_ticket(root)?;
        let values = self.document.table(root, "values");
        let defaults = self.document.table(root, "defaults");
        let labels: Vec<&str> = Column::ALL.iter().map(|column| column.name()).chain(["state", "event"]).collect();
        if let Some(values) = values {
            self.document.known_keys(values, "values.", &labels);
        }
        if let Some(defaults) = defaults {
            self.document.known_keys(defaults, "defaults.", &labels);
        }
        let own: &[&str] = if one_row_a_ticket {
            &["at", "updated", "ticket", "subject", "text"]
        } else {
            &["at", "ticket", "subject", "text", "opened"]
        };
        let known: Vec<&str> = labels
            .iter()
            .copied()
            .filter(|label| !(one_row_a_ticket && *label == "event"))
            .chain(own.iter().copied())
            .collect();
        self.document.known_keys(columns, "columns.", &known);

        let ticket = match columns.get("ticket") {
            Some(value) => self.input(value, "columns.ticket"),
            None => {
                self.document.mistake(0..0, "columns.ticket is missing, expected the column with the ticket's id");
                None
            }
        };
        let labels = Column::ALL.map(|column| self.label_rule(column, columns, values, defaults));
        let state = self.value_rule(
            "state",
            columns,
            values,
            defaults,
            Reported::from_name,
            &Reported::ALL.map(|(name, _)| name),
        );
        let texts = ["subject", "text"]
            .into_iter()
            .filter_map(|name| self.input(columns.get(name)?, &format!("columns.{name}")))
            .collect();
        let shape = if one_row_a_ticket {
            self.tickets(root, columns, &state)
        } else {
            self.events(root, columns, values, defaults)
        };
        let skip = self.skip(root);
        for (name, place) in optional {
            if !self.inputs.iter().any(|input| input.name == name) {
                self.document.mistake(place, format!("optional names {name:?}, which is not a column of the mapping"));
            }
        }
        Some(Mapping {
            inputs: std::mem::take(&mut self.inputs),
            shape: shape?,
            ticket: ticket?,
            labels,
            state,
            texts,
            empty,
            skip,
            records,
            delimiter,
        })
    }

    fn one_row_a_ticket(&mut self, root: &DeTable<'t>) -> Option<bool> {
        let Some(value) = root.get("rows") else {
            self.document.mistake(0..0, "rows is missing, expected \"tickets\" or \"events\"");
            return None;
        };
        match self.document.text_value(value, "rows")? {
            "tickets" => Some(true),
            "events" => Some(false),
            other => {
                self.document.mistake(value.span(), format!("rows is {other:?}, expected \"tickets\" or \"events\""));
                None
            }
        }
    }

    fn delimiter(&mut self, root: &DeTable<'t>) -> u8 {
        let Some(value) = root.get("delimiter") else { return b',' };
        match self.document.text_value(value, "delimiter").map(str::as_bytes) {
            Some([byte]) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
            Some(_) => {
                self.document.mistake(
                    value.span(),
                    "delimiter has another length, expected one character such as \";\" or \"\\t\"",
                );
                b','
            }
            None => b',',
        }
    }

    /// The index of an input column by its name; a new one at its first occurrence.
    fn input_named(&mut self, name: &str) -> usize {
        let required = !self.optional.contains(name);
        match self.inputs.iter().position(|input| input.name == name) {
            Some(known) => {
                self.inputs[known].required |= required;
                known
            }
            None => {
                self.inputs.push(Input { name: name.to_owned(), required });
                self.inputs.len() - 1
            }
        }
    }

    pub(super) fn input(&mut self, value: &Value<'t>, field: &str) -> Option<usize> {
        let name = self.document.text_value(value, field)?;
        if name.is_empty() {
            self.document.mistake(value.span(), format!("{field} is empty, expected the name of a column"));
            return None;
        }
        Some(self.input_named(name))
    }

    fn inputs_of(&mut self, columns: &DeTable<'t>, name: &str) -> Vec<usize> {
        let Some(value) = columns.get(name) else { return Vec::new() };
        let names = self.document.texts(value, &format!("columns.{name}"));
        names.into_iter().map(|(name, _)| self.input_named(name)).collect()
    }

    fn label_rule(
        &mut self,
        column: Column,
        columns: &DeTable<'t>,
        values: Option<&DeTable<'t>>,
        defaults: Option<&DeTable<'t>>,
    ) -> LabelRule {
        let name = column.name();
        let mut rule = LabelRule { inputs: self.inputs_of(columns, name), ..LabelRule::default() };
        for (theirs, ours, place) in self.pairs(values, name, rule.inputs.is_empty()) {
            if ours.len() > MAX_LABEL_BYTES {
                let message =
                    format!("values.{name} has a label of {} bytes, expected at most {MAX_LABEL_BYTES}", ours.len());
                self.document.mistake(place, message);
            } else if theirs == "*" {
                rule.other = Some(ours);
            } else {
                rule.values.insert(theirs, ours);
            }
        }
        rule.default = self.default_of(defaults, name).map(|(label, _)| label);
        rule
    }

    fn value_rule<W: Copy>(
        &mut self,
        name: &str,
        columns: &DeTable<'t>,
        values: Option<&DeTable<'t>>,
        defaults: Option<&DeTable<'t>>,
        from_name: fn(&str) -> Option<W>,
        names: &[&'static str],
    ) -> ValueRule<W> {
        let inputs = self.inputs_of(columns, name);
        let mut rule = ValueRule { inputs, values: Map::default(), other: None, default: None };
        let pairs = self.pairs(values, name, rule.inputs.is_empty());
        if pairs.is_empty() {
            rule.values = names.iter().map(|name| ((*name).to_owned(), from_name(name))).collect();
        }
        for (theirs, ours, place) in pairs {
            let label = if ours.is_empty() { None } else { from_name(&ours) };
            if !ours.is_empty() && label.is_none() {
                let message = unknown_value(&format!("values.{name} {theirs:?}"), &ours, names);
                self.document.mistake(place, message);
            }
            if theirs == "*" {
                rule.other = Some(label);
            } else {
                rule.values.insert(theirs, label);
            }
        }
        if let Some((label, place)) = self.default_of(defaults, name) {
            rule.default = from_name(&label);
            if rule.default.is_none() {
                self.document.mistake(place, unknown_value(&format!("defaults.{name}"), &label, names));
            }
        }
        rule
    }

    /// The (theirs, ours, place) triples of a table of values.
    fn pairs(&mut self, values: Option<&DeTable<'t>>, name: &str, unused: bool) -> Vec<(String, String, Range<usize>)> {
        let Some(value) = values.and_then(|values| values.get(name)) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            let found = value.get_ref().type_str();
            self.document.mistake(value.span(), format!("values.{name} is a {found}, expected a table"));
            return Vec::new();
        };
        if unused {
            self.document.mistake(value.span(), format!("values.{name} is given, but columns.{name} is not"));
        }
        table
            .iter()
            .filter_map(|(theirs, ours)| {
                let label = self.document.text_value(ours, &format!("values.{name} {:?}", theirs.get_ref()))?;
                Some((theirs.get_ref().to_string(), label.to_owned(), ours.span()))
            })
            .collect()
    }

    fn default_of(&mut self, defaults: Option<&DeTable<'t>>, name: &str) -> Option<(String, Range<usize>)> {
        let value = defaults?.get(name)?;
        let field = format!("defaults.{name}");
        let label = self.document.text_value(value, &field)?;
        if label.is_empty() || label.len() > MAX_LABEL_BYTES {
            let message = format!("{field} has {} bytes, expected 1 to {MAX_LABEL_BYTES}", label.len());
            self.document.mistake(value.span(), message);
        }
        Some((label.to_owned(), value.span()))
    }

    fn tickets(&mut self, root: &DeTable<'t>, columns: &DeTable<'t>, state: &ValueRule<Reported>) -> Option<Shape> {
        self.refuse(root, "event_at", "rows = \"events\"");
        let state_at = columns.get("at").and_then(|value| self.time_column(value, "columns.at"));
        let updated = columns.get("updated").and_then(|value| self.time_column(value, "columns.updated"));
        if let (Some(value), true) = (columns.get("state"), columns.get("at").is_none() && updated.is_none()) {
            let message = "columns.state is given without columns.at or columns.updated, expected the column that says since when";
            self.document.mistake(value.span(), message);
        }
        if let (Some(value), true) = (columns.get("at"), state.inputs.is_empty()) {
            let message =
                "columns.at is given without columns.state, expected both (or events by their columns in [events])";
            self.document.mistake(value.span(), message);
        }
        let Some(table) = self.document.table(root, "events") else {
            if root.get("events").is_none() {
                self.document.mistake(0..0, "events is missing, expected a table [events] with at least opened");
            }
            return None;
        };
        let mut events = self.event_times(table, "events");
        match events.iter().position(|(kind, _)| *kind == EventKind::Opened) {
            Some(place) => {
                let (_, opened) = events.remove(place);
                Some(Shape::Tickets { opened, events, state_at, updated })
            }
            None => {
                if table.get("opened").is_none() {
                    self.document.mistake(0..0, "events.opened is missing, expected the column with the opening time");
                }
                None
            }
        }
    }

    fn events(
        &mut self,
        root: &DeTable<'t>,
        columns: &DeTable<'t>,
        values: Option<&DeTable<'t>>,
        defaults: Option<&DeTable<'t>>,
    ) -> Option<Shape> {
        self.refuse(root, "events", "rows = \"tickets\"");
        let names = EventKind::ALL.map(EventKind::name);
        let event = self.value_rule("event", columns, values, defaults, EventKind::from_name, &names);
        let opened = columns.get("opened").and_then(|value| self.time_column(value, "columns.opened"));
        let event_at = match self.document.table(root, "event_at") {
            Some(table) => self.event_times(table, "event_at"),
            None => Vec::new(),
        };
        let Some(at) = columns.get("at") else {
            self.document.mistake(0..0, "columns.at is missing, expected the column with the event's time");
            return None;
        };
        Some(Shape::Events { at: self.time_column(at, "columns.at")?, event, opened, event_at })
    }

    fn skip(&mut self, root: &DeTable<'t>) -> Vec<(usize, Set<String>)> {
        let Some(table) = self.document.table(root, "skip") else { return Vec::new() };
        let mut skip = Vec::new();
        for (name, value) in table {
            let values = self.document.texts(value, &format!("skip.{}", name.get_ref()));
            let input = self.input_named(name.get_ref());
            skip.push((input, values.into_iter().map(|(value, _)| value.to_owned()).collect()));
        }
        skip
    }

    fn refuse(&mut self, root: &DeTable<'t>, key: &str, needs: &str) {
        if let Some((key, _)) = root.get_key_value(key) {
            self.document.mistake(key.span(), format!("{} is only meant for {needs}", key.get_ref()));
        }
    }
}

fn unknown_value(field: &str, label: &str, names: &[&'static str]) -> String {
    match nearest(label, names.iter().copied()) {
        Some(near) => format!("{field} is {label:?}, perhaps {near:?} is meant"),
        None => format!("{field} is {label:?}, expected one of {}", names.join(", ")),
    }
}
