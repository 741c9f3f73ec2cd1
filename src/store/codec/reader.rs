//! Reads numbers, texts and columns of numbers from untrusted bytes.

use super::error::DecodeError;
use super::writer::Width;

/// The bytes of a group, and how far they have been read.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes not read yet.
    pub(super) fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    pub(super) fn fault(&self, field: &'static str, what: String) -> DecodeError {
        DecodeError { at: self.at, field, what }
    }

    pub(super) fn take(&mut self, field: &'static str, count: usize) -> Result<&'a [u8], DecodeError> {
        if count > self.left() {
            return Err(self.fault(field, format!("{count} bytes are expected, and {} are left", self.left())));
        }
        let accepted = &self.bytes[self.at..self.at + count];
        self.at += count;
        Ok(accepted)
    }

    pub(super) fn byte(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        Ok(self.take(field, 1)?[0])
    }

    pub(super) fn choice<T>(&mut self, field: &'static str, read: impl Fn(u8) -> Option<T>) -> Result<T, DecodeError> {
        let byte = self.byte(field)?;
        read(byte).ok_or_else(|| self.fault(field, format!("{byte} is not a known value")))
    }

    pub(super) fn number(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.fault(field, "a number of more than 64 bits".to_owned()))
    }

    pub(super) fn signed(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let folded = self.number(field)?;
        Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
    }

    /// A count of elements that take at least a byte each.
    pub(super) fn count(&mut self, field: &'static str, most: usize) -> Result<usize, DecodeError> {
        let count = self.number(field)?;
        let most = most.min(self.left());
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= most)
            .ok_or_else(|| self.fault(field, format!("{count} of them, expected at most {most}")))
    }

    pub(super) fn text(&mut self, field: &'static str) -> Result<&'a str, DecodeError> {
        let length = self.count(field, usize::MAX)?;
        let bytes = self.take(field, length)?;
        str::from_utf8(bytes).map_err(|error| self.fault(field, format!("not UTF-8: {error}")))
    }

    /// A column of `rows` numbers: its width, and its values through `value`.
    pub(super) fn column<T>(
        &mut self,
        field: &'static str,
        rows: usize,
        value: impl Fn(u64, Width) -> T,
    ) -> Result<Vec<T>, DecodeError> {
        let width = self.choice(field, Width::read)?;
        let bytes = self.take(field, rows.saturating_mul(width as usize))?;
        Ok(match width {
            Width::One => bytes.iter().map(|byte| value(u64::from(*byte), width)).collect(),
            Width::Two => numbers(bytes, |bytes| value(u64::from(u16::from_le_bytes(bytes)), width)),
            Width::Four => numbers(bytes, |bytes| value(u64::from(u32::from_le_bytes(bytes)), width)),
            Width::Eight => numbers(bytes, |bytes| value(u64::from_le_bytes(bytes), width)),
        })
    }
}

fn numbers<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = bytes.as_chunks::<N>();
    chunks.iter().map(|chunk| value(*chunk)).collect()
}
