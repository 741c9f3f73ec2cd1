//! Synthetic records.

use crate::engine::{CycleResult, NO_SYMBOL};
use crate::policy::Actions;
use crate::store::record::{
    CycleBlock, CycleRow, EscalationBlock, EscalationRecord, EscalationRow, LabelKind, LabelTable, Note, RecordKind,
};
use crate::ticket::PerLabel;
use crate::time::{DAY_MS, HOUR_MS, NEVER_MS};
use std::sync::Arc;

/// 2026-11-22T00:00:00Z.
pub const FIRST_DAY_MS: i64 = 1_795_305_600_000;

/// Pseudorandom numbers, the same in every run.
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn symbol(&mut self) -> u32 {
        match self.next(4) as u32 {
            3 => NO_SYMBOL,
            number => number,
        }
    }
}

pub fn names() -> Arc<LabelTable> {
    let names = LabelTable::default();
    for column in LabelKind::ALL {
        let labels: Vec<Arc<str>> = (0..3).map(|number| format!("{} {number} ø", column.name()).into()).collect();
        names.extend(column, labels.iter());
    }
    names.push_actions(Arc::new(Actions::default()));
    let whom = vec!["owner".to_owned(), "lead, north".to_owned()];
    let (reassign, webhook) = (Some("next_tier".to_owned()), Some("pager".to_owned()));
    let set_priority = Some("critical".to_owned());
    names.push_actions(Arc::new(Actions { notify: whom, reassign, webhook, set_priority, ends_chain: true }));
    Arc::new(names)
}

/// Blocks of a few rows each (some of none), an hour to a day after each other.
pub fn blocks(dice: &mut Dice, count: usize) -> Vec<Arc<EscalationBlock>> {
    let (mut next, mut recorded_ms) = (1, FIRST_DAY_MS);
    let names = names();
    let mut block = |_| {
        let mut block = EscalationBlock {
            names: Arc::clone(&names),
            first_sequence: next,
            recorded_ms,
            ..EscalationBlock::default()
        };
        for row in 0..dice.next(12) as u32 {
            push(&mut block, row, recorded_ms, dice);
        }
        next = block.end();
        recorded_ms += dice.next(24) as i64 * HOUR_MS;
        Arc::new(block)
    };
    (0..count).map(&mut block).collect()
}

fn push(block: &mut EscalationBlock, row: u32, recorded_ms: i64, dice: &mut Dice) {
    let kind = RecordKind::ALL[dice.next(4) as usize];
    let manual = kind == RecordKind::Manual;
    block.tickets.push(&format!("T{}", dice.next(5)));
    block.rows.push(EscalationRow {
        kind,
        level: if manual { 0 } else { dice.next(3) as u8 + 1 },
        cycle: dice.next(3) as u16,
        clock: if manual { NO_SYMBOL } else { dice.next(3) as u32 },
        due_ms: if dice.next(9) == 0 { NEVER_MS } else { recorded_ms - dice.next(DAY_MS as u64) as i64 },
        fired_ms: recorded_ms,
        labels: PerLabel::from_fn(|_| dice.symbol()),
        actions: if manual { NO_SYMBOL } else { dice.next(2) as u32 },
    });
    if dice.next(3) == 0 {
        let reason = ["", "because"][dice.next(2) as usize].to_owned();
        block.notes.push((row, Note { actor: "per".to_owned(), reason }));
    }
}

pub fn records(blocks: &[Arc<EscalationBlock>]) -> Vec<EscalationRecord> {
    blocks.iter().flat_map(|block| (0..block.len()).map(|row| block.record(row))).collect()
}

pub fn cycle_block(first_sequence: u64, rows: usize) -> Arc<CycleBlock> {
    let mut block = CycleBlock { names: names(), first_sequence, recorded_ms: FIRST_DAY_MS, ..CycleBlock::default() };
    for row in 0..rows {
        block.tickets.push(&format!("T{row}"));
        block.rows.push(CycleRow {
            clock: 0,
            cycle: 1,
            revision: 0,
            result: CycleResult::ALL[row % CycleResult::ALL.len()],
            started_ms: FIRST_DAY_MS - HOUR_MS,
            due_ms: NEVER_MS,
            stopped_ms: FIRST_DAY_MS,
            business_ms: HOUR_MS,
            wall_ms: HOUR_MS,
            labels: PerLabel::from([1, 2, NO_SYMBOL, 0, 0, NO_SYMBOL]),
        });
    }
    Arc::new(block)
}
