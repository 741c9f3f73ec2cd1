//! What can go wrong with the bytes of a group.

use crate::limits::MAX_GROUP_INPUTS;

/// Why bytes are no group.
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
    /// A batch that is not one: of too many rows, or with columns that do not fit together.
    #[error("input {input} of the group: {what}")]
    Batch { input: usize, what: String },
}
