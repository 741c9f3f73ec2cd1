//! Rate limits: requests per second for each token, and fewer for addresses without a valid token.
//!
//! Tokens are counted by name, so there are at most as many counts as tokens. The number of counted addresses is bounded; beyond
//! it (an attack from many addresses) all further addresses share one count, so that memory stays bounded and known addresses are
//! not affected.

#[cfg(test)]
mod tests;

use crate::limits::MAX_COUNTED_PEERS;
use crate::server::problem::Problem;
use actix_web::http::StatusCode;
use foldhash::quality::RandomState;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

type Keyed<K> = RateLimiter<K, DashMapStateStore<K, RandomState>, DefaultClock, NoOpMiddleware>;

/// A sustained rate in requests per second, and the burst allowed after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub per_second: NonZeroU32,
    pub burst: NonZeroU32,
}

/// The rates of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// For each token.
    pub token: Rate,
    /// For each address, for requests without a valid token.
    pub anonymous: Rate,
}

/// Counts of all callers.
pub struct RateLimits {
    tokens: Keyed<Arc<str>>,
    anonymous: Keyed<Option<IpAddr>>,
    clock: DefaultClock,
}

impl RateLimits {
    pub fn new(rates: Rates) -> Self {
        Self { tokens: keyed(rates.token), anonymous: keyed(rates.anonymous), clock: DefaultClock::default() }
    }

    /// Counts a request of a token.
    ///
    /// # Errors
    /// 429 above the rate.
    pub fn admit(&self, token: &Arc<str>) -> Result<(), Problem> {
        self.check(&self.tokens, token, || format!("too many requests with the token {token:?}"))
    }

    /// Counts a request without a valid token.
    ///
    /// # Errors
    /// 429 above the rate.
    pub fn admit_anonymous(&self, peer: Option<IpAddr>) -> Result<(), Problem> {
        // One customer usually has all addresses of an IPv6 /64 network.
        let peer = peer.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                IpAddr::from([a, b, c, d, 0, 0, 0, 0])
            }
            v4 => v4,
        });
        if self.anonymous.len() >= MAX_COUNTED_PEERS {
            self.anonymous.retain_recent();
        }
        let key = if self.anonymous.len() >= MAX_COUNTED_PEERS { None } else { peer };
        self.check(&self.anonymous, &key, || "too many requests without a valid token from this address".to_owned())
    }

    fn check<K>(&self, limiter: &Keyed<K>, key: &K, message: impl FnOnce() -> String) -> Result<(), Problem>
    where
        K: Hash + Eq + Clone,
    {
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            Problem::new(StatusCode::TOO_MANY_REQUESTS, message()).retry_after_s(seconds.max(1))
        })
    }
}

fn keyed<K: Hash + Eq + Clone>(rate: Rate) -> Keyed<K> {
    let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
    RateLimiter::dashmap_with_hasher(quota, RandomState::default())
}
