//! Engines taken apart and put together again, at one moment or shard by shard at different ones, against the engine that
//! went on.

use super::adapter::{Subject, apply};
use super::random::{EVERYTHING, Random, random_commands, random_policy, seeds};
use super::run::Command;
use overdue::engine::{Engine, Head, Installed, RestoreError, ScanTotals, ShardState};
use overdue::policy::Policy;
use overdue::time::SECOND_MS;
use std::sync::Arc;

const SHARDS: usize = 7;

/// An engine and the policies that it had.
pub struct Watched {
    pub subject: Subject,
    pub installed: Vec<Installed>,
}

impl Watched {
    pub fn new(policy: &Arc<Policy>, shards: usize) -> Watched {
        let first = Installed { policy: Arc::clone(policy), since_ms: 0, apply: Default::default() };
        Watched { subject: Subject::new(Arc::clone(policy), shards), installed: vec![first] }
    }

    pub fn told(&mut self, command: &Command) -> Vec<String> {
        if let Command::Edit(policy, mode, _) = command {
            let since_ms = self.subject.engine().now_ms();
            self.installed.push(Installed { policy: Arc::clone(&policy.0), since_ms, apply: apply(*mode) });
        }
        if let Command::Rewind(now_ms, _) = command {
            let now_ms = now_ms / SECOND_MS * SECOND_MS;
            self.installed.iter_mut().for_each(|version| version.since_ms = version.since_ms.min(now_ms));
        }
        self.subject.told(command).expect("an outcome")
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

/// Everything that can be seen of an engine.
fn seen(subject: &Subject) -> impl PartialEq + std::fmt::Debug + use<> {
    let engine = subject.engine();
    let mut scan = ScanTotals::new(&[0, 3_600_000], 24 * 60);
    (0..engine.shards()).for_each(|shard| engine.scan(shard, engine.now_ms(), &mut scan));
    (engine.state_hash(), engine.counters(), engine.head(), engine.len(), engine.armed(), scan)
}

#[test]
fn restored_engines_go_on_as_if_nothing_had_happened() {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let mut watched = Watched::new(&policy, SHARDS);
        let stop = random.below(commands.len());
        for command in &commands[..stop] {
            watched.told(command);
        }
        let head = watched.subject.engine().head();
        let engine = restore(&watched.installed, &head, watched.shards());
        let mut restored = watched.subject.with(engine.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        assert_eq!(seen(&restored), seen(&watched.subject), "seed {seed}, restored after {stop} commands");
        for (index, command) in commands.iter().enumerate().skip(stop) {
            let expected = watched.told(command);
            assert_eq!(
                restored.told(command).expect("an outcome"),
                expected,
                "seed {seed}, command {index} {command:?}"
            );
            assert_eq!(seen(&restored), seen(&watched.subject), "seed {seed}, after command {index} {command:?}");
        }
    }
}

#[test]
fn what_is_restored_exports_the_same_tickets() {
    for seed in seeds(20) {
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let mut watched = Watched::new(&policy, SHARDS);
        for command in random_commands(&mut random, &policy, EVERYTHING, 40) {
            watched.told(&command);
        }
        let engine =
            restore(&watched.installed, &watched.subject.engine().head(), watched.shards()).expect("an engine");
        for state in watched.shards() {
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
fn shards_exported_at_different_moments_catch_up() {
    let mut spread = 0;
    for seed in seeds(120) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let range = fuzzy_range(&mut random, &commands);
        // How many commands each shard has seen; one of them has seen the fewest.
        let mut positions: Vec<usize> =
            (0..SHARDS).map(|_| range.start + random.below(range.end - range.start + 1)).collect();
        positions[random.below(SHARDS)] = range.start;
        let last = positions.iter().copied().max().expect("shards");
        spread += last - range.start;

        let mut watched = Watched::new(&policy, SHARDS);
        let (mut head, mut installed, mut states, mut told) = (Head::default(), Vec::new(), Vec::new(), Vec::new());
        for done in 0..=commands.len() {
            let engine = watched.subject.engine();
            if done == range.start {
                head = engine.head();
            }
            if done == last {
                head.labels = engine.head().labels;
                installed.clone_from(&watched.installed);
            }
            let now = (0u16..).zip(&positions).filter(|(_, position)| **position == done);
            states.extend(now.map(|(shard, _)| engine.export(shard)));
            if let Some(command) = commands.get(done) {
                told.push(watched.told(command));
            }
            if done == last {
                break;
            }
        }

        let mut restored = Watched::new(&policy, SHARDS);
        let engine = restore(&installed, &head, states);
        restored.subject = watched.subject.with(engine.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        for (index, command) in commands.iter().enumerate().skip(range.start) {
            let ahead: Vec<bool> = positions.iter().map(|position| *position > index).collect();
            restored.subject.hold(&ahead);
            let found = restored.told(command);
            if index >= last {
                let expected = match told.get(index) {
                    Some(expected) => expected.clone(),
                    None => watched.told(command),
                };
                assert_eq!(found, expected, "seed {seed}, positions {positions:?}, command {index} {command:?}");
                assert_eq!(
                    seen(&restored.subject),
                    seen(&watched.subject),
                    "seed {seed}, positions {positions:?}, after command {index} {command:?}"
                );
            }
        }
    }
    assert!(spread > 100, "shards were exported at nearly the same moment: {spread} commands apart in all");
}
