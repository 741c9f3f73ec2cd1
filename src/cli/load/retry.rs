//! When to retry, and when to stop retrying.

use crate::limits::{MAX_ATTEMPTS, MAX_RETRY_WAIT_S};
use std::time::Duration;

/// The wait after the first failure; it doubles with each failure.
const FIRST: Duration = Duration::from_millis(250);

/// Total time for the attempts of one chunk.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    failed: u32,
    /// Jitter, from 0 to 1: connections that failed together do not retry together.
    spread: f64,
}

impl Patience {
    pub(crate) fn new(spread: f64) -> Self {
        Self { failed: 0, spread }
    }

    /// The wait after a failure before the next attempt; `None` when the attempts are used up. The service's `Retry-After` is
    /// the minimum, up to [`MAX_RETRY_WAIT_S`].
    pub(crate) fn after_failure(&mut self, asked: Option<Duration>) -> Option<Duration> {
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
