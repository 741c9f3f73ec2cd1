//! The engine against the plain model of `tests/model`: directed cases there, random workloads here, each on 1, 2, 7 and 16 shards.
//!
//! A failing run prints its seed and is shrunk; `OVERDUE_SEED=n` runs that seed alone, `OVERDUE_RUNS=n` the first n seeds.

mod model;
mod support {
    pub mod random;
}

use model::Model;
use model::adapter::Subject;
use model::random::{EVERYTHING, Profile, random_commands, random_policy, seeds};
use model::run::{Command, Row, SHARDS, compare, describe_policy};
use model::shrink::shrink;
use std::sync::Arc;
use support::random::Random;

/// Compares engine and model on random policies and workloads of a profile, on every number of shards.
fn random(profile: Profile) {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, profile, 40);
        for shards in SHARDS {
            let fails = |commands: &[Command]| compare(&policy, commands, shards).err();
            if let Some((commands, mismatch)) = shrink(commands.clone(), fails) {
                let mut model = Model::new(Arc::clone(&policy));
                let mut text = String::new();
                for command in &commands {
                    text += &format!("\n{command:?}");
                    model::run::run_model(&mut model, command);
                }
                let tickets: String = model.ids().map(|id| model.describe(id)).collect();
                let policy = describe_policy(&policy);
                panic!("seed {seed}: {}\nafter{text}\n{tickets}under{policy}", mismatch.text);
            }
        }
    }
}

#[test]
fn random_events_in_order_ahead_of_time() {
    random(Profile { ahead: true, ..Profile::default() });
}

#[test]
fn random_events_in_order() {
    random(Profile { ahead: true, behind: true, ..Profile::default() });
}

#[test]
fn random_late_events() {
    random(Profile { ahead: true, behind: true, late: true, ..Profile::default() });
}

#[test]
fn random_priority_changes() {
    random(Profile { ahead: true, behind: true, priorities: true, ..Profile::default() });
}

#[test]
fn random_late_priority_changes() {
    random(Profile { ahead: true, behind: true, priorities: true, late: true, ..Profile::default() });
}

#[test]
fn random_catch_ups() {
    random(Profile { ahead: true, behind: true, late: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_deleted_tickets() {
    random(Profile { ahead: true, behind: true, deletions: true, ..Profile::default() });
}

#[test]
fn random_deleted_tickets_of_exports() {
    random(Profile { ahead: true, behind: true, late: true, deletions: true, exports: true, ..Profile::default() });
}

#[test]
fn random_exports_out_of_order() {
    random(Profile { ahead: true, behind: true, late: true, priorities: true, exports: true, ..Profile::default() });
}

#[test]
fn random_edits() {
    random(Profile { behind: true, edits: true, ..Profile::default() });
}

#[test]
fn random_edits_with_other_commands() {
    random(Profile { behind: true, late: true, priorities: true, edits: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_exports() {
    random(Profile { behind: true, exports: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_exports_with_edits() {
    random(Profile { behind: true, late: true, priorities: true, exports: true, edits: true, ..Profile::default() });
}

#[test]
fn random_exports_ahead_of_time() {
    random(Profile { ahead: true, behind: true, exports: true, ..Profile::default() });
}

#[test]
fn random_rewinds() {
    random(Profile { ahead: true, behind: true, catch_ups: true, rewinds: true, ..Profile::default() });
}

#[test]
fn random_rewinds_with_edits() {
    let profile = Profile { behind: true, late: true, priorities: true, edits: true, ..Profile::default() };
    random(Profile { catch_ups: true, exports: true, rewinds: true, ..profile });
}

#[test]
fn random_rewinds_with_other_commands() {
    let profile = Profile { ahead: true, behind: true, deletions: true, ..Profile::default() };
    random(Profile { milliseconds: true, rewinds: true, ..profile });
}

#[test]
fn random_commands_at_any_millisecond() {
    random(Profile { ahead: true, behind: true, milliseconds: true, ..Profile::default() });
}

#[test]
fn output_does_not_depend_on_shards_and_threads() {
    let pools = [1, 2, 5].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let mut engines: Vec<Subject> =
            SHARDS.into_iter().map(|shards| Subject::new(Arc::clone(&policy), shards)).collect();
        for (index, command) in commands.iter().enumerate() {
            let emitted: Vec<_> = engines
                .iter_mut()
                .enumerate()
                .map(|(engine, subject)| {
                    pools[(engine + index) % pools.len()].install(|| (subject.emit(command), subject.state_hash()))
                })
                .collect();
            for (other, shards) in emitted.iter().zip(SHARDS) {
                assert_eq!(other, &emitted[0], "seed {seed}, command {index} {command:?}: {shards} shards against one");
            }
        }
    }
}

/// The rows by ticket, the last ticket first.
fn split(rows: &[Row]) -> Vec<Vec<Row>> {
    let mut tickets: Vec<&str> = rows.iter().map(|row| row.ticket.as_str()).collect();
    tickets.sort_unstable();
    tickets.dedup();
    let of = |ticket: &&str| rows.iter().filter(|row| row.ticket == *ticket).cloned().collect();
    tickets.iter().rev().map(of).collect()
}

#[test]
fn output_does_not_depend_on_batches_of_different_tickets() {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let (mut whole, mut parts) = (Subject::new(Arc::clone(&policy), 2), Subject::new(Arc::clone(&policy), 3));
        for (index, command) in commands.iter().enumerate() {
            let mut emitted = whole.emit(command).expect("an outcome");
            let mut emitted_in_parts = match command {
                Command::Apply(rows, catch_up) => {
                    let batches = split(rows).into_iter().map(|rows| Command::Apply(rows, *catch_up));
                    batches.flat_map(|batch| parts.emit(&batch).expect("an outcome")).collect()
                }
                command => parts.emit(command).expect("an outcome"),
            };
            // The row numbers of rejected rows differ between the batches.
            emitted.retain(|line| !line.starts_with("RejectedRow"));
            emitted_in_parts.retain(|line| !line.starts_with("RejectedRow"));
            emitted.sort();
            emitted_in_parts.sort();
            assert_eq!(emitted, emitted_in_parts, "seed {seed}, command {index} {command:?}");
        }
        assert_eq!(whole.state_hash(), parts.state_hash(), "seed {seed}");
    }
}
