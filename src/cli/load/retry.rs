//! When to try again, and when to give up.

use crate::limits::{MAX_ATTEMPTS, MAX_RETRY_WAIT_S};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The wait after the first failure; it doubles with each.
const FIRST: Duration = Duration::from_millis(250);

/// How long one chunk is tried.
#[derive(Debug, Clone)]
pub struct Patience {
    failed: u32,
    /// From 0 to 1: so that connections which failed together do not come back together.
    spread: f64,
}

impl Patience {
    pub fn new(spread: f64) -> Self {
        Self { failed: 0, spread }
    }

    /// How long to wait after a failure before the next attempt; `None` when there have been enough. What the service asks
    /// for is the least, up to [`MAX_RETRY_WAIT_S`].
    pub fn after_failure(&mut self, asked: Option<Duration>) -> Option<Duration> {
        self.failed += 1;
        if self.failed >= MAX_ATTEMPTS {
            return None;
        }
        let longest = Duration::from_secs(MAX_RETRY_WAIT_S);
        let full = FIRST.saturating_mul(1 << (self.failed - 1).min(16)).min(longest);
        let wait = full / 2 + (full / 2).mul_f64(self.spread);
        Some(wait.max(asked.unwrap_or_default()).min(longest))
    }
}

/// Tells all threads of a load to stop, also those that wait.
#[derive(Debug, Default)]
pub struct Stop {
    is_set: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    pub fn is_set(&self) -> bool {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, but not beyond a stop; whether there was one.
    pub fn wait(&self, time: Duration) -> bool {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_set, time, |is_set| !*is_set);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
