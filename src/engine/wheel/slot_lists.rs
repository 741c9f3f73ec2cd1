//! Many small lists of slot numbers that share one store of chunks, and bitmaps of which lists are not empty.

/// Slots of a chunk: with the link and the length a chunk fills four cache lines.
const CHUNK: usize = 62;
const NONE: u32 = u32::MAX;

#[derive(Debug, Clone, Copy)]
struct Chunk {
    slots: [u32; CHUNK],
    len: u32,
    next: u32,
}

/// A list: its first and its last chunk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct List {
    first: u32,
    last: u32,
}

impl List {
    pub(crate) const EMPTY: List = List { first: NONE, last: NONE };
}

/// The position of a walk through a list.
pub(crate) struct Walk {
    chunk: u32,
    index: u32,
}

/// The chunks of all lists.
#[derive(Debug)]
pub(crate) struct Lists {
    chunks: Vec<Box<[Chunk]>>,
    used: u32,
    free: u32,
}

/// Chunks that are allocated at once.
const BLOCK: usize = 256;

impl Lists {
    pub(crate) fn new() -> Self {
        Self { chunks: Vec::new(), used: 0, free: NONE }
    }

    pub(crate) fn size_bytes(&self) -> usize {
        self.chunks.len() * BLOCK * size_of::<Chunk>()
    }

    #[inline]
    fn chunk(&self, index: u32) -> &Chunk {
        &self.chunks[index as usize / BLOCK][index as usize % BLOCK]
    }

    #[inline]
    fn chunk_mut(&mut self, index: u32) -> &mut Chunk {
        &mut self.chunks[index as usize / BLOCK][index as usize % BLOCK]
    }

    /// Appends a slot.
    #[inline]
    pub(crate) fn push(&mut self, list: &mut List, slot: u32) {
        if list.last == NONE || self.chunk(list.last).len as usize == CHUNK {
            self.extend(list);
        }
        let chunk = self.chunk_mut(list.last);
        chunk.slots[chunk.len as usize] = slot;
        chunk.len += 1;
    }

    fn extend(&mut self, list: &mut List) {
        let fresh = self.allocate();
        if list.last == NONE {
            list.first = fresh;
        } else {
            self.chunk_mut(list.last).next = fresh;
        }
        list.last = fresh;
    }

    fn allocate(&mut self) -> u32 {
        let index = if self.free == NONE {
            if self.used as usize == self.chunks.len() * BLOCK {
                let empty = Chunk { slots: [0; CHUNK], len: 0, next: NONE };
                self.chunks.push(vec![empty; BLOCK].into_boxed_slice());
            }
            self.used += 1;
            self.used - 1
        } else {
            let index = self.free;
            self.free = self.chunk(index).next;
            index
        };
        let chunk = self.chunk_mut(index);
        chunk.len = 0;
        chunk.next = NONE;
        index
    }

    /// Begins to empty a list that nothing refers to any more.
    pub(crate) fn walk(&self, list: List) -> Walk {
        Walk { chunk: list.first, index: 0 }
    }

    /// The next slot of a list that is being emptied; each chunk returns to the store once it is empty.
    #[inline]
    pub(crate) fn take_next(&mut self, walk: &mut Walk) -> Option<u32> {
        if walk.chunk == NONE {
            return None;
        }
        let chunk = self.chunk(walk.chunk);
        let slot = chunk.slots[walk.index as usize];
        walk.index += 1;
        if walk.index == chunk.len {
            let left = walk.chunk;
            *walk = Walk { chunk: chunk.next, index: 0 };
            let free = self.free;
            self.chunk_mut(left).next = free;
            self.free = left;
        }
        Some(slot)
    }

    /// Every slot in the lists `from..=to` whose bit in `bits` is set.
    pub(crate) fn each_until(
        &self,
        lists: &[List],
        bits: &Bits<64>,
        from: usize,
        to: usize,
        mut tell: impl FnMut(u32),
    ) {
        let mut at = from;
        while let Some(index) = bits.next(at).filter(|index| *index <= to) {
            let mut chunk = lists[index].first;
            while chunk != NONE {
                let Chunk { slots, len, next } = self.chunk(chunk);
                slots[..*len as usize].iter().for_each(|slot| tell(*slot));
                chunk = *next;
            }
            at = index + 1;
        }
    }

    /// Number of slots in the lists `from..=to` whose bit in `bits` is set.
    pub(crate) fn len_until(&self, lists: &[List], bits: &Bits<64>, from: usize, to: usize) -> usize {
        let mut len = 0;
        let mut at = from;
        while let Some(index) = bits.next(at).filter(|index| *index <= to) {
            let mut chunk = lists[index].first;
            while chunk != NONE {
                len += self.chunk(chunk).len as usize;
                chunk = self.chunk(chunk).next;
            }
            at = index + 1;
        }
        len
    }
}

/// A set of numbers below `64 * LABELS`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bits<const LABELS: usize> {
    labels: [u64; LABELS],
}

impl<const LABELS: usize> Bits<LABELS> {
    pub(crate) fn new() -> Self {
        Self { labels: [0; LABELS] }
    }

    #[inline]
    pub(crate) fn set(&mut self, index: usize) {
        self.labels[index / 64] |= 1 << (index % 64);
    }

    /// Removes a number; returns whether it was in the set.
    pub(crate) fn take(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        let label = &mut self.labels[index / 64];
        let was = *label & bit != 0;
        *label &= !bit;
        was
    }

    /// The smallest number at or above `from`.
    pub(crate) fn next(&self, from: usize) -> Option<usize> {
        let mut label = from / 64;
        if label >= LABELS {
            return None;
        }
        let mut bits = self.labels[label] & (u64::MAX << (from % 64));
        while bits == 0 {
            label += 1;
            if label == LABELS {
                return None;
            }
            bits = self.labels[label];
        }
        Some(label * 64 + bits.trailing_zeros() as usize)
    }
}
