//! Power failures at every operation of the disk under a workload of 300 groups: the next start has all acknowledged groups and at
//! most the one in flight, and derives the same state and records from them.
//!
//! The oracle is a state machine that is never interrupted: its state and its records after every group.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::support::random::Random;
use overdue::engine::{Apply, CatchUp};
use overdue::service::state_machine::{GroupOutput, StateMachine, compile};
use overdue::store::codec;
use overdue::store::input::{AcknowledgeInput, BatchInput, EditInput, Group, Input, Origin, Passage};
use overdue::store::journal::{Journal, Options};
use overdue::ticket::{Batch, Column, EventKind};
use std::sync::Arc;

const GROUPS: u64 = 300;
const SHARDS: usize = 5;
const START_MS: i64 = 1_795_000_000_000;

fn policy(target: &str) -> Arc<EditInput> {
    let text = format!(
        r#"
default_priority = "quick"
[calendars.office]
time_zone = "Europe/Oslo"
mon-sun = ["06:00-22:00"]
[priorities.quick]
calendar = "office"
[priorities.quick.clocks.resolution]
target = "{target}"
pause_while = ["waiting"]
levels = [{{ at = "50%", notify = ["owner"] }}, {{ at = "100%", notify = ["team_lead"] }}]
[priorities.slow]
calendar = "office"
[priorities.slow.clocks.first_response]
target = "2h"
levels = [{{ at = "100%", notify = ["owner"] }}]
"#
    );
    Arc::new(EditInput {
        text: text.into(),
        files: Vec::new(),
        apply: Apply::FromStart,
        catch_up: CatchUp::Latest,
        origin: Origin { actor: "test".into(), ..Origin::default() },
        note: String::new(),
    })
}

/// Random groups with every kind of input.
fn workload(random: &mut Random) -> Vec<Group> {
    let mut now_ms = START_MS;
    let mut groups = vec![group(1, 0, vec![Input::Edit(policy("40m"))])];
    for number in 2..=GROUPS {
        now_ms += 1_000 * random.below(900) as i64;
        let inputs = match random.below(20) {
            0 => vec![Input::Edit(policy(["30m", "40m", "1h"][random.below(3)]))],
            1 => vec![acknowledge(random, now_ms)],
            3 => {
                // The time was ahead and is set back.
                now_ms -= 1_000 * random.below(9_000) as i64;
                groups.push(Group { passage: Passage::Accepted, ..group(number, now_ms, Vec::new()) });
                continue;
            }
            2 => vec![Input::FreeLabels],
            4 => Vec::new(),
            _ => (0..=random.below(3)).map(|_| events(random, now_ms)).collect(),
        };
        groups.push(group(number, now_ms, inputs));
    }
    groups
}

fn group(number: u64, now_ms: i64, inputs: Vec<Input>) -> Group {
    Group { number, now_ms, catch_up: CatchUp::All, passage: Passage::Watched, has_label_share: true, inputs }
}

fn acknowledge(random: &mut Random, now_ms: i64) -> Input {
    Input::Acknowledge(Arc::new(AcknowledgeInput {
        sequence: 1 + random.below(50) as u64,
        ticket: format!("T{}", random.below(60)),
        clock: "resolution".into(),
        cycle: 1,
        level: 1,
        at_ms: now_ms,
        note: "seen".into(),
        origin: Origin { actor: "test".into(), key: Some(random.next().into()), fingerprint: None },
    }))
}

fn events(random: &mut Random, now_ms: i64) -> Input {
    const KINDS: [EventKind; 8] = [
        EventKind::Opened,
        EventKind::Opened,
        EventKind::AgentReply,
        EventKind::CustomerReply,
        EventKind::Resolved,
        EventKind::Reopened,
        EventKind::Escalated,
        EventKind::Deleted,
    ];
    let mut batch = Batch::default();
    for _ in 0..=random.below(12) {
        let at_ms = now_ms - random.below(3_000_000) as i64;
        batch.push(&format!("T{}", random.below(60)), at_ms, KINDS[random.below(KINDS.len())]);
        if random.below(4) == 0 {
            batch.set_last(Column::Priority, ["quick", "slow", "unknown"][random.below(3)]);
        }
        if random.below(3) == 0 {
            batch.set_last(Column::Team, ["north", "south", "east", "west"][random.below(4)]);
        }
    }
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    Input::Batch(Arc::new(BatchInput { batch, catch_up: CatchUp::Latest, origin }))
}

/// A summary of a state machine.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Summary {
    state: u64,
    last_escalation: u64,
    last_cycle: u64,
    policies: usize,
    acknowledgements: usize,
}

fn summary(machine: &StateMachine) -> Summary {
    Summary {
        state: machine.engine.read().state_hash(),
        last_escalation: machine.last_escalation(),
        last_cycle: machine.last_cycle(),
        policies: machine.policies.len(),
        acknowledgements: machine.acknowledgements.read().len(),
    }
}

fn begin(first: &Group) -> StateMachine {
    let [Input::Edit(edit)] = first.inputs.as_slice() else { panic!("the first group has the policy") };
    let (policy, _) = compile(edit).unwrap();
    let mut machine = StateMachine::new(Arc::new(policy), edit, SHARDS);
    machine.group = 1;
    machine
}

/// Appends the records of a group.
fn append_records(output: &GroupOutput, records: &mut Vec<String>) {
    for row in 0..output.escalations.len() {
        let record = output.escalations.record(row);
        records.push(format!("{} {} {}", record.sequence, record.kind.name(), record.escalation_id));
    }
}

#[test]
fn a_power_failure_at_any_operation_leaves_the_acknowledged_groups_only() {
    let mut random = Random(7);
    let groups = workload(&mut random);
    let encoded: Vec<Vec<u8>> = groups
        .iter()
        .map(|group| {
            let mut bytes = Vec::new();
            codec::encode(group, &mut bytes).unwrap();
            bytes
        })
        .collect();

    // The oracle.
    let mut machine = begin(&groups[0]);
    let (mut after, mut records, mut records_after) = (vec![summary(&machine)], Vec::new(), vec![0]);
    for group in &groups[1..] {
        append_records(&machine.apply(group, None), &mut records);
        after.push(summary(&machine));
        records_after.push(records.len());
    }
    assert!(records.len() > 300, "the workload has {} records", records.len());

    let write = |disk: &MemoryDisk| -> u64 {
        let Ok((mut journal, _)) = Journal::open(Arc::new(disk.clone()), options()) else { return 0 };
        let mut acknowledged = 0;
        for (group, bytes) in groups.iter().zip(&encoded) {
            if journal.append(group.number, bytes).is_err() || journal.sync().is_err() {
                break;
            }
            acknowledged = group.number;
        }
        acknowledged
    };
    let whole = MemoryDisk::default();
    assert_eq!(write(&whole), GROUPS);
    let operations = whole.operations();
    println!("{operations} operations, {} records", records.len());

    for cut_at in 0..operations {
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { cut_at: Some(cut_at), ..Faults::default() });
        let acknowledged = write(&disk);
        let survives = match cut_at % 3 {
            0 => Survives::Nothing,
            1 => Survives::Everything,
            _ => Survives::Some(cut_at),
        };
        let (journal, recovered) = Journal::open(Arc::new(disk.crash(survives)), options())
            .unwrap_or_else(|error| panic!("cut at {cut_at}: {error}"));
        assert!(
            (acknowledged..=acknowledged + 1).contains(&recovered.last),
            "cut at {cut_at}: {acknowledged} groups were acknowledged, {} are there",
            recovered.last
        );
        if recovered.last == 0 {
            continue;
        }
        let mut machine: Option<StateMachine> = None;
        let mut replayed = Vec::new();
        for read in journal.groups(1) {
            let (number, bytes) = read.unwrap();
            let group = codec::decode(&bytes).unwrap();
            assert_eq!((group.number, &bytes), (number, &encoded[number as usize - 1]));
            match &mut machine {
                None => machine = Some(begin(&group)),
                Some(machine) => append_records(&machine.apply(&group, None), &mut replayed),
            }
        }
        let place = recovered.last as usize - 1;
        assert_eq!(summary(&machine.unwrap()), after[place], "cut at {cut_at}, recovered to group {}", recovered.last);
        assert_eq!(replayed, records[..records_after[place]], "cut at {cut_at}: records differ");
    }
}

fn options() -> Options {
    Options { segment_bytes: 16 << 10, ahead: false, ..Options::new(42) }
}
