//! A column in pages: it grows without moving its elements and with at most one page of spare capacity.
//!
//! A `Vec` of ten million records doubles now and then: up to half of it is unused, and the copy stalls a request. Here growth
//! costs one page. The price is one more pointer per access; the page table stays in the cache.

use std::ops::{Index, IndexMut};

const PAGE_BITS: u32 = 12;
/// Elements of one page.
pub(crate) const PAGE: usize = 1 << PAGE_BITS;

/// A growable column of `T`, indexed by slot number.
#[derive(Debug)]
pub(crate) struct Paged<T> {
    pages: Vec<Box<[T]>>,
    len: u32,
}

impl<T: Copy + Default> Paged<T> {
    pub(crate) fn new() -> Self {
        Self { pages: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Grows to `len` elements; new ones are `T::default()`.
    pub(crate) fn grow_to(&mut self, len: u32) {
        while self.pages.len() * PAGE < len as usize {
            self.pages.push(vec![T::default(); PAGE].into_boxed_slice());
        }
        self.len = self.len.max(len);
    }

    /// Adds an element and returns its slot.
    pub(crate) fn push(&mut self, value: T) -> u32 {
        let slot = self.len;
        self.grow_to(slot + 1);
        self[slot] = value;
        slot
    }

    /// Prefetches the cache line of an element, so that a later read does not wait for it.
    #[expect(unsafe_code, reason = "a prefetch has no safe form; it reads nothing")]
    #[inline(always)]
    pub(crate) fn prefetch(&self, slot: u32) {
        #[cfg(target_arch = "x86_64")]
        if slot < self.len {
            let element: *const T = &raw const self[slot];
            // SAFETY: a prefetch reads nothing; any address is allowed, and this one is of a live element.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(element.cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = slot;
    }
}

impl<T> Index<u32> for Paged<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, slot: u32) -> &T {
        &self.pages[(slot >> PAGE_BITS) as usize][slot as usize & (PAGE - 1)]
    }
}

impl<T> IndexMut<u32> for Paged<T> {
    #[inline(always)]
    fn index_mut(&mut self, slot: u32) -> &mut T {
        &mut self.pages[(slot >> PAGE_BITS) as usize][slot as usize & (PAGE - 1)]
    }
}
