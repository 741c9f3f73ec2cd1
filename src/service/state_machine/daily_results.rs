//! Results by day: cycles met, cycles missed and levels fired, as the growth of the totals on that day.
//!
//! A result that a late event revises counts on the day of the revision: the sum over the days always equals the total.

use crate::engine::{ClockTally, Engine, NO_SYMBOL, Symbol};
use crate::limits::KEPT_DAYS;
use crate::store::record::{LabelKind, LabelTable};
use crate::store::snapshot::DayRow;
use crate::time::DAY_MS;
use std::collections::BTreeMap;

/// Growth of a clock's totals; negative on a day with more revisions than new results.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Growth {
    pub met: i64,
    pub missed: i64,
    pub fired: i64,
}

/// Results by day and clock.
#[derive(Debug)]
pub struct Days {
    /// The totals at the last count, by clock.
    counted: Vec<Growth>,
    rows: BTreeMap<(i64, Symbol), Growth>,
}

fn totals(tally: &ClockTally) -> Growth {
    let fired = tally.fired.iter().fold(0_u64, |sum, fired| sum.wrapping_add(*fired));
    Growth { met: tally.met as i64, missed: tally.missed as i64, fired: fired as i64 }
}

impl Days {
    /// Restores stored rows.
    pub fn new(names: &LabelTable, rows: &[DayRow]) -> Self {
        let number = |name: &str| names.find(LabelKind::Clock, name);
        let rows = rows
            .iter()
            .filter_map(|row| {
                let growth = Growth { met: row.met, missed: row.missed, fired: row.fired };
                Some(((row.day_ms, number(&row.clock)?), growth))
            })
            .collect();
        Self { counted: Vec::new(), rows }
    }

    /// Takes the present totals as counted already.
    pub fn go_on_from(&mut self, engine: &Engine) {
        self.counted = engine.clock_totals().iter().map(totals).collect();
    }

    /// Counts the growth since the last count, on the engine's day.
    pub fn count(&mut self, engine: &Engine) {
        let day_ms = engine.now_ms().div_euclid(DAY_MS) * DAY_MS;
        for (clock, tally) in engine.clock_totals().iter().enumerate() {
            if self.counted.len() <= clock {
                self.counted.resize(clock + 1, Growth::default());
            }
            let now = totals(tally);
            let before = std::mem::replace(&mut self.counted[clock], now);
            if now == before {
                continue;
            }
            let row = self.rows.entry((day_ms, clock as Symbol)).or_default();
            row.met += now.met - before.met;
            row.missed += now.missed - before.missed;
            row.fired += now.fired - before.fired;
        }
        let oldest_ms = day_ms - (KEPT_DAYS - 1) * DAY_MS;
        while self.rows.first_key_value().is_some_and(|((day_ms, _), _)| *day_ms < oldest_ms) {
            self.rows.pop_first();
        }
    }

    /// After the time was set back, moves the counts of later days to the present day.
    pub fn set_back(&mut self, now_ms: i64) {
        let day_ms = now_ms.div_euclid(DAY_MS) * DAY_MS;
        for ((_, clock), later) in self.rows.split_off(&(day_ms + 1, 0)) {
            let row = self.rows.entry((day_ms, clock)).or_default();
            row.met += later.met;
            row.missed += later.missed;
            row.fired += later.fired;
        }
    }

    /// All rows, oldest day first.
    pub fn rows(&self, names: &LabelTable) -> Vec<DayRow> {
        self.rows
            .iter()
            .filter(|((_, clock), _)| *clock != NO_SYMBOL)
            .map(|((day_ms, clock), growth)| DayRow {
                day_ms: *day_ms,
                clock: names.label(LabelKind::Clock, *clock).unwrap_or_default(),
                met: growth.met,
                missed: growth.missed,
                fired: growth.fired,
            })
            .collect()
    }
}
