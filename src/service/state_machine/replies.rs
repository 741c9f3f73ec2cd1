//! Replies kept for repeats: a request with a key is executed once, even if its sender did not receive the reply.

use crate::limits::{KEPT_RESULT_MS, MAX_KEPT_RESULTS};
use crate::store::input::Origin;
use crate::store::snapshot::StoredReply;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// The key was used before, for another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReused;

/// Replies by key, the oldest first to go. Which ones go follows from the inputs alone.
#[derive(Debug, Default)]
pub(crate) struct StoredReplies {
    by_key: HashMap<u128, StoredReply, FixedState>,
    order: VecDeque<u128>,
}

impl StoredReplies {
    pub(super) fn new(replies: Vec<StoredReply>) -> Self {
        let mut stored = Self::default();
        for reply in replies {
            stored.keep(reply);
        }
        stored
    }

    /// The reply to an earlier input with the same key.
    ///
    /// # Errors
    /// [`KeyReused`] when that was another input. Replies of earlier releases, without a fingerprint, are not compared.
    pub(super) fn find(&self, origin: &Origin) -> Result<Option<&StoredReply>, KeyReused> {
        let Some(stored) = origin.key.and_then(|key| self.by_key.get(&key)) else { return Ok(None) };
        match (stored.origin.fingerprint, origin.fingerprint) {
            (Some(first), Some(now)) if first != now => Err(KeyReused),
            _ => Ok(Some(stored)),
        }
    }

    /// Keeps a reply, and drops those that are too old or too many.
    pub(super) fn keep(&mut self, reply: StoredReply) {
        let Some(key) = reply.origin.key else { return };
        let now_ms = reply.at_ms;
        if self.by_key.insert(key, reply).is_none() {
            self.order.push_back(key);
        }
        while let Some(oldest) = self.order.front() {
            let is_old = self.by_key.get(oldest).is_none_or(|stored| stored.at_ms + KEPT_RESULT_MS < now_ms);
            if !is_old && self.order.len() <= MAX_KEPT_RESULTS {
                break;
            }
            self.by_key.remove(oldest);
            self.order.pop_front();
        }
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> Vec<StoredReply> {
        self.order.iter().filter_map(|key| self.by_key.get(key)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_compared_only_where_both_have_a_fingerprint() {
        let origin = |fingerprint| Origin { actor: "token".into(), key: Some(1), fingerprint };
        for (first, now, is_other) in
            [(Some(7), Some(7), false), (Some(7), Some(8), true), (None, Some(8), false), (Some(7), None, false)]
        {
            let reply = StoredReply { origin: origin(first), at_ms: 0, accepted: 1, rejected: 0, result: 5 };
            let stored = StoredReplies::new(vec![reply.clone()]);
            let expected = if is_other { Err(KeyReused) } else { Ok(Some(&reply)) };
            assert_eq!(stored.find(&origin(now)), expected, "{first:?} {now:?}");
        }
        assert_eq!(StoredReplies::new(Vec::new()).find(&origin(Some(7))), Ok(None));
    }
}
