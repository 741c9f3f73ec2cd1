//! Readers of the feed. Their number is bounded in total and per token, and some places are reserved for tokens without a reader.
//! So a client with many readers, or with readers that never read, does not shut out other clients.
//!
//! A reader that has read none of its events for a while loses its place as soon as another reader connects. Its connection ends
//! without further action: the operating system closes connections whose peer accepts no data (see `server::listen`).

#[cfg(test)]
mod tests;

use crate::limits::{MAX_FEED_READERS, MAX_FEED_READERS_OF_A_TOKEN, RESERVED_FEED_READERS};
use crate::server::quota::Full;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// All readers.
#[derive(Debug)]
pub(crate) struct Readers {
    /// How long a reader may leave its events unread.
    patience: Duration,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_number: HashMap<u64, Reader, RandomState>,
    next_number: u64,
}

#[derive(Debug)]
struct Reader {
    token: Arc<str>,
    /// When events were offered that it has not read yet.
    offered: Option<Instant>,
}

/// A reader's place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    readers: Arc<Readers>,
    number: u64,
}

impl Readers {
    pub(crate) fn new(patience: Duration) -> Self {
        Self { patience, known: Mutex::default() }
    }

    /// Reserves a place for a reader.
    ///
    /// # Errors
    /// [`Full`].
    pub(crate) fn enter(self: &Arc<Self>, token: &Arc<str>, now: Instant) -> Result<Place, Full> {
        let mut known = self.known();
        let is_stuck = |since: Instant| now.saturating_duration_since(since) >= self.patience;
        known.by_number.retain(|_, reader| !reader.offered.is_some_and(is_stuck));
        let all = known.by_number.len();
        let of_token = known.by_number.values().filter(|reader| reader.token == *token).count();
        if of_token >= MAX_FEED_READERS_OF_A_TOKEN {
            return Err(Full::Token);
        }
        let reserved = if of_token == 0 { 0 } else { RESERVED_FEED_READERS };
        if all + reserved >= MAX_FEED_READERS {
            return Err(Full::All);
        }
        let number = known.next_number;
        known.next_number += 1;
        known.by_number.insert(number, Reader { token: Arc::clone(token), offered: None });
        Ok(Place { readers: Arc::clone(self), number })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }
}

impl Place {
    /// Records that the reader is offered events.
    pub(crate) fn offer(&self, now: Instant) {
        if let Some(reader) = self.readers.known().by_number.get_mut(&self.number) {
            reader.offered = Some(now);
        }
    }

    /// Records that the reader has read its events. Returns whether it still has its place.
    pub(crate) fn has_taken(&self) -> bool {
        match self.readers.known().by_number.get_mut(&self.number) {
            Some(reader) => {
                reader.offered = None;
                true
            }
            None => false,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.readers.known().by_number.remove(&self.number);
    }
}
