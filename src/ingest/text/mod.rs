//! Parses blocks of text into batches: NDJSON, elements of a JSON array, CSV.

pub(crate) mod blocks;
mod csv;
pub(crate) mod json;
pub(crate) mod json_array;

use std::ops::ControlFlow;

use super::error::shorten;
use super::mapping::{Mapping, columns};
use super::pipeline::{Parsed, Rejected, Results};
use super::rows::cell::Cell;
use super::rows::values::FieldError;
use super::rows::{Outcome, RowWriter};
use crate::limits::{MAX_COLUMNS, MAX_LINE_BYTES};
use blocks::{Block, Content};
use csv::UNREAD;
use json::Fields;

/// Results are passed on after this number of rejected rows, so that invalid input does not accumulate in memory.
const REJECTS_A_PIECE: usize = 4_096;

/// The row format of a text.
pub(crate) enum TextFormat {
    Json(Fields),
    Csv { delimiter: u8, header: Header },
}

/// The header of a CSV input.
pub(crate) struct Header {
    /// For each column of the input its index in the mapping, or [`UNREAD`].
    columns: Vec<usize>,
}

impl Header {
    /// Finds the mapping's columns in a header.
    pub(super) fn new(record: &[u8], delimiter: u8, mapping: &Mapping) -> Result<Self, String> {
        let text = std::str::from_utf8(record).map_err(|_| "has a first line that is not UTF-8 text".to_owned())?;
        if memchr::memchr_iter(b'\r', record).any(|at| record.get(at + 1).is_some_and(|next| *next != b'\n')) {
            return Err("has lines that end with CR alone, expected LF or CR LF".to_owned());
        }
        let delimiters = memchr::memchr_iter(delimiter, record).count();
        if delimiters >= MAX_COLUMNS {
            return Err(format!("has a first line with {} fields, at most {MAX_COLUMNS} are accepted", delimiters + 1));
        }
        let width = delimiters + 1;
        let identity: Vec<usize> = (0..width).collect();
        let mut cells = vec![Cell::Null; width];
        let fields = csv::read_record(text, delimiter, &identity, &mut cells).fields;
        let fields = fields.ok_or("has a first line with a quote that is not closed")?;
        let names: Vec<String> = cells[..fields]
            .iter()
            .map(|cell| match cell {
                Cell::Text(name) => name.trim().to_owned(),
                _ => String::new(),
            })
            .collect();
        let places = columns::find(&names, mapping)?;
        let mut columns = vec![UNREAD; names.len()];
        for (input, place) in places.into_iter().enumerate() {
            if let Some(place) = place {
                columns[place] = input;
            }
        }
        Ok(Self { columns })
    }
}

/// Reads the rows of a block.
pub(crate) fn parse(block: &Block, format: &TextFormat, mapping: &Mapping, numbered: bool, results: &Results) {
    let writer = RowWriter::new(mapping).numbered(numbered);
    let mut reader =
        BlockReader { block, mapping, writer, parsed: Parsed::default(), results, counted: (0, 0), element: None };
    let flow = match (&block.content, format) {
        (Content::TooLong, _) => {
            let head = String::from_utf8_lossy(&block.bytes).into_owned();
            reader.parsed.rows += 1;
            reader.refuse(0, String::new(), head, format!("is longer than {MAX_LINE_BYTES} bytes"))
        }
        (Content::Elements(places, first), TextFormat::Json(fields)) => {
            let mut cells = vec![Cell::Null; mapping.inputs.len()];
            places.iter().zip(*first..).try_for_each(|(place, number)| {
                reader.element = Some(number);
                reader.object(place.start, &block.bytes[place.clone()], fields, &mut cells)
            })
        }
        (Content::Records, TextFormat::Json(fields)) => reader.lines(fields),
        (_, TextFormat::Csv { delimiter, header }) => reader.csv(*delimiter, header),
    };
    if flow.is_continue() {
        // The block is finished, even if the receiver is gone.
        let _ = reader.hand_on(true);
    }
}

struct BlockReader<'b> {
    block: &'b Block,
    mapping: &'b Mapping,
    writer: RowWriter<'b>,
    parsed: Parsed,
    results: &'b Results,
    /// An offset in the block, and the number of line breaks before it.
    counted: (usize, u64),
    /// The number of the current element of a JSON array: rows of an array are reported by it, as it may be all on one line.
    element: Option<u64>,
}

impl<'b> BlockReader<'b> {
    fn lines(&mut self, fields: &Fields) -> ControlFlow<()> {
        let bytes = &self.block.bytes;
        let mut cells = vec![Cell::Null; self.mapping.inputs.len()];
        // Checked once for the whole block; only a block with an invalid line is checked line by line.
        let whole = std::str::from_utf8(bytes).ok();
        let mut start = 0;
        while start < bytes.len() {
            let end = memchr::memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
            match whole {
                Some(text) => self.object_text(start, &text[start..end], fields, &mut cells)?,
                None => self.object(start, &bytes[start..end], fields, &mut cells)?,
            }
            start = end + 1;
        }
        ControlFlow::Continue(())
    }

    fn object(&mut self, at: usize, bytes: &'b [u8], fields: &Fields, cells: &mut [Cell<'b>]) -> ControlFlow<()> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.object_text(at, text, fields, cells),
            Err(_) => self.no_text(at, bytes),
        }
    }

    fn object_text(&mut self, at: usize, text: &'b str, fields: &Fields, cells: &mut [Cell<'b>]) -> ControlFlow<()> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return ControlFlow::Continue(());
        }
        cells.fill(Cell::Null);
        match fields.read(text, cells) {
            Ok(()) => self.row(at, cells),
            Err(reason) => {
                self.parsed.rows += 1;
                self.refuse(at, String::new(), shorten(text), reason)
            }
        }
    }

    fn csv(&mut self, delimiter: u8, header: &Header) -> ControlFlow<()> {
        let bytes = &self.block.bytes;
        let mut cells = vec![Cell::Null; self.mapping.inputs.len()];
        let whole = std::str::from_utf8(bytes).ok();
        let mut start = 0;
        while start < bytes.len() {
            // Empty lines, which have no fields: there may be very many.
            if bytes[start] == b'\n' || bytes[start..].starts_with(b"\r\n") {
                start += if bytes[start] == b'\n' { 1 } else { 2 };
                continue;
            }
            let record = match whole {
                Some(text) => &text[start..],
                None => {
                    let end = csv::record_end(&bytes[start..], delimiter).map_or(bytes.len(), |length| start + length);
                    match std::str::from_utf8(&bytes[start..end]) {
                        Ok(record) => record,
                        Err(_) => {
                            self.no_text(start, &bytes[start..end])?;
                            start = end;
                            continue;
                        }
                    }
                }
            };
            cells.fill(Cell::Null);
            let csv::Record { mut length, fields } = csv::read_record(record, delimiter, &header.columns, &mut cells);
            let reason = match fields {
                Some(0) => None,
                Some(fields) if fields == header.columns.len() => {
                    self.row(start, &cells)?;
                    None
                }
                Some(fields) => {
                    // If its second line is a record, a stray quote in the first one has taken it along.
                    let first_line = memchr::memchr(b'\n', record.as_bytes()).map_or(length, |at| at + 1);
                    if first_line < length {
                        let second = csv::read_record(&record[first_line..], delimiter, &[], &mut []);
                        if second.fields == Some(header.columns.len()) {
                            length = first_line;
                        }
                    }
                    Some(match record[..length].trim_end().lines().count() {
                        1 => format!("has {fields} fields, expected {} as in the first line", header.columns.len()),
                        lines => format!(
                            "has {fields} fields in {lines} lines, from a quote on, expected {} fields as in the first line",
                            header.columns.len()
                        ),
                    })
                }
                None => Some(
                    "has a quote that is not closed before a delimiter or the end of a line; only this line is left out"
                        .to_owned(),
                ),
            };
            if let Some(reason) = reason {
                self.parsed.rows += 1;
                self.refuse(start, String::new(), shorten(record[..length].trim_end()), reason)?;
            }
            start += length;
        }
        ControlFlow::Continue(())
    }

    fn row(&mut self, at: usize, cells: &[Cell<'_>]) -> ControlFlow<()> {
        self.parsed.rows += 1;
        if self.writer.is_numbered() {
            let line = self.line_of(at);
            self.writer.at_line(line);
        }
        match self.writer.push(cells) {
            Ok(Outcome::Read) => ControlFlow::Continue(()),
            Ok(Outcome::Skipped) => {
                self.parsed.skipped += 1;
                ControlFlow::Continue(())
            }
            Err(FieldError { input, value, reason }) => {
                let column = input.map(|input| self.mapping.inputs[input].name.clone()).unwrap_or_default();
                self.refuse(at, column, value, reason)
            }
        }
    }

    fn no_text(&mut self, at: usize, bytes: &[u8]) -> ControlFlow<()> {
        self.parsed.rows += 1;
        let shown = shorten(String::from_utf8_lossy(&bytes[..bytes.len().min(256)]).trim_end());
        self.refuse(at, String::new(), shown, "is not UTF-8 text".to_owned())
    }

    fn refuse(&mut self, at: usize, column: String, value: String, reason: String) -> ControlFlow<()> {
        let line = self.line_of(at);
        self.parsed.rejects.push(Rejected { line, column, value, reason });
        if self.parsed.rejects.len() >= REJECTS_A_PIECE { self.hand_on(false) } else { ControlFlow::Continue(()) }
    }

    /// The line of an offset in the block, or the number of the element. Offsets are increasing, so each byte is examined once.
    fn line_of(&mut self, at: usize) -> u64 {
        if let Some(element) = self.element {
            return element;
        }
        let (from, before) = self.counted;
        let to = at.clamp(from, self.block.bytes.len());
        self.counted = (to, before + memchr::memchr_iter(b'\n', &self.block.bytes[from..to]).count() as u64);
        self.block.first_line + self.counted.1
    }

    /// Passes on the available results. Rows of a batch that is not full stay, unless the block is finished.
    fn hand_on(&mut self, done: bool) -> ControlFlow<()> {
        let mut parsed = std::mem::take(&mut self.parsed);
        parsed.batches = if done { self.writer.finish() } else { self.writer.take_full() };
        self.results.put(parsed)
    }
}
