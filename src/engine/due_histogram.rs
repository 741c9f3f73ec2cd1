//! How many timers are due in which hour, kept on every change.

/// Hours of a page.
const PAGE: usize = 1_024;
const HOUR_S: u32 = 3_600;

/// Timers by the hour (UTC) in which they are due. Pages of 42 days exist where there ever was a timer.
#[derive(Debug, Default)]
pub(crate) struct DueHistogram {
    pages: Vec<Option<Box<[u32; PAGE]>>>,
}

impl DueHistogram {
    fn hour(&mut self, due_s: u32) -> &mut u32 {
        let hour = (due_s / HOUR_S) as usize;
        if hour / PAGE >= self.pages.len() {
            self.pages.resize(hour / PAGE + 1, None);
        }
        &mut self.pages[hour / PAGE].get_or_insert_with(|| Box::new([0; PAGE]))[hour % PAGE]
    }

    /// A timer has moved; 0 stands for none.
    #[inline]
    pub(crate) fn move_timer(&mut self, from_s: u32, to_s: u32) {
        if from_s != 0 {
            *self.hour(from_s) -= 1;
        }
        if to_s != 0 {
            *self.hour(to_s) += 1;
        }
    }

    /// So many timers that were due at this second have come up.
    pub(crate) fn come_up(&mut self, due_s: u32, timers: usize) {
        *self.hour(due_s) -= timers as u32;
    }

    /// Adds the timers of each of `sums.len()` hours from the hour of `from_s` on.
    pub(crate) fn add_to(&self, from_s: u32, sums: &mut [u64]) {
        let first = (from_s / HOUR_S) as usize;
        for (index, sum) in sums.iter_mut().enumerate() {
            let hour = first + index;
            let page = self.pages.get(hour / PAGE).and_then(Option::as_ref);
            *sum += page.map_or(0, |page| u64::from(page[hour % PAGE]));
        }
    }
}
