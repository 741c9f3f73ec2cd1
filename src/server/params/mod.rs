//! Checks request parameters against the limits that the OpenAPI description states.

pub(crate) mod timestamp;

use super::problem::{ApiResult, FieldError, Problem};
use crate::limits::{MAX_FILTER_CHARS, MAX_LEVELS, MAX_NOTE_CHARS, MAX_PAGE_ROWS};
use crate::store::record::EscalationFilter;
use actix_web::http::StatusCode;
use actix_web::web;

/// The largest integer that every JSON reader represents exactly: 2^53 - 1.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// The requested page length in rows.
///
/// # Errors
/// 400 outside 1 to [`MAX_PAGE_ROWS`].
pub(crate) fn page_rows(limit: Option<usize>, default: usize) -> ApiResult<usize> {
    match limit {
        None => Ok(default),
        Some(limit) if (1..=MAX_PAGE_ROWS).contains(&limit) => Ok(limit),
        Some(limit) => Err(rejected("limit", format!("limit is {limit}, expected 1 to {MAX_PAGE_ROWS}"))),
    }
}

/// Checks the labels that a list is filtered by.
///
/// # Errors
/// 400 for a label with more than [`MAX_FILTER_CHARS`] characters.
pub(crate) fn labels(labels: &[(&str, &Option<String>)]) -> ApiResult<()> {
    for (name, label) in labels {
        let is_long = |label: &String| label.len() > MAX_FILTER_CHARS && label.chars().count() > MAX_FILTER_CHARS;
        if label.as_ref().is_some_and(is_long) {
            return Err(rejected(name, format!("{name} has more than {MAX_FILTER_CHARS} characters")));
        }
    }
    Ok(())
}

/// Checks the labels and the level of a filter.
///
/// # Errors
/// 400 for a label with more than [`MAX_FILTER_CHARS`] characters, or a level above [`MAX_LEVELS`].
pub(crate) fn checked(filter: EscalationFilter) -> ApiResult<EscalationFilter> {
    labels(&[("ticket", &filter.ticket), ("clock", &filter.clock)])?;
    filter.labels.iter().try_for_each(|(label, wanted)| labels(&[(label.name(), wanted)]))?;
    match filter.level {
        Some(level) if usize::from(level) > MAX_LEVELS => {
            Err(rejected("level", format!("level is {level}, expected 0 to {MAX_LEVELS}")))
        }
        _ => Ok(filter),
    }
}

/// Checks the sequence number of a record.
///
/// # Errors
/// 400 above [`MAX_NUMBER`].
pub(crate) fn sequence(name: &str, sequence: u64) -> ApiResult<u64> {
    if sequence <= MAX_NUMBER {
        return Ok(sequence);
    }
    Err(rejected(name, format!("{name} is {sequence}, expected at most {MAX_NUMBER}")))
}

/// Checks that a record to continue after is one of the data.
///
/// # Errors
/// 410 if no record has this number yet: a reader that waits behind the end would miss what comes before it.
pub(crate) fn not_behind_the_end(name: &str, after: u64, last: u64) -> ApiResult<u64> {
    if after <= last {
        return Ok(after);
    }
    let message = format!(
        "{name} is {after}, and the last record is {last}: the data may have been restored; continue after {last}, or after 0 \
         for all records"
    );
    let error = FieldError::new(&message).field(name).value(after.to_string()).expected(last.to_string());
    Err(Problem::new(StatusCode::GONE, message).with_error(error))
}

/// Checks a version number.
///
/// # Errors
/// 400 outside 1 to [`MAX_NUMBER`].
pub(crate) fn version(name: &str, version: Option<u64>) -> ApiResult<Option<u64>> {
    match version {
        Some(version) if !(1..=MAX_NUMBER).contains(&version) => {
            Err(rejected(name, format!("{name} is {version}, expected 1 to {MAX_NUMBER}")))
        }
        version => Ok(version),
    }
}

fn rejected(name: &str, message: String) -> Problem {
    Problem::bad_request(&message).with_error(FieldError::new(message).field(name))
}

/// Runs `work` on a thread that may block.
///
/// # Errors
/// Those of `work`; 500 if the thread panicked.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> ApiResult<T> + Send + 'static) -> ApiResult<T> {
    web::block(work).await.map_err(|_| Problem::failed("a thread panicked"))?
}

/// Checks the length of a note.
///
/// # Errors
/// 400 for more than [`MAX_NOTE_CHARS`] characters.
pub(crate) fn check_note(field: &str, note: &str) -> ApiResult<()> {
    // Characters have one to four bytes.
    if note.len() <= MAX_NOTE_CHARS || note.chars().count() <= MAX_NOTE_CHARS {
        return Ok(());
    }
    let message = format!("{field} has more than {MAX_NOTE_CHARS} characters, the maximum");
    Err(Problem::bad_request(&message).with_error(FieldError::new(message).field(field)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_the_description() {
        assert_eq!(page_rows(None, 7), Ok(7));
        assert_eq!(page_rows(Some(MAX_PAGE_ROWS), 7), Ok(MAX_PAGE_ROWS));
        assert!(page_rows(Some(0), 7).is_err() && page_rows(Some(MAX_PAGE_ROWS + 1), 7).is_err());
        // Characters, not bytes.
        assert!(labels(&[("team", &Some("é".repeat(MAX_FILTER_CHARS))), ("owner", &None)]).is_ok());
        let long = labels(&[("team", &Some("x".repeat(MAX_FILTER_CHARS + 1)))]).expect_err("too long");
        assert_eq!((long.status, long.errors[0].field.as_deref()), (400, Some("team")));
        let level = |level| checked(EscalationFilter { level: Some(level), ..EscalationFilter::default() });
        assert!(level(12).is_ok() && level(13).is_err());
        assert!(sequence("after", MAX_NUMBER).is_ok() && sequence("after", MAX_NUMBER + 1).is_err());
    }
}
