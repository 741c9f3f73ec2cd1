//! Answers that are kept for repeats: a request with a key is done once, also when its sender did not hear the answer.

use crate::limits::{KEPT_RESULT_MS, MAX_KEPT_RESULTS};
use crate::store::input::Origin;
use crate::store::snapshot::KeptAnswer;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::collections::VecDeque;

/// A key was used before, for something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReused;

/// Answers by key, the oldest first to go. Who may go follows from the inputs alone.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    by_key: HashMap<u128, KeptAnswer, FixedState>,
    order: VecDeque<u128>,
}

impl Kept {
    pub fn new(answers: Vec<KeptAnswer>) -> Self {
        let mut kept = Self::default();
        for answer in answers {
            kept.keep(answer);
        }
        kept
    }

    /// The answer to an earlier input with the same key.
    ///
    /// # Errors
    /// [`KeyReused`] when that one was another input. Those of earlier releases, without a fingerprint, are not compared.
    pub fn find(&self, origin: &Origin) -> Result<Option<&KeptAnswer>, KeyReused> {
        let Some(kept) = origin.key.and_then(|key| self.by_key.get(&key)) else { return Ok(None) };
        match (kept.origin.fingerprint, origin.fingerprint) {
            (Some(first), Some(now)) if first != now => Err(KeyReused),
            _ => Ok(Some(kept)),
        }
    }

    /// Keeps an answer, and forgets those that are too old or too many.
    pub fn keep(&mut self, answer: KeptAnswer) {
        let Some(key) = answer.origin.key else { return };
        let now_ms = answer.at_ms;
        if self.by_key.insert(key, answer).is_none() {
            self.order.push_back(key);
        }
        while let Some(oldest) = self.order.front() {
            let is_old = self.by_key.get(oldest).is_none_or(|kept| kept.at_ms + KEPT_RESULT_MS < now_ms);
            if !is_old && self.order.len() <= MAX_KEPT_RESULTS {
                break;
            }
            self.by_key.remove(oldest);
            self.order.pop_front();
        }
    }

    /// All of them, oldest first.
    pub fn all(&self) -> Vec<KeptAnswer> {
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
            let answer = KeptAnswer { origin: origin(first), at_ms: 0, taken: 1, refused: 0, result: 5 };
            let kept = Kept::new(vec![answer.clone()]);
            let expected = if is_other { Err(KeyReused) } else { Ok(Some(&answer)) };
            assert_eq!(kept.find(&origin(now)), expected, "{first:?} {now:?}");
        }
        assert_eq!(Kept::new(Vec::new()).find(&origin(Some(7))), Ok(None));
    }
}
