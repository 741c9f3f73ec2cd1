//! Pages of Parquet columns, with limits on their expansion.
//!
//! The Parquet library allocates what a page's header claims, does not stop some codecs at that size, and joins the prefixes
//! of `DELTA_BYTE_ARRAY` however long the texts become. So the headers of a row group's pages are read ahead ([`scan`]), and
//! every decompressed page passes through [`BoundedPages`] before it is decoded.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{ChunkReader, SerializedPageReader};

use super::memory::{TableBounds, within};
use super::thrift::{PageHeader, ThriftError, page_header};
use crate::ingest::error::IngestError;
use crate::limits::{MAX_LIST_VALUES, MAX_PAGE_HEADER_BYTES};

/// Bytes of a header that are read first; most headers are shorter.
const HEADER_GUESS_BYTES: u64 = 512;

/// The maximum expansion of DEFLATE, in bytes per byte.
const MOST_OF_DEFLATE: u64 = 1_032;

/// Memory of the projected columns of a row group.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scanned {
    /// All pages, decompressed.
    pub bytes: u64,
    /// The sum over the columns of the largest page and the dictionary.
    pub open_bytes: u64,
    /// The fixed-length values of one row.
    pub row_bytes: u64,
}

/// Reads the headers of all pages of some columns, and compares their claims with the limits.
///
/// # Errors
/// [`IngestError`] for headers that cannot be read, and claims beyond the limits.
pub(crate) fn scan<R: ChunkReader>(
    name: &str,
    file: &R,
    group: &RowGroupMetaData,
    leaves: &[usize],
    bounds: &TableBounds,
) -> Result<Scanned, IngestError> {
    let mut scanned = Scanned::default();
    for column in leaves.iter().filter_map(|&leaf| group.columns().get(leaf)) {
        let found = scan_column(name, file, column, bounds)?;
        scanned.bytes = scanned.bytes.saturating_add(found.bytes);
        scanned.open_bytes = scanned.open_bytes.saturating_add(found.open_bytes);
        scanned.row_bytes = scanned.row_bytes.saturating_add(found.row_bytes);
    }
    within(name, "bytes of the pages that lie open at the same time", scanned.open_bytes, bounds.read_bytes)?;
    Ok(scanned)
}

fn scan_column<R: ChunkReader>(
    name: &str,
    file: &R,
    column: &ColumnChunkMetaData,
    bounds: &TableBounds,
) -> Result<Scanned, IngestError> {
    let malformed = |reason: String| IngestError::Malformed {
        source_name: name.to_owned(),
        reason: format!("is not a valid Parquet file: column {}: {reason}", column.column_path().string()),
    };
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(column.compressed_size())) else {
        return Err(malformed("its place in the file is negative".to_owned()));
    };
    let end = start.saturating_add(length);
    if end > file.len() {
        return Err(malformed(format!("ends at byte {end} of {}", file.len())));
    }
    let mut scanned = Scanned { row_bytes: fixed_bytes(column), ..Scanned::default() };
    let (mut at, mut values, mut largest, mut dictionary) = (start, 0_u64, 0, 0);
    while at < end {
        let header = read_header(file, at, end).map_err(|error| malformed(format!("page at byte {at}: {error}")))?;
        let PageHeader { header_bytes, unpacked_bytes, packed_bytes, .. } = header;
        let next = at.saturating_add(header_bytes).saturating_add(packed_bytes);
        if next > end {
            return Err(malformed(format!("the page at byte {at} ends at byte {next}, beyond its column")));
        }
        within(name, "bytes of a page, unpacked", unpacked_bytes, bounds.page_bytes)?;
        let claimed = unpacked_bytes.max(1);
        // This codec does not stop at the size that the header claims, so its actual output is counted.
        let is_gzip = matches!(column.compression(), Compression::GZIP(_));
        if is_gzip && packed_bytes.saturating_mul(MOST_OF_DEFLATE) > bounds.page_bytes {
            check_gzip(file, at + header_bytes, packed_bytes, claimed)
                .map_err(|error| malformed(format!("page at byte {at}: {error}")))?;
        }
        scanned.bytes = scanned.bytes.saturating_add(unpacked_bytes);
        if header.is_dictionary {
            dictionary = unpacked_bytes.max(dictionary);
        } else {
            largest = unpacked_bytes.max(largest);
            values = values.saturating_add(header.values);
        }
        at = next;
    }
    if column.column_descr().max_rep_level() > 0 {
        within(name, "values of a column of lists in a row group", values, MAX_LIST_VALUES)?;
    }
    scanned.open_bytes = largest.saturating_add(dictionary);
    Ok(scanned)
}

/// Bytes of a fixed-length value, which is copied for each row.
fn fixed_bytes(column: &ColumnChunkMetaData) -> u64 {
    match column.column_type() {
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.column_descr().type_length()).unwrap_or(0),
        _ => 16,
    }
}

fn read_header<R: ChunkReader>(file: &R, at: u64, end: u64) -> Result<PageHeader, String> {
    let mut length = HEADER_GUESS_BYTES;
    loop {
        let there = length.min(end - at);
        let bytes = file.get_bytes(at, there as usize).map_err(|error| error.to_string())?;
        match page_header(&bytes) {
            Ok(header) => return Ok(header),
            Err(ThriftError::Short) if there == length && length < MAX_PAGE_HEADER_BYTES => {
                length = (length * 8).min(MAX_PAGE_HEADER_BYTES);
            }
            Err(error) => return Err(format!("its header cannot be read: {error}")),
        }
    }
}

/// Decompresses a gzip page to count its output: up to one byte more than it claims.
fn check_gzip<R: ChunkReader>(file: &R, at: u64, packed_bytes: u64, claimed: u64) -> Result<(), String> {
    let packed = file.get_bytes(at, packed_bytes as usize).map_err(|error| error.to_string())?;
    let decoder = flate2::read::MultiGzDecoder::new(packed.as_ref());
    let count =
        std::io::copy(&mut decoder.take(claimed + 1), &mut std::io::sink()).map_err(|error| error.to_string())?;
    if count > claimed { Err(format!("it unpacks to more than the {claimed} bytes that it claims")) } else { Ok(()) }
}

/// One row group, with limits on its pages.
pub(crate) struct BoundedGroup<'m, R> {
    pub file: Arc<R>,
    pub metadata: &'m ParquetMetaData,
    pub group: usize,
    pub watch: PageWatch,
}

/// Counts the bytes of the pages that were decompressed since the last read of rows.
#[derive(Debug, Clone)]
pub(crate) struct PageWatch {
    pub unpacked: Arc<AtomicU64>,
    pub page_bytes: u64,
    pub read_bytes: u64,
}

impl<R: ChunkReader + 'static> RowGroups for BoundedGroup<'_, R> {
    fn num_rows(&self) -> usize {
        usize::try_from(self.metadata.row_group(self.group).num_rows()).unwrap_or(0)
    }

    fn column_chunks(&self, column: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let chunk = self.metadata.row_group(self.group).column(column);
        // An LZ4 variant other than the format's own would exceed the size that a page claims.
        let properties = Arc::new(ReaderProperties::builder().set_backward_compatible_lz4(false).build());
        let file = Arc::clone(&self.file);
        let pages = SerializedPageReader::new_with_properties(file, chunk, self.num_rows(), None, properties)?;
        let descriptor = chunk.column_descr();
        let levels = [descriptor.max_rep_level() > 0, descriptor.max_def_level() > 0];
        let pages: Box<dyn PageReader> = Box::new(BoundedPages { pages, levels, watch: self.watch.clone() });
        Ok(Box::new(OneChunk(Some(Ok(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::once(self.metadata.row_group(self.group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        self.metadata
    }
}

struct OneChunk(Option<ParquetResult<Box<dyn PageReader>>>);

impl Iterator for OneChunk {
    type Item = ParquetResult<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}

impl PageIterator for OneChunk {}

struct BoundedPages<R: ChunkReader> {
    pages: SerializedPageReader<R>,
    /// Whether pages have repetition and definition levels.
    levels: [bool; 2],
    watch: PageWatch,
}

impl<R: ChunkReader> BoundedPages<R> {
    fn check(&self, page: &Page) -> ParquetResult<()> {
        let mut bytes = page.buffer().len() as u64;
        if matches!(page.encoding(), Encoding::DELTA_BYTE_ARRAY | Encoding::DELTA_LENGTH_BYTE_ARRAY) {
            bytes = bytes.max(self.text_bytes(page)?);
        }
        if bytes > self.watch.page_bytes {
            return Err(too_large("a page's texts", bytes, self.watch.page_bytes));
        }
        let held = self.watch.unpacked.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held > self.watch.read_bytes {
            return Err(too_large("the pages of one read of rows", held, self.watch.read_bytes));
        }
        Ok(())
    }

    /// Bytes of a page's texts once their prefixes are joined.
    fn text_bytes(&self, page: &Page) -> ParquetResult<u64> {
        let buffer = page.buffer();
        let levels = match page {
            Page::DataPageV2 { def_levels_byte_len, rep_levels_byte_len, .. } => {
                (*def_levels_byte_len as usize).saturating_add(*rep_levels_byte_len as usize)
            }
            _ => self
                .levels
                .iter()
                .filter(|has| **has)
                .try_fold(0, |at: usize, _| {
                    let length = buffer.get(at..).and_then(|rest| rest.first_chunk::<4>());
                    length.map(|length| at.saturating_add(4).saturating_add(u32::from_le_bytes(*length) as usize))
                })
                .unwrap_or(usize::MAX),
        };
        let mut rest = buffer.get(levels..).unwrap_or_default();
        let lists = if page.encoding() == Encoding::DELTA_BYTE_ARRAY { 2 } else { 1 };
        let mut sum = 0_u64;
        for _ in 0..lists {
            let lengths = DeltaLengths::read(rest, page.num_values())
                .ok_or_else(|| ParquetError::General("the lengths of a page's texts cannot be read".to_owned()))?;
            sum = sum.saturating_add(lengths.sum);
            rest = &rest[lengths.bytes..];
        }
        Ok(sum)
    }
}

fn too_large(what: &str, found: u64, most: u64) -> ParquetError {
    ParquetError::External(Box::new(TooLarge(format!("{what} take {found} bytes, {} {most}", TooLarge::WORDS))))
}

/// Bytes beyond a limit, as an error that comes back through the library.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TooLarge(pub String);

impl TooLarge {
    /// A constant part of the message, recognised where the library has turned the error into text.
    pub(super) const WORDS: &str = "more than the accepted";
}

impl<R: ChunkReader> Iterator for BoundedPages<R> {
    type Item = ParquetResult<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<R: ChunkReader> PageReader for BoundedPages<R> {
    fn get_next_page(&mut self) -> ParquetResult<Option<Page>> {
        let page = self.pages.get_next_page()?;
        if let Some(page) = &page {
            self.check(page)?;
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> ParquetResult<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> ParquetResult<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> ParquetResult<bool> {
        self.pages.at_record_boundary()
    }
}

/// The sum of a list of lengths in the encoding `DELTA_BINARY_PACKED`.
#[derive(Debug, PartialEq, Eq)]
struct DeltaLengths {
    sum: u64,
    /// Size of the list in bytes.
    bytes: usize,
}

impl DeltaLengths {
    /// `None` for an invalid list, or one with more than `most` lengths.
    fn read(bytes: &[u8], most: u32) -> Option<Self> {
        let mut at = 0;
        let block = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let minis = usize::try_from(varint(bytes, &mut at)?).ok()?;
        let count = varint(bytes, &mut at)?;
        let mut value = unfold(varint(bytes, &mut at)?);
        if minis == 0 || block % minis != 0 || (block / minis) % 8 != 0 || block > 1 << 20 || count > u64::from(most) {
            return None;
        }
        let a_mini = block / minis;
        let mut sum = if count > 0 { u64::try_from(value).ok()? } else { 0 };
        let mut left = usize::try_from(count).ok()?.saturating_sub(1);
        while left > 0 {
            let least = unfold(varint(bytes, &mut at)?);
            let widths = bytes.get(at..at.checked_add(minis)?)?;
            at += minis;
            for &width in widths {
                if left == 0 {
                    break;
                }
                let packed = bytes.get(at..at.checked_add(a_mini * usize::from(width) / 8)?)?;
                at += packed.len();
                let mut bits = Bits { bytes: packed, buffer: 0, count: 0 };
                for _ in 0..left.min(a_mini) {
                    value = value.wrapping_add(least).wrapping_add(bits.take(u32::from(width))?);
                    // Lengths have 32 bits.
                    sum = sum.saturating_add(u64::try_from(i32::try_from(value).ok()?).ok()?);
                }
                left -= left.min(a_mini);
            }
        }
        Some(Self { sum, bytes: at })
    }
}

fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn unfold(folded: u64) -> i64 {
    (folded >> 1) as i64 ^ -((folded & 1) as i64)
}

/// Numbers of a few bits each, least significant bits first.
struct Bits<'a> {
    bytes: &'a [u8],
    buffer: u128,
    count: u32,
}

impl Bits<'_> {
    fn take(&mut self, width: u32) -> Option<i64> {
        if width > 64 {
            return None;
        }
        while self.count < width {
            let (first, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            self.buffer |= u128::from(*first) << self.count;
            self.count += 8;
        }
        let value = self.buffer & ((1 << width) - 1);
        self.buffer >>= width;
        self.count -= width;
        Some(value as u64 as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_summed_as_the_format_says() {
        // From the specification: 1 to 5, first value 1, deltas of 1, widths 0.
        let bytes = [128, 1, 4, 5, 2, 2, 0, 0, 0, 0, 77];
        assert_eq!(DeltaLengths::read(&bytes, 5), Some(DeltaLengths { sum: 15, bytes: 10 }));
        assert_eq!(DeltaLengths::read(&bytes, 4), None, "more lengths than the page has values");
        // 7 5 3 1 2 3 4 5: minimum delta -2, two bits each.
        let bytes = [128, 1, 4, 8, 14, 3, 2, 0, 0, 0, 192, 63, 0, 0, 0, 0, 0, 0];
        assert_eq!(DeltaLengths::read(&bytes, 8), Some(DeltaLengths { sum: 30, bytes: 18 }));
        for cut in 0..bytes.len() {
            assert_eq!(DeltaLengths::read(&bytes[..cut], 8), None);
        }
        assert_eq!(DeltaLengths::read(&[128, 1, 4, 0, 0], 0), Some(DeltaLengths { sum: 0, bytes: 5 }));
    }
}
