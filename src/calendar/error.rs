//! Why a calendar cannot be used.

use super::zone::UnknownZone;
use crate::limits::MAX_SPECIAL_DAYS;
use thiserror::Error;

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CalendarError {
    #[error("time_zone {0}")]
    UnknownZone(#[from] UnknownZone),
    #[error("the calendar never opens: it needs hours on at least one existing day of its zone that is not a holiday")]
    NeverOpens,
    #[error("the calendar has {days} holidays and special days: at most {MAX_SPECIAL_DAYS}")]
    TooManyDays { days: usize },
    /// The file's name as the calendar has it, and the reason.
    #[error("holiday file {file:?}: {reason}")]
    File { file: String, reason: String },
}
