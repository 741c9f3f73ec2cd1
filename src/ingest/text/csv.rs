//! CSV by RFC 4180, tolerant of real exports: a quoted field may contain delimiters, line breaks and doubled quotes; a quote
//! inside an unquoted field is an ordinary character; lines end with LF or CRLF.
//!
//! A quote that opens a field and is not closed as it should be would take the following rows into that field. So a record whose
//! quoted field is followed by other text than a delimiter or a line break, never ends, or has more than [`MAX_FIELD_LINES`] line
//! breaks is *broken*: it is its first line alone, and the next line is a record of its own.
//!
//! Lines without quotes, nearly all of them, take one pass of a vectorised search.

use std::borrow::Cow;

use crate::ingest::rows::cell::Cell;
use crate::limits::MAX_FIELD_LINES;

/// Marks an unmapped column.
pub(crate) const UNREAD: usize = usize::MAX;

/// The end of the first record in some bytes, after its line break; `None` if the record is incomplete.
pub(crate) fn record_end(bytes: &[u8], delimiter: u8) -> Option<usize> {
    let line_end = memchr::memchr(b'\n', bytes)?;
    if memchr::memchr(b'"', &bytes[..line_end]).is_none() {
        return Some(line_end + 1);
    }
    let mut at = 0;
    loop {
        if bytes.get(at)? == &b'"' {
            match quoted(bytes, at, delimiter) {
                Quoted::Closed { end, .. } => at = end,
                Quoted::Open => return None,
                Quoted::Broken => return Some(line_end + 1),
            }
        }
        at += memchr::memchr2(delimiter, b'\n', bytes.get(at..)?)?;
        if bytes[at] == b'\n' {
            return Some(at + 1);
        }
        at += 1;
    }
}

/// A quoted field.
enum Quoted {
    /// The offsets of its closing quote, and of the delimiter or line end after it.
    Closed {
        quote: usize,
        end: usize,
    },
    /// It is not closed in these bytes, or a second quote may follow.
    Open,
    Broken,
}

/// The quoted field that begins at `open`.
fn quoted(bytes: &[u8], open: usize, delimiter: u8) -> Quoted {
    let mut at = open + 1;
    let mut lines = 0;
    loop {
        let Some(length) = memchr::memchr(b'"', &bytes[at..]) else {
            lines += memchr::memchr_iter(b'\n', &bytes[at..]).take(MAX_FIELD_LINES + 1).count();
            return if lines > MAX_FIELD_LINES { Quoted::Broken } else { Quoted::Open };
        };
        lines += memchr::memchr_iter(b'\n', &bytes[at..at + length]).count();
        if lines > MAX_FIELD_LINES {
            return Quoted::Broken;
        }
        let quote = at + length;
        if bytes.get(quote + 1) == Some(&b'"') {
            at = quote + 2;
            continue;
        }
        // Blanks before the delimiter belong to nothing.
        let is_blank = |byte: &u8| *byte == b' ' || *byte == b'\t' && delimiter != b'\t';
        let end = quote + 1 + bytes[quote + 1..].iter().take_while(|byte| is_blank(byte)).count();
        return match (bytes.get(end), bytes.get(end + 1)) {
            (None, _) | (Some(b'\r'), None) => Quoted::Open,
            (Some(b'\r'), Some(b'\n')) => Quoted::Closed { quote, end },
            (Some(byte), _) if *byte == delimiter || *byte == b'\n' => Quoted::Closed { quote, end },
            (Some(_), _) => Quoted::Broken,
        };
    }
}

/// The end of the last complete record; 0 if there is none.
pub(crate) fn last_record_end(bytes: &[u8], delimiter: u8) -> usize {
    if memchr::memchr(b'"', bytes).is_none() {
        return memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
    }
    let mut end = 0;
    while let Some(length) = record_end(&bytes[end..], delimiter) {
        end += length;
    }
    end
}

/// The first record of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Record {
    pub length: usize,
    /// Its number of fields, 0 for an empty line; `None` if it is broken.
    pub fields: Option<usize>,
}

/// Reads the first record of a text into the cells that its columns fill. The text ends with a record, or with the input.
pub(crate) fn read_record<'a>(text: &'a str, delimiter: u8, columns: &[usize], cells: &mut [Cell<'a>]) -> Record {
    let mut fields = 0;
    let mut put = |value: Cow<'a, str>| {
        if let Some(cell) = columns.get(fields).and_then(|column| cells.get_mut(*column)) {
            *cell = Cell::Text(value);
        }
        fields += 1;
    };
    let bytes = text.as_bytes();
    let line_end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
    let first_line = (line_end + 1).min(bytes.len());
    let line = &text[..line_end];
    if memchr::memchr(b'"', line.as_bytes()).is_none() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if !line.is_empty() {
            let mut start = 0;
            for at in memchr::memchr_iter(delimiter, line.as_bytes()) {
                put(Cow::Borrowed(&line[start..at]));
                start = at + 1;
            }
            put(Cow::Borrowed(&line[start..]));
        }
        return Record { length: first_line, fields: Some(fields) };
    }
    let mut at = 0;
    loop {
        let Some((value, next)) = read_field(text, at, delimiter) else {
            return Record { length: first_line, fields: None };
        };
        put(value);
        match bytes.get(next) {
            Some(byte) if *byte == delimiter => at = next + 1,
            _ => return Record { length: (next + 1).min(bytes.len()), fields: Some(fields) },
        }
    }
}

/// The field that begins at `start`, and the offset of the delimiter or line break after it; `None` if it is broken.
fn read_field(text: &str, start: usize, delimiter: u8) -> Option<(Cow<'_, str>, usize)> {
    let bytes = text.as_bytes();
    if bytes.get(start) != Some(&b'"') {
        let end = memchr::memchr2(delimiter, b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        let field = &text[start..end];
        let ends_line = bytes.get(end) != Some(&delimiter);
        return Some((Cow::Borrowed(if ends_line { field.strip_suffix('\r').unwrap_or(field) } else { field }), end));
    }
    let (quote, end) = match quoted(bytes, start, delimiter) {
        Quoted::Closed { quote, end } => (quote, end),
        Quoted::Open => (last_quote(bytes, start)?, bytes.len()),
        Quoted::Broken => return None,
    };
    let inside = &text[start + 1..quote];
    let end = if bytes.get(end) == Some(&b'\r') { end + 1 } else { end };
    let value = match memchr::memchr(b'"', inside.as_bytes()) {
        None => Cow::Borrowed(inside),
        Some(_) => Cow::Owned(inside.replace("\"\"", "\"")),
    };
    Some((value, end))
}

/// The closing quote of a field with which the input ends, if it has one.
fn last_quote(bytes: &[u8], open: usize) -> Option<usize> {
    let end = bytes.trim_ascii_end().len();
    if end <= open {
        return None;
    }
    let quotes = bytes[open + 1..end].iter().rev().take_while(|byte| **byte == b'"').count();
    (quotes % 2 == 1).then(|| end - 1)
}

#[cfg(test)]
mod tests;
