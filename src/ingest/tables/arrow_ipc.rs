//! Arrow IPC, message by message.
//!
//! A file is a stream between two magic marks, so both are read as streams, from the beginning. The lengths that a message
//! claims are checked before the Arrow library sees them: its readers trust them.

use std::io::Read;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::root_as_message;

use super::memory::{Share, TableBounds, within};
use crate::ingest::error::IngestError;
use crate::ingest::maps::Map;
use crate::ingest::source::reported;
use crate::limits::MAX_TABLE_HEADER_BYTES;

/// Bytes of a value in a column type that is read: a view of a text.
const VALUE_BYTES: u64 = 16;

const BATCH_BYTES: &str = "bytes of a record batch in memory (write smaller batches)";

const CONTINUATION: [u8; 4] = [0xff; 4];

/// Bytes before the first message of a file: its magic mark, padded to the file's alignment.
const FILE_HEAD_BYTES: usize = 256;

pub(crate) struct Messages {
    name: String,
    reader: Box<dyn Read + Send>,
    decoder: StreamDecoder,
    started: bool,
    /// Whether this is a file, which ends with a magic mark; a stream may just end.
    is_file: bool,
    bounds: TableBounds,
    read_bytes: u64,
    dictionaries: Dictionaries,
}

/// The dictionaries that the decoder keeps.
#[derive(Default)]
struct Dictionaries {
    /// Bytes of each, by its id.
    bytes: Map<i64, u64>,
    share: Option<Share>,
    /// Bytes copied to build them: a growing dictionary is copied each time.
    copied: u64,
}

/// Effect of a message on the decoder.
#[derive(Debug, Clone, Copy, Default)]
struct Content {
    /// Bytes in memory, including those of the message.
    bytes: u64,
    /// The id of its dictionary, and whether it extends the existing one.
    dictionary: Option<(i64, bool)>,
}

impl Messages {
    pub(crate) fn new(name: &str, reader: Box<dyn Read + Send>, bounds: TableBounds) -> Self {
        Self {
            name: name.to_owned(),
            reader,
            decoder: StreamDecoder::new(),
            started: false,
            is_file: false,
            bounds,
            read_bytes: 0,
            dictionaries: Dictionaries::default(),
        }
    }

    /// The next record batch, and its share of the budget; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<(RecordBatch, Share)>, IngestError> {
        loop {
            let Some((message, content)) = self.message()? else {
                return match self.decoder.schema() {
                    Some(_) => Ok(None),
                    None => Err(self.malformed("it ends before its schema")),
                };
            };
            let share = self.bounds.take(&self.name, content.bytes)?;
            if let Some((id, is_more)) = content.dictionary {
                self.keep_dictionary(id, is_more, content.bytes)?;
            }
            let mut buffer = Buffer::from(message);
            // The message is complete: the decoder consumes all of it and returns at most one batch.
            while !buffer.is_empty() {
                let decoded = self.decoder.decode(&mut buffer).map_err(|error| self.malformed(&error.to_string()))?;
                if let Some(batch) = decoded {
                    return Ok(Some((batch, share)));
                }
            }
        }
    }

    fn keep_dictionary(&mut self, id: i64, is_more: bool, bytes: u64) -> Result<(), IngestError> {
        let kept = self.dictionaries.bytes.entry(id).or_default();
        *kept = if is_more { kept.saturating_add(bytes) } else { bytes };
        self.dictionaries.copied = self.dictionaries.copied.saturating_add(*kept);
        let all = self.dictionaries.bytes.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes));
        within(&self.name, "bytes of dictionaries", all, self.bounds.dictionary_bytes)?;
        let copies = crate::ingest::options::expansion_of(self.read_bytes);
        within(&self.name, "bytes of dictionaries, copied as they grow", self.dictionaries.copied, copies)?;
        // The share of the previous batch is released first.
        self.dictionaries.share = None;
        self.dictionaries.share = Some(self.bounds.take(&self.name, all)?);
        Ok(())
    }

    fn malformed(&self, reason: &str) -> IngestError {
        let reason = format!("is not a valid Arrow IPC input: {reason}");
        IngestError::Malformed { source_name: self.name.clone(), reason }
    }

    /// The bytes of the next message; `None` at the end of the stream.
    fn message(&mut self) -> Result<Option<(Vec<u8>, Content)>, IngestError> {
        let mut bytes = Vec::new();
        self.extend(&mut bytes, 4)?;
        if !self.started {
            self.started = true;
            if bytes == *b"ARRO" {
                self.is_file = true;
                // The rest of the magic mark, and zeros up to the file's alignment.
                for _ in 0..FILE_HEAD_BYTES / 4 {
                    bytes.clear();
                    self.extend(&mut bytes, 4)?;
                    if bytes == CONTINUATION || bytes.is_empty() {
                        break;
                    }
                }
            }
        }
        if bytes.is_empty() && self.is_file {
            return Err(self.malformed("it ends before its end mark"));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes == CONTINUATION {
            bytes.clear();
            self.extend(&mut bytes, 4)?;
        }
        let Ok(length) = <[u8; 4]>::try_from(bytes.as_slice()).map(u32::from_le_bytes) else {
            return Err(self.malformed("it ends inside of a message"));
        };
        if length == 0 {
            return Ok(None);
        }
        within(&self.name, "bytes of description of a message", u64::from(length), MAX_TABLE_HEADER_BYTES)?;
        let mut whole = [CONTINUATION, length.to_le_bytes()].concat();
        self.extend(&mut whole, u64::from(length))?;
        if whole.len() != 8 + length as usize {
            return Err(self.malformed("it ends inside of a message"));
        }
        let body = self.body_bytes(&whole[8..])?;
        self.extend(&mut whole, body)?;
        if whole.len() as u64 != 8 + u64::from(length) + body {
            return Err(self.malformed("it ends inside of a message"));
        }
        self.read_bytes = self.read_bytes.saturating_add(whole.len() as u64);
        let content = self.content(&whole[8..], length as usize)?;
        Ok(Some((whole, content)))
    }

    /// Adds up to `count` bytes of the input.
    fn extend(&mut self, bytes: &mut Vec<u8>, count: u64) -> Result<(), IngestError> {
        self.reader.by_ref().take(count).read_to_end(bytes).map_err(|error| reported(&self.name, error))?;
        Ok(())
    }

    /// The length of a message's body as its metadata claims it.
    fn body_bytes(&self, description: &[u8]) -> Result<u64, IngestError> {
        let message = root_as_message(description).map_err(|error| self.malformed(&error.to_string()))?;
        match u64::try_from(message.bodyLength()) {
            Ok(length) => within(&self.name, BATCH_BYTES, length, self.bounds.batch_bytes).map(|()| length),
            Err(_) => Err(self.malformed(&format!("a message claims {} bytes", message.bodyLength()))),
        }
    }

    /// Memory of a decoded message: what its compressed buffers claim (the decoder allocates no more for them), and one value for
    /// each column of each row. Rows of a column of only nulls take no bytes in the message.
    fn content(&self, message: &[u8], description_bytes: usize) -> Result<Content, IngestError> {
        let (description, body) = message.split_at(description_bytes);
        let header = root_as_message(description).map_err(|error| self.malformed(&error.to_string()))?;
        let dictionary = header.header_as_dictionary_batch();
        let batch = match dictionary {
            Some(dictionary) => dictionary.data(),
            None => header.header_as_record_batch(),
        };
        let Some(batch) = batch else { return Ok(Content { bytes: message.len() as u64, dictionary: None }) };
        let mut unpacked = 0u64;
        if batch.compression().is_some() {
            for buffer in batch.buffers().into_iter().flatten() {
                let start = usize::try_from(buffer.offset()).unwrap_or(usize::MAX);
                let claimed = body
                    .get(start..)
                    .and_then(|bytes| bytes.first_chunk::<8>())
                    .map(|bytes| i64::from_le_bytes(*bytes));
                if buffer.length() >= 8 {
                    unpacked = unpacked.saturating_add(u64::try_from(claimed.unwrap_or(0)).unwrap_or(0));
                }
            }
        }
        let expansion = crate::ingest::options::expansion_of(body.len() as u64);
        within(&self.name, "bytes of a batch, unpacked, for its length", unpacked, expansion)?;
        let rows = u64::try_from(batch.length()).unwrap_or(u64::MAX);
        let columns = batch.nodes().map_or(0, |nodes| nodes.len() as u64);
        let values = rows.saturating_mul(columns.max(1)).saturating_mul(VALUE_BYTES);
        let bytes = (message.len() as u64).saturating_add(unpacked).saturating_add(values);
        within(&self.name, BATCH_BYTES, bytes, self.bounds.batch_bytes)?;
        let dictionary = dictionary.map(|dictionary| (dictionary.id(), dictionary.isDelta()));
        Ok(Content { bytes, dictionary })
    }
}
