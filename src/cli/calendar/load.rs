//! Calendars from files.

use crate::calendar::{Calendar, CalendarDefinition};
use crate::cli::common::files::{read_named, read_text};
use anyhow::{Context, bail};
use clap::Args;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The source of a calendar.
#[derive(Debug, Args)]
pub(crate) struct CalendarChoice {
    /// A policy file; --calendar selects one of its calendars.
    #[arg(long, value_name = "FILE", required_unless_present = "calendar_file", requires = "calendar")]
    policy: Option<PathBuf>,
    /// The calendar's name in the policy.
    #[arg(long, value_name = "NAME", requires = "policy")]
    calendar: Option<String>,
    /// A file with one calendar, in TOML or JSON.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["policy", "calendar"])]
    calendar_file: Option<PathBuf>,
}

/// The part of a policy file that `overdue calendar` reads: it works even if the rest is incomplete.
#[derive(Deserialize)]
struct PolicyCalendars {
    #[serde(default)]
    calendars: BTreeMap<String, CalendarDefinition>,
}

pub(super) fn calendar(choice: &CalendarChoice) -> anyhow::Result<Calendar> {
    let (path, name, definition) = match choice {
        CalendarChoice { calendar_file: Some(path), .. } => {
            let text = read_text(path)?;
            let definition: CalendarDefinition = if text.trim_start().starts_with('{') {
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            } else {
                toml::from_str(&text).with_context(|| path.display().to_string())?
            };
            (path, path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), definition)
        }
        CalendarChoice { policy: Some(path), calendar: Some(name), .. } => {
            let policy: PolicyCalendars =
                toml::from_str(&read_text(path)?).with_context(|| path.display().to_string())?;
            let mut calendars = policy.calendars;
            let Some(definition) = calendars.remove(name) else {
                let known: Vec<String> = calendars.into_keys().collect();
                bail!("{} has no calendar {name:?}; it has: {}", path.display(), known.join(", "));
            };
            (path, name.clone(), definition)
        }
        _ => bail!("name a calendar: --policy FILE --calendar NAME, or --calendar-file FILE"),
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let calendar = Calendar::new(&name, &definition, &mut |file| read_named(folder, file))
        .with_context(|| format!("{}: calendar {name:?}", path.display()))?;
    for note in calendar.notes.iter().map(ToString::to_string).chain(definition.warnings()) {
        eprintln!("{}: {note}", path.display());
    }
    Ok(calendar)
}
