//! What a bulk body led to: counts, and each refused row with its line.

use crate::engine::{Refused, RefusedReason};
use crate::ingest::Reject;
use crate::limits::MAX_ROW_ERRORS;
use crate::server::problem::FieldError;
use crate::service::Applied;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What became of the rows of a body. They are durable, and what followed from them can be read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkReport {
    /// Rows of the body.
    #[schema(example = 10_000)]
    pub rows: u64,
    /// Rows that were taken. One that says nothing new was taken too: it changed nothing.
    #[schema(example = 9_999)]
    pub taken: u64,
    /// Rows that were not taken.
    #[schema(example = 1)]
    pub refused: u64,
    /// Events that the taken rows stand for: a ticket that was opened, answered and resolved are three.
    #[schema(example = 12_345)]
    pub events: u64,
    /// Escalation records that followed at once; others may lie between them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub escalations: Option<SequenceRange>,
    /// Whether this answers a repeat of an earlier request with the same `Idempotency-Key`: nothing was done again.
    pub is_repeat: bool,
    /// The first refused rows: line (of a text) or row (of a table), field, value and reason.
    pub errors: Vec<FieldError>,
    /// Refused rows that `errors` leaves out.
    pub errors_left_out: u64,
}

/// Sequence numbers of escalation records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SequenceRange {
    /// The first.
    #[schema(example = 4_711)]
    pub first: u64,
    /// The last.
    #[schema(example = 4_715)]
    pub last: u64,
}

impl BulkReport {
    /// Adds a row that could not be read.
    pub fn reject(&mut self, reject: &Reject) {
        let mut error = FieldError::new(&reject.reason).at_line(reject.line);
        error.field = Some(reject.column.clone()).filter(|column| !column.is_empty());
        error.value = Some(reject.value.clone()).filter(|value| !value.is_empty());
        self.refused += 1;
        self.describe(error);
    }

    /// Adds a row with a priority that the policy does not name.
    pub fn unknown_priority(&mut self, line: u64, name: &str) {
        self.refused += 1;
        self.describe(error_of(&RefusedReason::UnknownPriority { name: name.to_owned() }).at_line(line));
    }

    /// Adds what became of a batch; `lines` has the line of each of its rows.
    pub fn add(&mut self, applied: &Applied, lines: &[u64]) {
        self.events += applied.taken;
        self.is_repeat |= applied.is_repeat;
        if applied.is_repeat {
            // The reasons were told the first time.
            self.refused += applied.refused_count;
            self.errors_left_out += applied.refused_count;
        }
        let mut last_line = None;
        for Refused { row, reason } in &applied.refused {
            let line = lines.get(*row).copied().unwrap_or_default();
            if last_line.replace(line) != Some(line) {
                self.refused += 1;
                self.describe(error_of(reason).at_line(line));
            }
        }
        let (first, end) = applied.escalations;
        if first < end {
            let before = self.escalations.unwrap_or(SequenceRange { first, last: 0 });
            self.escalations = Some(SequenceRange { first: before.first.min(first), last: before.last.max(end - 1) });
        }
    }

    fn describe(&mut self, error: FieldError) {
        if self.errors.len() < MAX_ROW_ERRORS {
            self.errors.push(error);
        } else {
            self.errors_left_out += 1;
        }
    }

    /// Closes the count.
    pub fn finish(mut self, rows: u64) -> Self {
        self.rows = rows;
        self.taken = rows.saturating_sub(self.refused);
        self
    }
}

/// A reason of the engine with its field and value.
pub fn error_of(reason: &RefusedReason) -> FieldError {
    let error = FieldError::new(reason.to_string());
    match reason {
        RefusedReason::EmptyId | RefusedReason::LongId { .. } => error.field("id"),
        RefusedReason::Time { at_ms } => error.field("at").value(at_ms.to_string()),
        RefusedReason::UnknownPriority { name } => error.field("priority").value(name),
        RefusedReason::LongWord { column, word, .. }
        | RefusedReason::TooManyWords { column, word, .. }
        | RefusedReason::TooManyOfOne { column, word, .. } => error.field(*column).value(word),
        RefusedReason::TooManyEvents { .. } => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(row: usize) -> Refused {
        Refused { row, reason: RefusedReason::UnknownPriority { name: "nope".into() } }
    }

    #[test]
    fn a_line_with_several_events_is_refused_once() {
        let mut answer = BulkReport::default();
        let applied = Applied {
            taken: 3,
            refused: vec![refused(1), refused(2), refused(4)],
            refused_count: 3,
            escalations: (7, 9),
            is_repeat: false,
        };
        answer.add(&applied, &[1, 2, 2, 3, 5, 6]);
        answer.add(&Applied { taken: 1, escalations: (12, 13), ..Applied::default() }, &[7]);
        let answer = answer.finish(7);
        assert_eq!((answer.rows, answer.taken, answer.refused, answer.events), (7, 5, 2, 4));
        assert_eq!(answer.escalations, Some(SequenceRange { first: 7, last: 12 }));
        let lines: Vec<_> = answer.errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [Some(2), Some(5)]);
        assert_eq!(answer.errors[0].field.as_deref(), Some("priority"));
    }

    #[test]
    fn errors_are_bounded_and_all_are_counted() {
        let mut answer = BulkReport::default();
        for line in 1..=MAX_ROW_ERRORS as u64 + 5 {
            answer.unknown_priority(line, "nope");
        }
        assert_eq!((answer.errors.len(), answer.errors_left_out), (MAX_ROW_ERRORS, 5));
        assert_eq!(answer.refused, MAX_ROW_ERRORS as u64 + 5);
    }
}
