//! Values that need a scan over all tickets, one shard at a time: how long running cycles have left, and what falls due when.

use crate::engine::clocks::state::{AT_RISK, BREACH};
use crate::engine::clocks::versions::Versions;
use crate::engine::commands::Engine;
use crate::engine::shard::Shard;
use crate::time::HOUR_MS;

/// Totals of a scan; see [`Engine::scan`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanTotals {
    /// Upper bounds of the buckets of `time_to_breach`, in milliseconds, ascending.
    bounds_ms: Vec<i64>,
    /// Running cycles within their target by remaining time: at most this bound, per bound; then those beyond all.
    pub time_to_breach: Vec<u64>,
    /// The open ticket with the earliest opening: id, opening time.
    pub oldest: Option<(String, i64)>,
    /// By hour (UTC), from that of the scan's `now_ms` on: targets that end then.
    pub deadlines_by_hour: Vec<u64>,
    /// By hour: levels that fall due then.
    pub levels_by_hour: Vec<u64>,
}

impl ScanTotals {
    /// Empty totals. `bounds_ms` are ascending.
    pub fn new(bounds_ms: &[i64], hours: usize) -> Self {
        Self {
            bounds_ms: bounds_ms.to_vec(),
            time_to_breach: vec![0; bounds_ms.len() + 1],
            oldest: None,
            deadlines_by_hour: vec![0; hours],
            levels_by_hour: vec![0; hours],
        }
    }

    fn count_left(&mut self, left_ms: i64) {
        let bucket = self.bounds_ms.partition_point(|bound_ms| *bound_ms < left_ms);
        self.time_to_breach[bucket] += 1;
    }
}

impl Engine {
    /// Adds a shard's values as of `now_ms`, assuming no further events: paused cycles do not count.
    ///
    /// # Panics
    /// If there is no shard with this number.
    pub fn scan(&self, shard: u16, now_ms: i64, parts: &mut ScanTotals) {
        self.shards[usize::from(shard)].scan(&self.versions, now_ms, parts);
    }

    /// Tickets that are due by an instant and were not processed yet: those that would fire if the engine advanced to it.
    pub fn due_by(&self, due_ms: i64) -> u64 {
        let until_s = (due_ms.clamp(0, crate::time::HORIZON_MS) / crate::time::SECOND_MS) as u32;
        self.shards.iter().map(|shard| shard.wheel.due_until(until_s)).sum()
    }
}

impl Shard {
    fn scan(&self, versions: &Versions, now_ms: i64, parts: &mut ScanTotals) {
        let first_hour = now_ms.div_euclid(HOUR_MS);
        let hours = parts.deadlines_by_hour.len() as i64;
        let hour_of = |due_ms: i64| {
            let hour = due_ms.div_euclid(HOUR_MS) - first_hour;
            (0..hours).contains(&hour).then_some(hour as usize)
        };
        let mut oldest: Option<(i64, u64, u32)> = None;
        for slot in self.tickets.live() {
            let record = &self.tickets.records[slot];
            if !record.state().is_done() {
                let age = (record.opened_ms(), record.ordinal(), slot);
                oldest = Some(oldest.map_or(age, |known| known.min(age)));
            }
            let compiled = &versions.get(record.version()).compiled;
            for (compiled, clock) in compiled.iter().zip(self.tickets.clocks(slot, compiled.len())) {
                let state = clock.unpack();
                if !state.running {
                    continue;
                }
                compiled.each_ahead(&state, |mark, due_ms| match mark {
                    AT_RISK => {}
                    BREACH => {
                        parts.count_left(due_ms - now_ms);
                        if let Some(hour) = hour_of(due_ms) {
                            parts.deadlines_by_hour[hour] += 1;
                        }
                    }
                    _ => {
                        if let Some(hour) = hour_of(due_ms) {
                            parts.levels_by_hour[hour] += 1;
                        }
                    }
                });
            }
        }
        if let Some((opened_ms, _, slot)) = oldest
            && parts.oldest.as_ref().is_none_or(|(_, known_ms)| opened_ms < *known_ms)
        {
            parts.oldest = Some((self.tickets.id(slot).to_owned(), opened_ms));
        }
    }
}
