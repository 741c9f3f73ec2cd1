//! Ticket ids of a shard.

/// Ticket ids end to end, each preceded by its length.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pages: Vec<Vec<u8>>,
    live_bytes: usize,
}

const ID_PAGE: usize = 1 << 16;

impl Ids {
    /// # Panics
    /// If the shard would have more than 4 GiB of ids.
    pub(crate) fn push(&mut self, id: &str) -> u32 {
        let bytes = id.len() + 1;
        if self.pages.last().is_none_or(|page| page.len() + bytes > ID_PAGE) {
            self.pages.push(Vec::with_capacity(ID_PAGE));
        }
        let number = self.pages.len() - 1;
        assert!(number < 1 << 16, "a shard has more than 4 GiB of ticket ids");
        let page = &mut self.pages[number];
        let at = number << 16 | page.len();
        page.push(id.len() as u8);
        page.extend_from_slice(id.as_bytes());
        self.live_bytes += bytes;
        at as u32
    }

    pub(crate) fn get(&self, at: u32) -> &str {
        std::str::from_utf8(self.bytes(at)).unwrap_or("")
    }

    pub(crate) fn bytes(&self, at: u32) -> &[u8] {
        let page = &self.pages[(at >> 16) as usize];
        let start = at as usize & (ID_PAGE - 1);
        let len = usize::from(page[start]);
        &page[start + 1..start + 1 + len]
    }

    pub(crate) fn forget(&mut self, at: u32) {
        self.live_bytes -= self.bytes(at).len() + 1;
    }

    /// Whether repacking the ids would free most of their memory.
    pub(crate) fn is_sparse(&self) -> bool {
        self.pages.len() > 16 && self.live_bytes < self.pages.len() * ID_PAGE / 2
    }
}
