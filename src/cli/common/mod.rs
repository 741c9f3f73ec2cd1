//! What commands share: the HTTP client, input files, units, the rejects file, shutdown.

pub(crate) mod client;
pub(crate) mod rejects;
pub(crate) mod shutdown;
pub(crate) mod units;
