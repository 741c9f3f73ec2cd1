//! Arrival times of tickets: the hours of the week, seasons, and bursts.
//!
//! Every hour of the history has a weight; the tickets are spread evenly over the sum of all weights, each with a random
//! offset inside its share. That gives exactly the planned number, in order of time, without storing any of them. Times are
//! whole seconds, as in most systems.

use super::plan::Plan;
use super::random::Random;
use crate::time::{DAY_MS, HOUR_MS, SECOND_MS};

/// Arrivals in an hour of a working day, UTC, by hour; a morning peak and a smaller one after lunch.
const WORKING_DAY: [u32; 24] =
    [9, 6, 5, 5, 7, 16, 48, 120, 210, 250, 240, 205, 170, 205, 215, 180, 135, 92, 64, 52, 44, 34, 24, 14];

/// A day's share of the week in percent, Monday first.
const DAYS: [u32; 7] = [118, 106, 101, 98, 87, 31, 24];

/// One day in this many has a burst: an outage, or a faulty mailing.
const BURST_ONE_DAY_IN: u64 = 23;

const PURPOSE_DAY: u64 = 1;
const PURPOSE_ARRIVAL: u64 = 2;

pub(super) struct Arrivals {
    start_ms: i64,
    tickets: u64,
    seed: u64,
    /// Sum of the weights of the hours up to and including each.
    totals: Vec<u64>,
    next: u64,
    /// The hour in which the last ticket arrived; the next ticket is not earlier.
    hour: usize,
}

impl Arrivals {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut totals = Vec::with_capacity(plan.days as usize * 24);
        let mut total = 0;
        for day in 0..i64::from(plan.days) {
            let weekday = ((plan.start_ms + day * DAY_MS) / DAY_MS + 3).rem_euclid(7) as usize;
            let mut random = Random::of(plan.seed, PURPOSE_DAY, day as u64);
            let of_day = u64::from(DAYS[weekday]) * (90 + random.below(21)) * season(day);
            let burst = (random.below(BURST_ONE_DAY_IN) == 0).then(|| 7 + random.below(9));
            for (hour, weight) in WORKING_DAY.iter().enumerate() {
                let times = match burst {
                    Some(first) if (first..first + 2).contains(&(hour as u64)) => 4,
                    _ => 1,
                };
                total += u64::from(*weight) * of_day * times;
                totals.push(total);
            }
        }
        Self { start_ms: plan.start_ms, tickets: plan.tickets, seed: plan.seed, totals, next: 0, hour: 0 }
    }
}

/// A day's weight in the year: higher towards the end of each quarter of 91 days.
fn season(day: i64) -> u64 {
    85 + (day.rem_euclid(91) as u64) / 3
}

impl Iterator for Arrivals {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        let total = *self.totals.last()?;
        if self.next == self.tickets {
            return None;
        }
        let inside = Random::of(self.seed, PURPOSE_ARRIVAL, self.next).below(1 << 20);
        let share = (u128::from(self.next) << 20) + u128::from(inside);
        let at = (share * u128::from(total) / (u128::from(self.tickets) << 20)) as u64;
        self.next += 1;
        while self.totals[self.hour] <= at {
            self.hour += 1;
        }
        let before = if self.hour == 0 { 0 } else { self.totals[self.hour - 1] };
        let weight = self.totals[self.hour] - before;
        let into_ms = (u128::from(at - before) * HOUR_MS as u128 / u128::from(weight)) as i64;
        Some((self.start_ms + self.hour as i64 * HOUR_MS + into_ms) / SECOND_MS * SECOND_MS)
    }
}
