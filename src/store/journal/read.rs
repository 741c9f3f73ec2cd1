//! Reads groups, for replay.

use super::error::JournalError;
use super::scan::{Scan, Step};
use super::segment::{self, SegmentRange};
use crate::store::disk::Disk;
use std::sync::Arc;

/// The groups of a journal from one on, in order, up to the last one at the time of the call. Ends after an error.
///
/// It opens its own files; groups that are retired meanwhile end it with an error.
pub struct Groups {
    disk: Arc<dyn Disk>,
    /// Remaining segments, the last one first.
    segments: Vec<SegmentRange>,
    scan: Option<(Scan, segment::Head)>,
    next: u64,
    last: u64,
    /// An error to return first.
    fault: Option<JournalError>,
}

impl Groups {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        segments: impl DoubleEndedIterator<Item = SegmentRange>,
        from: u64,
        last: u64,
    ) -> Self {
        let mut segments: Vec<SegmentRange> = segments.rev().collect();
        let first = segments.last().map_or(1, |held| held.first);
        while segments.len() > 1 && segments[segments.len() - 2].first <= from {
            segments.pop();
        }
        let fault = (from < first).then_some(JournalError::Gone { from, first });
        Self { disk, segments, scan: None, next: from, last, fault }
    }

    /// The next group, or `None` at the end.
    fn read(&mut self) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        while self.next <= self.last {
            let Some((scan, head)) = &mut self.scan else {
                let Some(held) = self.segments.pop() else { return Ok(None) };
                let name = segment::name(held.first);
                let io = |source| JournalError::Io { file: name.clone(), action: "cannot open", source };
                let file = self.disk.open(&name).map_err(io)?;
                let head = segment::Head::read(file.as_ref(), held.first)?;
                self.scan = Some((Scan::new(file, head), head));
                continue;
            };
            let number = scan.next_number();
            if self.segments.last().is_some_and(|held| held.first == number) {
                self.scan = None;
                continue;
            }
            let mut payload = Vec::new();
            if scan.step((number >= self.next).then_some(&mut payload))? != Step::Group {
                // It was whole when the journal was opened.
                let what = "it has changed since the journal was opened".to_owned();
                let (file, offset) = (head.name(), scan.offset());
                return Err(JournalError::Damaged { file, offset, what, first_lost: number, last_lost: self.last });
            }
            if number >= self.next {
                self.next = number + 1;
                return Ok(Some((number, payload)));
            }
        }
        Ok(None)
    }
}

impl Iterator for Groups {
    type Item = Result<(u64, Vec<u8>), JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.last = 0;
        }
        read.transpose()
    }
}
