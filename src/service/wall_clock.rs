//! The service's clock: the only place that reads the system time.
//!
//! The service's clock follows the wall clock as long as that advances steadily. It never runs backwards, and it records a jump
//! without following it: while the wall clock is off by more than [`MAX_STEP_MS`] from its expected value by the monotonic
//! clock, time advances at the pace of the monotonic clock. A corrected wall clock is followed from the next start, where the
//! configured catch-up applies to what fell due meanwhile (`service::start_time` decides how far it is trusted). Only a clock
//! that stands still, because the wall clock was behind at the start, continues as soon as that is corrected, as after a start.

use super::config::ClockChoice;
use crate::limits::MAX_STEP_MS;
use crate::time::SECOND_MS;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the service measures its own speed; nothing else depends on it")]
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        self.elapsed().as_millis() as u64
    }
}

/// A wall clock: milliseconds since 1970 (UTC). Tests substitute their own.
pub type WallClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The machine's wall clock.
pub fn machine_wall() -> WallClock {
    Arc::new(wall_ms)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
fn wall_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// The service's clock.
pub(super) struct Clock {
    source: Source,
    monotonic: Stopwatch,
}

struct Reading {
    now_ms: i64,
    wall_ms: i64,
}

enum Source {
    Wall { wall: WallClock, state: Mutex<Follower> },
    Fast { start_ms: i64, speed: f64 },
}

impl Clock {
    /// A clock that shows at least `least_ms`, the time of the last run.
    pub(super) fn start(choice: ClockChoice, wall: WallClock, least_ms: i64) -> Self {
        let source = match choice {
            ClockChoice::Wall(trust) => {
                let most_ahead_ms = i64::try_from(trust.max_ahead.as_millis()).unwrap_or(i64::MAX);
                let follower = Follower::new(wall(), least_ms, most_ahead_ms);
                Source::Wall { wall, state: Mutex::new(follower) }
            }
            ClockChoice::Fast { start_ms, speed } => Source::Fast { start_ms: start_ms.max(least_ms), speed },
        };
        Self { source, monotonic: Stopwatch::start() }
    }

    /// Milliseconds since 1970 (UTC).
    pub(super) fn now_ms(&self) -> i64 {
        self.read(|_| ()).now_ms
    }

    /// The time, and whether the clock, after standing still, has resumed since the last call.
    pub(super) fn now_and_whether_resumed(&self) -> (i64, bool) {
        let mut has_resumed = false;
        let reading = self.read(|follower| has_resumed = std::mem::take(&mut follower.resumed));
        (reading.now_ms, has_resumed)
    }

    /// How far the wall clock is ahead of this one; negative: behind.
    pub(super) fn offset_ms(&self) -> i64 {
        let Reading { now_ms, wall_ms } = self.read(|_| ());
        wall_ms - now_ms
    }

    /// Both clocks at one moment. `look` runs with exclusive access.
    fn read(&self, look: impl FnOnce(&mut Follower)) -> Reading {
        let Source::Wall { wall, state } = &self.source else {
            let now_ms = self.wall_ms();
            return Reading { now_ms, wall_ms: now_ms };
        };
        let (monotonic_ms, wall_ms) = (self.monotonic.elapsed().as_millis() as i64, wall());
        let (now_ms, before, after) = {
            let mut follower = state.lock();
            let before = (follower.jumped, follower.resumptions);
            let now_ms = follower.follow(monotonic_ms, wall_ms);
            look(&mut follower);
            (now_ms, before, (follower.jumped, follower.resumptions))
        };
        // Logged outside the lock, because others wait for it.
        let off_ms = wall_ms - now_ms;
        if before.1 != after.1 {
            tracing::warn!("the wall clock has been set to a time after the last known one: time continues from there");
        } else if !before.0 && after.0 {
            tracing::warn!(off_ms, "the wall clock has jumped; the jump is ignored until the next start");
        } else if before.0 && !after.0 {
            tracing::warn!(off_ms, "the wall clock is back where it should be");
        }
        Reading { now_ms, wall_ms }
    }

    /// The wall clock, in milliseconds since 1970 (UTC); in fast motion, the accelerated time. Takes no lock.
    pub(super) fn wall_ms(&self) -> i64 {
        match &self.source {
            Source::Wall { wall, .. } => wall(),
            Source::Fast { start_ms, speed } => {
                start_ms + (self.monotonic.elapsed().as_secs_f64() * speed * 1_000.0) as i64
            }
        }
    }

    /// How often the wall clock has jumped.
    pub(super) fn jumps(&self) -> u64 {
        match &self.source {
            Source::Wall { state, .. } => state.lock().jumps,
            Source::Fast { .. } => 0,
        }
    }

    /// Whether it stands still until the wall clock has caught up.
    pub(super) fn is_waiting(&self) -> bool {
        let Source::Wall { state, .. } = &self.source else { return false };
        let monotonic_ms = self.monotonic.elapsed().as_millis() as i64;
        state.lock().is_waiting(monotonic_ms)
    }

    /// Speed as a multiple of real time.
    pub(super) fn speed(&self) -> f64 {
        match self.source {
            Source::Wall { .. } => 1.0,
            Source::Fast { speed, .. } => speed,
        }
    }

    /// Real time until the clock shows the next whole second.
    pub(super) fn until_next_second(&self) -> Duration {
        let left_ms = SECOND_MS - self.now_ms().rem_euclid(SECOND_MS);
        // In fast motion many seconds pass at once: a hundred steps per second of real time are enough.
        Duration::from_secs_f64(left_ms as f64 / 1_000.0 / self.speed())
            .max(Duration::from_millis(10).min(Duration::from_secs(1)))
    }
}

/// Follows a wall clock.
#[derive(Debug)]
struct Follower {
    /// The wall clock when the monotonic clock showed 0, as far as it is trusted.
    base_ms: i64,
    shown_ms: i64,
    /// How far ahead a corrected wall clock may be for a clock that stands still to follow it.
    most_ahead_ms: i64,
    jumped: bool,
    jumps: u64,
    /// Whether it has resumed after standing still, not yet reported to a caller; and the count of resumptions.
    resumed: bool,
    resumptions: u64,
}

impl Follower {
    fn new(start_ms: i64, least_ms: i64, most_ahead_ms: i64) -> Self {
        let shown_ms = least_ms.max(0);
        Self { base_ms: start_ms, shown_ms, most_ahead_ms, jumped: false, jumps: 0, resumed: false, resumptions: 0 }
    }

    /// Whether it stands still until the wall clock has caught up.
    fn is_waiting(&self, monotonic_ms: i64) -> bool {
        self.base_ms + monotonic_ms < self.shown_ms
    }

    fn follow(&mut self, monotonic_ms: i64, wall_ms: i64) -> i64 {
        let expected_ms = self.base_ms + monotonic_ms;
        let off_ms = wall_ms - expected_ms;
        if off_ms.abs() <= MAX_STEP_MS {
            self.base_ms += off_ms;
            self.jumped = false;
        } else if self.is_waiting(monotonic_ms) && (0..=self.most_ahead_ms).contains(&(wall_ms - self.shown_ms)) {
            self.base_ms += off_ms;
            self.jumped = false;
            self.resumed = true;
            self.resumptions += 1;
        } else if !self.jumped {
            self.jumped = true;
            self.jumps += 1;
        }
        self.shown_ms = self.shown_ms.max(self.base_ms + monotonic_ms);
        self.shown_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::HOUR_MS;

    #[test]
    fn small_corrections_are_followed_and_never_backwards() {
        let mut follower = Follower::new(1_000_000, 0, HOUR_MS);
        assert_eq!(follower.follow(0, 1_000_000), 1_000_000);
        assert_eq!(follower.follow(1_000, 1_003_000), 1_003_000, "two seconds forward");
        assert_eq!(follower.follow(2_000, 1_002_500), 1_003_000, "half a second back: stands still");
        assert_eq!(follower.follow(3_000, 1_003_500), 1_003_500);
        assert_eq!(follower.jumps, 0);
    }

    #[test]
    fn a_jump_is_counted_once_and_not_obeyed() {
        let mut follower = Follower::new(1_000_000, 0, HOUR_MS);
        assert_eq!(follower.follow(1_000, 9_000_000), 1_001_000);
        assert_eq!(follower.follow(2_000, 9_001_000), 1_002_000);
        assert_eq!(follower.jumps, 1);
        assert_eq!(follower.follow(3_000, 1_003_000), 1_003_000);
        assert_eq!(follower.follow(4_000, 4_000), 1_004_000);
        assert_eq!(follower.jumps, 2);
    }

    #[test]
    fn time_starts_no_earlier_than_it_was() {
        let mut follower = Follower::new(1_000, 5_000_000, HOUR_MS);
        assert_eq!(follower.follow(0, 1_000), 5_000_000);
    }

    #[test]
    fn a_clock_that_stands_still_goes_on_when_the_wall_clock_is_set_right() {
        let mut follower = Follower::new(1_000, 5_000_000, HOUR_MS);
        assert_eq!(follower.follow(0, 1_000), 5_000_000);
        // Corrected, but still behind; then ahead beyond the bound.
        assert_eq!(follower.follow(1_000, 4_000_000), 5_000_000);
        assert_eq!(follower.follow(2_000, 5_000_001 + HOUR_MS), 5_000_000);
        assert_eq!((follower.resumptions, follower.is_waiting(2_000)), (0, true));
        assert_eq!(follower.follow(3_000, 6_000_000), 6_000_000);
        assert_eq!((follower.resumptions, follower.resumed, follower.jumped), (1, true, false));
        // From then on a jump is ignored.
        assert_eq!(follower.follow(4_000, 7_000_000), 6_001_000);
        assert_eq!(follower.resumptions, 1);
    }
}
