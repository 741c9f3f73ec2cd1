//! The room that the body of one request takes in memory.

use crate::limits::{BODIES_BYTES, PLACE_WAIT_S};
use crate::server::quota::{Full, Share, Shares};
use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;

/// Bytes of bodies in memory, of all requests; `body_bytes` is the longest body that is read whole.
#[derive(Debug)]
pub struct BodyMemory {
    shares: Shares,
    bytes: usize,
}

impl BodyMemory {
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

/// There is no room for a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NoMemory {
    #[error(
        "the bodies of all requests under way hold {bytes} bytes, the most that they may: send this one again later"
    )]
    OfAll { bytes: usize },
    #[error(
        "the bodies of this token's requests under way hold {bytes} bytes, the most that one token may: send fewer at once"
    )]
    OfToken { bytes: usize },
}

impl NoMemory {
    /// The error that a reader of the body met, if it is this one.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

/// What the body of one request holds. Given back when the request has been answered.
#[derive(Debug)]
pub struct Reservation {
    body_memory: Arc<BodyMemory>,
    token: Arc<str>,
    held: RefCell<Option<Share>>,
    bytes: Cell<u64>,
    is_counted: Cell<bool>,
}

/// Room that is waited for.
type Taking = Pin<Box<dyn Future<Output = Result<Share, NoMemory>>>>;

impl Reservation {
    pub fn new(body_memory: Arc<BodyMemory>, token: Arc<str>) -> Self {
        Self { body_memory, token, held: RefCell::default(), bytes: Cell::new(0), is_counted: Cell::new(true) }
    }

    /// Takes room for a body of so many bytes, of which there may be some already; if that takes a while it is in what is
    /// returned, for [`Reservation::add`].
    pub fn take_up_to(&self, bytes: u64) -> Option<Taking> {
        if !self.is_counted.get() || bytes <= self.bytes.get() {
            return None;
        }
        let body_memory = &self.body_memory;
        // More than that is never to be had: it waits in vain, and is refused.
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

    /// Gives it all back, and takes no more: what comes from now on is bounded otherwise, or not kept.
    pub fn leave(&self) {
        self.is_counted.set(false);
        self.held.take();
    }
}
