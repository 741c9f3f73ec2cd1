//! Errors of a bulk body as problem documents.

use super::body_reader::BodyError;
use crate::ingest::IngestError;
use crate::server::problem::Problem;
use crate::service::CommandError;
use actix_web::http::StatusCode;

/// Seconds after which a sender should retry when too many bulk bodies are open.
pub(super) const OPEN_RETRY_S: u64 = 2;

/// The problem for an input that cannot be read further.
pub(super) fn problem_of_ingest(error: &IngestError) -> Problem {
    match error {
        IngestError::Io { error, .. } => match BodyError::of(error) {
            Some(body) => problem_of_body(body),
            // Corrupt gzip or zstd, or the disk that a table is spooled to.
            None if error.kind() == std::io::ErrorKind::StorageFull => CommandError::DiskFull.into(),
            None => Problem::bad_request(format!("the body cannot be decompressed: {error}")),
        },
        IngestError::Bomb { .. } | IngestError::TooLarge { .. } | IngestError::Expands { .. } => {
            Problem::too_large(error.to_string())
        }
        IngestError::Busy { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(OPEN_RETRY_S)
        }
        IngestError::Malformed { .. } => Problem::bad_request(error.to_string()),
        IngestError::Columns { .. } | IngestError::Rejected(_) => Problem::invalid(error.to_string()),
        IngestError::Sink(_) => Problem::failed(error.to_string()),
    }
}

fn problem_of_body(error: &BodyError) -> Problem {
    match error {
        BodyError::Gone | BodyError::Broken(_) => Problem::bad_request(error.to_string()),
        BodyError::TooLarge { .. } => Problem::too_large(error.to_string()),
        BodyError::Slow(_) => Problem::new(StatusCode::REQUEST_TIMEOUT, error.to_string()),
    }
}
