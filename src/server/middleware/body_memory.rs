//! Memory for request bodies.

use crate::limits::{BODIES_BYTES, PLACE_WAIT_S};
use crate::server::quota::{Full, Share, Shares};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Memory for the bodies of all requests, in bytes.
#[derive(Debug)]
pub struct BodyMemory {
    shares: Shares,
    bytes: usize,
}

impl BodyMemory {
    /// `body_bytes` is the length of the longest body that is read whole.
    pub fn new(body_bytes: usize) -> Self {
        let bytes = BODIES_BYTES.max(2 * body_bytes);
        Self { shares: Shares::new(bytes, bytes / 2), bytes }
    }

    /// Bytes that are free.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.shares.free()
    }
}

/// There is no memory for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoMemory {
    #[error("the bodies of all requests under way hold {bytes} bytes, the maximum: send this one again later")]
    OfAll { bytes: usize },
    #[error(
        "the bodies of this token's requests under way hold {bytes} bytes, the maximum per token: send fewer at once"
    )]
    OfToken { bytes: usize },
}

impl NoMemory {
    /// This error, if it is the cause of `error`.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// The memory that the body of one request holds. Released when the response is ready.
#[derive(Debug)]
pub struct Reservation {
    body_memory: Arc<BodyMemory>,
    token: Arc<str>,
    held: RefCell<Option<Share>>,
    bytes: Cell<u64>,
    is_counted: Cell<bool>,
}

/// A pending reservation.
type Taking = Pin<Box<dyn Future<Output = Result<Share, NoMemory>>>>;

impl Reservation {
    pub fn new(body_memory: Arc<BodyMemory>, token: Arc<str>) -> Self {
        Self { body_memory, token, held: RefCell::default(), bytes: Cell::new(0), is_counted: Cell::new(true) }
    }

    /// Raises the reservation to `bytes` in total. If it has to wait, returns a future; pass its share to [`Reservation::add`].
    pub fn take_up_to(&self, bytes: u64) -> Option<Taking> {
        if !self.is_counted.get() || bytes <= self.bytes.get() {
            return None;
        }
        let body_memory = &self.body_memory;
        // A count above the limit never succeeds: it is rejected after the wait.
        let missing = u32::try_from(bytes - self.bytes.get()).unwrap_or(u32::MAX);
        self.bytes.set(bytes);
        if let Some(share) = body_memory.shares.try_take(&self.token, missing) {
            self.add(share);
            return None;
        }
        let taking = body_memory.shares.take(&self.token, missing, Duration::from_secs(PLACE_WAIT_S));
        let all = body_memory.bytes;
        Some(Box::pin(async move {
            taking.await.map_err(|full| match full {
                Full::All => NoMemory::OfAll { bytes: all },
                Full::Token => NoMemory::OfToken { bytes: all / 2 },
            })
        }))
    }

    pub fn add(&self, share: Share) {
        let mut held = self.held.borrow_mut();
        match held.as_mut() {
            Some(held) => held.add(share),
            None => *held = Some(share),
        }
    }

    /// Releases everything and reserves no more: the caller bounds later bytes in another way, or does not keep them.
    pub fn leave(&self) {
        self.is_counted.set(false);
        self.held.take();
    }
}
