//! `overdue check`: all errors of a policy file, before it is used.

use super::common::files::read_policy;
use crate::calendar::{CalendarDefinition, Holiday, Interval, TimeOfDay, WEEKDAYS};
use crate::policy::{Actions, Clock, Policy, Priority};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// Checks policy files: reports every error with its line and a correction, and summarizes the policy.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Policy files (TOML).
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Problems go to stderr, summaries of the policies to stdout. The exit code is 1 if a file has errors, but not for warnings.
///
/// # Errors
/// The output cannot be written. Problems in a file are not errors of this function.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut wrong_files = 0;
    for path in &arguments.files {
        let name = path.display();
        let checked = match read_policy(path) {
            Ok(checked) => checked,
            Err(error) => {
                wrong_files += 1;
                eprintln!("{name}: error: {error:#}");
                continue;
            }
        };
        for problem in &checked.problems {
            eprintln!("{problem}\n");
        }
        let errors = checked.problems.iter().filter(|problem| problem.is_error()).count();
        let found = count(&[(errors, "error"), (checked.problems.len() - errors, "warning")]);
        match &checked.policy {
            Some(policy) => {
                let found = if found.is_empty() { "no errors" } else { &found };
                crate::cli::common::print::print(&format!("{name}: {found}\n{}", summary(policy)))?;
            }
            None => {
                wrong_files += 1;
                eprintln!("{name}: {found}");
            }
        }
    }
    Ok(ExitCode::from(u8::from(wrong_files > 0)))
}

/// "2 errors, 1 warning"; zero counts are omitted.
fn count(things: &[(usize, &str)]) -> String {
    let there = things.iter().filter(|(count, _)| *count > 0);
    there
        .map(|(count, thing)| format!("{count} {thing}{}", if *count == 1 { "" } else { "s" }))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Priorities that a summary shows in full; a file with more is not written for people.
const SHOWN: usize = 50;

/// Events of holiday files that a summary names, and the dates of one that it lists.
const SHOWN_EVENTS: usize = 200;
const SHOWN_DATES: usize = 8;

/// A summary of the policy in a few lines.
pub(super) fn summary(policy: &Policy) -> String {
    let mut out = String::new();
    for calendar in policy.calendars.iter().take(SHOWN) {
        let _ = writeln!(out, "  calendar {}: {}", calendar.name, hours(&calendar.definition));
        holidays_of_files(&calendar.definition, &mut out);
    }
    for priority in policy.priorities.iter().take(SHOWN) {
        describe(priority, &mut out);
    }
    let left_out = [policy.calendars.len(), policy.priorities.len()].map(|count| count.saturating_sub(SHOWN));
    if left_out.iter().any(|count| *count > 0) {
        let _ = writeln!(out, "  and {} calendars, {} priorities", left_out[0], left_out[1]);
    }
    let default = policy.priorities.get(usize::from(policy.default_priority)).map_or("", |priority| &priority.name);
    let rules = match policy.rules.len() {
        0 => "no rules".to_owned(),
        rules => count(&[(rules, "rule")]),
    };
    let _ = writeln!(out, "  {rules}; a ticket without a priority that matches no rule gets {default}");
    out
}

/// "Europe/Oslo, mon-thu 08:00-12:00 12:30-17:00, fri 08:00-15:00, 3 holidays".
fn hours(definition: &CalendarDefinition) -> String {
    let mut parts = vec![definition.time_zone.clone()];
    if definition.weekly.iter().all(|day| *day == [Interval::WHOLE_DAY]) {
        parts.push("24x7".to_owned());
    } else {
        let mut days = WEEKDAYS.iter().zip(&definition.weekly).peekable();
        while let Some((first, intervals)) = days.next() {
            let mut last = first;
            while let Some((day, _)) = days.next_if(|(_, next)| *next == intervals) {
                last = day;
            }
            if !intervals.is_empty() {
                let span = if first == last { (*first).to_owned() } else { format!("{first}-{last}") };
                let intervals: Vec<String> = intervals.iter().map(ToString::to_string).collect();
                parts.push(format!("{span} {}", intervals.join(" ")));
            }
        }
    }
    let days = [(definition.holidays.len(), "holiday"), (definition.special.len(), "special day")];
    parts.push(count(&days));
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

/// The events of holiday files that close days, with their dates.
fn holidays_of_files(definition: &CalendarDefinition, out: &mut String) {
    let mut dates: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for holiday in &definition.holidays {
        if let Holiday::Event { date, part, name } = holiday {
            let part = part.map_or_else(String::new, |(from, to)| format!(" {}-{}", TimeOfDay(from), TimeOfDay(to)));
            dates.entry(name).or_default().push(format!("{date}{part}"));
        }
    }
    for (name, dates) in dates.iter().take(SHOWN_EVENTS) {
        let shown = match dates.as_slice() {
            [first, .., last] if dates.len() > SHOWN_DATES => format!("{} days, {first} to {last}", dates.len()),
            dates => dates.join(", "),
        };
        let _ = writeln!(out, "    {name}: {shown}");
    }
    if dates.len() > SHOWN_EVENTS {
        let _ = writeln!(out, "    and {} more events", dates.len() - SHOWN_EVENTS);
    }
}

fn describe(priority: &Priority, out: &mut String) {
    let _ = write!(out, "  priority {} in {}", priority.name, priority.calendar.name);
    match priority.clocks.len() {
        0 => out.push_str(": no clocks, so no deadlines\n"),
        _ => out.push('\n'),
    }
    for clock in &priority.clocks {
        describe_clock(clock, out);
    }
}

fn describe_clock(clock: &Clock, out: &mut String) {
    let _ =
        write!(out, "    {}: {}", clock.name, clock.target.map_or("no target".to_owned(), |target| target.to_string()));
    let states: Vec<&str> = clock.pause_while.iter().map(|state| state.name()).collect();
    if !states.is_empty() {
        let _ = write!(out, ", pauses while {}", states.join(", "));
    }
    out.push('\n');
    for level in &clock.levels {
        let _ = writeln!(out, "      {:>6}  {}", level.at.to_string(), actions(&level.actions));
    }
}

fn actions(actions: &Actions) -> String {
    let mut parts = Vec::new();
    if !actions.notify.is_empty() {
        parts.push(format!("notify {}", actions.notify.join(", ")));
    }
    let named = [("reassign to", &actions.reassign), ("call", &actions.webhook), ("raise to", &actions.set_priority)];
    parts.extend(named.into_iter().filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?))));
    if actions.ends_chain {
        parts.push("end of the chain".to_owned());
    }
    if parts.is_empty() { "recorded".to_owned() } else { parts.join("; ") }
}
