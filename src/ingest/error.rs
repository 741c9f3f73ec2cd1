//! Errors of an input, and their messages.

use std::{fmt, io};

use serde::Serialize;
use thiserror::Error;

/// Bytes of a rejected value that a message shows.
const VALUE_SHOWN_BYTES: usize = 80;

/// A row that cannot be read. Reading continues with the next row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowError {
    /// The input's name, usually a path.
    pub source: String,
    /// The line in a text, counted from 1 (the header is line 1); the row in a table, counted from 1.
    pub line: u64,
    /// The column as the input names it; empty if the error concerns the whole row.
    pub column: String,
    /// The value found, shortened.
    pub value: String,
    /// What was expected.
    pub reason: String,
}

impl fmt::Display for RowError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: ", self.source, self.line)?;
        if !self.column.is_empty() {
            write!(out, "column {}: ", self.column)?;
        }
        if !self.value.is_empty() {
            write!(out, "{:?}: ", self.value)?;
        }
        out.write_str(&self.reason)
    }
}

/// Shortens a text for a message, at a character boundary.
pub(crate) fn shorten(text: &str) -> String {
    if text.len() <= VALUE_SHOWN_BYTES {
        return text.to_owned();
    }
    let mut end = VALUE_SHOWN_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}... ({} bytes)", &text[..end], text.len())
}

/// Why reading of an input stopped.
#[derive(Debug, Error)]
pub enum IngestError {
    #[error("{source_name}: {error}")]
    Io { source_name: String, error: io::Error },
    #[error("{source_name}: {reason}")]
    Malformed { source_name: String, reason: String },
    #[error(
        "{source_name}: expands to more than {expanded} bytes from {read} compressed ones; rejected as a decompression bomb"
    )]
    Bomb { source_name: String, read: u64, expanded: u64 },
    /// A part of the input is larger than its limit.
    #[error("{source_name}: {found} {what}, at most {most} are accepted")]
    TooLarge { source_name: String, what: &'static str, found: u64, most: u64 },
    /// The same, found during decompression.
    #[error("{source_name}: {reason}")]
    Expands { source_name: String, reason: String },
    /// Other inputs that are read at the same time use the memory that this one needs.
    #[error(
        "{source_name}: reading it takes {bytes} bytes of memory, and other tables leave {free} of {most}: try again in a moment"
    )]
    Busy { source_name: String, bytes: u64, free: u64, most: u64 },
    #[error("{source_name}: {reason}")]
    Columns { source_name: String, reason: String },
    #[error("stopped at the first invalid row: {0}")]
    Rejected(Box<RowError>),
    #[error("cannot write a rejected row: {0}")]
    Sink(io::Error),
}

/// Errors of a mapping file, all of them, in order of their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingError {
    pub mistakes: Vec<Mistake>,
}

/// One error of a mapping file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.file, self.line, self.message)
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.mistakes.iter().enumerate() {
            if index > 0 {
                out.write_str("\n")?;
            }
            mistake.fmt(out)?;
        }
        Ok(())
    }
}

impl std::error::Error for MappingError {}
