//! The machine's clock, for what concerns the edge only: whether a token has expired, when its file was looked at last.
//!
//! What the engine is told comes from the service's clock, which may run faster.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970 (UTC).
#[expect(clippy::disallowed_methods, reason = "whether a token has expired is a question to the machine's clock")]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
