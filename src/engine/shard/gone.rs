//! Tickets that have left: deleted, merged, or spam.
//!
//! They stay gone: what is reported of them later changes nothing, until they are reopened, or opened again after they left. So their
//! ids stay, with the time at which each left.

use super::ids::Ids;
use crate::engine::hash::hash_id;
use hashbrown::HashTable;

#[derive(Debug, Clone, Copy)]
struct Entry {
    id_at: u32,
    left_ms: i64,
}

/// The ids of tickets that have left at some time. A ticket that came back keeps its entry.
#[derive(Debug, Default)]
pub(crate) struct Gone {
    ids: Ids,
    entries: HashTable<Entry>,
}

impl Gone {
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the ticket left last.
    pub(crate) fn find(&self, hash: u64, id: &str) -> Option<i64> {
        self.entries.find(hash, |entry| self.ids.bytes(entry.id_at) == id.as_bytes()).map(|entry| entry.left_ms)
    }

    /// Records that a ticket has left; the latest time counts.
    pub(crate) fn set(&mut self, hash: u64, id: &str, left_ms: i64) {
        let ids = &self.ids;
        if let Some(entry) = self.entries.find_mut(hash, |entry| ids.bytes(entry.id_at) == id.as_bytes()) {
            entry.left_ms = entry.left_ms.max(left_ms);
            return;
        }
        let entry = Entry { id_at: self.ids.push(id), left_ms };
        let ids = &self.ids;
        self.entries.insert_unique(hash, entry, |entry| hash_id(ids.bytes(entry.id_at)));
    }

    /// Every id with the time at which it left, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.entries.iter().map(|entry| (self.ids.get(entry.id_at), entry.left_ms))
    }
}
