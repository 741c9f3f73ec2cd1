//! What is due next on a ticket, for readers.
//!
//! A ticket's timer also waits for at-risk marks, which only move the ticket between totals. A reader asks for the next level
//! or target, so the two are computed separately from the ticket's clocks.

use crate::engine::clocks::state::AT_RISK;
use crate::engine::clocks::versions::Versions;
use crate::engine::shard::{Shard, timer_s};

/// The seconds at which the next marks of a ticket are processed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct NextDues {
    /// The next level or target; `None` if none is pending.
    pub next_s: Option<u32>,
    /// The next at-risk mark; `None` if none is pending.
    pub at_risk_s: Option<u32>,
}

impl Shard {
    /// What is due next on a ticket.
    pub(super) fn next_dues(&self, versions: &Versions, slot: u32) -> NextDues {
        let record = &self.tickets.records[slot];
        let mut dues = NextDues::default();
        if !record.is_live() || self.wheel.due(slot) == 0 {
            return dues;
        }
        let compiled = &versions.get(record.version()).compiled;
        for (compiled, clock) in compiled.iter().zip(self.tickets.clocks(slot, compiled.len())) {
            let state = clock.unpack();
            if !state.running {
                continue;
            }
            compiled.each_ahead(&state, |mark, due_ms| {
                let into = if mark == AT_RISK { &mut dues.at_risk_s } else { &mut dues.next_s };
                let due_s = timer_s(due_ms);
                if due_s != 0 {
                    *into = Some(into.map_or(due_s, |known_s| known_s.min(due_s)));
                }
            });
        }
        dues
    }
}
