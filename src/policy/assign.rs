//! Evaluates the assignment rules ahead of the engine, on the thread that reads the rows, so that texts need not be passed on.

use super::{Facts, Policy};
use crate::ticket::{Batch, Column, EventKind, Label, Labels, NO_LABEL, Texts};
use hashbrown::HashMap;

/// Evaluates the rules for every row without a priority, writes the results to [`Batch::assigned`], and drops the values that
/// only rules read: segments, and all texts but the reasons of `escalated` rows.
///
/// Any row may be the first of its ticket, so every row is evaluated. Without rules `assigned` stays as it is. The function is
/// idempotent: a batch that was evaluated already is left unchanged.
pub fn assign(policy: &Policy, batch: &mut Batch) {
    if !batch.assigned.codes.is_empty() {
        return;
    }
    if !policy.rules.is_empty() {
        batch.assigned = ask(policy, batch);
    }
    let segment = batch.labels_mut(Column::Segment);
    segment.codes.fill(NO_LABEL);
    segment.labels.clear();
    keep_reasons(batch);
}

fn ask(policy: &Policy, batch: &Batch) -> Labels {
    let mut assigned = Labels { codes: Vec::with_capacity(batch.len()), labels: Vec::new() };
    let mut codes: HashMap<u16, Label, foldhash::fast::FixedState> = HashMap::default();
    for row in 0..batch.len() {
        let priority = if batch.labels(Column::Priority).codes[row] == NO_LABEL {
            policy.rules.assign(&facts(batch, row))
        } else {
            None
        };
        let code = priority.and_then(|priority| {
            let name = &policy.priorities.get(usize::from(priority))?.name;
            let code = *codes.entry(priority).or_insert_with(|| {
                assigned.labels.push(name.clone());
                assigned.labels.len() as Label - 1
            });
            Some(code)
        });
        assigned.codes.push(code.unwrap_or(NO_LABEL));
    }
    assigned
}

/// The values of a row that the rules may read.
pub fn facts(batch: &Batch, row: usize) -> Facts<'_> {
    Facts {
        customer: batch.label(Column::Customer, row),
        segment: batch.label(Column::Segment, row),
        category: batch.label(Column::Category, row),
        channel: batch.label(Column::Channel, row),
        team: batch.label(Column::Team, row),
        text: if batch.text.is_empty() { "" } else { batch.text.get(row) },
    }
}

fn keep_reasons(batch: &mut Batch) {
    if batch.text.is_empty() {
        return;
    }
    let mut reasons = Texts::default();
    if batch.kind.contains(&EventKind::Escalated) {
        for (row, kind) in batch.kind.iter().enumerate() {
            reasons.push(if *kind == EventKind::Escalated { batch.text.get(row) } else { "" });
        }
    }
    batch.text = reasons;
}

#[cfg(test)]
mod tests;
