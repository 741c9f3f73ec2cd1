//! The service's state machine: the same groups give the same records with the same numbers.
//!
//! No disk, no clock, no thread: the sequencer runs it live, recovery replays the journal through it, tests run it on any
//! input.

mod daily_results;
mod output;
mod recorder;
mod replies;

use crate::engine::{Apply, CatchUp, Engine, Outcome};
use crate::limits::MAX_ACKNOWLEDGEMENTS;
use crate::policy;
use crate::policy::{Policy, Problem};
use crate::store::input::{AcknowledgeInput, BatchInput, EditInput, Group, Input, Origin, Passage};
use crate::store::record::{LabelTable, Note};
use crate::store::snapshot::{Acknowledgement, PolicyVersion, ServiceState, StoredReply};
use crate::ticket::{Batch, EventKind};
use daily_results::Days;
pub use output::{GroupOutput, InputResult};
use parking_lot::RwLock;
use recorder::Recorder;
pub use replies::KeyReused;
use replies::StoredReplies;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The shared engine: the state machine changes it, readers read it.
pub type SharedEngine = Arc<RwLock<Engine>>;

/// Acknowledgements by record number: the state machine writes them, others read them.
pub type Acknowledgements = Arc<RwLock<BTreeMap<u64, Acknowledgement>>>;

/// The service's state and its rules.
pub struct StateMachine {
    pub engine: SharedEngine,
    pub names: Arc<LabelTable>,
    /// The last group applied.
    pub group: u64,
    pub policies: Arc<Vec<PolicyVersion>>,
    recorder: Recorder,
    stored: StoredReplies,
    pub days: Days,
    pub acknowledgements: Acknowledgements,
}

/// Compiles a policy with the files that it names.
///
/// # Errors
/// Every problem of the policy.
pub fn compile(edit: &EditInput) -> Result<(Policy, Vec<Problem>), Vec<Problem>> {
    let checked = policy::check(&edit.text, "policy", &mut file_of(&edit.files));
    match checked.policy {
        Some(policy) => Ok((policy, checked.problems)),
        None => Err(checked.problems),
    }
}

/// Compiles a policy that was checked before it was stored.
///
/// # Errors
/// Every problem of the policy.
pub fn reload(text: &str, files: &[(String, Arc<str>)]) -> Result<Policy, Vec<Problem>> {
    policy::reload(text, "policy", &mut file_of(files))
}

fn file_of(files: &[(String, Arc<str>)]) -> impl FnMut(&str) -> Result<String, String> {
    |name| match files.iter().find(|(known, _)| known == name) {
        Some((_, text)) => Ok(text.to_string()),
        None => Err(format!("the file {name:?} is missing: send it with the policy")),
    }
}

impl StateMachine {
    /// A state machine without tickets, whose policy has always been in force.
    pub fn new(policy: Arc<Policy>, edit: &EditInput, shards: usize) -> Self {
        let first = PolicyVersion {
            number: 1,
            since_ms: 0,
            text: Arc::clone(&edit.text),
            files: edit.files.clone(),
            apply: Apply::FromStart,
            catch_up: edit.catch_up,
            actor: Arc::clone(&edit.origin.actor),
            note: edit.note.clone(),
        };
        let state =
            ServiceState { next_escalation: 1, next_cycle: 1, policies: vec![first], ..ServiceState::default() };
        Self::restored(Engine::new(policy, shards), state)
    }

    /// A state machine restored from a snapshot.
    pub fn restored(engine: Engine, state: ServiceState) -> Self {
        let names = Arc::new(LabelTable::default());
        let recorder = Recorder::new(Arc::clone(&names), state.next_escalation, state.next_cycle);
        recorder.learn_labels(&engine);
        let mut days = Days::new(&names, &state.days);
        days.go_on_from(&engine);
        let acknowledgements = state.acknowledgements.into_iter().map(|it| (it.sequence, it)).collect();
        Self {
            engine: Arc::new(RwLock::new(engine)),
            names,
            group: state.group,
            policies: Arc::new(state.policies),
            recorder,
            stored: StoredReplies::new(state.replies),
            days,
            acknowledgements: Arc::new(RwLock::new(acknowledgements)),
        }
    }

    /// All state outside the engine.
    pub fn state(&self) -> ServiceState {
        ServiceState {
            group: self.group,
            next_escalation: self.recorder.next_escalation,
            next_cycle: self.recorder.next_cycle,
            policies: self.policies.to_vec(),
            replies: self.stored.all(),
            days: self.days.rows(&self.names),
            acknowledgements: {
                let acknowledgements = self.acknowledgements.read();
                acknowledgements.values().cloned().collect()
            },
        }
    }

    /// The reply to an earlier input with the same key. Repeats are answered before they reach the journal.
    ///
    /// # Errors
    /// [`KeyReused`] when that was another input.
    pub fn repeat_of(&self, origin: &Origin) -> Result<Option<&StoredReply>, KeyReused> {
        self.stored.find(origin)
    }

    /// Whether an escalation has been acknowledged.
    pub fn is_acknowledged(&self, sequence: u64) -> bool {
        self.acknowledgements.read().contains_key(&sequence)
    }

    /// The number of the last escalation record.
    pub fn last_escalation(&self) -> u64 {
        self.recorder.next_escalation - 1
    }

    pub fn last_cycle(&self) -> u64 {
        self.recorder.next_cycle - 1
    }

    /// Applies a group. `compiled` is the policy of its edit, if it is compiled already.
    pub fn apply(&mut self, group: &Group, compiled: Option<&Arc<Policy>>) -> GroupOutput {
        let mut output = GroupOutput::default();
        self.group = group.number;
        let was_ms = self.now_ms();
        let passes = pass_time(&mut self.write(), group);
        if self.now_ms() < was_ms {
            self.set_back();
        }
        let now_ms = self.read().now_ms();
        self.recorder.begin(&mut output, now_ms);
        self.record(&mut output, &passes, None);
        for input in &group.inputs {
            let reply = self.input(input, group.has_label_share, compiled, &mut output);
            output.replies.push(reply);
        }
        self.recorder.end(&output);
        if !output.escalations.is_empty() || !output.cycles.rows.is_empty() {
            self.days.count(&self.engine.read());
        }
        output
    }

    /// After the engine's time was set back, sets every later time to now.
    fn set_back(&mut self) {
        let now_ms = self.now_ms();
        for version in Arc::make_mut(&mut self.policies) {
            version.since_ms = version.since_ms.min(now_ms);
        }
        self.days.set_back(now_ms);
    }

    /// Advances the time when nothing is due.
    pub fn pass_idle(&mut self, now_ms: i64) {
        self.write().advance(now_ms);
    }

    /// The engine's time.
    pub fn now_ms(&self) -> i64 {
        self.read().now_ms()
    }

    /// Applies a group to the shards whose position is before it; its records are already in the history. No policy is edited
    /// and no label freed while a snapshot is taken, so neither is among its inputs; a time is accepted only by the first group
    /// after a start.
    pub fn apply_behind(&mut self, group: &Group, positions: &[u64]) {
        let ahead: Vec<bool> = positions.iter().map(|position| *position >= group.number).collect();
        let mut engine = self.write();
        engine.hold(&ahead);
        pass_time(&mut engine, group);
        for input in &group.inputs {
            match input {
                Input::Batch(input) => {
                    engine.apply_of(introducer(input, group.has_label_share), &input.batch, input.catch_up);
                }
                Input::Acknowledge(input) => {
                    apply_acknowledged(&mut engine, input);
                }
                Input::Edit(_) | Input::FreeLabels => {}
            }
        }
    }

    /// All shards are at the same group.
    pub fn all_level(&mut self) {
        self.write().hold(&[]);
        let engine = self.engine.read();
        self.recorder.learn_labels(&engine);
        self.days.go_on_from(&engine);
    }

    fn input(
        &mut self,
        input: &Input,
        has_label_share: bool,
        compiled: Option<&Arc<Policy>>,
        output: &mut GroupOutput,
    ) -> InputResult {
        let (origin, reply) = match input {
            Input::Batch(input) => (&input.origin, self.batch(input, has_label_share, output)),
            Input::Edit(input) => (&input.origin, self.edit(input, compiled, output)),
            Input::Acknowledge(input) => (&input.origin, self.acknowledge(input, output)),
            Input::FreeLabels => return self.free_labels(),
        };
        self.keep(origin, &reply);
        reply
    }

    fn free_labels(&mut self) -> InputResult {
        let labels = self.write().free_labels();
        let engine = self.engine.read();
        self.names = self.recorder.relabel(&engine);
        InputResult::Freed { labels }
    }

    fn batch(&mut self, input: &BatchInput, has_label_share: bool, output: &mut GroupOutput) -> InputResult {
        let actor = introducer(input, has_label_share);
        let mut outcome = self.write().apply_of(actor, &input.batch, input.catch_up);
        let rejected = std::mem::take(&mut outcome.rejected);
        let first = self.recorder.next_of(output);
        self.record(output, &outcome, Some(input));
        let escalations = (first, self.recorder.next_of(output));
        let accepted = (input.batch.len() - rejected.len()) as u64;
        InputResult::Batch { accepted, rejected, escalations, ignored: outcome.ignored }
    }

    fn edit(&mut self, input: &EditInput, compiled: Option<&Arc<Policy>>, output: &mut GroupOutput) -> InputResult {
        let policy = match compiled {
            Some(policy) => Arc::clone(policy),
            // Only a policy that compiled without errors reaches the journal.
            None => match reload(&input.text, &input.files) {
                Ok(policy) => Arc::new(policy),
                Err(problems) => {
                    return InputResult::Rejected(format!("the policy has {} problems", problems.len()));
                }
            },
        };
        let outcome = self.write().edit(policy, input.apply, input.catch_up);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return InputResult::Rejected(error.to_string()),
        };
        let since_ms = self.read().now_ms();
        let number = self.policies.last().map_or(0, |version| version.number) + 1;
        Arc::make_mut(&mut self.policies).push(PolicyVersion {
            number,
            since_ms,
            text: Arc::clone(&input.text),
            files: input.files.clone(),
            apply: input.apply,
            catch_up: input.catch_up,
            actor: Arc::clone(&input.origin.actor),
            note: input.note.clone(),
        });
        self.record(output, &outcome, None);
        InputResult::Edit { version: number, since_ms }
    }

    fn acknowledge(&mut self, input: &AcknowledgeInput, output: &mut GroupOutput) -> InputResult {
        let outcome = apply_acknowledged(&mut self.write(), input);
        self.record(output, &outcome, None);
        let sequence = self.recorder.acknowledged(output, input, &self.read());
        let note = Note { actor: input.origin.actor.to_string(), reason: input.note.clone() };
        let acknowledgement = Acknowledgement { sequence: input.sequence, at_ms: input.at_ms, note };
        let mut acknowledgements = self.acknowledgements.write();
        acknowledgements.entry(input.sequence).or_insert(acknowledgement);
        if acknowledgements.len() > MAX_ACKNOWLEDGEMENTS {
            acknowledgements.pop_first();
        }
        drop(acknowledgements);
        InputResult::Acknowledged { sequence }
    }

    fn keep(&mut self, origin: &Origin, reply: &InputResult) {
        let at_ms = self.read().now_ms();
        let (accepted, rejected, result) = match reply {
            InputResult::Batch { accepted, rejected, escalations, .. } => {
                (*accepted, rejected.len() as u64, escalations.0)
            }
            InputResult::Edit { version, .. } => (1, 0, *version),
            InputResult::Acknowledged { sequence } => (1, 0, *sequence),
            InputResult::Freed { .. } | InputResult::Rejected(_) => return,
        };
        self.stored.keep(StoredReply { origin: origin.clone(), at_ms, accepted, rejected, result });
    }

    /// Records what the engine emitted. Its ticket references are valid until its next change.
    fn record(&mut self, output: &mut GroupOutput, outcome: &Outcome, input: Option<&BatchInput>) {
        let engine = self.engine.read();
        self.recorder.learn_labels(&engine);
        self.recorder.record(output, &engine, outcome, input);
    }

    fn read(&self) -> parking_lot::RwLockReadGuard<'_, Engine> {
        self.engine.read()
    }

    /// Frees the memory of calendars that no clock uses any more.
    pub fn drop_unused_timelines(&self) {
        self.write().drop_unused_timelines();
    }

    fn write(&self) -> parking_lot::RwLockWriteGuard<'_, Engine> {
        self.engine.write()
    }
}

/// Brings the engine to the time of a group.
fn pass_time(engine: &mut Engine, group: &Group) -> Outcome {
    match group.passage {
        Passage::Watched => engine.advance(group.now_ms),
        Passage::AfterDowntime => engine.catch_up(group.now_ms, group.catch_up),
        Passage::Accepted => engine.rewind(group.now_ms, group.catch_up),
    }
}

/// The client charged for the labels that a batch introduces.
fn introducer(input: &BatchInput, has_label_share: bool) -> &str {
    if has_label_share { &input.origin.actor } else { "" }
}

/// Applies an acknowledgement to the ticket's clocks; it does not reopen a ticket that is gone.
fn apply_acknowledged(engine: &mut Engine, input: &AcknowledgeInput) -> Outcome {
    if engine.find(&input.ticket).is_none() {
        return Outcome::default();
    }
    let mut batch = Batch::default();
    batch.push(&input.ticket, input.at_ms, EventKind::Acknowledged);
    engine.apply(&batch, CatchUp::None)
}
