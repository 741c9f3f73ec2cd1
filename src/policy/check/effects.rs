//! Checks a clock's table of events, and the states in which it pauses.

use crate::policy::Effect;
use crate::policy::file::fields::Word;
use crate::policy::file::problem::{Report, quoted};
use crate::policy::file::raw::RawClock;
use crate::policy::presets::{PRESETS, Preset, SUPEROFFICE, VERB_EFFECTS, VERBS};
use crate::suggest;
use crate::ticket::{EventKind, State, StateSet};

pub(crate) type EffectTable = [Effect; EventKind::COUNT];

/// The preset that a clock names, or that has the clock's name. `Err` if it was reported.
pub(crate) fn preset(raw: &RawClock, report: &mut Report<'_>) -> Result<Option<&'static Preset>, ()> {
    let metrics = PRESETS.iter().map(|preset| preset.name);
    if let Some(word) = &raw.preset {
        return match Preset::from_name(&word.text) {
            Some(preset) => Ok(Some(preset)),
            None => {
                let message = format!("there is no preset {}", quoted(&word.text));
                report.error(&word.place, message, suggest::instead(&word.text, metrics));
                Err(())
            }
        };
    }
    let preset = Preset::from_name(&raw.name.text);
    if preset.is_none() && raw.on.is_none() {
        let name = quoted(&raw.name.text);
        let message =
            format!("the clock {name} is not a known metric and has neither `on` nor `preset`, so nothing starts it");
        let instead = match suggest::nearest(&raw.name.text, metrics.clone()) {
            Some(metric) => metric.to_owned(),
            None => format!(
                r#"on = {{ opened = "start", closed = "stop" }}, or preset = one of {}"#,
                metrics.collect::<Vec<_>>().join(", ")
            ),
        };
        report.error(&raw.name.place, message, instead);
        return Err(());
    }
    Ok(preset)
}

/// The preset's row with the clock's changes. `None` if something was reported.
pub(crate) fn table(raw: &RawClock, preset: Option<&Preset>, report: &mut Report<'_>) -> Option<EffectTable> {
    let mut table = preset.map_or([Effect::None; EventKind::COUNT], Preset::table);
    let superoffice = preset.is_some_and(|preset| preset.name == SUPEROFFICE);
    let errors_before = report.errors();
    let mut given: [Option<&Word>; EventKind::COUNT] = [None; EventKind::COUNT];
    let rows = raw.on.iter().flatten();
    let verb_of =
        |word: &Word| VERBS.iter().find(|(verb, _)| superoffice && *verb == word.text).map(|(_, events)| *events);
    // SuperOffice's events first: one of ours beside them is more specific ("closed" also means resolved, "resolved" only
    // that).
    for (word, effect) in rows.clone() {
        let Some(events) = verb_of(word) else { continue };
        let Some(effect) = effect_of(effect, &VERB_EFFECTS, report) else { continue };
        events.iter().for_each(|event| table[*event as usize] = effect);
        given[events[0] as usize] = Some(word);
    }
    for (word, effect) in rows.filter(|(word, _)| verb_of(word).is_none()) {
        let Some(event) = EventKind::from_name(&word.text) else {
            unknown_event(word, superoffice, report);
            continue;
        };
        let Some(effect_given) = effect_of(effect, &Effect::ALL, report) else { continue };
        if let Some(earlier) = given[event as usize] {
            let message = format!("{} and {} are the same event", quoted(&earlier.text), quoted(&word.text));
            report.error(&word.place, message, "one of them");
        }
        let leaves = matches!(event, EventKind::Deleted | EventKind::Merged);
        if leaves && !matches!(effect_given, Effect::None | Effect::Stop) {
            let message = format!("{} cannot {} a clock: the ticket is gone", word.text, effect.text);
            report.error(&effect.place, message, "\"stop\", or leave the event out");
        }
        table[event as usize] = effect_given;
    }
    (report.errors() == errors_before).then_some(table)
}

fn unknown_event(word: &Word, superoffice: bool, report: &mut Report<'_>) {
    let ours = EventKind::ALL.into_iter().map(EventKind::name);
    let verbs = VERBS.iter().map(|(verb, _)| *verb);
    let message = format!("there is no event {}", quoted(&word.text));
    let instead = match VERBS.iter().find(|(verb, _)| *verb == word.text) {
        Some((_, events)) => {
            format!("{}; that is SuperOffice's name for it, which needs preset = \"superoffice\"", events[0].name())
        }
        None if superoffice => suggest::instead(&word.text, verbs.chain(ours)),
        None => suggest::instead(&word.text, ours),
    };
    report.error(&word.place, message, instead);
}

fn effect_of(word: &Word, allowed: &[Effect], report: &mut Report<'_>) -> Option<Effect> {
    let effect = Effect::from_name(&word.text).filter(|effect| allowed.contains(effect));
    if effect.is_none() {
        let message = match Effect::from_name(&word.text) {
            Some(_) => format!("SuperOffice's events cannot {} a clock", word.text),
            None => format!("there is no effect {}", quoted(&word.text)),
        };
        let names = allowed.iter().map(|effect| effect.name());
        report.error(&word.place, message, suggest::instead(&word.text, names));
    }
    effect
}

/// The states in which a clock pauses. `None` if one was reported.
pub(crate) fn pauses(raw: &RawClock, preset: Option<&Preset>, report: &mut Report<'_>) -> Option<StateSet> {
    let Some(words) = &raw.pause_while else {
        return Some(preset.map(Preset::pause_while).unwrap_or_default());
    };
    let mut states = Some(StateSet::EMPTY);
    for word in words {
        match (State::from_name(&word.text), &mut states) {
            (Some(state), Some(states)) => states.insert(state),
            (Some(_), None) => (),
            (None, _) => {
                let message = format!("there is no state {}", quoted(&word.text));
                report.error(
                    &word.place,
                    message,
                    suggest::instead(&word.text, State::ALL.into_iter().map(State::name)),
                );
                states = None;
            }
        }
    }
    states
}

/// Reports a table that makes its clock useless: never started, always paused, never stopped.
pub(crate) fn judge(raw: &RawClock, table: &EffectTable, pauses: StateSet, report: &mut Report<'_>) {
    let name = quoted(&raw.name.text);
    let events =
        |wanted: fn(Effect) -> bool| EventKind::ALL.into_iter().filter(move |event| wanted(table[*event as usize]));
    if events(Effect::begins).next().is_none() {
        let message = format!("no event starts the clock {name}, so none of its levels can ever fire");
        report.error(&raw.name.place, message, r#"on = { opened = "start", ... }"#);
        return;
    }
    let place = raw.pause_while.iter().flatten().next().map_or(&raw.name.place, |word| &word.place);
    let starts: StateSet = events(Effect::begins).flat_map(|event| states_after(event).iter()).collect();
    if State::ALL.into_iter().all(|state| pauses.contains(state)) {
        let message = format!("the clock {name} pauses in every state, so it never runs");
        report.error(place, message, r#"pause_while = ["waiting"], or leave it out"#);
    } else if starts.iter().all(|state| pauses.contains(state)) {
        let list = |set: StateSet| set.iter().map(State::name).collect::<Vec<_>>().join(", ");
        let begun = events(Effect::begins).map(EventKind::name).collect::<Vec<_>>().join(", ");
        let message = format!(
            "the clock {name} pauses in every state in which it can start: after {begun} a ticket is {}",
            list(starts)
        );
        let running: StateSet = State::ALL.into_iter().filter(|state| !pauses.contains(*state)).collect();
        let instead = format!("a start event that leads to {}, or fewer states in pause_while", list(running));
        report.error(place, message, instead);
    }
    let has = |wanted: fn(Effect) -> bool| events(wanted).next().is_some();
    if has(|effect| effect == Effect::Pause) && !has(|effect| matches!(effect, Effect::Resume | Effect::Continue)) {
        let message =
            format!("an event pauses the clock {name} and none resumes it: after a pause its levels never fire");
        report.warning(&raw.name.place, message, r#"on = { ..., customer_reply = "resume" }"#);
    }
    if has(|effect| effect == Effect::Resume) && !has(|effect| effect == Effect::Pause) {
        let message =
            format!("an event resumes the clock {name} and none pauses it; states in pause_while resume by themselves");
        report.warning(&raw.name.place, message, "an event with the effect \"pause\", or no \"resume\"");
    }
    if !has(|effect| matches!(effect, Effect::Stop | Effect::Restart)) {
        let message =
            format!("no event stops the clock {name}: its cycles do not end, so a target can be missed, but never met");
        report.warning(&raw.name.place, message, r#"on = { ..., resolved = "stop", closed = "stop" }"#);
    }
}

/// The states that a ticket can be in just after an event. A ticket may be registered as waiting; it may also be registered as
/// solved, but a clock is not meant to start for that alone.
fn states_after(event: EventKind) -> StateSet {
    let states: &[State] = match event {
        EventKind::Opened | EventKind::Reopened | EventKind::StateChanged => &[State::New, State::Open, State::Waiting],
        EventKind::Resolved => &[State::Resolved],
        EventKind::Closed => &[State::Closed],
        EventKind::Deleted | EventKind::Merged => &[],
        _ => &State::ALL,
    };
    states.iter().copied().collect()
}
