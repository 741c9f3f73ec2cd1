//! Slots: which bulk bodies are processed at the moment.
//!
//! Parsing needs threads and memory, so only a few bodies are processed at the same time. A body holds a slot only while it has
//! data to process: a reader that waits for its sender releases its slot, so that slow senders delay no other body. Between two
//! batches a slot passes to a waiting token with fewer slots: one token may use all slots, but not keep them while others wait.

#[cfg(test)]
mod tests;

use parking_lot::{Condvar, Mutex, MutexGuard};
use std::sync::Arc;

/// All slots.
#[derive(Debug)]
pub(crate) struct Slots {
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The token of every slot in use.
    accepted: Vec<Arc<str>>,
    /// Waiting bodies, the longest wait first: their numbers and tokens.
    waiting: Vec<(u64, Arc<str>)>,
    next_number: u64,
}

impl State {
    fn taken_by(&self, token: &Arc<str>) -> usize {
        self.accepted.iter().filter(|accepted| *accepted == token).count()
    }

    /// The next body: of the token with the fewest slots, the one that has waited longest.
    fn next(&self) -> Option<&(u64, Arc<str>)> {
        self.waiting.iter().min_by_key(|(_, token)| self.taken_by(token))
    }
}

impl Slots {
    pub(crate) fn new(count: usize) -> Self {
        let state = State { free: count, accepted: Vec::new(), waiting: Vec::new(), next_number: 0 };
        Self { state: Mutex::new(state), given_back: Condvar::new() }
    }

    /// A body's handle. It does not hold a slot yet.
    pub(crate) fn of(self: &Arc<Self>, token: Arc<str>) -> Slot {
        Slot { slots: Arc::clone(self), token, is_taken: Mutex::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Waits for a slot. Blocks.
    fn take(&self, token: &Arc<str>) {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push((number, Arc::clone(token)));
        while state.free == 0 || state.next().is_none_or(|(next, _)| *next != number) {
            self.given_back.wait(&mut state);
        }
        state.waiting.retain(|(waiting, _)| *waiting != number);
        state.free -= 1;
        state.accepted.push(Arc::clone(token));
        if state.free > 0 {
            // Another body may be next now.
            self.given_back.notify_all();
        }
    }

    fn give_back(&self, token: &Arc<str>) {
        let mut state = self.state();
        if let Some(place) = state.accepted.iter().position(|accepted| accepted == token) {
            state.accepted.swap_remove(place);
            state.free += 1;
        }
        self.given_back.notify_all();
    }

    /// Whether a token with fewer slots than this one is waiting.
    fn is_wanted_more(&self, token: &Arc<str>) -> bool {
        let state = self.state();
        state.free == 0 && state.next().is_some_and(|(_, other)| state.taken_by(other) < state.taken_by(token))
    }
}

/// A body's slot, shared by its reader and the sender of its batches.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Arc<Slots>,
    token: Arc<str>,
    is_taken: Mutex<bool>,
}

impl Slot {
    /// Called when there is data to process: waits for a slot. Blocks.
    pub(crate) fn begin(&self) {
        let mut is_taken = self.is_taken();
        if !*is_taken {
            self.slots.take(&self.token);
            *is_taken = true;
        }
    }

    /// Called when there is no data to process: releases the slot.
    pub(crate) fn pause(&self) {
        let mut is_taken = self.is_taken();
        if std::mem::take(&mut *is_taken) {
            self.slots.give_back(&self.token);
        }
    }

    /// Called between two batches: passes the slot to a waiting token with fewer slots, then waits for another. Blocks meanwhile.
    pub(crate) fn pass_on(&self) {
        let is_taken = self.is_taken();
        if *is_taken && self.slots.is_wanted_more(&self.token) {
            self.slots.give_back(&self.token);
            self.slots.take(&self.token);
        }
    }

    fn is_taken(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pause();
    }
}
