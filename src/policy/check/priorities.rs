//! Checks priorities, and the default priority.

use super::clocks::{DEFAULT_AT_RISK, Surroundings};
use super::names::Names;
use super::{clocks, names};
use crate::calendar::Calendar;
use crate::limits::{MAX_CLOCKS, MAX_PRIORITIES};
use crate::policy::file::problem::{Place, Report, quoted};
use crate::policy::file::raw::{RawPolicy, RawPriority};
use crate::policy::{OnPriorityChange, Priority, PriorityId};
use crate::suggest;
use std::sync::Arc;

/// Checks every priority. Those with mistakes are left out.
///
/// `calendars` has every calendar's name, and the calendar unless it has mistakes.
pub(crate) fn priorities(
    raw: &RawPolicy<'_, '_>,
    names: &Names<'_>,
    calendars: &[(&str, Option<Arc<Calendar>>)],
    report: &mut Report<'_>,
) -> Vec<Arc<Priority>> {
    let calendar_names = Names::new("calendar", calendars.iter().map(|(name, _)| *name));
    let at_risk = raw.at_risk.as_ref().and_then(|word| clocks::at_risk(word, report)).unwrap_or(DEFAULT_AT_RISK);
    if let Some(first_too_many) = raw.priorities.get(MAX_PRIORITIES) {
        names::too_many(names.list(), MAX_PRIORITIES, "priorities", &first_too_many.name, report);
    }
    if names.list().is_empty() {
        report.error(&top(), "the policy has no priority", "[priorities.normal] with its calendar and clocks");
    }
    let checked = raw.priorities.iter().take(MAX_PRIORITIES);
    checked
        .filter_map(|raw| priority(raw, names, (&calendar_names, calendars), at_risk, report))
        .map(Arc::new)
        .collect()
}

/// Missing parts are reported at the top of the file.
fn top() -> Place {
    0..0
}

/// Names of calendars, and beside each the calendar unless it has mistakes.
type Calendars<'n, 'c> = (&'c Names<'n>, &'c [(&'n str, Option<Arc<Calendar>>)]);

fn priority(
    raw: &RawPriority,
    priorities: &Names<'_>,
    calendars: Calendars<'_, '_>,
    at_risk: u32,
    report: &mut Report<'_>,
) -> Option<Priority> {
    names::is_name(&raw.name, "the priority", report);
    names::too_many(&raw.clocks, MAX_CLOCKS, "clocks", &raw.name, report);
    let calendar = calendar(raw, calendars, report);
    let on_priority_change = on_priority_change(raw, report);
    // Checks that depend on a timeline are not repeated for a known calendar.
    let judged_in = calendar.as_deref().filter(|calendar| calendar.is_compiled());
    let around = Surroundings { priority: &raw.name.text, priorities, calendar: judged_in, at_risk };
    let clocks: Vec<_> = raw.clocks.iter().map(|raw| clocks::clock(raw, around, report)).collect();
    Some(Priority {
        name: raw.name.text.clone(),
        calendar: calendar?,
        on_priority_change: on_priority_change?,
        clocks: clocks.into_iter().collect::<Option<_>>()?,
    })
}

fn calendar(
    raw: &RawPriority,
    (names, calendars): Calendars<'_, '_>,
    report: &mut Report<'_>,
) -> Option<Arc<Calendar>> {
    let Some(word) = &raw.calendar else {
        if !raw.has_calendar {
            let message = format!("the priority {} has no calendar", quoted(&raw.name.text));
            let instead = match names.list() {
                [] => "calendar = \"always\", and [calendars.always] with hours = \"24x7\"".to_owned(),
                _ => format!("calendar = {}", names.instead("")),
            };
            report.error(&raw.name.place, message, instead);
        }
        return None;
    };
    names.known(word, report).and_then(|number| calendars[number].1.clone())
}

fn on_priority_change(raw: &RawPriority, report: &mut Report<'_>) -> Option<OnPriorityChange> {
    let Some(word) = &raw.on_priority_change else { return Some(OnPriorityChange::default()) };
    let choice = OnPriorityChange::from_name(&word.text);
    if choice.is_none() {
        let message = format!("on_priority_change = {} is not a valid choice", quoted(&word.text));
        let names = OnPriorityChange::ALL.into_iter().map(OnPriorityChange::name);
        report.error(&word.place, message, suggest::instead(&word.text, names));
    }
    choice
}

/// The position of the default priority among the names. `None` if it was reported.
pub(crate) fn default_priority(
    raw: &RawPolicy<'_, '_>,
    names: &Names<'_>,
    report: &mut Report<'_>,
) -> Option<PriorityId> {
    match &raw.default_priority {
        Some(word) => names.known(word, report).and_then(|place| place.try_into().ok()),
        None if raw.has_default_priority => None,
        None => {
            let message = "default_priority is missing: it is the priority of tickets that no rule applies to";
            let choice = if names.list().is_empty() { "\"normal\"".to_owned() } else { names.instead("") };
            report.error(&top(), message, format!("default_priority = {choice}"));
            None
        }
    }
}
