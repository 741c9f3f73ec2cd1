//! The tokens of a data folder.

/// The tokens, re-read when their file changes.
#[derive(Debug)]
pub struct TokenBook {}
