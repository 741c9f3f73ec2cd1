//! CSV by RFC 4180, tolerant of real exports: a quoted field may contain delimiters, line breaks and doubled quotes; a quote
//! inside an unquoted field is an ordinary character; text after a closing quote belongs to the field; lines end with LF or
//! CRLF.
//!
//! Lines without quotes, nearly all of them, take one pass of a vectorised search.

use std::borrow::Cow;

use crate::ingest::rows::cell::Cell;

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
            at = quoted_end(bytes, at)? + 1;
        }
        at += memchr::memchr2(delimiter, b'\n', bytes.get(at..)?)?;
        if bytes[at] == b'\n' {
            return Some(at + 1);
        }
        at += 1;
    }
}

/// The offset of the quote that closes the one at `open`; `None` while a second quote may follow it.
fn quoted_end(bytes: &[u8], open: usize) -> Option<usize> {
    let mut at = open + 1;
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)?;
        match bytes.get(at + 1) {
            Some(b'"') => at += 2,
            Some(_) => return Some(at),
            None => return None,
        }
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

/// Reads the first record of a text into the cells that its columns fill, and returns its length and its number of fields. An
/// empty line has none.
pub(crate) fn read_record<'a>(
    text: &'a str,
    delimiter: u8,
    columns: &[usize],
    cells: &mut [Cell<'a>],
) -> (usize, usize) {
    let mut fields = 0;
    let mut put = |value: Cow<'a, str>| {
        if let Some(cell) = columns.get(fields).and_then(|column| cells.get_mut(*column)) {
            *cell = Cell::Text(value);
        }
        fields += 1;
    };
    let bytes = text.as_bytes();
    let line_end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
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
        return ((line_end + 1).min(bytes.len()), fields);
    }
    let mut at = 0;
    loop {
        let (value, next) = read_field(text, at, delimiter);
        put(value);
        match bytes.get(next) {
            Some(byte) if *byte == delimiter => at = next + 1,
            _ => return ((next + 1).min(bytes.len()), fields),
        }
    }
}

/// The field that begins at `start`, and the offset of the delimiter or line break after it.
fn read_field(text: &str, start: usize, delimiter: u8) -> (Cow<'_, str>, usize) {
    let bytes = text.as_bytes();
    let next_of = |from: usize| memchr::memchr2(delimiter, b'\n', &bytes[from..]).map_or(bytes.len(), |at| from + at);
    let trimmed = |from: usize, end: usize| {
        let ends_line = bytes.get(end) != Some(&delimiter);
        let field = &text[from..end];
        if ends_line { field.strip_suffix('\r').unwrap_or(field) } else { field }
    };
    if bytes.get(start) != Some(&b'"') {
        let end = next_of(start);
        return (Cow::Borrowed(trimmed(start, end)), end);
    }
    let close = quoted_end(bytes, start).unwrap_or_else(|| last_quote(bytes, start));
    let inside = &text[start + 1..close.max(start + 1)];
    let behind = (close + 1).min(bytes.len());
    let end = next_of(behind);
    let tail = trimmed(behind, end);
    let value = match (memchr::memchr(b'"', inside.as_bytes()), tail) {
        (None, "") => Cow::Borrowed(inside),
        (_, tail) => Cow::Owned(inside.replace("\"\"", "\"") + tail),
    };
    (value, end)
}

/// The end of a quoted field that reaches the end of the input: at a quote in the last byte, or never.
fn last_quote(bytes: &[u8], open: usize) -> usize {
    let quotes = bytes[open + 1..].iter().rev().take_while(|byte| **byte == b'"').count();
    if quotes % 2 == 1 { bytes.len() - 1 } else { bytes.len() }
}

#[cfg(test)]
mod tests;
