//! Who works on a bulk body at a moment.
//!
//! Parsing takes threads and memory, so that few bodies are worked on at the same time. A body has a turn only while there is
//! something of it to work on: a reader that waits for its sender gives the turn back, so that slow senders hold nobody up. And
//! between two batches a turn goes to a token that has fewer, if one waits: so one token may use all there are, but not keep
//! them while others wait.

#[cfg(test)]
mod tests;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// All turns.
#[derive(Debug)]
pub struct Slots {
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// The token of every turn that is taken.
    accepted: Vec<Arc<str>>,
    /// Who waits, the longest first; each has a number.
    waiting: Vec<(u64, Arc<str>)>,
    next_number: u64,
}

impl State {
    fn taken_by(&self, token: &Arc<str>) -> usize {
        self.accepted.iter().filter(|accepted| *accepted == token).count()
    }

    /// Who is next: of the token with the fewest turns who has waited longest.
    fn next(&self) -> Option<&(u64, Arc<str>)> {
        self.waiting.iter().min_by_key(|(_, token)| self.taken_by(token))
    }
}

impl Slots {
    pub fn new(count: usize) -> Self {
        let state = State { free: count, accepted: Vec::new(), waiting: Vec::new(), next_number: 0 };
        Self { state: Mutex::new(state), given_back: Condvar::new() }
    }

    /// A body's way to its turns. It has none yet.
    pub fn of(self: &Arc<Self>, token: Arc<str>) -> Slot {
        Slot { slots: Arc::clone(self), token, is_taken: Mutex::new(false) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn. Blocks.
    fn take(&self, token: &Arc<str>) {
        let mut state = self.state();
        let number = state.next_number;
        state.next_number += 1;
        state.waiting.push((number, Arc::clone(token)));
        while state.free == 0 || state.next().is_none_or(|(next, _)| *next != number) {
            state = self.given_back.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.waiting.retain(|(waiting, _)| *waiting != number);
        state.free -= 1;
        state.accepted.push(Arc::clone(token));
        if state.free > 0 {
            // Somebody else may be next now.
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

    /// Whether somebody waits whose token has fewer turns than this one.
    fn is_wanted_more(&self, token: &Arc<str>) -> bool {
        let state = self.state();
        state.free == 0 && state.next().is_some_and(|(_, other)| state.taken_by(other) < state.taken_by(token))
    }
}

/// A body's turn: of its reader and of whoever takes its batches.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    token: Arc<str>,
    is_taken: Mutex<bool>,
}

impl Slot {
    /// There is something to work on: waits until it is this body's turn. Blocks.
    pub fn begin(&self) {
        let mut is_taken = self.is_taken();
        if !*is_taken {
            self.slots.take(&self.token);
            *is_taken = true;
        }
    }

    /// There is nothing to work on for now.
    pub fn pause(&self) {
        let mut is_taken = self.is_taken();
        if std::mem::take(&mut *is_taken) {
            self.slots.give_back(&self.token);
        }
    }

    /// Between two batches: lets somebody of a token with fewer turns go first. Blocks meanwhile.
    pub fn pass_on(&self) {
        let is_taken = self.is_taken();
        if *is_taken && self.slots.is_wanted_more(&self.token) {
            self.slots.give_back(&self.token);
            self.slots.take(&self.token);
        }
    }

    fn is_taken(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pause();
    }
}
