//! A limited resource shared by callers: bounded in total and per token, so that one client cannot shut out the others. Used for
//! the bytes of request bodies in memory and for open bulk loads.

#[cfg(test)]
mod tests;

use crate::limits::MAX_TOKENS;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// A resource, and how much of it each token has.
#[derive(Debug)]
pub(crate) struct Shares {
    free: Arc<Semaphore>,
    of_one: usize,
    by_token: Mutex<HashMap<Arc<str>, Arc<Semaphore>, RandomState>>,
}

/// A part of the resource; returned when dropped.
#[derive(Debug)]
pub struct Share {
    of_token: OwnedSemaphorePermit,
    of_all: OwnedSemaphorePermit,
}

/// Which limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The limit of one token.
    Token,
    /// The limit of all tokens together.
    All,
}

impl Shares {
    /// A resource of size `all`, of which one token may have at most `of_one`.
    pub(crate) fn new(all: usize, of_one: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(all)), of_one, by_token: Mutex::default() }
    }

    /// Takes `count`, waiting up to `patience` for it, first come, first served. A `count` above the limit of one token never
    /// succeeds.
    pub(crate) fn take(
        &self,
        token: &Arc<str>,
        count: u32,
        patience: Duration,
    ) -> impl Future<Output = Result<Share, Full>> + use<> {
        let (of_token, free) = (self.of(token), Arc::clone(&self.free));
        async move {
            let mut full = Full::Token;
            let taking = async {
                let of_token = of_token.acquire_many_owned(count).await?;
                full = Full::All;
                Ok::<_, AcquireError>(Share { of_token, of_all: free.acquire_many_owned(count).await? })
            };
            // The semaphores are never closed, so the only possible error is the timeout.
            let accepted = timeout(patience, taking).await;
            accepted.ok().and_then(Result::ok).ok_or(full)
        }
    }

    /// Takes `count` if it is available now.
    pub(crate) fn try_take(&self, token: &Arc<str>, count: u32) -> Option<Share> {
        let of_token = self.of(token).try_acquire_many_owned(count).ok()?;
        let of_all = Arc::clone(&self.free).try_acquire_many_owned(count).ok()?;
        Some(Share { of_token, of_all })
    }

    /// How much is free.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    fn of(&self, token: &Arc<str>) -> Arc<Semaphore> {
        let mut by_token = self.by_token.lock();
        if let Some(known) = by_token.get(token) {
            return Arc::clone(known);
        }
        if by_token.len() >= MAX_TOKENS {
            // Removes the counts of revoked tokens. Whoever has or waits for a share holds a reference to its count.
            by_token.retain(|_, count| Arc::strong_count(count) > 1);
        }
        let new = Arc::new(Semaphore::new(self.of_one));
        by_token.insert(Arc::clone(token), Arc::clone(&new));
        new
    }
}

impl Share {
    /// Adds another share of the same token.
    pub fn add(&mut self, other: Self) {
        self.of_token.merge(other.of_token);
        self.of_all.merge(other.of_all);
    }
}
