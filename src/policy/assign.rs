//! The rules asked ahead of the engine: by whoever reads the rows, on whatever thread, so that texts need not travel further.

use super::{Facts, Policy};
use crate::ticket::{Batch, EventKind, Label, Labels, NO_LABEL, Texts};
use hashbrown::HashMap;

/// Asks the rules about every row that names no priority, writes what they say to [`Batch::assigned`], and drops what only
/// rules read: segments, and all texts but the reasons of `escalated` rows.
///
/// Any row may be the first that is heard of a ticket, so every one is asked about. Without rules there is nothing to ask,
/// and `assigned` stays as it is. Asking again gives the same: a batch that was asked about already is left alone.
pub fn assign(policy: &Policy, batch: &mut Batch) {
    if !batch.assigned.codes.is_empty() {
        return;
    }
    if !policy.rules.is_empty() {
        batch.assigned = ask(policy, batch);
    }
    batch.segment.codes.fill(NO_LABEL);
    batch.segment.labels.clear();
    keep_reasons(batch);
}

fn ask(policy: &Policy, batch: &Batch) -> Labels {
    let mut assigned = Labels { codes: Vec::with_capacity(batch.len()), labels: Vec::new() };
    let mut codes: HashMap<u16, Label, foldhash::fast::FixedState> = HashMap::default();
    for row in 0..batch.len() {
        let priority =
            if batch.priority.codes[row] == NO_LABEL { policy.rules.assign(&facts(batch, row)) } else { None };
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

/// What the rules may look at in a row.
pub fn facts(batch: &Batch, row: usize) -> Facts<'_> {
    Facts {
        customer: batch.customer.get(row),
        segment: batch.segment.get(row),
        category: batch.category.get(row),
        channel: batch.channel.get(row),
        team: batch.team.get(row),
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
