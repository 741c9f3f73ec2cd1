//! Splits text into blocks of whole records, to be parsed in parallel.
//!
//! One thread finds the ends of records, a search for a few bytes; the contents are left to the parsers. A record longer than
//! [`MAX_LINE_BYTES`](crate::limits::MAX_LINE_BYTES) is skipped as it arrives and never held completely.

use std::io::Read;
use std::ops::Range;

use super::csv;
use super::json_array::ArrayScan;
use crate::ingest::error::{IngestError, shorten};
use crate::ingest::source;
use crate::ingest::source::reported;

/// Whole records.
pub(crate) struct Block {
    pub bytes: Vec<u8>,
    /// The line of the first byte, from 1.
    pub first_line: u64,
    pub content: Content,
}

pub(crate) enum Content {
    /// Lines, or CSV records.
    Records,
    /// Elements of a JSON array, by their offsets; and the number of the first in the input, from 1.
    Elements(Vec<Range<usize>>, u64),
    /// The beginning of a record that is too long.
    TooLong,
}

/// How records are delimited.
pub(crate) enum Split {
    Lines,
    Csv { delimiter: u8 },
    Array(ArrayScan),
}

pub(crate) struct Blocks {
    name: String,
    reader: Box<dyn Read + Send>,
    split: Split,
    pending: Vec<u8>,
    line: u64,
    /// Elements of arrays so far.
    elements: u64,
    ended: bool,
    block_bytes: usize,
    max_record_bytes: usize,
}

impl Blocks {
    pub(crate) fn new(
        name: &str,
        opened: source::Opened,
        split: Split,
        block_bytes: usize,
        max_record_bytes: usize,
    ) -> Self {
        let (pending, name) = (Vec::new(), name.to_owned());
        Self {
            name,
            reader: opened.reader,
            split,
            pending,
            line: 1,
            elements: 0,
            ended: false,
            block_bytes,
            max_record_bytes,
        }
    }

    /// The next block; `None` at the end of the input.
    pub(crate) fn next(&mut self) -> Result<Option<Block>, IngestError> {
        // At least four bytes, for a byte order mark.
        let mut wanted = self.block_bytes.max(4);
        loop {
            self.fill(wanted)?;
            if self.line == 1 && self.pending.starts_with(&[0xef, 0xbb, 0xbf]) {
                self.pending.drain(..3);
                continue;
            }
            if self.pending.is_empty() {
                if let Split::Array(scan) = &self.split {
                    scan.end().map_err(|reason| self.malformed(&reason))?;
                }
                return Ok(None);
            }
            if self.ended && !matches!(self.split, Split::Array(_)) {
                // A last record without a line break belongs to the block.
                let end = self.pending.len();
                return Ok(Some(self.take(end, Content::Records)));
            }
            let (end, content) = match &mut self.split {
                Split::Lines => (memchr::memrchr(b'\n', &self.pending).map_or(0, |at| at + 1), Content::Records),
                Split::Csv { delimiter } => (csv::last_record_end(&self.pending, *delimiter), Content::Records),
                Split::Array(scan) => {
                    let (end, elements) = scan.cut(&self.pending).map_err(|(at, reason)| {
                        let line = self.line + memchr::memchr_iter(b'\n', &self.pending[..at]).count() as u64;
                        let reason = format!("line {line}: {reason}");
                        IngestError::Malformed { source_name: self.name.clone(), reason }
                    })?;
                    let first = self.elements + 1;
                    self.elements += elements.len() as u64;
                    (end, Content::Elements(elements, first))
                }
            };
            if end > 0 {
                return Ok(Some(self.take(end, content)));
            }
            if self.ended {
                return Err(self.malformed("ends inside of an element of its array"));
            }
            if self.pending.len() > self.max_record_bytes {
                return self.pass_over().map(Some);
            }
            wanted = (self.pending.len() * 2).min(self.max_record_bytes + 1);
        }
    }

    /// The delimiter that a line `sep=;` above the header names, as spreadsheets write and read it. The records that follow are
    /// delimited by it.
    pub(crate) fn named_delimiter(&mut self) -> Result<Option<u8>, IngestError> {
        // A byte order mark, the line and its end.
        self.fill(16)?;
        let start = if self.pending.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        let head = &self.pending[start..];
        let Some(end) = memchr::memchr(b'\n', head.get(..head.len().min(12)).unwrap_or_default()) else {
            return Ok(None);
        };
        let line = head[..end].strip_suffix(b"\r").unwrap_or(&head[..end]);
        match line {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter] => {
                let delimiter = *delimiter;
                self.take(start + end + 1, Content::Records);
                self.split = Split::Csv { delimiter };
                Ok(Some(delimiter))
            }
            _ => Ok(None),
        }
    }

    /// The first record, for a header.
    pub(crate) fn first_record(&mut self) -> Result<Option<Vec<u8>>, IngestError> {
        let delimiter = match self.split {
            Split::Csv { delimiter } => delimiter,
            Split::Lines | Split::Array(_) => return Ok(None),
        };
        loop {
            let wanted = (self.pending.len() * 2).clamp(1 << 12, self.max_record_bytes + 1);
            self.fill(wanted)?;
            if self.pending.starts_with(&[0xef, 0xbb, 0xbf]) {
                self.pending.drain(..3);
                continue;
            }
            // Empty lines before the header, all at once: there may be very many.
            let empty = self.pending.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if empty > 0 {
                self.take(empty, Content::Records);
                continue;
            }
            let end = match csv::record_end(&self.pending, delimiter) {
                Some(end) => end,
                None if self.ended => self.pending.len(),
                None if self.pending.len() > self.max_record_bytes => {
                    return Err(
                        self.malformed(&format!("has a first line of more than {} bytes", self.max_record_bytes))
                    );
                }
                None => continue,
            };
            if end == 0 {
                return Ok(None);
            }
            return Ok(Some(self.take(end, Content::Records).bytes));
        }
    }

    fn malformed(&self, reason: &str) -> IngestError {
        IngestError::Malformed { source_name: self.name.clone(), reason: reason.to_owned() }
    }

    /// Reads until `wanted` bytes are pending or the input ends.
    fn fill(&mut self, wanted: usize) -> Result<(), IngestError> {
        if self.ended || self.pending.len() >= wanted {
            return Ok(());
        }
        let missing = (wanted - self.pending.len()) as u64;
        let read = self.reader.by_ref().take(missing).read_to_end(&mut self.pending);
        let count = read.map_err(|error| reported(&self.name, error))?;
        self.ended = (count as u64) < missing;
        Ok(())
    }

    fn take(&mut self, end: usize, content: Content) -> Block {
        let rest = self.pending[end..].to_vec();
        let mut bytes = std::mem::replace(&mut self.pending, rest);
        bytes.truncate(end);
        let first_line = self.line;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Block { bytes, first_line, content }
    }

    /// Skips to the end of the line (for CSV too: such a record may begin with a quote that is never closed).
    fn pass_over(&mut self) -> Result<Block, IngestError> {
        if matches!(self.split, Split::Array(_)) {
            let reason = format!("line {}: has an element of more than {} bytes", self.line, self.max_record_bytes);
            return Err(self.malformed(&reason));
        }
        let head = shorten(&String::from_utf8_lossy(&self.pending[..self.pending.len().min(256)]));
        let first_line = self.line;
        loop {
            if let Some(at) = memchr::memchr(b'\n', &self.pending) {
                self.pending.drain(..=at);
                self.line += 1;
                break;
            }
            self.pending.clear();
            if self.ended {
                break;
            }
            self.fill(self.block_bytes.max(1))?;
        }
        Ok(Block { bytes: head.into_bytes(), first_line, content: Content::TooLong })
    }
}
