//! Checks one clock: its table, its target, its levels.

use super::levels::{Side, Target};
use super::names::Names;
use super::{effects, levels, names};
use crate::calendar::Calendar;
use crate::limits::MAX_LEVELS;
use crate::policy::Clock;
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Report, quoted};
use crate::policy::file::raw::RawClock;
use crate::policy::threshold::parse_percent;

/// The default: a cycle is at risk from three quarters of its target on.
pub(crate) const DEFAULT_AT_RISK: u32 = 7_500;

/// The parts of the policy that a clock depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'c> {
    pub priority: &'c str,
    pub priorities: &'c Names<'c>,
    /// `None` if the calendar has mistakes of its own, or was checked before.
    pub calendar: Option<&'c Calendar>,
    pub at_risk: u32,
}

/// Checks a clock. `None` if something was reported.
pub(crate) fn clock(raw: &RawClock, around: Surroundings<'_>, report: &mut Report<'_>) -> Option<Clock> {
    let errors_before = report.errors();
    names::is_name(&raw.name, "the clock", report);
    names::too_many(&raw.levels, MAX_LEVELS, "levels", &raw.name, report);

    let target = levels::target(raw, around.calendar, report);
    let at_risk = raw.at_risk.as_ref().and_then(|word| own_at_risk(word, raw, target, report));
    let side = Side { priority: around.priority, priorities: around.priorities, calendar: around.calendar, target };
    let levels = levels::levels(raw, &side, report);

    let preset = effects::preset(raw, report).ok();
    let table = preset.and_then(|preset| effects::table(raw, preset, report));
    let pauses = effects::pauses(raw, preset.flatten(), report);
    if let (Some(table), Some(pauses)) = (&table, pauses) {
        effects::judge(raw, table, pauses, report);
    }
    if target == Target::None && raw.levels.is_empty() && !raw.has_target {
        let message = format!("the clock {} has neither a target nor levels: it only measures", quoted(&raw.name.text));
        report.warning(&raw.name.place, message, "target = \"4h\", or levels, if it should do more than measure");
    }
    if report.errors() != errors_before {
        return None;
    }
    let target = match target {
        Target::Given(span) => Some(span),
        Target::None | Target::Wrong => None,
    };
    Some(Clock {
        name: raw.name.text.clone(),
        target,
        at_risk: at_risk.unwrap_or(around.at_risk),
        on: table?,
        pause_while: pauses?,
        starts_when_done: raw
            .starts_when_done
            .unwrap_or(preset.flatten().is_some_and(|preset| preset.starts_when_done)),
        levels: levels?,
    })
}

fn own_at_risk(word: &Word, raw: &RawClock, target: Target, report: &mut Report<'_>) -> Option<u32> {
    if target == Target::None {
        let message = format!("at_risk counts from the target, and the clock {} has none", quoted(&raw.name.text));
        report.error(&word.place, message, "target = \"4h\" in the clock, or leave at_risk out");
    }
    at_risk(word, report)
}

/// Parses the share of a target from which a running cycle is at risk, in hundredths of a percent.
pub(crate) fn at_risk(word: &Word, report: &mut Report<'_>) -> Option<u32> {
    match parse_percent(&word.text) {
        Ok(percent) if percent < 10_000 => Some(percent),
        Ok(_) => {
            let message =
                format!("at_risk = {}: a clock is breached at 100%, and at risk before that", quoted(&word.text));
            report.error(&word.place, message, "at_risk = \"75%\"");
            None
        }
        Err(error) => {
            report.error(&word.place, format!("at_risk: {error}"), "at_risk = \"75%\"");
            None
        }
    }
}
