//! Parquet files of our own: written with a checksum, verified, read by type.

pub(crate) mod checksum;
pub(crate) mod reader;
pub(crate) mod writer;
