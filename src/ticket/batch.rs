//! Events as columns: the one form in which tickets and events reach the engine.
//!
//! A row is an event of a ticket, with the values that the source reports for the ticket at that moment. A source with one row
//! per ticket gives several rows: `opened`, then `agent_reply`, `resolved`, `closed` if it reports their times. Labels that
//! repeat (priority, team, ...) are codes into a dictionary of the batch, so that the engine looks up each label once per
//! batch, not once per row.

use super::{EventKind, State, TicketLabel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A code into [`Labels::labels`], or [`NO_LABEL`].
pub type Label = u32;

/// The row has no value in this column: the ticket keeps its value.
pub const NO_LABEL: Label = u32::MAX;

/// A column of texts, end to end, with the end of each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    bytes: String,
    ends: Vec<u32>,
}

impl Texts {
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// # Panics
    /// If the column would exceed 4 GiB; batches are bounded far below that.
    pub fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        let end = u32::try_from(self.bytes.len());
        self.ends.push(end.unwrap_or_else(|_| panic!("a text column of {} bytes", self.bytes.len())));
    }

    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.bytes[start..self.ends[row] as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|row| self.get(row))
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// All texts end to end, and where each one ends.
    pub fn parts(&self) -> (&str, &[u32]) {
        (&self.bytes, &self.ends)
    }

    /// A column from its parts; `None` unless the ends are ascending, lie between characters, and the last one is the end of
    /// the bytes.
    pub fn from_parts(bytes: String, ends: Vec<u32>) -> Option<Self> {
        let ascii = bytes.is_ascii();
        let mut before = 0;
        let rises = ends.iter().all(|end| {
            let fits = *end >= before && (ascii || bytes.is_char_boundary(*end as usize));
            before = *end;
            fits
        });
        (rises && before as usize == bytes.len()).then_some(Self { bytes, ends })
    }

    /// Bytes of memory that the column's contents take.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }
}

/// A dictionary column of repeating labels: one code per row, and each distinct label once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    pub codes: Vec<Label>,
    pub labels: Vec<String>,
}

impl Labels {
    /// The label of a row, if the row has one.
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = self.codes[row];
        (code != NO_LABEL).then(|| self.labels[code as usize].as_str())
    }
}

/// What the `opened` rows of a batch report of their tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Openings {
    /// The ticket began at that time with these values: events of a log.
    #[default]
    Log,
    /// The ticket began at that time, with values that its other rows report: a log whose rows repeat when their ticket began.
    Known,
    /// The ticket began at that time; the values are its current ones: an export with one row per ticket.
    Current,
}

impl Openings {
    pub const ALL: [Openings; 3] = [Self::Log, Self::Known, Self::Current];

    /// The name that the API and tables use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Known => "known",
            Self::Current => "current",
        }
    }
}

/// Rows of events in columns. Every column has one value per row, except [`Batch::text`], which may be empty.
///
/// Rows may be in any order of time and may mix tickets. Within one ticket, rows with the same time count in row order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The ticket's id in the source system.
    pub ticket: Texts,
    /// When it happened.
    pub at_ms: Vec<i64>,
    pub kind: Vec<EventKind>,
    /// The state that the row reports, if any.
    pub state: Vec<Option<State>>,
    /// By [`Column`].
    pub(crate) labels: [Labels; Column::ALL.len()],
    /// The priority that the rules give the row, if they were evaluated in advance: then the engine does not evaluate them
    /// again and ignores segment and text. Either empty (not evaluated) or one code per row; [`NO_LABEL`] if no rule
    /// applies.
    pub assigned: Labels,
    /// What `opened` rows report.
    pub openings: Openings,
    /// Subject and text of `opened` rows for the keyword rules, or the reason of `escalated` rows; read, not stored. Either
    /// empty (no row has any) or one per row.
    pub text: Texts,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.at_ms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// Adds a row with only its event; label columns and state are then filled by [`Batch::set_last`].
    pub fn push(&mut self, ticket: &str, at_ms: i64, kind: EventKind) {
        self.ticket.push(ticket);
        self.at_ms.push(at_ms);
        self.kind.push(kind);
        self.state.push(None);
        for column in Column::ALL {
            self.labels_mut(column).codes.push(NO_LABEL);
        }
        if !self.text.is_empty() {
            self.text.push("");
        }
    }

    /// Sets a label of the row added last, given in full; slow for large dictionaries, meant for small batches.
    pub fn set_last(&mut self, column: Column, label: &str) {
        let labels = self.labels_mut(column);
        let code = match labels.labels.iter().position(|known| known == label) {
            Some(code) => code,
            None => {
                labels.labels.push(label.to_owned());
                labels.labels.len() - 1
            }
        };
        if let Some(last) = labels.codes.last_mut() {
            *last = code as Label;
        }
    }

    /// The label of a row, if the row has one.
    pub fn label(&self, column: Column, row: usize) -> Option<&str> {
        self.labels(column).get(row)
    }

    #[inline]
    pub fn labels(&self, column: impl Into<Column>) -> &Labels {
        &self.labels[column.into() as usize]
    }

    pub fn labels_mut(&mut self, column: impl Into<Column>) -> &mut Labels {
        &mut self.labels[column.into() as usize]
    }
}

/// The label columns of a [`Batch`]: first those of the ticket, in the order of [`TicketLabel::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    Priority,
    Owner,
    Team,
    Channel,
    Category,
    Customer,
    /// The customer's segment; read by the rules, not stored.
    Segment,
    /// Who did it; reported with manual escalations.
    Actor,
}

impl Column {
    pub const ALL: [Column; 8] = [
        Self::Priority,
        Self::Owner,
        Self::Team,
        Self::Channel,
        Self::Category,
        Self::Customer,
        Self::Segment,
        Self::Actor,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Segment => "segment",
            Self::Actor => "actor",
            label => TicketLabel::ALL[label as usize].name(),
        }
    }
}

impl From<TicketLabel> for Column {
    #[inline]
    fn from(label: TicketLabel) -> Self {
        Self::ALL[label as usize]
    }
}
