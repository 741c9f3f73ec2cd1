//! Checks levels: each can fire, and they are in the order in which they fire.

use super::due_order::Measure;
use super::names;
use super::names::Names;
use crate::calendar::{Calendar, Span};
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Place, Report, quoted};
use crate::policy::file::raw::{RawClock, RawLevel};
use crate::policy::threshold::parse_threshold;
use crate::policy::{Actions, Level, Threshold};
use crate::time::HORIZON_MS;
use std::cmp::Ordering;

/// A target or level longer than this is probably a mistake.
const LONG_DAYS: i64 = 10 * 366;

/// The parts of a clock that its levels depend on.
#[derive(Debug)]
pub(crate) struct Side<'c> {
    pub priority: &'c str,
    pub priorities: &'c Names<'c>,
    /// `None` if the calendar has mistakes of its own, or was checked before.
    pub calendar: Option<&'c Calendar>,
    pub target: Target,
}

/// A clock's target, if known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Given(Span),
    None,
    /// Reported; checks that depend on it are skipped.
    Wrong,
}

impl Side<'_> {
    fn measure(&self) -> Option<Measure<'_>> {
        let target = match self.target {
            Target::Given(span) => Some(span),
            Target::None => None,
            Target::Wrong => return None,
        };
        self.calendar.map(|calendar| Measure { timeline: calendar.timeline(), target })
    }
}

/// Reads a clock's target.
pub(crate) fn target(raw: &RawClock, calendar: Option<&Calendar>, report: &mut Report<'_>) -> Target {
    let Some(word) = &raw.target else {
        return if raw.has_target { Target::Wrong } else { Target::None };
    };
    let span: Span = match word.text.trim().parse() {
        Ok(span) => span,
        Err(error) => {
            let message = format!("the target of {}: {error}", quoted(&raw.name.text));
            report.error(&word.place, message, "\"4h\", \"2bd\" or \"30d\"");
            return Target::Wrong;
        }
    };
    if matches!(span, Span::Business { ms: ..=0 } | Span::BusinessDays(0) | Span::CalendarDays(0)) {
        let message = format!("the target {} leaves no time at all", quoted(&word.text));
        report.error(&word.place, message, "a time above 0, such as \"15m\"");
        return Target::Wrong;
    }
    if let Some(calendar) = calendar {
        let measure = Measure { timeline: calendar.timeline(), target: Some(span) };
        let end = Threshold::After(span);
        if !is_reachable(&measure, end, word, "the target", calendar, report) {
            return Target::Wrong;
        }
    }
    Target::Given(span)
}

/// Reads a clock's levels. `None` if one of them was reported.
pub(crate) fn levels(raw: &RawClock, side: &Side<'_>, report: &mut Report<'_>) -> Option<Vec<Level>> {
    let errors_before = report.errors();
    let mut levels: Vec<(usize, &Word, Level)> = Vec::new();
    let mut chain_end: Option<usize> = None;
    for (number, raw_level) in (1..).zip(&raw.levels) {
        if let Some(end) = chain_end {
            let message = format!("level {number} can never fire: level {end} ends the chain");
            report.error(
                &raw_level.place,
                message,
                format!("ends_chain = true in the last level only, not in level {end}"),
            );
        }
        if raw_level.ends_chain {
            chain_end = chain_end.or(Some(number));
        }
        let actions = actions(raw_level, side, report);
        if let Some((word, at)) = threshold(raw_level, number, side, report) {
            levels.push((number, word, Level { at, actions }));
        }
    }
    if let Some(measure) = side.measure() {
        for pair in levels.windows(2) {
            let [(before, before_word, before_level), (number, word, level)] = pair else { continue };
            in_order((*before, before_word, before_level), (*number, word, level), &measure, report);
        }
    }
    (report.errors() == errors_before).then(|| levels.into_iter().map(|(_, _, level)| level).collect())
}

type Numbered<'l> = (usize, &'l Word, &'l Level);

fn in_order(before: Numbered<'_>, level: Numbered<'_>, measure: &Measure<'_>, report: &mut Report<'_>) {
    let (before_number, before_word, before_level) = before;
    let (number, word, level) = level;
    let (text, before_text) = (quoted(&word.text), quoted(&before_word.text));
    match measure.compare(before_level.at, level.at) {
        Some(Ordering::Greater) => {
            let message = format!("level {number} ({text}) is due before level {before_number} ({before_text})");
            report.error(&word.place, message, "the levels in the order in which they are due");
        }
        Some(Ordering::Equal) => {
            let message =
                format!("level {number} ({text}) is due at the same time as level {before_number} ({before_text})");
            report.error(&word.place, message, "a later time, or the actions of both in one level");
        }
        Some(Ordering::Less) | None => (),
    }
}

fn threshold<'r>(
    raw: &'r RawLevel,
    number: usize,
    side: &Side<'_>,
    report: &mut Report<'_>,
) -> Option<(&'r Word, Threshold)> {
    let Some(word) = &raw.at else {
        if !raw.has_at {
            report.error(
                &raw.place,
                format!("level {number} does not say when it fires"),
                "at = \"50%\", \"2h\" or \"+30m\"",
            );
        }
        return None;
    };
    let at = match parse_threshold(&word.text) {
        Ok(at) => at,
        Err(error) => {
            report.error(&word.place, format!("at of level {number}: {error}"), error.instead());
            return None;
        }
    };
    let counts_from_target = !matches!(at, Threshold::After(_));
    if counts_from_target && side.target == Target::None {
        let text = quoted(&word.text);
        let message =
            format!("level {number} ({text}) can never fire: it counts from the target and the clock has none");
        report.error(
            &word.place,
            message,
            "target = \"4h\" in the clock, or a time from the start such as at = \"2h\"",
        );
        return None;
    }
    if let (Some(measure), Some(calendar)) = (side.measure(), side.calendar) {
        is_reachable(&measure, at, word, &format!("level {number}"), calendar, report);
    }
    Some((word, at))
}

/// Reports a threshold that is never reached from any start, and warns of one that takes many years.
fn is_reachable(
    measure: &Measure<'_>,
    at: Threshold,
    word: &Word,
    what: &str,
    calendar: &Calendar,
    report: &mut Report<'_>,
) -> bool {
    let (text, name) = (quoted(&word.text), quoted(&calendar.name));
    if !measure.is_ever_due(at) {
        let open = Span::Business { ms: calendar.timeline().elapsed(0, HORIZON_MS) };
        let message =
            format!("{what} ({text}) is never reached: the calendar {name} is open for {open} in all, up to 2106");
        report.error(&word.place, message, "a shorter time, or more opening hours in the calendar");
        return false;
    }
    if let Some(days) = measure.days_if_longer(at, LONG_DAYS) {
        let message = format!("{what} ({text}) takes at least {} years in the calendar {name}", days / 365);
        report.warning(&word.place, message, "a shorter time, or more opening hours in the calendar");
    }
    true
}

fn actions(raw: &RawLevel, side: &Side<'_>, report: &mut Report<'_>) -> Actions {
    for (words, what) in [
        (raw.notify.as_slice(), "whom to notify:"),
        (raw.reassign.as_slice(), "reassign:"),
        (raw.webhook.as_slice(), "webhook:"),
    ] {
        words.iter().for_each(|word| {
            names::is_name(word, what, report);
        });
    }
    if let Some(word) = &raw.set_priority {
        raises(word, side, &word.place, report);
    }
    let text = |word: &Option<Word>| word.as_ref().map(|word| word.text.clone());
    Actions {
        notify: raw.notify.iter().map(|word| word.text.clone()).collect(),
        reassign: text(&raw.reassign),
        webhook: text(&raw.webhook),
        set_priority: text(&raw.set_priority),
        ends_chain: raw.ends_chain,
    }
}

fn raises(word: &Word, side: &Side<'_>, place: &Place, report: &mut Report<'_>) {
    if word.text == side.priority {
        let message = format!("set_priority = {} is the priority that the ticket has already", quoted(&word.text));
        report.error(place, message, "another priority, or leave it out");
    } else {
        side.priorities.known(word, report);
    }
}
