//! Tables of the service's own state: policies, replies for repeats, results by day, acknowledgements.

use super::columns::{Checked, Columns, Table, field};
use super::service_state::{PolicyVersion, ServiceState};
use crate::engine::{Apply, CatchUp};
use crate::table::Texts;
use arrow::datatypes::{Int64Type, UInt64Type};
use std::sync::Arc;

pub(super) const POLICIES: Table<ServiceState> =
    Table { name: "policy_versions.parquet", texts: Texts::Plain, columns: policies };
/// Read after the policies that name the files.
pub(super) const POLICY_FILES: Table<ServiceState> =
    Table { name: "policy_files.parquet", texts: Texts::Plain, columns: policy_files };
pub(super) const REPLIES: Table<ServiceState> =
    Table { name: "answers.parquet", texts: Texts::Plain, columns: replies };
pub(super) const DAYS: Table<ServiceState> = Table { name: "days.parquet", texts: Texts::Plain, columns: days };
pub(super) const ACKNOWLEDGEMENTS: Table<ServiceState> =
    Table { name: "acknowledgements.parquet", texts: Texts::Plain, columns: acknowledgements };

fn policies(state: &mut ServiceState, table: &mut Columns<'_>) -> Checked {
    let rows = &mut state.policies;
    table.rows(rows);
    // `passed` is its name in snapshots of release 0.1.
    let catch_up = if table.has("catch_up") { "catch_up" } else { "passed" };
    table.numbers::<UInt64Type>("number", field(rows, |policy| &mut policy.number))?;
    table.times("since", field(rows, |policy| &mut policy.since_ms))?;
    table.choices("apply", &Apply::ALL, Apply::name, field(rows, |policy| &mut policy.apply))?;
    table.choices(catch_up, &CatchUp::ALL, CatchUp::name, field(rows, |policy| &mut policy.catch_up))?;
    table.strings("actor", field(rows, |policy| &mut policy.actor))?;
    table.strings("note", field(rows, |policy| &mut policy.note))?;
    table.strings("text", field(rows, |policy| &mut policy.text))
}

/// A file that a policy names.
#[derive(Debug, Clone, Default)]
struct FileRow {
    policy: u64,
    name: String,
    text: Arc<str>,
}

fn policy_files(state: &mut ServiceState, table: &mut Columns<'_>) -> Checked {
    let files = |policy: &mut PolicyVersion| {
        let number = policy.number;
        std::mem::take(&mut policy.files).into_iter().map(move |(name, text)| FileRow { policy: number, name, text })
    };
    let mut rows: Vec<FileRow> = state.policies.iter_mut().flat_map(files).collect();
    table.rows(&mut rows);
    table.numbers::<UInt64Type>("policy", field(&mut rows, |file| &mut file.policy))?;
    table.strings("name", field(&mut rows, |file| &mut file.name))?;
    table.strings("text", field(&mut rows, |file| &mut file.text))?;
    for file in rows.into_iter().filter(|_| table.is_read()) {
        let Some(policy) = state.policies.iter_mut().find(|policy| policy.number == file.policy) else {
            return Err(table.mismatch("policy", &format!("there is no policy {}", file.policy)));
        };
        policy.files.push((file.name, file.text));
    }
    Ok(())
}

fn replies(state: &mut ServiceState, table: &mut Columns<'_>) -> Checked {
    let rows = &mut state.replies;
    table.rows(rows);
    table.strings("actor", field(rows, |reply| &mut reply.origin.actor))?;
    table.hashes("key", field(rows, |reply| &mut reply.origin.key))?;
    table.times("at", field(rows, |reply| &mut reply.at_ms))?;
    table.numbers::<UInt64Type>("taken", field(rows, |reply| &mut reply.accepted))?;
    table.numbers::<UInt64Type>("refused", field(rows, |reply| &mut reply.rejected))?;
    table.numbers::<UInt64Type>("result", field(rows, |reply| &mut reply.result))?;
    // Files of earlier releases do not have the column.
    if table.has("fingerprint") {
        table.hashes("fingerprint", field(rows, |reply| &mut reply.origin.fingerprint))?;
    }
    Ok(())
}

fn days(state: &mut ServiceState, table: &mut Columns<'_>) -> Checked {
    let rows = &mut state.days;
    table.rows(rows);
    table.times("day", field(rows, |day| &mut day.day_ms))?;
    table.strings("clock", field(rows, |day| &mut day.clock))?;
    table.numbers::<Int64Type>("met", field(rows, |day| &mut day.met))?;
    table.numbers::<Int64Type>("missed", field(rows, |day| &mut day.missed))?;
    table.numbers::<Int64Type>("fired", field(rows, |day| &mut day.fired))
}

fn acknowledgements(state: &mut ServiceState, table: &mut Columns<'_>) -> Checked {
    let rows = &mut state.acknowledgements;
    table.rows(rows);
    table.numbers::<UInt64Type>("sequence", field(rows, |it| &mut it.sequence))?;
    table.times("at", field(rows, |it| &mut it.at_ms))?;
    table.strings("actor", field(rows, |it| &mut it.note.actor))?;
    table.strings("reason", field(rows, |it| &mut it.note.reason))
}
