//! Source rows with an unknown priority are rejected whole.
//!
//! A row of an export stands for several events of a ticket. If its priority is unknown, all of them are rejected: the engine alone
//! would reject the opening and then open the ticket at its next event, with the default priority.

use super::Policy;
use crate::ticket::{Batch, Column, NO_LABEL};

/// A source row that is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPriority {
    /// Line of a text, or row of a table, from 1.
    pub line: u64,
    pub name: String,
}

/// Removes the events of source rows with an unknown priority. `lines` has the source row of each event; the events of a source row
/// are adjacent. Returns the other events with their source rows, and the source rows removed, in order.
pub fn without_unknown_priorities(
    policy: &Policy,
    batch: Batch,
    lines: Vec<u64>,
) -> (Batch, Vec<u64>, Vec<UnknownPriority>) {
    let priorities = batch.labels(Column::Priority);
    let is_unknown: Vec<bool> = priorities.labels.iter().map(|name| policy.priority_id(name).is_none()).collect();
    if !is_unknown.contains(&true) {
        return (batch, lines, Vec::new());
    }
    let is_rejected = |row: usize| {
        let code = priorities.codes.get(row).copied().unwrap_or(NO_LABEL);
        code != NO_LABEL && is_unknown[code as usize]
    };
    let mut rejected: Vec<UnknownPriority> = Vec::new();
    for (row, &line) in lines.iter().enumerate().filter(|(row, _)| is_rejected(*row)) {
        if rejected.last().is_none_or(|last| last.line != line) {
            rejected.push(UnknownPriority { line, name: priorities.get(row).unwrap_or_default().to_owned() });
        }
    }
    if rejected.is_empty() {
        return (batch, lines, rejected);
    }
    let mut kept = Batch { openings: batch.openings, ..Batch::default() };
    let mut kept_lines = Vec::with_capacity(lines.len());
    for (row, &line) in lines.iter().enumerate() {
        if rejected.binary_search_by_key(&line, |rejected| rejected.line).is_err() {
            copy_row(&batch, row, &mut kept);
            kept_lines.push(line);
        }
    }
    for column in Column::ALL {
        kept.labels_mut(column).labels.clone_from(&batch.labels(column).labels);
    }
    (kept, kept_lines, rejected)
}

fn copy_row(from: &Batch, row: usize, to: &mut Batch) {
    to.ticket.push(from.ticket.get(row));
    to.at_ms.push(from.at_ms[row]);
    to.kind.push(from.kind[row]);
    to.state.push(from.state[row]);
    for column in Column::ALL {
        to.labels_mut(column).codes.push(from.labels(column).codes[row]);
    }
    if !from.text.is_empty() {
        to.text.push(from.text.get(row));
    }
}
