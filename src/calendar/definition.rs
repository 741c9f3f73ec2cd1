//! Calendars as people write them.

/// A calendar as its author wrote it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarDefinition {}
