//! Compiled calendars.

/// Opening intervals over 1970 to 2106 in a form in which business time is added and measured without a time-zone look-up.
#[derive(Debug)]
pub struct Timeline {}

impl Timeline {
    /// The earliest instant at which `amount_ms` of business time have elapsed since `start_ms`; `add(start, 0) == start`.
    /// [`NEVER_MS`](crate::time::NEVER_MS) where the timeline ends first.
    pub fn add(&self, start_ms: i64, amount_ms: i64) -> i64 {
        start_ms + amount_ms
    }

    /// Business time between two instants; 0 when `to_ms <= from_ms`.
    pub fn elapsed(&self, from_ms: i64, to_ms: i64) -> i64 {
        (to_ms - from_ms).max(0)
    }

    /// The first open instant at or after `at_ms`; `NEVER_MS` where there is none.
    pub fn next_open(&self, at_ms: i64) -> i64 {
        at_ms
    }

    /// The same wall-clock time `days` working days later, the start first moved into opening hours.
    pub fn add_business_days(&self, start_ms: i64, days: u32) -> i64 {
        start_ms + i64::from(days) * crate::time::DAY_MS
    }

    /// The same wall-clock time `days` calendar days later, whatever the opening hours.
    pub fn add_calendar_days(&self, start_ms: i64, days: u32) -> i64 {
        start_ms + i64::from(days) * crate::time::DAY_MS
    }
}
