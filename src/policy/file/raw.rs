//! A policy as typed: the right fields with the right types, but names not looked up yet.

use super::fields::{Field, Table, Word};
use super::problem::{Place, Report};
use toml::Spanned;
use toml::de::DeTable;

#[derive(Debug)]
pub(crate) struct RawPolicy<'d, 't> {
    pub default_priority: Option<Word>,
    /// Whether the field is present, even if it is not text.
    pub has_default_priority: bool,
    pub at_risk: Option<Word>,
    pub calendars: Vec<Field<'d, 't>>,
    pub priorities: Vec<RawPriority>,
    pub rules: Vec<RawRule>,
}

#[derive(Debug)]
pub(crate) struct RawPriority {
    pub name: Word,
    pub calendar: Option<Word>,
    pub has_calendar: bool,
    pub on_priority_change: Option<Word>,
    pub clocks: Vec<RawClock>,
}

#[derive(Debug)]
pub(crate) struct RawClock {
    pub name: Word,
    pub preset: Option<Word>,
    pub target: Option<Word>,
    /// Whether the field is present, even if it is not text.
    pub has_target: bool,
    pub at_risk: Option<Word>,
    pub pause_while: Option<Vec<Word>>,
    pub starts_when_done: Option<bool>,
    /// Event and effect; `None` without the field.
    pub on: Option<Vec<(Word, Word)>>,
    pub levels: Vec<RawLevel>,
}

#[derive(Debug)]
pub(crate) struct RawLevel {
    pub place: Place,
    pub at: Option<Word>,
    pub has_at: bool,
    pub notify: Vec<Word>,
    pub reassign: Option<Word>,
    pub webhook: Option<Word>,
    pub set_priority: Option<Word>,
    pub ends_chain: bool,
}

#[derive(Debug)]
pub(crate) struct RawRule {
    pub place: Place,
    /// Conditions by the name of their field; `None` if one was reported.
    pub when: Option<Vec<(Word, Vec<Word>)>>,
    pub priority: Option<Word>,
    pub has_priority: bool,
}

/// Conditions of a rule.
pub(crate) const CONDITIONS: [&str; 6] = ["customer", "segment", "category", "channel", "team", "keywords"];

const POLICY_FIELDS: [&str; 5] = ["default_priority", "at_risk", "calendars", "priorities", "rules"];
const PRIORITY_FIELDS: [&str; 3] = ["calendar", "on_priority_change", "clocks"];
const CLOCK_FIELDS: [&str; 7] = ["preset", "target", "at_risk", "pause_while", "starts_when_done", "on", "levels"];
const LEVEL_FIELDS: [&str; 6] = ["at", "notify", "reassign", "webhook", "set_priority", "ends_chain"];
const RULE_FIELDS: [&str; 2] = ["when", "priority"];

const LEVEL_EXAMPLE: &str = r#"levels = [{ at = "50%", notify = ["owner"] }]"#;

/// Takes a parsed document apart; invalid parts are reported and skipped.
pub(crate) fn read<'d, 't>(document: &'d Spanned<DeTable<'t>>, report: &mut Report<'_>) -> RawPolicy<'d, 't> {
    let table = Table::new(document.get_ref(), document.span());
    table.refuse_others(&POLICY_FIELDS, "a policy", report);
    let calendars = table.get("calendars").and_then(|field| field.table("[calendars.office]", report));
    let priorities = table.get("priorities").and_then(|field| field.table("[priorities.normal]", report));
    let rules = table.get("rules").map(|field| field.tables("[[rules]]", report)).unwrap_or_default();
    RawPolicy {
        default_priority: table.text("default_priority", "\"normal\"", report),
        has_default_priority: table.get("default_priority").is_some(),
        at_risk: table.text("at_risk", "\"75%\"", report),
        calendars: calendars.map(|table| table.fields).unwrap_or_default(),
        priorities: fields_of(priorities).filter_map(|field| priority(&field, report)).collect(),
        rules: rules.iter().map(|table| rule(table, report)).collect(),
    }
}

fn fields_of<'d, 't>(table: Option<Table<'d, 't>>) -> impl Iterator<Item = Field<'d, 't>> {
    table.map(|table| table.fields).unwrap_or_default().into_iter()
}

fn priority(field: &Field<'_, '_>, report: &mut Report<'_>) -> Option<RawPriority> {
    let table = field.table("[priorities.normal] and its fields below", report)?;
    table.refuse_others(&PRIORITY_FIELDS, "a priority", report);
    let clocks = table.get("clocks").and_then(|field| field.table("[priorities.normal.clocks.first_response]", report));
    Some(RawPriority {
        name: field.word(),
        calendar: table.text("calendar", "\"office\"", report),
        has_calendar: table.get("calendar").is_some(),
        on_priority_change: table.text("on_priority_change", "\"from_start\"", report),
        clocks: fields_of(clocks).filter_map(|field| clock(&field, report)).collect(),
    })
}

fn clock(field: &Field<'_, '_>, report: &mut Report<'_>) -> Option<RawClock> {
    let table = field.table("[priorities.normal.clocks.first_response] and its fields below", report)?;
    table.refuse_others(&CLOCK_FIELDS, "a clock", report);
    let on = table.get("on").and_then(|field| field.table(r#"on = { opened = "start", closed = "stop" }"#, report));
    let levels = table.get("levels").map(|field| field.tables(LEVEL_EXAMPLE, report)).unwrap_or_default();
    Some(RawClock {
        name: field.word(),
        preset: table.text("preset", "\"superoffice\"", report),
        target: table.text("target", "\"4h\", \"2bd\" or \"30d\"", report),
        has_target: table.get("target").is_some(),
        at_risk: table.text("at_risk", "\"75%\"", report),
        pause_while: table.texts("pause_while", "\"waiting\"", report),
        starts_when_done: table.flag("starts_when_done", report),
        on: on.map(|table| {
            let effect = |field: &Field<'_, '_>| Some((field.word(), field.text("\"start\"", report)?));
            table.fields.iter().filter_map(effect).collect()
        }),
        levels: levels.iter().map(|table| level(table, report)).collect(),
    })
}

fn level(table: &Table<'_, '_>, report: &mut Report<'_>) -> RawLevel {
    table.refuse_others(&LEVEL_FIELDS, "a level", report);
    RawLevel {
        place: table.place.clone(),
        at: table.text("at", "\"50%\", \"2h\" or \"+30m\"", report),
        has_at: table.get("at").is_some(),
        notify: table.texts("notify", "\"owner\"", report).unwrap_or_default(),
        reassign: table.text("reassign", "\"next_tier\"", report),
        webhook: table.text("webhook", "\"pager\"", report),
        set_priority: table.text("set_priority", "\"high\"", report),
        ends_chain: table.flag("ends_chain", report).unwrap_or_default(),
    }
}

fn rule(table: &Table<'_, '_>, report: &mut Report<'_>) -> RawRule {
    table.refuse_others(&RULE_FIELDS, "a rule", report);
    let when = table.get("when");
    if when.is_none() {
        report.error(&table.place, "a rule must say when it applies", r#"when = { channel = ["phone"] }"#);
    }
    RawRule {
        place: table.place.clone(),
        when: when.and_then(|field| conditions(&field, report)),
        priority: table.text("priority", "\"normal\"", report),
        has_priority: table.get("priority").is_some(),
    }
}

/// The conditions of a rule, or `None` if one of them is unusable: the rule would then apply more widely than its author meant.
fn conditions(when: &Field<'_, '_>, report: &mut Report<'_>) -> Option<Vec<(Word, Vec<Word>)>> {
    let errors_before = report.errors();
    let table = when.table(r#"when = { channel = ["phone"] }"#, report)?;
    table.refuse_others(&CONDITIONS, "`when` of a rule", report);
    let mut conditions = Vec::new();
    for field in table.fields.iter().filter(|field| CONDITIONS.contains(&field.name())) {
        let values = field.texts("\"ACME\"", report);
        if field.value.get_ref().as_array().is_some_and(|members| members.is_empty()) {
            let message = format!("{} is an empty list: the rule would never apply", field.name());
            report.error(&field.value.span(), message, "at least one value, or remove the condition");
        }
        conditions.push((field.word(), values));
    }
    (report.errors() == errors_before).then_some(conditions)
}
