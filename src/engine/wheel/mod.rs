//! The timing wheel: one timer per slot, ticks of one second, every due time that a `u32` of seconds can express.
//!
//! # Constraints
//! Millions of timers, most of them cancelled or moved long before they are due; bursts of a million in one second; low memory
//! use; and it must pop exactly what is due. On current machines the cost is the dependent cache miss, not the number of steps,
//! so the wheel must touch little memory whose address it does not know in advance.
//!
//! # Idea
//! The *due column* is the source of truth: the second at which a slot is due, 0 for none. An entry of the wheel is only a slot
//! number in some list, a hint to check that slot by then. So cancelling is one store (the entry is found stale later), a later
//! deadline is one store (the old entry comes up first and is filed again), and an earlier one is one append.
//!
//! Time has three digits: 8, 12 and 12 bits. The first holds distant timers in units of 194 days, the second in *buckets* of
//! 4,096 seconds, each an unordered list of slots. When a bucket is entered, its slots are counting-sorted into seconds; timers
//! set within the current bucket go to small lists, one per second. A bitmap for each digit finds the next list that is not
//! empty, so that a jump of ten years costs as little as one of a second.
//!
//! The invariant: a slot with a due time has an entry in a list that comes up no later than that time. Stale entries are
//! dropped as they come up; when they outnumber the timers, all lists are rebuilt from the column.
//!
//! # Tried and dropped
//! A slab with links (each cancel and fire waits for three cache misses), one list per second for the whole horizon (memory), a
//! heap (2.4 us per fire at ten million).

mod slot_lists;
#[cfg(test)]
mod tests;

use super::paged_vec::Paged;
use slot_lists::{Bits, List, Lists};

/// Seconds of a bucket, as a power of two.
const BUCKET_BITS: u32 = 12;
const BUCKET: usize = 1 << BUCKET_BITS;
const SECOND_MASK: u32 = BUCKET as u32 - 1;
/// Where the first digit begins.
const FAR_BITS: u32 = 24;
const FAR: usize = 1 << (32 - FAR_BITS);
/// Stale entries below this number do not justify a rebuild.
const STALE_ALLOWANCE: usize = 1 << 14;

/// Timers of slots `0..n`, each due at one second or not at all.
#[derive(Debug)]
pub struct Wheel {
    /// The second at which each slot is due; 0: not at all. The source of truth; everything else is a hint.
    due: Paged<u32>,
    /// The last second that was popped in full.
    now_s: u32,
    /// The bucket whose seconds are spread out in `sorted` and `soon`.
    bucket: u32,
    /// Slots of the bucket by second: those of second `i` are `sorted[starts[i]..starts[i + 1]]`.
    sorted: Vec<u32>,
    starts: Box<[u32; BUCKET + 1]>,
    /// Slots set within the bucket after it was entered, by second.
    soon: Box<[List; BUCKET]>,
    soon_bits: Bits<64>,
    /// Slots by bucket, for the bucket's far digit.
    near: Box<[List; BUCKET]>,
    near_bits: Bits<64>,
    /// Slots by far digit.
    far: Box<[List; FAR]>,
    far_bits: Bits<4>,
    lists: Lists,
    /// Slots with a due time.
    armed: usize,
    /// Entries in all lists and in `sorted`, stale ones included.
    entries: usize,
    scratch: Vec<(u32, u32)>,
}

impl Wheel {
    /// An empty wheel at `now_s`: timers set to that second or an earlier one are due at the next.
    pub fn new(now_s: u32) -> Self {
        Self {
            due: Paged::new(),
            now_s,
            bucket: now_s >> BUCKET_BITS,
            sorted: Vec::new(),
            starts: Box::new([0; BUCKET + 1]),
            soon: Box::new([List::EMPTY; BUCKET]),
            soon_bits: Bits::new(),
            near: Box::new([List::EMPTY; BUCKET]),
            near_bits: Bits::new(),
            far: Box::new([List::EMPTY; FAR]),
            far_bits: Bits::new(),
            lists: Lists::new(),
            armed: 0,
            entries: 0,
            scratch: Vec::new(),
        }
    }

    /// The last second that was popped in full.
    pub fn now_s(&self) -> u32 {
        self.now_s
    }

    /// Slots with a due time.
    pub fn armed(&self) -> usize {
        self.armed
    }

    /// The second at which a slot is due; 0: not at all.
    #[inline]
    pub fn due(&self, slot: u32) -> u32 {
        if slot < self.due.len() { self.due[slot] } else { 0 }
    }

    /// Bytes of memory that the wheel uses.
    pub fn size_bytes(&self) -> usize {
        let fixed = (BUCKET * 2 + FAR) * size_of::<List>() + (BUCKET + 1) * 4;
        let column = (self.due.len() as usize).next_multiple_of(super::paged_vec::PAGE) * 4;
        fixed + column + self.sorted.capacity() * 4 + self.scratch.capacity() * 8 + self.lists.size_bytes()
    }

    /// Sets the second at which a slot is due; 0 cancels. A time not after the wheel's time is due at the next second.
    #[inline]
    pub fn set(&mut self, slot: u32, due_s: u32) {
        if slot >= self.due.len() {
            self.due.grow_to(slot + 1);
        }
        let due_s = if due_s == 0 { 0 } else { due_s.max(self.now_s.saturating_add(1)) };
        let before = std::mem::replace(&mut self.due[slot], due_s);
        self.armed = self.armed + usize::from(due_s != 0) - usize::from(before != 0);
        if due_s != 0 && (before == 0 || due_s < before) {
            self.file(slot, due_s);
            if self.entries > 2 * self.armed + STALE_ALLOWANCE {
                self.rebuild();
            }
        }
    }

    /// An upper bound of the entries that come up until `until_s`; cheap, used to choose how to walk them.
    pub fn entries_until(&self, until_s: u32) -> usize {
        if until_s >> BUCKET_BITS != self.bucket {
            return self.entries;
        }
        let from = (self.now_s + 1).max(self.bucket << BUCKET_BITS);
        if from > until_s {
            return 0;
        }
        let (from, to) = (from & SECOND_MASK, until_s & SECOND_MASK);
        let sorted = self.starts[to as usize + 1] - self.starts[from as usize];
        sorted as usize + self.lists.len_until(&self.soon[..], &self.soon_bits, from as usize, to as usize)
    }

    /// Slots that are due until `until_s`. The cost is the entries that come up until then, or a walk over all slots for times
    /// beyond the bucket (an hour ahead).
    pub fn due_until(&self, until_s: u32) -> u64 {
        let is_due = |slot: u32| (1..=until_s).contains(&self.due[slot]);
        if self.entries_until(until_s) == 0 {
            return 0;
        }
        if until_s >> BUCKET_BITS != self.bucket {
            return (0..self.due.len()).filter(|&slot| is_due(slot)).count() as u64;
        }
        let (from, to) = ((self.now_s + 1).max(self.bucket << BUCKET_BITS) & SECOND_MASK, until_s & SECOND_MASK);
        let sorted = self.starts[from as usize] as usize..self.starts[to as usize + 1] as usize;
        let mut slots: Vec<u32> = self.sorted[sorted].iter().copied().filter(|&slot| is_due(slot)).collect();
        self.lists.each_until(&self.soon[..], &self.soon_bits, from as usize, to as usize, |slot| {
            slots.extend(is_due(slot).then_some(slot));
        });
        // A slot that was set twice has two entries.
        slots.sort_unstable();
        slots.dedup();
        slots.len() as u64
    }

    /// Pops the next second up to `until_s` at which something is due: replaces `slots` with the slots due then, cancels
    /// their timers and returns the second. `None` when nothing is due until then; the wheel is then at `until_s`.
    pub fn next_batch(&mut self, until_s: u32, slots: &mut Vec<u32>) -> Option<u32> {
        slots.clear();
        while self.now_s < until_s {
            let bucket_start = self.bucket << BUCKET_BITS;
            let from = (self.now_s + 1).max(bucket_start);
            // After the bucket's last second there is nothing left in it.
            let next = if from >> BUCKET_BITS == self.bucket { self.next_second(from & SECOND_MASK) } else { None };
            if let Some(second) = next {
                let due_s = bucket_start | second;
                if due_s > until_s {
                    break;
                }
                self.now_s = due_s;
                self.pop_second(second as usize, due_s, slots);
                if !slots.is_empty() {
                    return Some(due_s);
                }
                if due_s & SECOND_MASK != SECOND_MASK {
                    continue;
                }
            }
            if !self.enter_next_bucket(until_s) {
                break;
            }
        }
        if self.now_s < until_s {
            self.now_s = until_s;
            self.stand_in(until_s >> BUCKET_BITS);
        }
        None
    }

    /// The next second of the bucket, from `from` on, that has entries.
    fn next_second(&self, from: u32) -> Option<u32> {
        let soon = self.soon_bits.next(from as usize).map(|second| second as u32);
        let at = self.starts[from as usize];
        let sorted = (at < self.starts[BUCKET]).then(|| {
            // The last second that starts at or before entry `at` contains it.
            self.starts.partition_point(|&start| start <= at) as u32 - 1
        });
        match (soon, sorted) {
            (Some(soon), Some(sorted)) => Some(soon.min(sorted)),
            (soon, sorted) => soon.or(sorted),
        }
    }

    fn pop_second(&mut self, second: usize, due_s: u32, slots: &mut Vec<u32>) {
        let range = self.starts[second] as usize..self.starts[second + 1] as usize;
        self.entries -= range.len();
        for index in range {
            let slot = self.sorted[index];
            self.pop_entry(slot, due_s, slots);
        }
        if self.soon_bits.take(second) {
            let list = std::mem::replace(&mut self.soon[second], List::EMPTY);
            let mut walk = self.lists.walk(list);
            while let Some(slot) = self.lists.take_next(&mut walk) {
                self.entries -= 1;
                self.pop_entry(slot, due_s, slots);
            }
        }
    }

    #[inline]
    fn pop_entry(&mut self, slot: u32, due_s: u32, slots: &mut Vec<u32>) {
        let due = self.due[slot];
        if due == due_s {
            self.due[slot] = 0;
            self.armed -= 1;
            slots.push(slot);
        } else if due > due_s {
            self.file(slot, due);
        }
    }

    /// Moves on to the next bucket with entries that begins by `until_s`; false when there is none.
    fn enter_next_bucket(&mut self, until_s: u32) -> bool {
        let near = self.near_bits.next((self.bucket & SECOND_MASK) as usize + 1);
        if let Some(near) = near {
            let bucket = (self.bucket & !SECOND_MASK) | near as u32;
            return bucket <= until_s >> BUCKET_BITS && self.enter(bucket);
        }
        let Some(far) = self.far_bits.next((self.bucket >> BUCKET_BITS) as usize + 1) else { return false };
        if far as u32 > until_s >> FAR_BITS {
            return false;
        }
        self.stand_in((far as u32) << (FAR_BITS - BUCKET_BITS));
        self.far_bits.take(far);
        let list = std::mem::replace(&mut self.far[far], List::EMPTY);
        let mut walk = self.lists.walk(list);
        while let Some(slot) = self.lists.take_next(&mut walk) {
            self.entries -= 1;
            let due = self.due[slot];
            if due != 0 {
                self.file(slot, due);
            }
        }
        true
    }

    /// Spreads the entries of a bucket by second.
    fn enter(&mut self, bucket: u32) -> bool {
        self.stand_in(bucket);
        let near = (bucket & SECOND_MASK) as usize;
        self.near_bits.take(near);
        let list = std::mem::replace(&mut self.near[near], List::EMPTY);
        let mut slots = std::mem::take(&mut self.scratch);
        slots.clear();
        let mut walk = self.lists.walk(list);
        while let Some(slot) = self.lists.take_next(&mut walk) {
            self.entries -= 1;
            let due = self.due[slot];
            if due >> BUCKET_BITS == bucket {
                slots.push((due & SECOND_MASK, slot));
                self.starts[(due & SECOND_MASK) as usize + 1] += 1;
            } else if due >> BUCKET_BITS > bucket {
                self.file(slot, due);
            }
        }
        for second in 0..BUCKET {
            self.starts[second + 1] += self.starts[second];
        }
        self.sorted.resize(slots.len(), 0);
        // Filling from the back turns each end into its start; walking backwards keeps the order of arrival.
        for &(second, slot) in slots.iter().rev() {
            let place = &mut self.starts[second as usize + 1];
            *place -= 1;
            self.sorted[*place as usize] = slot;
        }
        self.starts.copy_within(1.., 0);
        self.starts[BUCKET] = slots.len() as u32;
        self.entries += slots.len();
        if slots.capacity() > 16 * slots.len() + BUCKET {
            slots = Vec::new();
        }
        self.scratch = slots;
        true
    }

    /// Moves to the beginning of a bucket whose predecessors have no entries left.
    fn stand_in(&mut self, bucket: u32) {
        if bucket != self.bucket {
            debug_assert!(bucket > self.bucket, "bucket {bucket} lies before {}", self.bucket);
            debug_assert!(self.soon_bits.next(0).is_none(), "bucket {} is left with entries", self.bucket);
            self.bucket = bucket;
            self.sorted.clear();
            self.starts.fill(0);
        }
    }

    /// Adds an entry for a slot where it comes up no later than `due_s`.
    #[inline]
    fn file(&mut self, slot: u32, due_s: u32) {
        debug_assert!(due_s > self.now_s, "slot {slot} filed at {due_s}, the wheel stands at {}", self.now_s);
        self.entries += 1;
        let bucket = due_s >> BUCKET_BITS;
        if bucket <= self.bucket {
            let second = (due_s & SECOND_MASK) as usize;
            self.lists.push(&mut self.soon[second], slot);
            self.soon_bits.set(second);
        } else if due_s >> FAR_BITS == self.bucket >> (FAR_BITS - BUCKET_BITS) {
            let near = (bucket & SECOND_MASK) as usize;
            self.lists.push(&mut self.near[near], slot);
            self.near_bits.set(near);
        } else {
            let far = (due_s >> FAR_BITS) as usize;
            self.lists.push(&mut self.far[far], slot);
            self.far_bits.set(far);
        }
    }

    /// Drops every entry and files each timer once.
    #[cold]
    fn rebuild(&mut self) {
        self.sorted.clear();
        self.starts.fill(0);
        self.soon.fill(List::EMPTY);
        self.near.fill(List::EMPTY);
        self.far.fill(List::EMPTY);
        self.soon_bits = Bits::new();
        self.near_bits = Bits::new();
        self.far_bits = Bits::new();
        self.lists = Lists::new();
        self.entries = 0;
        for slot in 0..self.due.len() {
            let due = self.due[slot];
            if due != 0 {
                self.file(slot, due);
            }
        }
    }
}
