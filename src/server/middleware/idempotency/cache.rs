//! Cached responses; the oldest are evicted first.

use crate::limits::{CACHED_RESPONSE_S, MAX_CACHED_RESPONSES};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry;
use foldhash::quality::RandomState;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Responses by the hash of token, route and key.
#[derive(Debug, Default)]
pub(crate) struct ResponseCache {
    by_key: DashMap<u128, Slot, RandomState>,
    /// Keys in the order of their responses, with the time of each.
    order: Mutex<VecDeque<(u128, Instant)>>,
}

#[derive(Debug, Clone)]
enum Slot {
    Running,
    Done(Arc<CachedResponse>, Instant),
}

/// A cached response.
#[derive(Debug)]
pub(crate) struct CachedResponse {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub bytes: Bytes,
    /// Fingerprint of the request; `None` if its body was not read to the end.
    pub fingerprint: Option<u128>,
}

/// State of a key when a request with it begins.
#[derive(Debug)]
pub(crate) enum Begun<'a> {
    /// This request is the first with the key; it now runs.
    First(Guard<'a>),
    /// The first request with the key is still running.
    Running,
    Done(Arc<CachedResponse>),
}

/// Holds the key while the first request runs. Dropped without a response to cache, it frees the key.
#[derive(Debug)]
pub(crate) struct Guard<'a> {
    responses: &'a ResponseCache,
    key: u128,
    is_cached: bool,
}

impl ResponseCache {
    pub(crate) fn begin(&self, key: u128, now: Instant) -> Begun<'_> {
        let age = Duration::from_secs(CACHED_RESPONSE_S);
        match self.by_key.entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(Slot::Running);
            }
            Entry::Occupied(mut entry) => match entry.get() {
                Slot::Done(_, since) if now.duration_since(*since) >= age => {
                    entry.insert(Slot::Running);
                }
                Slot::Running => return Begun::Running,
                Slot::Done(cached, _) => return Begun::Done(Arc::clone(cached)),
            },
        }
        Begun::First(Guard { responses: self, key, is_cached: false })
    }

    fn keep(&self, key: u128, cached: CachedResponse, now: Instant) {
        self.by_key.insert(key, Slot::Done(Arc::new(cached), now));
        let mut order = self.order.lock();
        order.push_back((key, now));
        let mut gone = Vec::new();
        while order.len() > MAX_CACHED_RESPONSES {
            gone.extend(order.pop_front());
        }
        drop(order);
        for (key, since) in gone {
            // The key may have been used again since; that response has its own entry in `order`.
            self.by_key.remove_if(&key, |_, slot| matches!(slot, Slot::Done(_, at) if *at == since));
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }
}

impl Guard<'_> {
    pub(crate) fn keep(mut self, cached: CachedResponse) {
        self.is_cached = true;
        self.responses.keep(self.key, cached, Instant::now());
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !self.is_cached {
            self.responses.by_key.remove_if(&self.key, |_, slot| matches!(slot, Slot::Running));
        }
    }
}
