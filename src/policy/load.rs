//! Loads policy files: returns the policy or all mistakes.

use super::check::{MakeCalendar, ReadFile};
use super::file::fields::Word;
use super::file::problem::{Problem, Report, quoted};
use super::file::raw::RawPolicy;
use super::file::{raw, syntax};
use super::{Policy, Priority, check as parts};
use crate::calendar::Calendar;
use crate::limits::{MAX_CONFIG_BYTES, MAX_CONFIG_MARKS};
use hashbrown::HashSet;
use std::sync::Arc;

/// The result of checking a policy file.
#[derive(Debug)]
pub struct Checked {
    /// The policy, unless there is an error among the problems.
    pub policy: Option<Policy>,
    /// Errors and warnings, in order of the file.
    pub problems: Vec<Problem>,
}

/// Reads and checks a policy file. `file` is its name in the reports.
///
/// # Errors
/// Every problem of the file, warnings among them, if at least one is an error.
pub fn load(text: &str, file: &str, read: ReadFile<'_>) -> Result<Policy, Vec<Problem>> {
    let checked = check(text, file, read);
    checked.policy.ok_or(checked.problems)
}

/// Loads a policy that was checked before it was stored. Its calendars are compiled when something is measured in them, and
/// checks that need a compiled calendar are not repeated. `file` is its name in the reports.
///
/// # Errors
/// Every problem found, warnings among them, if at least one is an error.
pub fn reload(text: &str, file: &str, read: ReadFile<'_>) -> Result<Policy, Vec<Problem>> {
    let checked = checked(text, file, |name, definition, read| Calendar::known(name, definition, read), read);
    checked.policy.ok_or(checked.problems)
}

/// Reads and checks a policy file, for a caller who also wants the warnings. `file` is its name in the reports.
pub fn check(text: &str, file: &str, read: ReadFile<'_>) -> Checked {
    checked(text, file, |name, definition, read| Calendar::new(name, definition, read), read)
}

fn checked(text: &str, file: &str, make: MakeCalendar, read: ReadFile<'_>) -> Checked {
    let mut report = Report::new(file, text);
    let policy = policy(text, make, read, &mut report);
    let policy = policy.filter(|_| report.errors() == 0);
    Checked { policy, problems: report.finish() }
}

fn policy(text: &str, make: MakeCalendar, read: ReadFile<'_>, report: &mut Report<'_>) -> Option<Policy> {
    if text.len() as u64 > MAX_CONFIG_BYTES {
        let message = format!("the file has {} bytes; a policy file may have {MAX_CONFIG_BYTES}", text.len());
        report.error_plain(&(0..0), message);
        return None;
    }
    let marks = text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'[' | b'{')).count();
    if marks > MAX_CONFIG_MARKS {
        let message = format!("the file has {marks} fields, lists and members; a policy may have {MAX_CONFIG_MARKS}");
        report.error_plain(&(0..0), message);
        return None;
    }
    if let Some(at) = text.find('\0') {
        report.error_plain(&(at..at + 1), "a zero byte: this is not a text file");
        return None;
    }
    let document = syntax::parse(text, report)?;
    let raw = raw::read(&document, report);
    let calendars = parts::calendars(&raw, make, read, report);
    warn_of_unused(&raw, report);
    let names = parts::Names::new("priority", raw.priorities.iter().map(|priority| priority.name.text.as_str()));
    let priorities = parts::priorities(&raw, &names, &calendars, report);
    parts::refuse_loops(&raw, &names, report);
    let default_priority = parts::default_priority(&raw, &names, report);
    let rules = parts::rules(&raw, &names, report);
    Some(Policy {
        calendars: calendars.into_iter().map(|(_, calendar)| calendar).collect::<Option<Vec<Arc<Calendar>>>>()?,
        priorities: all(priorities, &raw)?,
        default_priority: default_priority?,
        rules: rules?,
    })
}

/// Numbers of priorities are positions in the file: with one of them missing they would all be wrong.
fn all(priorities: Vec<Arc<Priority>>, raw: &RawPolicy<'_, '_>) -> Option<Vec<Arc<Priority>>> {
    (priorities.len() == raw.priorities.len()).then_some(priorities)
}

fn warn_of_unused(raw: &RawPolicy<'_, '_>, report: &mut Report<'_>) {
    let named = raw.priorities.iter().filter_map(|priority| priority.calendar.as_ref());
    let used: HashSet<&str, foldhash::fast::FixedState> = named.map(|word| word.text.as_str()).collect();
    for Word { text, place } in raw.calendars.iter().map(|field| field.word()) {
        if used.contains(text.as_str()) {
            continue;
        }
        let message = format!("no priority uses the calendar {}", quoted(&text));
        report.warning(&place, message, format!("calendar = {} in a priority, or remove it", quoted(&text)));
    }
}
