//! Why an engine cannot be restored.

use thiserror::Error;

/// Why an engine cannot be restored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RestoreError {
    #[error("there is no policy for the restored engine")]
    NoPolicy,
    #[error("policy {number} makes {versions} versions of {priorities} priorities, more than an engine allows")]
    TooManyVersions { number: usize, versions: usize, priorities: usize },
    #[error("{what} is {value}, expected {expected}")]
    Head { what: &'static str, value: String, expected: String },
    #[error("{what} number {place} is {value:?}, expected {expected}")]
    Word { what: &'static str, place: usize, value: String, expected: String },
    #[error("shard {shard}, table {table}: column {column} has {rows} rows, expected {expected}")]
    Rows { shard: u16, table: &'static str, column: &'static str, rows: usize, expected: usize },
    #[error("shard {shard}, table {table}, row {row}: {column} is {value}, expected {expected}")]
    Value { shard: u16, table: &'static str, row: usize, column: &'static str, value: String, expected: String },
    #[error("shard {shard} appears {times} times, expected once")]
    Shard { shard: u16, times: usize },
}
