//! Commands in readable form, and the comparison of engine and model on them.

use super::adapter::Subject;
use super::{Apply, CatchUp, Model, Output};
use overdue::policy::Policy;
use overdue::ticket::{Batch, Column, EventKind, Openings, State};
use overdue::time::format_rfc3339;
use std::fmt;
use std::sync::Arc;

/// One row of a batch.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub ticket: String,
    pub at_ms: i64,
    pub kind: EventKind,
    pub state: Option<State>,
    pub labels: Vec<(Column, String)>,
    /// What `opened` rows of its batch report.
    pub openings: Openings,
}

impl Row {
    pub fn new(ticket: &str, at_ms: i64, kind: EventKind) -> Row {
        Row { ticket: ticket.to_owned(), at_ms, kind, state: None, labels: Vec::new(), openings: Openings::Log }
    }

    pub fn state(mut self, state: State) -> Row {
        self.state = Some(state);
        self
    }

    pub fn label(mut self, column: Column, label: &str) -> Row {
        self.labels.push((column, label.to_owned()));
        self
    }

    pub fn priority(self, name: &str) -> Row {
        self.label(Column::Priority, name)
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({}) {}", self.ticket, format_rfc3339(self.at_ms), self.at_ms, self.kind.name())?;
        if let Some(state) = self.state {
            write!(f, " state={}", state.name())?;
        }
        if self.openings != Openings::Log {
            write!(f, " {}", self.openings.name())?;
        }
        self.labels.iter().try_for_each(|(column, label)| write!(f, " {}={label}", column.name()))
    }
}

pub fn batch(rows: &[Row]) -> Batch {
    let mut batch = Batch::default();
    for row in rows {
        batch.push(&row.ticket, row.at_ms, row.kind);
        batch.openings = row.openings;
        if let Some(last) = batch.state.last_mut() {
            *last = row.state;
        }
        row.labels.iter().for_each(|(column, label)| batch.set_last(*column, label));
    }
    batch
}

#[derive(Debug, Clone)]
pub enum Command {
    Apply(Vec<Row>, CatchUp),
    Edit(Edited, Apply, CatchUp),
    Advance(i64),
    CatchUp(i64, CatchUp),
    Rewind(i64, CatchUp),
    /// Has no effect on the output.
    FreeLabels,
}

/// A policy with a short Debug form.
#[derive(Clone)]
pub struct Edited(pub Arc<Policy>);

impl fmt::Debug for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe_policy(&self.0).fmt(f)
    }
}

/// A policy, for messages.
pub fn describe_policy(policy: &Policy) -> String {
    let mut text = String::new();
    for priority in &policy.priorities {
        text += &format!("\n  {} in {}, {:?}", priority.name, priority.calendar.name, priority.on_priority_change);
        for clock in &priority.clocks {
            let on = EventKind::ALL.iter().filter(|kind| clock.on[**kind as usize] != Default::default());
            let on: Vec<String> = on.map(|kind| format!("{}={:?}", kind.name(), clock.on[*kind as usize])).collect();
            let pauses: Vec<_> = clock.pause_while.iter().map(State::name).collect();
            let levels: Vec<_> = clock.levels.iter().map(|level| level.at).collect();
            text += &format!(
                "\n    {} target {:?} at risk {} on [{}] pauses {pauses:?} levels {levels:?}",
                clock.name,
                clock.target,
                clock.at_risk,
                on.join(" ")
            );
        }
    }
    text
}

pub fn run_model(model: &mut Model, command: &Command) -> Output {
    match command {
        Command::Apply(rows, catch_up) => model.apply(&batch(rows), *catch_up),
        Command::Edit(policy, apply, catch_up) => model.edit(Arc::clone(&policy.0), *apply, *catch_up),
        Command::Advance(now_ms) => model.advance(*now_ms),
        Command::CatchUp(now_ms, catch_up) => model.catch_up(*now_ms, *catch_up),
        Command::Rewind(now_ms, catch_up) => model.rewind(*now_ms, *catch_up),
        Command::FreeLabels => Output::default(),
    }
}

/// The first difference between engine and model.
#[derive(Debug)]
pub struct Mismatch {
    pub command: usize,
    pub text: String,
}

/// Runs the engine with a number of shards and the model; returns the output of each command, or the first difference.
pub fn compare(policy: &Arc<Policy>, commands: &[Command], shards: usize) -> Result<Vec<Output>, Mismatch> {
    let mut model = Model::new(Arc::clone(policy));
    let mut subject = Subject::new(Arc::clone(policy), shards);
    let mut outputs = Vec::new();
    for (index, command) in commands.iter().enumerate() {
        let expected = run_model(&mut model, command);
        let difference = match subject.run(command) {
            Ok(found) => difference(&expected, &found).or_else(|| subject.differs_from(&model)),
            Err(text) => Some(text),
        };
        if let Some(text) = difference {
            return Err(Mismatch { command: index, text: format!("{shards} shards: {text}") });
        }
        outputs.push(expected);
    }
    Ok(outputs)
}

/// The items of only one of two outputs.
fn difference(expected: &Output, found: &Output) -> Option<String> {
    fn only<T: Clone + PartialEq + fmt::Debug>(name: &str, these: &[T], those: &[T]) -> String {
        let mut rest = those.to_vec();
        let mut text = String::new();
        for item in these {
            match rest.iter().position(|other| other == item) {
                Some(place) => drop(rest.swap_remove(place)),
                None => text += &format!("\n  {name} {item:?}"),
            }
        }
        text
    }
    let text = only("missing", &expected.escalations, &found.escalations)
        + &only("unexpected", &found.escalations, &expected.escalations)
        + &only("missing", &expected.cycles, &found.cycles)
        + &only("unexpected", &found.cycles, &expected.cycles)
        + &only("not rejected", &expected.rejected, &found.rejected)
        + &only("rejected", &found.rejected, &expected.rejected);
    (!text.is_empty()).then_some(text)
}

pub const SHARDS: [usize; 4] = [1, 2, 7, 16];

/// Runs model and engine on every number of shards; returns the output of each command.
pub fn check(policy: &Arc<Policy>, commands: &[Command]) -> Vec<Output> {
    let mut outputs = Vec::new();
    for shards in SHARDS {
        outputs = match compare(policy, commands, shards) {
            Ok(outputs) => outputs,
            Err(mismatch) => panic!(
                "command {}: {:?}{}\nunder {}",
                mismatch.command,
                commands[mismatch.command],
                mismatch.text,
                describe_policy(policy)
            ),
        };
    }
    outputs
}
