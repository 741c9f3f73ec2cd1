//! Inputs: the source of their bytes, their compression and their format.
//!
//! An input is detected by its first bytes; its name only distinguishes text formats. zstd and gzip are decompressed as the
//! bytes arrive, and the output is compared with the bytes read: an input that expands beyond [`MAX_EXPANSION`] (and
//! [`EXPANSION_ALLOWANCE_BYTES`]) is rejected before it uses much memory.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::IngestError;
use crate::file_kind;
use crate::limits::{EXPANSION_ALLOWANCE_BYTES, MAX_EXPANSION};

/// Bytes examined to detect an input.
const HEAD_BYTES: u64 = 4_096;

/// Nested compressions that are unpacked.
const MAX_LAYERS: usize = 3;

/// The largest zstd window accepted, as a power of two: 128 MiB, what `zstd --long` writes.
const ZSTD_WINDOW_LOG: u32 = 27;

/// A format of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One JSON object per line.
    Ndjson,
    /// A JSON array of objects, or an object that contains one.
    Json,
    Csv,
    Parquet,
    /// Arrow IPC, file or stream.
    Arrow,
}

/// An input to read.
pub struct Source {
    pub(crate) name: String,
    bytes: Bytes,
}

enum Bytes {
    File(PathBuf),
    Stream(Box<dyn Read + Send>),
}

impl Source {
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), bytes: Bytes::File(path) }
    }

    /// Any reader; its name is used in messages, and its extension gives the format if the bytes do not.
    pub fn stream(name: impl Into<String>, stream: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), bytes: Bytes::Stream(Box::new(stream)) }
    }
}

/// An opened input, decompressed, with its format.
pub(crate) struct Opened {
    pub format: Format,
    pub reader: Box<dyn Read + Send>,
    /// The file itself, if it is not compressed: tables may then be read out of order.
    pub file: Option<File>,
}

/// Opens an input. `read_bytes` counts the bytes read of it, as stored.
/// `wrapped` means that rows are expected inside an object.
pub(crate) fn open(
    source: Source,
    wanted: Option<Format>,
    wrapped: bool,
    read_bytes: &Arc<AtomicU64>,
) -> Result<Opened, IngestError> {
    let name = source.name;
    let failed = |error| IngestError::Io { source_name: name.clone(), error };
    let (stream, file): (Box<dyn Read + Send>, _) = match source.bytes {
        Bytes::File(path) => {
            let file = File::open(path).map_err(failed)?;
            let second = file.try_clone().map_err(failed)?;
            let is_file = file.metadata().map_err(failed)?.is_file();
            (Box::new(file), is_file.then_some(second))
        }
        Bytes::Stream(stream) => (stream, None),
    };
    let own_bytes = Arc::new(AtomicU64::new(0));
    let counted = Counted { inner: stream, counts: [Arc::clone(&own_bytes), Arc::clone(read_bytes)] };
    let mut reader: Box<dyn Read + Send> = Box::new(counted);
    let mut layers = 0;
    loop {
        let (head, whole) = peek(reader).map_err(|error| reported(&name, error))?;
        reader = whole;
        let unpacked: Box<dyn Read + Send> = match head.as_slice() {
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                let mut decoder = zstd::stream::read::Decoder::new(reader).map_err(failed)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG).map_err(failed)?;
                Box::new(decoder)
            }
            [0x1f, 0x8b, ..] => {
                Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, reader)))
            }
            _ => {
                let format = detect(&name, &head, wanted, wrapped)
                    .map_err(|reason| IngestError::Malformed { source_name: name.clone(), reason })?;
                return Ok(Opened { format, reader, file: file.filter(|_| layers == 0) });
            }
        };
        layers += 1;
        if layers > MAX_LAYERS {
            let reason = format!("is compressed more than {MAX_LAYERS} times over");
            return Err(IngestError::Malformed { source_name: name, reason });
        }
        reader = Box::new(Capped { inner: unpacked, read: Arc::clone(&own_bytes), expanded: 0 });
    }
}

/// The first bytes of a stream, and the stream including them.
fn peek(mut reader: Box<dyn Read + Send>) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    let whole = Box::new(Cursor::new(head.clone()).chain(reader));
    Ok((head, whole))
}

/// The format of an input, by its first bytes and its name.
fn detect(name: &str, head: &[u8], wanted: Option<Format>, wrapped: bool) -> Result<Format, String> {
    if head.starts_with(b"PAR1") {
        return Ok(Format::Parquet);
    }
    if head.starts_with(b"ARROW1") || head.starts_with(&[0xff; 4]) {
        return Ok(Format::Arrow);
    }
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16 text, expected UTF-8".to_owned());
    }
    if let Some(kind) = file_kind::foreign(head) {
        return Err(format!("is {kind}, expected NDJSON, JSON, CSV, Parquet or Arrow"));
    }
    let named = wanted.or_else(|| by_name(name));
    if head.is_empty() {
        return Ok(named.unwrap_or(Format::Ndjson));
    }
    match named {
        Some(Format::Parquet) => return Err("is not a Parquet file: it does not begin with PAR1".to_owned()),
        Some(Format::Arrow) => return Err("is not an Arrow IPC file or stream: its first bytes differ".to_owned()),
        _ if head.contains(&0) => return Err("is binary, expected NDJSON, JSON, CSV, Parquet or Arrow".to_owned()),
        _ => {}
    }
    let text = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if wanted.is_some() || named == Some(Format::Csv) {
        return Ok(named.unwrap_or(Format::Csv));
    }
    match (first, named) {
        (Some(b'['), _) => Ok(Format::Json),
        // Many files named .json have an object per line.
        (Some(b'{'), Some(Format::Json) | None) if !wrapped => Ok(Format::Ndjson),
        (Some(b'{'), None) => Ok(Format::Json),
        (_, Some(named)) => Ok(named),
        (_, None) => Ok(Format::Csv),
    }
}

/// The format of a file extension, below that of the compression.
fn by_name(name: &str) -> Option<Format> {
    let lower = name.to_ascii_lowercase();
    let mut path = Path::new(&lower);
    while matches!(path.extension()?.to_str()?, "zst" | "zstd" | "gz" | "gzip") {
        path = Path::new(path.file_stem()?);
    }
    match path.extension()?.to_str()? {
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        "json" => Some(Format::Json),
        "csv" | "tsv" => Some(Format::Csv),
        "parquet" | "pq" => Some(Format::Parquet),
        "arrow" | "arrows" | "ipc" | "feather" => Some(Format::Arrow),
        _ => None,
    }
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    counts: [Arc<AtomicU64>; 2],
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        for counter in &self.counts {
            counter.fetch_add(count as u64, Ordering::Relaxed);
        }
        Ok(count)
    }
}

/// Stops an input that expands beyond the limit.
struct Capped<R> {
    inner: R,
    read: Arc<AtomicU64>,
    expanded: u64,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.expanded += count as u64;
        let read = self.read.load(Ordering::Relaxed);
        if self.expanded > EXPANSION_ALLOWANCE_BYTES && self.expanded / MAX_EXPANSION > read {
            return Err(io::Error::other(Bomb { read, expanded: self.expanded }));
        }
        Ok(count)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expands to more than {expanded} bytes from {read}")]
struct Bomb {
    read: u64,
    expanded: u64,
}

/// Maps a read error to its cause.
pub(crate) fn reported(source_name: &str, error: io::Error) -> IngestError {
    let source_name = source_name.to_owned();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Bomb>()) {
        Some(Bomb { read, expanded }) => IngestError::Bomb { source_name, read: *read, expanded: *expanded },
        None => IngestError::Io { source_name, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_bytes_first_and_name_second() {
        assert_eq!(detect("a.csv", b"PAR1....", None, false), Ok(Format::Parquet));
        assert_eq!(detect("-", b"\xff\xff\xff\xff\x10", None, false), Ok(Format::Arrow));
        assert_eq!(detect("a.json.gz", b"\n[{}", None, false), Ok(Format::Json));
        assert_eq!(detect("a.ndjson.zst", b"{\"a\":1}", None, false), Ok(Format::Ndjson));
        assert_eq!(detect("export", b"\xef\xbb\xbfid,at\n", None, false), Ok(Format::Csv));
        assert_eq!(detect("export", b"{}\n", None, false), Ok(Format::Ndjson));
        assert_eq!(detect("a.json", b"{}\n", None, false), Ok(Format::Ndjson));
        assert_eq!(detect("a.json", b"{}\n", None, true), Ok(Format::Json));
        assert_eq!(detect("a.ndjson", b"{}\n", None, true), Ok(Format::Ndjson));
        assert_eq!(detect("a.json", b"[1]", Some(Format::Csv), false), Ok(Format::Csv));
        assert!(detect("a.csv", b"ab\0c", None, false).is_err_and(|reason| reason.contains("binary")));
        assert!(detect("a.parquet", b"id,at", None, false).is_err());
        assert!(detect("a.csv", b"\xff\xfei\0", None, false).is_err_and(|reason| reason.contains("UTF-16")));
    }
}
