//! The last chunks of the feed, so that a record is written once for all readers that follow with the same filter.

use crate::limits::FEED_CHUNKS_KEPT;
use crate::server::problem::ApiResult;
use crate::store::record::EscalationFilter;
use actix_web::web::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

/// Events for readers.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub events: Bytes,
    /// The number to continue after.
    pub up_to: u64,
}

/// What a chunk depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkKey {
    pub filter: Arc<EscalationFilter>,
    pub after: u64,
    /// The last record when it was written.
    pub last: u64,
    /// The number of acknowledgements: events show theirs.
    pub acknowledged: usize,
}

/// A chunk once it is written.
type Slot = Arc<Mutex<Option<Chunk>>>;

/// The last chunks, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Chunks(Mutex<VecDeque<(ChunkKey, Slot)>>);

impl Chunks {
    /// The chunk for `key`. The first reader that wants it writes it; others wait for it. Blocks.
    ///
    /// # Errors
    /// Those of `write`.
    pub(crate) fn get(&self, key: ChunkKey, write: impl FnOnce() -> ApiResult<Chunk>) -> ApiResult<Chunk> {
        let slot = self.slot(key);
        let mut chunk = slot.lock();
        match &*chunk {
            Some(chunk) => Ok(chunk.clone()),
            None => Ok(chunk.insert(write()?).clone()),
        }
    }

    fn slot(&self, key: ChunkKey) -> Slot {
        let mut kept = self.0.lock();
        if let Some((_, slot)) = kept.iter().rev().find(|(other, _)| *other == key) {
            return Arc::clone(slot);
        }
        if kept.len() == FEED_CHUNKS_KEPT {
            kept.pop_front();
        }
        let slot = Slot::default();
        kept.push_back((key, Arc::clone(&slot)));
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::problem::Problem;

    fn key(after: u64) -> ChunkKey {
        ChunkKey { filter: Arc::default(), after, last: 100, acknowledged: 0 }
    }

    #[test]
    fn a_chunk_is_written_once_for_all_readers() {
        let chunks = Chunks::default();
        let chunk = || Ok(Chunk { events: Bytes::from_static(b"data: 1\n\n"), up_to: 7 });
        assert_eq!(chunks.get(key(0), || Err(Problem::failed("no disk"))).unwrap_err().status, 500);
        assert_eq!(chunks.get(key(0), chunk).unwrap().up_to, 7);
        let again = chunks.get(key(0), || unreachable!("it is written")).unwrap();
        assert_eq!((&again.events[..], again.up_to), (&b"data: 1\n\n"[..], 7));
        // Another acknowledgement, another filter: another chunk.
        let mut written = 0;
        let filter = Arc::new(EscalationFilter { ticket: Some("T-1".to_owned()), ..EscalationFilter::default() });
        for other in [ChunkKey { acknowledged: 1, ..key(0) }, ChunkKey { filter, ..key(0) }, key(1)] {
            let up_to = chunks.get(other, || {
                written += 1;
                Ok(Chunk { events: Bytes::new(), up_to: written })
            });
            assert_eq!(up_to.unwrap().up_to, written);
        }
        assert_eq!(written, 3);
    }

    #[test]
    fn the_number_of_chunks_is_bounded() {
        let chunks = Chunks::default();
        let mut written = 0;
        let mut get = |after| {
            let chunk = || {
                written += 1;
                Ok(Chunk { events: Bytes::new(), up_to: after })
            };
            assert_eq!(chunks.get(key(after), chunk).unwrap().up_to, after);
        };
        (0..=FEED_CHUNKS_KEPT as u64).for_each(&mut get);
        get(0);
        get(FEED_CHUNKS_KEPT as u64);
        assert_eq!(written, FEED_CHUNKS_KEPT + 2);
        assert_eq!(chunks.0.lock().len(), FEED_CHUNKS_KEPT);
    }
}
