//! Calendars from files.

use super::CalendarChoice;
use crate::calendar::{Calendar, CalendarDefinition};
use crate::limits::MAX_CONFIG_BYTES;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// What `overdue calendar` reads of a policy file: it answers even while the rest is being written.
#[derive(Deserialize)]
struct PolicyCalendars {
    #[serde(default)]
    calendars: BTreeMap<String, CalendarDefinition>,
}

pub fn calendar(choice: &CalendarChoice) -> anyhow::Result<Calendar> {
    let (path, name, definition) = match choice {
        CalendarChoice { calendar_file: Some(path), .. } => {
            let text = read(path)?;
            let definition: CalendarDefinition = if text.trim_start().starts_with('{') {
                serde_json::from_str(&text).with_context(|| path.display().to_string())?
            } else {
                toml::from_str(&text).with_context(|| path.display().to_string())?
            };
            (path, path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), definition)
        }
        CalendarChoice { policy: Some(path), calendar: Some(name), .. } => {
            let policy: PolicyCalendars = toml::from_str(&read(path)?).with_context(|| path.display().to_string())?;
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
    let mut holiday_file = |file: &str| read(&folder.join(file)).map_err(|error| format!("{error:#}"));
    Calendar::new(&name, &definition, &mut holiday_file)
        .with_context(|| format!("{}: calendar {name:?}", path.display()))
}

/// A text file of bounded size.
fn read(path: &Path) -> anyhow::Result<String> {
    let shown = path.display();
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {shown}"))?;
    let mut text = String::new();
    file.take(MAX_CONFIG_BYTES + 1).read_to_string(&mut text).with_context(|| format!("cannot read {shown}"))?;
    if text.len() as u64 > MAX_CONFIG_BYTES {
        bail!("{shown} is larger than {MAX_CONFIG_BYTES} bytes, the most that a file of settings may have");
    }
    Ok(text)
}
