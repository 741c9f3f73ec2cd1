//! Errors of encoding and decoding groups.

use crate::limits::MAX_GROUP_INPUTS;

/// Why bytes are not a group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of a group: {field}: {what}")]
pub struct DecodeError {
    pub at: usize,
    pub field: &'static str,
    pub what: String,
}

/// Why a group cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    #[error("a group of {inputs} inputs, expected at most {MAX_GROUP_INPUTS}")]
    Inputs { inputs: usize },
    /// An inconsistent batch: too many rows, or columns of different lengths.
    #[error("input {input} of the group: {what}")]
    Batch { input: usize, what: String },
}
