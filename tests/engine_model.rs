//! The engine against the plain model of `tests/model`: the directed cases there, and random workloads here, each on 1, 2, 7
//! and 16 shards.
//!
//! The seed of a failing run is printed and its run is made as small as it gets; `OVERDUE_SEED=n` runs that seed alone,
//! `OVERDUE_RUNS=n` so many.

mod model;

use model::Model;
use model::adapter::Subject;
use model::random::{EVERYTHING, Profile, Random, random_commands, random_policy, seeds};
use model::run::{Command, Row, SHARDS, compare, describe_policy};
use model::shrink::shrink;
use std::sync::Arc;

/// Random policies and workloads of a profile, on every number of shards.
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
fn random_in_order_ahead() {
    random(Profile { ahead: true, ..Profile::default() });
}

#[test]
fn random_in_order_behind() {
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
fn random_gone_tickets() {
    random(Profile { ahead: true, behind: true, gone: true, ..Profile::default() });
}

#[test]
fn random_edits() {
    random(Profile { behind: true, edits: true, ..Profile::default() });
}

#[test]
fn random_edits_and_everything() {
    random(Profile { behind: true, late: true, priorities: true, edits: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_restatements() {
    random(Profile { behind: true, restates: true, catch_ups: true, ..Profile::default() });
}

#[test]
fn random_restatements_and_edits() {
    random(Profile { behind: true, late: true, priorities: true, restates: true, edits: true, ..Profile::default() });
}

#[test]
fn random_restatements_ahead() {
    random(Profile { ahead: true, behind: true, restates: true, ..Profile::default() });
}

#[test]
fn random_rewinds() {
    random(Profile { ahead: true, behind: true, catch_ups: true, rewinds: true, ..Profile::default() });
}

#[test]
fn random_rewinds_and_edits() {
    let profile = Profile { behind: true, late: true, priorities: true, edits: true, ..Profile::default() };
    random(Profile { catch_ups: true, restates: true, rewinds: true, ..profile });
}

#[test]
fn random_rewinds_and_everything() {
    random(Profile { milliseconds: true, gone: true, rewinds: true, ahead: true, behind: true, ..Profile::default() });
}

#[test]
fn random_milliseconds() {
    random(Profile { ahead: true, behind: true, milliseconds: true, ..Profile::default() });
}

#[test]
fn shards_and_threads_change_nothing() {
    let pools = [1, 2, 5].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool"));
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let mut engines: Vec<Subject> =
            SHARDS.into_iter().map(|shards| Subject::new(Arc::clone(&policy), shards)).collect();
        for (index, command) in commands.iter().enumerate() {
            let told: Vec<_> = engines
                .iter_mut()
                .enumerate()
                .map(|(engine, subject)| {
                    pools[(engine + index) % pools.len()].install(|| (subject.told(command), subject.state_hash()))
                })
                .collect();
            for (other, shards) in told.iter().zip(SHARDS) {
                assert_eq!(other, &told[0], "seed {seed}, command {index} {command:?}: {shards} shards against one");
            }
        }
    }
}

/// The same rows, ticket by ticket, the last ticket first.
fn split(rows: &[Row]) -> Vec<Vec<Row>> {
    let mut tickets: Vec<&str> = rows.iter().map(|row| row.ticket.as_str()).collect();
    tickets.sort_unstable();
    tickets.dedup();
    let of = |ticket: &&str| rows.iter().filter(|row| row.ticket == *ticket).cloned().collect();
    tickets.iter().rev().map(of).collect()
}

#[test]
fn batches_may_be_split_between_tickets() {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, EVERYTHING, 60);
        let (mut whole, mut parts) = (Subject::new(Arc::clone(&policy), 2), Subject::new(Arc::clone(&policy), 3));
        for (index, command) in commands.iter().enumerate() {
            let mut told = whole.told(command).expect("an outcome");
            let mut told_in_parts = match command {
                Command::Apply(rows, catch_up) => {
                    let batches = split(rows).into_iter().map(|rows| Command::Apply(rows, *catch_up));
                    batches.flat_map(|batch| parts.told(&batch).expect("an outcome")).collect()
                }
                command => parts.told(command).expect("an outcome"),
            };
            // Rows are numbered within their batch.
            told.retain(|line| !line.starts_with("RejectedRow"));
            told_in_parts.retain(|line| !line.starts_with("RejectedRow"));
            told.sort();
            told_in_parts.sort();
            assert_eq!(told, told_in_parts, "seed {seed}, command {index} {command:?}");
        }
        assert_eq!(whole.state_hash(), parts.state_hash(), "seed {seed}");
    }
}
