//! Engines that are exported and restored, at one moment or shard by shard at different ones, against an engine that continues
//! without interruption.

use super::adapter::{Subject, apply};
use super::random::{EVERYTHING, random_commands, random_policy, seeds};
use super::run::Command;
use crate::support::random::Random;
use overdue::engine::{Engine, Head, Installed, RestoreError, ScanTotals, ShardState};
use overdue::policy::Policy;
use overdue::time::SECOND_MS;
use std::sync::Arc;

const SHARDS: usize = 7;

/// An engine and its policy versions.
pub struct Tracked {
    pub subject: Subject,
    pub installed: Vec<Installed>,
}

impl Tracked {
    pub fn new(policy: &Arc<Policy>, shards: usize) -> Tracked {
        let first = Installed { policy: Arc::clone(policy), since_ms: 0, apply: Default::default() };
        Tracked { subject: Subject::new(Arc::clone(policy), shards), installed: vec![first] }
    }

    pub fn emit(&mut self, command: &Command) -> Vec<String> {
        if let Command::Edit(policy, mode, _) = command {
            let since_ms = self.subject.engine().now_ms();
            self.installed.push(Installed { policy: Arc::clone(&policy.0), since_ms, apply: apply(*mode) });
        }
        if let Command::Rewind(now_ms, _) = command {
            let now_ms = now_ms / SECOND_MS * SECOND_MS;
            self.installed.iter_mut().for_each(|version| version.since_ms = version.since_ms.min(now_ms));
        }
        self.subject.emit(command).expect("an outcome")
    }

    pub fn shards(&self) -> Vec<ShardState> {
        (0..self.subject.engine().shards()).map(|shard| self.subject.engine().export(shard)).collect()
    }
}

pub fn restore(installed: &[Installed], head: &Head, shards: Vec<ShardState>) -> Result<Engine, RestoreError> {
    let restoring = Engine::restore(installed, head)?;
    let shards: Result<Vec<_>, _> = shards.into_iter().map(|state| restoring.shard(state)).collect();
    restoring.finish(shards?)
}

/// All that a restored engine must have in common with the original.
fn summary(subject: &Subject) -> impl PartialEq + std::fmt::Debug + use<> {
    let engine = subject.engine();
    let mut scan = ScanTotals::new(&[0, 3_600_000], 24 * 60);
    (0..engine.shards()).for_each(|shard| engine.scan(shard, engine.now_ms(), &mut scan));
    (engine.state_hash(), engine.counters(), engine.head(), engine.len(), engine.armed(), scan)
}

#[test]
fn a_restored_engine_emits_the_same_as_the_original() {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let mut tracked = Tracked::new(&policy, SHARDS);
        let stop = random.below(commands.len());
        for command in &commands[..stop] {
            tracked.emit(command);
        }
        let head = tracked.subject.engine().head();
        let engine = restore(&tracked.installed, &head, tracked.shards());
        let mut restored = tracked.subject.with(engine.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        assert_eq!(summary(&restored), summary(&tracked.subject), "seed {seed}, restored after {stop} commands");
        for (index, command) in commands.iter().enumerate().skip(stop) {
            let expected = tracked.emit(command);
            assert_eq!(
                restored.emit(command).expect("an outcome"),
                expected,
                "seed {seed}, command {index} {command:?}"
            );
            assert_eq!(summary(&restored), summary(&tracked.subject), "seed {seed}, after command {index} {command:?}");
        }
    }
}

#[test]
fn a_restored_engine_exports_the_same_columns() {
    for seed in seeds(20) {
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let mut tracked = Tracked::new(&policy, SHARDS);
        for command in random_commands(&mut random, &policy, EVERYTHING, 40) {
            tracked.emit(&command);
        }
        let engine =
            restore(&tracked.installed, &tracked.subject.engine().head(), tracked.shards()).expect("an engine");
        for state in tracked.shards() {
            assert_eq!(engine.export(state.number), state, "seed {seed}");
        }
    }
}

/// The longest stretch of commands without an edit in which shards are exported one by one.
fn fuzzy_range(random: &mut Random, commands: &[Command]) -> std::ops::Range<usize> {
    let first = random.below(commands.len());
    let is_edit = |command: &Command| matches!(command, Command::Edit(..) | Command::Rewind(..) | Command::FreeLabels);
    let free = commands[first..].iter().take_while(|command| !is_edit(command)).count();
    first..first + random.below(free + 1)
}

#[test]
fn shards_exported_at_different_moments_reach_the_same_state() {
    let mut spread = 0;
    for seed in seeds(120) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let range = fuzzy_range(&mut random, &commands);
        // The number of commands before the export of each shard.
        let mut positions: Vec<usize> =
            (0..SHARDS).map(|_| range.start + random.below(range.end - range.start + 1)).collect();
        positions[random.below(SHARDS)] = range.start;
        let last = positions.iter().copied().max().expect("shards");
        spread += last - range.start;

        let mut tracked = Tracked::new(&policy, SHARDS);
        let (mut head, mut installed, mut states, mut emitted) = (Head::default(), Vec::new(), Vec::new(), Vec::new());
        for done in 0..=commands.len() {
            let engine = tracked.subject.engine();
            if done == range.start {
                head = engine.head();
            }
            if done == last {
                head.labels = engine.head().labels;
                installed.clone_from(&tracked.installed);
            }
            let now = (0u16..).zip(&positions).filter(|(_, position)| **position == done);
            states.extend(now.map(|(shard, _)| engine.export(shard)));
            if let Some(command) = commands.get(done) {
                emitted.push(tracked.emit(command));
            }
            if done == last {
                break;
            }
        }

        let mut restored = Tracked::new(&policy, SHARDS);
        let engine = restore(&installed, &head, states);
        restored.subject = tracked.subject.with(engine.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        for (index, command) in commands.iter().enumerate().skip(range.start) {
            let ahead: Vec<bool> = positions.iter().map(|position| *position > index).collect();
            restored.subject.hold(&ahead);
            let found = restored.emit(command);
            if index >= last {
                let expected = match emitted.get(index) {
                    Some(expected) => expected.clone(),
                    None => tracked.emit(command),
                };
                assert_eq!(found, expected, "seed {seed}, positions {positions:?}, command {index} {command:?}");
                assert_eq!(
                    summary(&restored.subject),
                    summary(&tracked.subject),
                    "seed {seed}, positions {positions:?}, after command {index} {command:?}"
                );
            }
        }
    }
    assert!(spread > 100, "shards were exported at nearly the same moment: {spread} commands apart in all");
}
