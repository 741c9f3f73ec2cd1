//! Events as columns: the one form in which tickets and events reach the engine.
//!
//! A row is an event that happened to a ticket, with whatever the source says about the ticket at that moment. A source
//! with one row a ticket gives several rows: `opened`, then `agent_reply`, `resolved`, `closed` where it names their times.
//! Words that repeat (priority, team, ...) are codes into a list of the batch's own, so that the engine looks up each word
//! once a batch, not once a row.

use super::{EventKind, State};

/// A code into [`Labels::labels`], or [`NO_LABEL`].
pub type Label = u32;

/// The row says nothing in this column: what the ticket has, stays.
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
    /// When the column would pass 4 GiB; batches are bounded far below that.
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

    /// A column from its parts; `None` unless the ends never fall, lie between characters, and the last one is the end of
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

/// A column of words that repeat: one code a row, and the words that the codes stand for, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Labels {
    pub codes: Vec<Label>,
    pub labels: Vec<String>,
}

impl Labels {
    /// The word of a row, if the row has one.
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = self.codes[row];
        (code != NO_LABEL).then(|| self.labels[code as usize].as_str())
    }
}

/// Rows of events in columns. Every column has one value a row, except [`Batch::text`], which may be empty.
///
/// Rows may be in any order of time and may mix tickets. Within one ticket, rows with the same time count in row order.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The ticket's id in the source system.
    pub ticket: Texts,
    /// When it happened.
    pub at_ms: Vec<i64>,
    pub kind: Vec<EventKind>,
    /// The state that the row reports, if it does.
    pub state: Vec<Option<State>>,
    pub priority: Labels,
    pub owner: Labels,
    pub team: Labels,
    pub channel: Labels,
    pub category: Labels,
    pub customer: Labels,
    /// The priority that the rules give the row, if they have been asked already: then they are not asked again, and
    /// `segment` and `text` are not looked at. Either empty (not asked) or one code a row; [`NO_LABEL`] where no rule applies.
    pub assigned: Labels,
    /// Whether `opened` rows also say what their tickets are by now: those of sources with one row a ticket do. An `opened` row
    /// of a log only says how its ticket began.
    pub restates: bool,
    /// The customer's segment; read by the rules, not kept.
    pub segment: Labels,
    /// Who did it; reported with escalations by hand.
    pub actor: Labels,
    /// Subject and text of `opened` rows for the keyword rules, or the reason of `escalated` rows; read, not kept. Either
    /// empty (no row has any) or one a row.
    pub text: Texts,
}

impl Batch {
    pub fn len(&self) -> usize {
        self.at_ms.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// Adds a row that says nothing beyond its event; label columns and state are then filled by [`Batch::set_last`].
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

    /// Sets a label of the row added last, from words given in full; slow for wide dictionaries, meant for small batches.
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

    pub fn labels(&self, column: Column) -> &Labels {
        match column {
            Column::Priority => &self.priority,
            Column::Owner => &self.owner,
            Column::Team => &self.team,
            Column::Channel => &self.channel,
            Column::Category => &self.category,
            Column::Customer => &self.customer,
            Column::Segment => &self.segment,
            Column::Actor => &self.actor,
        }
    }

    pub fn labels_mut(&mut self, column: Column) -> &mut Labels {
        match column {
            Column::Priority => &mut self.priority,
            Column::Owner => &mut self.owner,
            Column::Team => &mut self.team,
            Column::Channel => &mut self.channel,
            Column::Category => &mut self.category,
            Column::Customer => &mut self.customer,
            Column::Segment => &mut self.segment,
            Column::Actor => &mut self.actor,
        }
    }
}

/// The label columns of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    Priority,
    Owner,
    Team,
    Channel,
    Category,
    Customer,
    Segment,
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
            Self::Priority => "priority",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Channel => "channel",
            Self::Category => "category",
            Self::Customer => "customer",
            Self::Segment => "segment",
            Self::Actor => "actor",
        }
    }
}
