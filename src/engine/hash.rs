//! The hash of a ticket id, and the shard that follows from it.

use std::hash::{BuildHasher, Hasher};

/// The hash of a ticket id; the same in every run.
pub(crate) fn hash_id(id: &[u8]) -> u64 {
    let mut hasher = foldhash::fast::FixedState::default().build_hasher();
    hasher.write(id);
    hasher.finish()
}

/// The shard of a ticket, from bits of the hash that its index does not use.
pub(crate) fn shard_of(hash: u64, shards: usize) -> usize {
    ((hash >> 20 & 0xffff_ffff) as usize * shards) >> 32
}
