//! Result of a bulk load: counts, and the rejected rows with their lines.

use crate::engine::{IgnoredRows, RejectedReason, RejectedRow};
use crate::ingest::RowError;
use crate::limits::MAX_ROW_ERRORS;
use crate::server::problem::FieldError;
use crate::service::Applied;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Result of a bulk load. The accepted rows are durable, and their effects are visible to reads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct BulkReport {
    /// Rows of the body.
    #[schema(example = 10_000)]
    pub rows: u64,
    /// Accepted rows, including rows without new data, which change nothing.
    #[schema(example = 9_999)]
    pub accepted: u64,
    /// Rejected rows.
    #[schema(example = 1)]
    pub rejected: u64,
    /// Events of the accepted rows: a ticket that was opened, answered and resolved has three.
    #[schema(example = 12_345)]
    pub events: u64,
    /// Range of the escalation records that the rows caused immediately. Other records may lie in between.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub escalations: Option<SequenceRange>,
    /// Whether the request repeats an earlier one with the same `Idempotency-Key`; a repeat changes nothing.
    pub is_repeat: bool,
    /// Events of accepted rows that changed nothing, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<LoadNote>,
    /// The first rejected rows: line (of a text) or row (of a table), field, value and reason.
    pub errors: Vec<FieldError>,
    /// Number of rejected rows that `errors` leaves out.
    pub errors_left_out: u64,
}

/// Events of accepted rows that changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LoadNote {
    pub reason: NoteReason,
    /// How many events.
    #[schema(example = 3)]
    pub count: u64,
    /// The line (of a text) or row (of a table) of the first.
    #[schema(example = 17)]
    pub line: u64,
    #[schema(example = "the ticket was deleted or merged before")]
    pub message: String,
}

/// Why an event changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoteReason {
    /// The ticket was deleted or merged before.
    TicketGone,
    /// An earlier `opened` event of the ticket counts.
    OpenedAgain,
}

impl LoadNote {
    /// Adds the note to those of a load: one for each reason, with the line of the first.
    pub(crate) fn join(self, notes: &mut Vec<LoadNote>) {
        match notes.iter_mut().find(|known| known.reason == self.reason) {
            Some(known) => known.count += self.count,
            None => notes.push(self),
        }
    }
}

impl NoteReason {
    fn message(self) -> &'static str {
        match self {
            Self::TicketGone => {
                "the ticket was deleted or merged before, only reopened or opened at a later time brings it back"
            }
            Self::OpenedAgain => "the ticket was opened by an earlier opened event, which counts",
        }
    }
}

/// Sequence numbers of escalation records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SequenceRange {
    /// The first.
    #[schema(example = 4_711)]
    pub first: u64,
    /// The last.
    #[schema(example = 4_715)]
    pub last: u64,
}

impl BulkReport {
    /// Adds a row that could not be parsed.
    pub(crate) fn reject(&mut self, reject: &RowError) {
        let mut error = FieldError::new(&reject.reason).at_line(reject.line);
        error.field = Some(reject.column.clone()).filter(|column| !column.is_empty());
        error.value = Some(reject.value.clone()).filter(|value| !value.is_empty());
        self.rejected += 1;
        self.describe(error);
    }

    /// Adds a row with a priority that the policy does not name.
    pub(crate) fn unknown_priority(&mut self, line: u64, name: &str) {
        self.rejected += 1;
        self.describe(error_of(&RejectedReason::UnknownPriority { name: name.to_owned() }).at_line(line));
    }

    /// Adds the result of a batch; `lines` has the line of each of its rows.
    pub(crate) fn add(&mut self, applied: &Applied, lines: &[u64]) {
        self.events += applied.accepted;
        self.is_repeat |= applied.is_repeat;
        if applied.is_repeat {
            // The first response had the reasons.
            self.rejected += applied.rejected_count;
            self.errors_left_out += applied.rejected_count;
        }
        self.note(NoteReason::TicketGone, applied.ignored.gone, lines);
        self.note(NoteReason::OpenedAgain, applied.ignored.opened_again, lines);
        let mut last_line = None;
        for RejectedRow { row, reason } in &applied.rejected {
            let line = lines.get(*row).copied().unwrap_or_default();
            if last_line.replace(line) != Some(line) {
                self.rejected += 1;
                self.describe(error_of(reason).at_line(line));
            }
        }
        let (first, end) = applied.escalations;
        if first < end {
            let before = self.escalations.unwrap_or(SequenceRange { first, last: 0 });
            self.escalations = Some(SequenceRange { first: before.first.min(first), last: before.last.max(end - 1) });
        }
    }

    fn note(&mut self, reason: NoteReason, ignored: IgnoredRows, lines: &[u64]) {
        let Some(first) = ignored.first else { return };
        let line = lines.get(first as usize).copied().unwrap_or_default();
        let message = reason.message().to_owned();
        LoadNote { reason, count: ignored.count, line, message }.join(&mut self.notes);
    }

    fn describe(&mut self, error: FieldError) {
        if self.errors.len() < MAX_ROW_ERRORS {
            self.errors.push(error);
        } else {
            self.errors_left_out += 1;
        }
    }

    /// Sets the final counts.
    pub(crate) fn finish(mut self, rows: u64) -> Self {
        self.rows = rows;
        self.accepted = rows.saturating_sub(self.rejected);
        self
    }
}

/// The engine's reason with field and value.
pub(crate) fn error_of(reason: &RejectedReason) -> FieldError {
    let error = FieldError::new(reason.to_string());
    match reason {
        RejectedReason::EmptyId | RejectedReason::LongId { .. } => error.field("id"),
        RejectedReason::Time { at_ms } => error.field("at").value(at_ms.to_string()),
        RejectedReason::UnknownPriority { name } => error.field("priority").value(name),
        RejectedReason::LabelTooLong { column, label, .. }
        | RejectedReason::TooManyLabels { column, label, .. }
        | RejectedReason::TooManyOfOne { column, label, .. } => error.field(*column).value(label),
        RejectedReason::TooManyEvents { .. } => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Ignored;

    fn rejected(row: usize) -> RejectedRow {
        RejectedRow { row, reason: RejectedReason::UnknownPriority { name: "nope".into() } }
    }

    #[test]
    fn a_line_with_several_events_is_refused_once() {
        let mut response = BulkReport::default();
        let applied = Applied {
            accepted: 3,
            rejected: vec![rejected(1), rejected(2), rejected(4)],
            rejected_count: 3,
            escalations: (7, 9),
            ..Applied::default()
        };
        response.add(&applied, &[1, 2, 2, 3, 5, 6]);
        let gone = IgnoredRows { count: 2, first: Some(1) };
        let ignored = Ignored { gone, ..Ignored::default() };
        response.add(&Applied { accepted: 1, escalations: (12, 13), ignored, ..Applied::default() }, &[7, 8]);
        response.add(&Applied { ignored, ..Applied::default() }, &[9, 9]);
        let response = response.finish(7);
        assert_eq!((response.rows, response.accepted, response.rejected, response.events), (7, 5, 2, 4));
        assert_eq!(response.escalations, Some(SequenceRange { first: 7, last: 12 }));
        let notes: Vec<(NoteReason, u64, u64)> =
            response.notes.iter().map(|note| (note.reason, note.count, note.line)).collect();
        assert_eq!(notes, [(NoteReason::TicketGone, 4, 8)]);
        let lines: Vec<_> = response.errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [Some(2), Some(5)]);
        assert_eq!(response.errors[0].field.as_deref(), Some("priority"));
    }

    #[test]
    fn errors_are_bounded_and_all_are_counted() {
        let mut response = BulkReport::default();
        for line in 1..=MAX_ROW_ERRORS as u64 + 5 {
            response.unknown_priority(line, "nope");
        }
        assert_eq!((response.errors.len(), response.errors_left_out), (MAX_ROW_ERRORS, 5));
        assert_eq!(response.rejected, MAX_ROW_ERRORS as u64 + 5);
    }
}
