//! Writes numbers, texts and columns of numbers as bytes.

/// 7 bits a byte.
pub(super) fn number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Small for small values of either sign.
pub(super) fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub(super) fn count(out: &mut Vec<u8>, count: usize) {
    number(out, count as u64);
}

pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    count(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Values of a column, the same few bytes each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Width {
    One = 1,
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    /// The smallest width for numbers up to `most`.
    pub(super) fn of(most: u64) -> Self {
        match most {
            0..=0xFF => Self::One,
            0x100..=0xFFFF => Self::Two,
            0x1_0000..=0xFFFF_FFFF => Self::Four,
            _ => Self::Eight,
        }
    }

    pub(super) fn read(byte: u8) -> Option<Self> {
        [Self::One, Self::Two, Self::Four, Self::Eight].into_iter().find(|width| *width as u8 == byte)
    }

    /// The largest number.
    pub(super) fn most(self) -> u64 {
        u64::MAX >> (64 - 8 * self as u32)
    }
}

/// Writes the width and the lowest bytes of each value.
pub(super) fn column(out: &mut Vec<u8>, width: Width, values: impl ExactSizeIterator<Item = u64>) {
    out.push(width as u8);
    match width {
        Width::One => out.extend(values.map(|value| value as u8)),
        Width::Two => fill(out, values, |value| (value as u16).to_le_bytes()),
        Width::Four => fill(out, values, |value| (value as u32).to_le_bytes()),
        Width::Eight => fill(out, values, u64::to_le_bytes),
    }
}

fn fill<const N: usize>(
    out: &mut Vec<u8>,
    values: impl ExactSizeIterator<Item = u64>,
    bytes_of: impl Fn(u64) -> [u8; N],
) {
    let start = out.len();
    out.resize(start + values.len() * N, 0);
    for (place, value) in out[start..].chunks_exact_mut(N).zip(values) {
        place.copy_from_slice(&bytes_of(value));
    }
}
