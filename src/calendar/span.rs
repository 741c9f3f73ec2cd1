//! Lengths of time as people promise them.

/// An amount of business time, of business days or of calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// `"90s"`, `"15m"`, `"4h"`, `"1h30m"`: milliseconds inside opening hours.
    Business { ms: i64 },
    /// `"2bd"`: the same wall-clock time so many working days later.
    BusinessDays(u32),
    /// `"30d"`: the same wall-clock time so many calendar days later, measured in real time.
    CalendarDays(u32),
}
