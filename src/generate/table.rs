//! Rows of a history under the column names of an export.

use super::TicketRow;
use crate::ticket::{Batch, Column, EventKind, Label, Labels, NO_LABEL, State, Texts};

/// The values of one column.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Empty text is an empty cell.
    Texts(Texts),
    Times(Vec<Option<i64>>),
    /// Repeating labels, by their index in a list.
    Labels {
        codes: Vec<Label>,
        labels: Vec<String>,
    },
}

impl Cells {
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Times(times) => times.len(),
            Self::Labels { codes, .. } => codes.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn labels<'a>(labels: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<String> = Vec::new();
        let mut code_of = hashbrown::HashMap::<&str, Label, foldhash::fast::FixedState>::default();
        let mut codes = Vec::new();
        for label in labels {
            if label.is_empty() {
                codes.push(NO_LABEL);
                continue;
            }
            codes.push(*code_of.entry(label).or_insert_with(|| {
                known.push(label.to_owned());
                known.len() as Label - 1
            }));
        }
        Self::Labels { codes, labels: known }
    }

    fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut column = Texts::default();
        texts.into_iter().for_each(|text| column.push(text));
        Self::Texts(column)
    }
}

/// Named columns of the same length.
#[derive(Debug, Clone)]
pub struct Table {
    pub columns: Vec<(&'static str, Cells)>,
}

impl Table {
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, cells)| cells.len())
    }

    /// One row per event: the format that is read without a mapping.
    pub fn of_events(batch: Batch) -> Self {
        let mut columns = vec![
            ("ticket", Cells::Texts(batch.ticket)),
            ("at", Cells::Times(batch.at_ms.into_iter().map(Some).collect())),
            ("event", names(batch.kind.iter().map(|kind| *kind as Label), EventKind::ALL.map(EventKind::name))),
            (
                "state",
                names(
                    batch.state.iter().map(|state| state.map_or(NO_LABEL, |known| known as Label)),
                    State::ALL.map(State::name),
                ),
            ),
        ];
        let labels = Column::ALL.into_iter().zip(batch.labels);
        columns
            .extend(labels.map(|(column, Labels { codes, labels })| (column.name(), Cells::Labels { codes, labels })));
        // In the order of a ticket's table: the team before the owner.
        columns.swap(5, 6);
        columns.push(("text", Cells::Texts(batch.text)));
        Self { columns }
    }

    /// One row per ticket, in its state at the end of the history: what a service accepts as tickets.
    pub fn of_tickets(rows: &[TicketRow]) -> Self {
        let columns = vec![
            ("id", Cells::texts(rows.iter().map(|row| row.ticket.as_str()))),
            ("opened_at", Cells::Times(rows.iter().map(|row| Some(row.opened_ms)).collect())),
            ("first_reply_at", Cells::Times(rows.iter().map(|row| row.first_reply_ms).collect())),
            ("resolved_at", Cells::Times(rows.iter().map(|row| row.resolved_ms).collect())),
            ("closed_at", Cells::Times(rows.iter().map(|row| row.closed_ms).collect())),
            ("state", Cells::labels(rows.iter().map(|row| row.state.name()))),
            ("priority", Cells::labels(rows.iter().map(|row| row.priority.as_str()))),
            ("team", Cells::labels(rows.iter().map(|row| row.team.as_str()))),
            ("owner", Cells::labels(rows.iter().map(|row| row.owner.as_deref().unwrap_or_default()))),
            ("channel", Cells::labels(rows.iter().map(|row| row.channel.as_str()))),
            ("category", Cells::labels(rows.iter().map(|row| row.category.as_str()))),
            ("customer", Cells::labels(rows.iter().map(|row| row.customer.as_str()))),
            ("subject", Cells::texts(rows.iter().map(|row| row.subject.as_str()))),
        ];
        Self { columns }
    }
}

fn names<const N: usize>(codes: impl Iterator<Item = Label>, names: [&str; N]) -> Cells {
    Cells::Labels { codes: codes.collect(), labels: names.map(str::to_owned).to_vec() }
}
