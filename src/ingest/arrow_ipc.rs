//! Arrow IPC, message by message.
//!
//! A file is a stream between two marks, so both are read as streams, from the front. The lengths that a message claims are
//! checked before anything is made of them: the readers of the Arrow library believe them.

use std::io::Read;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::{self, root_as_message};

use super::error::IngestError;
use super::source::told;
use crate::limits::{MAX_TABLE_BATCH_BYTES, MAX_TABLE_HEADER_BYTES};

const CONTINUATION: [u8; 4] = [0xff; 4];

/// Bytes before the first message of a file: its mark, padded to the alignment that it was written with.
const FILE_HEAD_BYTES: usize = 256;

pub(super) struct Messages {
    name: String,
    reader: Box<dyn Read + Send>,
    decoder: StreamDecoder,
    started: bool,
    /// Whether this is a file, which ends with a mark; a stream may just end.
    is_file: bool,
}

impl Messages {
    pub fn new(name: &str, reader: Box<dyn Read + Send>) -> Self {
        Self { name: name.to_owned(), reader, decoder: StreamDecoder::new(), started: false, is_file: false }
    }

    /// The next record batch; `None` at the end.
    pub fn next(&mut self) -> Result<Option<RecordBatch>, IngestError> {
        loop {
            let Some(message) = self.message()? else {
                return match self.decoder.schema() {
                    Some(_) => Ok(None),
                    None => Err(self.malformed("it ends before its schema")),
                };
            };
            let mut buffer = Buffer::from(message);
            // A message is whole: the decoder takes all of it and gives at most one batch.
            while !buffer.is_empty() {
                let decoded = self.decoder.decode(&mut buffer).map_err(|error| self.malformed(&error.to_string()))?;
                if let Some(batch) = decoded {
                    return Ok(Some(batch));
                }
            }
        }
    }

    fn malformed(&self, reason: &str) -> IngestError {
        let reason = format!("is no sound Arrow IPC input: {reason}");
        IngestError::Malformed { source_name: self.name.clone(), reason }
    }

    /// The bytes of the next message; `None` at the end of the stream.
    fn message(&mut self) -> Result<Option<Vec<u8>>, IngestError> {
        let mut bytes = Vec::new();
        self.extend(&mut bytes, 4)?;
        if !self.started {
            self.started = true;
            if bytes == *b"ARRO" {
                self.is_file = true;
                // What is left of the mark, and zeros up to the file's alignment.
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
        if u64::from(length) > MAX_TABLE_HEADER_BYTES {
            let reason =
                format!("a message claims {length} bytes of description, expected at most {MAX_TABLE_HEADER_BYTES}");
            return Err(self.malformed(&reason));
        }
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
        self.check_unpacked(&whole[8..], length as usize)?;
        Ok(Some(whole))
    }

    /// Adds up to `count` bytes of the input.
    fn extend(&mut self, bytes: &mut Vec<u8>, count: u64) -> Result<(), IngestError> {
        self.reader.by_ref().take(count).read_to_end(bytes).map_err(|error| told(&self.name, error))?;
        Ok(())
    }

    /// The length of a message's body as its description claims it.
    fn body_bytes(&self, description: &[u8]) -> Result<u64, IngestError> {
        let message = root_as_message(description).map_err(|error| self.malformed(&error.to_string()))?;
        match u64::try_from(message.bodyLength()) {
            Ok(length) if length <= MAX_TABLE_BATCH_BYTES => Ok(length),
            _ => {
                let claimed = message.bodyLength();
                let reason = format!(
                    "a message claims {claimed} bytes, expected at most {MAX_TABLE_BATCH_BYTES}; write smaller batches"
                );
                Err(self.malformed(&reason))
            }
        }
    }

    /// Checks what the compressed buffers of a batch claim to hold.
    fn check_unpacked(&self, message: &[u8], description_bytes: usize) -> Result<(), IngestError> {
        let (description, body) = message.split_at(description_bytes);
        let message = root_as_message(description).map_err(|error| self.malformed(&error.to_string()))?;
        let batch = match message.header_type() {
            ipc::MessageHeader::RecordBatch => message.header_as_record_batch(),
            ipc::MessageHeader::DictionaryBatch => message.header_as_dictionary_batch().and_then(|batch| batch.data()),
            _ => None,
        };
        let Some(batch) = batch else { return Ok(()) };
        // Rows of a column of nothing but nulls take no bytes at all.
        let claimed_rows = u64::try_from(batch.length()).unwrap_or(u64::MAX);
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
        if claimed_rows > MAX_TABLE_BATCH_BYTES || unpacked > MAX_TABLE_BATCH_BYTES {
            let reason = format!(
                "a batch claims {claimed_rows} rows and {unpacked} bytes unpacked, expected at most {MAX_TABLE_BATCH_BYTES} of each"
            );
            return Err(self.malformed(&reason));
        }
        Ok(())
    }
}
