//! Finds the elements of a JSON array one after another, without holding the array.
//!
//! The array is the document itself, or, if the mapping names it with `records`, a field of the object that wraps it, as in
//! the pages of an API. Arrays and pages may follow one another.

use std::ops::Range;

/// Bytes of a field's name that are kept for comparison.
const NAME_BYTES: usize = 256;

/// The number of bytes consumed, and the elements in them.
pub(crate) type Cut = (usize, Vec<Range<usize>>);

/// The offset of an unexpected byte, and what was expected.
pub(crate) type Misplaced = (usize, String);

/// Finds elements. It keeps its state in the document, so that consumed bytes need not be kept.
pub(crate) struct ArrayScan {
    /// The field that contains the array.
    records: Option<Vec<u8>>,
    in_array: bool,
    /// Nesting outside the array.
    depth: usize,
    /// Whether a string outside the array is open, and whether its next byte is escaped.
    in_string: bool,
    escaped: bool,
    last_string: Vec<u8>,
    /// Whether the next value belongs to the field.
    at_field: bool,
    found: bool,
}

impl ArrayScan {
    pub(crate) fn new(records: Option<&str>) -> Self {
        let records = records.map(|name| name.as_bytes().to_vec());
        let (in_array, depth, in_string, escaped) = (false, 0, false, false);
        Self { records, in_array, depth, in_string, escaped, last_string: Vec::new(), at_field: false, found: false }
    }

    /// The number of bytes consumed, and the elements in them. If none is consumed, more bytes are needed.
    pub(crate) fn cut(&mut self, bytes: &[u8]) -> Result<Cut, Misplaced> {
        let mut elements = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if !self.in_array {
                self.outside(bytes[at]).map_err(|reason| (at, reason))?;
                at += 1;
                continue;
            }
            match bytes[at] {
                b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
                b']' => {
                    self.in_array = false;
                    at += 1;
                }
                _ => match element_end(&bytes[at..]) {
                    Some(0) => return Err((at, format!("{:?} is not an element of an array", bytes[at] as char))),
                    Some(length) => {
                        elements.push(at..at + length);
                        at += length;
                    }
                    None => break,
                },
            }
        }
        Ok((at, elements))
    }

    /// Whether the input may end here.
    pub(crate) fn end(&self) -> Result<(), String> {
        if self.in_array || self.depth > 0 || self.in_string {
            return Err("ends before its array does".to_owned());
        }
        match &self.records {
            Some(name) if !self.found => Err(format!("has no list named {:?}", String::from_utf8_lossy(name))),
            _ => Ok(()),
        }
    }

    fn outside(&mut self, byte: u8) -> Result<(), String> {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ if self.last_string.len() < NAME_BYTES => self.last_string.push(byte),
                _ => {}
            }
            return Ok(());
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            // A document that is an array is read as one, whatever the mapping expects.
            b'[' if self.depth == 0 || self.at_field && self.depth == 1 => {
                self.in_array = true;
                self.found = true;
                self.at_field = false;
            }
            b'{' if self.depth == 0 && self.records.is_none() => {
                return Err("expected an array; name its field with records in the mapping".to_owned());
            }
            b'{' | b'[' => self.depth += 1,
            _ if self.depth == 0 => return Err("expected a JSON array".to_owned()),
            b'}' | b']' => self.depth -= 1,
            b'"' => {
                self.in_string = true;
                self.last_string.clear();
            }
            b':' if self.depth == 1 => self.at_field = self.records.as_deref() == Some(&self.last_string),
            b',' if self.depth == 1 => self.at_field = false,
            _ => {}
        }
        Ok(())
    }
}

/// The length of the first value in some bytes; `None` if it is incomplete.
fn element_end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                loop {
                    at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
                    if bytes[at] == b'"' {
                        break;
                    }
                    at += 2;
                }
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return Some(at),
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All elements of a document that arrives in pieces.
    fn elements(records: Option<&str>, document: &str, piece: usize) -> Result<Vec<String>, String> {
        let mut scan = ArrayScan::new(records);
        let (mut pending, mut found) = (Vec::new(), Vec::new());
        for bytes in document.as_bytes().chunks(piece) {
            pending.extend_from_slice(bytes);
            let (end, elements) = scan.cut(&pending).map_err(|(_, reason)| reason)?;
            found.extend(elements.into_iter().map(|place| String::from_utf8_lossy(&pending[place]).into_owned()));
            pending.drain(..end);
        }
        scan.end()?;
        Ok(found)
    }

    #[test]
    fn elements_are_found_however_the_bytes_arrive() {
        let document = "[ {\"a\":\"x]\\\"}\"},\n{\"b\":[1,{\"c\":2}]} , 7, \"s\" ]\n";
        let page =
            "{\"next\":\"[\",\"users\":[{\"id\":1}],\"rows\":[{\"id\":2},{\"id\":3}],\"count\":2}\n{\"rows\":[]}";
        for piece in 1..document.len() {
            let found = elements(None, document, piece).expect("an array");
            assert_eq!(found, ["{\"a\":\"x]\\\"}\"}", "{\"b\":[1,{\"c\":2}]}", "7", "\"s\""], "pieces of {piece}");
            assert_eq!(elements(Some("rows"), page, piece).expect("a page"), ["{\"id\":2}", "{\"id\":3}"]);
        }
    }

    #[test]
    fn what_is_no_array_is_an_error() {
        assert!(elements(None, "{\"a\":1}", 9).is_err_and(|reason| reason.contains("records")));
        assert!(elements(None, "[{\"a\":1}", 9).is_err_and(|reason| reason.contains("ends before")));
        assert!(elements(Some("rows"), "{\"a\":[]}", 9).is_err_and(|reason| reason.contains("no list named")));
        assert!(elements(None, "[1] x", 9).is_err());
        assert!(elements(None, "[}", 9).is_err());
    }
}
