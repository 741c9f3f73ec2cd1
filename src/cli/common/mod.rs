//! What commands share: the HTTP client, input files, units, the rejects file, shutdown.

pub(crate) mod client;
pub(crate) mod files;
pub(crate) mod print;
pub(crate) mod rejects;
pub(crate) mod shutdown;
pub(crate) mod units;
