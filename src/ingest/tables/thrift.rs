//! Walks the metadata of a Parquet file before the Parquet library reads it.
//!
//! The library allocates a list as long as it claims to be, and follows a schema to any depth. So the bytes are walked once
//! with the rules of Thrift's compact protocol: a list has no more elements than there are bytes, and nesting is at most
//! [`MAX_NESTING`] deep. The walk also returns the sizes in a page header.

/// Maximum nesting of structures, in the encoding and in a schema. Exports have a handful.
const MAX_NESTING: usize = 32;

/// Types of the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Why metadata is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ThriftError {
    /// Incomplete: more bytes may complete it.
    #[error("it ends inside of a value")]
    Short,
    #[error("{0}")]
    Bad(String),
}

fn bad<T>(reason: impl Into<String>) -> Result<T, ThriftError> {
    Err(ThriftError::Bad(reason.into()))
}

/// Sizes in a page header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PageHeader {
    /// Bytes of the header itself.
    pub header_bytes: u64,
    pub unpacked_bytes: u64,
    pub packed_bytes: u64,
    pub values: u64,
    pub is_dictionary: bool,
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Walker<'_> {
    fn byte(&mut self) -> Result<u8, ThriftError> {
        let byte = *self.bytes.get(self.at).ok_or(ThriftError::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        bad("a number has more than ten bytes")
    }

    fn signed(&mut self) -> Result<i64, ThriftError> {
        let folded = self.varint()?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    fn pass(&mut self, count: u64) -> Result<(), ThriftError> {
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return Err(ThriftError::Short);
        }
        self.at += count as usize;
        Ok(())
    }

    /// The next field of a structure: its number and type; `None` at the structure's end.
    fn field(&mut self, last: &mut i64) -> Result<Option<(i64, u8)>, ThriftError> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        *last = if head >> 4 == 0 { self.signed()? } else { last.saturating_add(i64::from(head >> 4)) };
        Ok(Some((*last, head & 15)))
    }

    /// The head of a list or set: the type of its elements and their number.
    fn list(&mut self) -> Result<(u8, u64), ThriftError> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // An element takes at least one byte.
        let left = (self.bytes.len() - self.at) as u64;
        if count > left {
            return bad(format!("a list claims {count} elements in {left} bytes"));
        }
        Ok((head & 15, count))
    }

    /// Skips a value.
    fn skip(&mut self, kind: u8, depth: usize) -> Result<(), ThriftError> {
        if depth > MAX_NESTING {
            return bad(format!("structures lie more than {MAX_NESTING} deep in each other"));
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.pass(1),
            I16..=I64 => self.varint().map(|_| ()),
            DOUBLE => self.pass(8),
            UUID => self.pass(16),
            BINARY => {
                let length = self.varint()?;
                self.pass(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                for _ in 0..count {
                    self.element(kind, depth + 1)?;
                }
                Ok(())
            }
            MAP => {
                let count = self.varint()?;
                if count == 0 {
                    return Ok(());
                }
                let kinds = self.byte()?;
                if count > (self.bytes.len() - self.at) as u64 {
                    return bad(format!("a map claims {count} entries"));
                }
                for _ in 0..count {
                    self.element(kinds >> 4, depth + 1)?;
                    self.element(kinds & 15, depth + 1)?;
                }
                Ok(())
            }
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            other => bad(format!("a value has the unknown type {other}")),
        }
    }

    /// Skips an element of a list: unlike in a field, a boolean there has its own byte.
    fn element(&mut self, kind: u8, depth: usize) -> Result<(), ThriftError> {
        if matches!(kind, TRUE | FALSE) { self.pass(1) } else { self.skip(kind, depth) }
    }

    fn size(&mut self) -> Result<u64, ThriftError> {
        let value = self.signed()?;
        u64::try_from(value).or_else(|_| bad(format!("a size is {value}")))
    }

    /// The number of values in the first field of a structure.
    fn values(&mut self) -> Result<u64, ThriftError> {
        let (mut last, mut values) = (0, 0);
        while let Some((number, kind)) = self.field(&mut last)? {
            if (number, kind) == (1, 5) {
                values = self.size()?;
            } else {
                self.skip(kind, 1)?;
            }
        }
        Ok(values)
    }

    /// Skips the schema: a list of elements, each with the number of its children among the following ones.
    fn schema(&mut self) -> Result<(), ThriftError> {
        let (kind, count) = self.list()?;
        if kind != STRUCT {
            return bad("the schema is not a list of structures");
        }
        // For each enclosing element: its remaining children.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..count {
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let (mut last, mut children) = (0, 0);
            while let Some((number, kind)) = self.field(&mut last)? {
                if (number, kind) == (5, 5) {
                    children = self.size()?;
                } else {
                    self.skip(kind, 1)?;
                }
            }
            if children > count {
                return bad(format!("a field of the schema claims {children} fields"));
            }
            open.push(children);
            if open.len() > MAX_NESTING {
                return bad(format!("fields of the schema lie more than {MAX_NESTING} deep in each other"));
            }
        }
        Ok(())
    }
}

/// Reads a page header.
///
/// # Errors
/// [`ThriftError`].
pub(crate) fn page_header(bytes: &[u8]) -> Result<PageHeader, ThriftError> {
    let walker = &mut Walker { bytes, at: 0 };
    let mut header = PageHeader::default();
    let mut last = 0;
    while let Some((number, kind)) = walker.field(&mut last)? {
        match (number, kind) {
            (2, 5) => header.unpacked_bytes = walker.size()?,
            (3, 5) => header.packed_bytes = walker.size()?,
            (5 | 7 | 8, STRUCT) => {
                header.values = walker.values()?;
                header.is_dictionary = number == 7;
            }
            _ => walker.skip(kind, 1)?,
        }
    }
    header.header_bytes = walker.at as u64;
    Ok(header)
}

/// Walks the footer of a file.
///
/// # Errors
/// [`ThriftError`].
pub(crate) fn check_footer(bytes: &[u8]) -> Result<(), ThriftError> {
    let walker = &mut Walker { bytes, at: 0 };
    let mut last = 0;
    while let Some((number, kind)) = walker.field(&mut last)? {
        match (number, kind) {
            (2, LIST) => walker.schema()?,
            _ => walker.skip(kind, 1)?,
        }
    }
    Ok(())
}
