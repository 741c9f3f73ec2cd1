//! Tables of the service's own state: policies, replies for repeats, results by day, acknowledgements.

use super::columns::{chosen, times};
use super::error::SnapshotError;
use super::service_state::{Acknowledgement, DayRow, PolicyVersion, StoredReply};
use crate::engine::{Apply, CatchUp};
use crate::store::input::Origin;
use crate::store::record::Note;
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{dictionary_field, time_field};
use arrow::array::{Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, UInt64Type};
use std::sync::Arc;

pub const POLICIES: &str = "policy_versions.parquet";
pub const POLICY_FILES: &str = "policy_files.parquet";
pub const REPLIES: &str = "answers.parquet";
pub const DAYS: &str = "days.parquet";
pub const ACKNOWLEDGEMENTS: &str = "acknowledgements.parquet";

fn number(name: &str) -> Field {
    Field::new(name, DataType::UInt64, false)
}

fn signed_number(name: &str) -> Field {
    Field::new(name, DataType::Int64, false)
}

fn text(name: &str) -> Field {
    Field::new(name, DataType::Utf8, false)
}

fn numbers(numbers: impl Iterator<Item = u64>) -> Arc<UInt64Array> {
    Arc::new(UInt64Array::from_iter_values(numbers))
}

fn signed(numbers: impl Iterator<Item = i64>) -> Arc<Int64Array> {
    Arc::new(Int64Array::from_iter_values(numbers))
}

fn strings<W: AsRef<str>>(strings: impl Iterator<Item = W>) -> Arc<StringArray> {
    Arc::new(StringArray::from_iter_values(strings))
}

pub fn policies_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        number("number"),
        time_field("since", false),
        dictionary_field("apply"),
        dictionary_field("catch_up"),
        text("actor"),
        text("note"),
        text("text"),
    ]))
}

pub fn write_policies(policies: &[PolicyVersion]) -> Result<RecordBatch, SnapshotError> {
    let since_ms: Vec<i64> = policies.iter().map(|policy| policy.since_ms).collect();
    let apply = policies.iter().map(|policy| Apply::ALL.iter().position(|apply| *apply == policy.apply));
    let catch_up = policies.iter().map(|policy| CatchUp::ALL.iter().position(|choice| *choice == policy.catch_up));
    Ok(RecordBatch::try_new(
        policies_schema(),
        vec![
            numbers(policies.iter().map(|policy| policy.number)),
            times(&since_ms),
            chosen(apply, Apply::ALL.iter().map(|apply| apply.name())),
            chosen(catch_up, CatchUp::ALL.iter().map(|catch_up| catch_up.name())),
            strings(policies.iter().map(|policy| &policy.actor)),
            strings(policies.iter().map(|policy| &policy.note)),
            strings(policies.iter().map(|policy| &policy.text)),
        ],
    )?)
}

pub fn policy_files_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![number("policy"), text("name"), text("text")]))
}

pub fn write_policy_files(policies: &[PolicyVersion]) -> Result<RecordBatch, SnapshotError> {
    let files = || policies.iter().flat_map(|policy| policy.files.iter().map(|file| (policy.number, file)));
    Ok(RecordBatch::try_new(
        policy_files_schema(),
        vec![
            numbers(files().map(|(policy, _)| policy)),
            strings(files().map(|(_, (name, _))| name)),
            strings(files().map(|(_, (_, text))| text)),
        ],
    )?)
}

/// The policies, without the files that they name.
pub fn read_policies(rows: &Rows<'_>) -> Result<Vec<PolicyVersion>, SchemaMismatch> {
    let apply = rows.labels("apply", Apply::from_name)?;
    // `passed` is its name in snapshots of release 0.1.
    let catch_up = rows.labels(if rows.has("passed") { "passed" } else { "catch_up" }, CatchUp::from_name)?;
    let (numbers, since_ms) = (rows.numbers::<UInt64Type>("number")?, rows.times("since")?);
    let (actors, notes, texts) = (rows.strings("actor")?, rows.strings("note")?, rows.strings("text")?);
    Ok((0..rows.len())
        .map(|row| PolicyVersion {
            number: numbers[row],
            since_ms: since_ms[row],
            text: texts.value(row).into(),
            files: Vec::new(),
            apply: apply[row],
            catch_up: catch_up[row],
            actor: actors.value(row).into(),
            note: notes.value(row).to_owned(),
        })
        .collect())
}

/// Adds the files to the policies that name them.
pub fn read_policy_files(rows: &Rows<'_>, policies: &mut [PolicyVersion]) -> Result<(), SchemaMismatch> {
    let (names, texts) = (rows.strings("name")?, rows.strings("text")?);
    for (row, number) in rows.numbers::<UInt64Type>("policy")?.into_iter().enumerate() {
        let Some(policy) = policies.iter_mut().find(|policy| policy.number == number) else {
            return Err(rows.mismatch("policy", &format!("there is no policy {number}")));
        };
        policy.files.push((names.value(row).to_owned(), texts.value(row).into()));
    }
    Ok(())
}

pub fn replies_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        text("actor"),
        // 32 hexadecimal digits.
        Field::new("key", DataType::Utf8, true),
        time_field("at", false),
        number("taken"),
        number("refused"),
        number("result"),
        // 32 hexadecimal digits; files of earlier releases do not have the column.
        Field::new("fingerprint", DataType::Utf8, true),
    ]))
}

pub fn write_replies(replies: &[StoredReply]) -> Result<RecordBatch, SnapshotError> {
    let at_ms: Vec<i64> = replies.iter().map(|reply| reply.at_ms).collect();
    let hashes = |hash: fn(&Origin) -> Option<u128>| {
        let digits = replies.iter().map(|reply| hash(&reply.origin).map(|hash| format!("{hash:032x}")));
        Arc::new(StringArray::from_iter(digits))
    };
    Ok(RecordBatch::try_new(
        replies_schema(),
        vec![
            strings(replies.iter().map(|reply| &reply.origin.actor)),
            hashes(|origin| origin.key),
            times(&at_ms),
            numbers(replies.iter().map(|reply| reply.accepted)),
            numbers(replies.iter().map(|reply| reply.rejected)),
            numbers(replies.iter().map(|reply| reply.result)),
            hashes(|origin| origin.fingerprint),
        ],
    )?)
}

pub fn read_replies(rows: &Rows<'_>) -> Result<Vec<StoredReply>, SchemaMismatch> {
    let (actors, at_ms) = (rows.strings("actor")?, rows.times("at")?);
    let keys = hashes(rows, "key")?;
    let fingerprints = if rows.has("fingerprint") { hashes(rows, "fingerprint")? } else { vec![None; rows.len()] };
    let counts = |name: &str| rows.numbers::<UInt64Type>(name);
    let (accepted, rejected, result) = (counts("taken")?, counts("refused")?, counts("result")?);
    let reply = |row: usize| StoredReply {
        origin: Origin { actor: actors.value(row).into(), key: keys[row], fingerprint: fingerprints[row] },
        at_ms: at_ms[row],
        accepted: accepted[row],
        rejected: rejected[row],
        result: result[row],
    };
    Ok((0..rows.len()).map(reply).collect())
}

/// A column of hexadecimal numbers that may be empty.
fn hashes(rows: &Rows<'_>, name: &str) -> Result<Vec<Option<u128>>, SchemaMismatch> {
    let number = |text: &str| {
        u128::from_str_radix(text, 16)
            .map_err(|_| rows.mismatch(name, &format!("{text:?} is not a hexadecimal number")))
    };
    rows.optional_strings(name)?.iter().map(|text| text.map(number).transpose()).collect()
}

pub fn days_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        time_field("day", false),
        text("clock"),
        signed_number("met"),
        signed_number("missed"),
        signed_number("fired"),
    ]))
}

pub fn write_days(days: &[DayRow]) -> Result<RecordBatch, SnapshotError> {
    let day_ms: Vec<i64> = days.iter().map(|day| day.day_ms).collect();
    Ok(RecordBatch::try_new(
        days_schema(),
        vec![
            times(&day_ms),
            strings(days.iter().map(|day| &day.clock)),
            signed(days.iter().map(|day| day.met)),
            signed(days.iter().map(|day| day.missed)),
            signed(days.iter().map(|day| day.fired)),
        ],
    )?)
}

pub fn read_days(rows: &Rows<'_>) -> Result<Vec<DayRow>, SchemaMismatch> {
    let (day_ms, clocks) = (rows.times("day")?, rows.strings("clock")?);
    let counts = |name: &str| rows.numbers::<Int64Type>(name);
    let (met, missed, fired) = (counts("met")?, counts("missed")?, counts("fired")?);
    Ok((0..rows.len())
        .map(|row| DayRow {
            day_ms: day_ms[row],
            clock: clocks.value(row).into(),
            met: met[row],
            missed: missed[row],
            fired: fired[row],
        })
        .collect())
}

pub fn acknowledgements_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![number("sequence"), time_field("at", false), text("actor"), text("reason")]))
}

pub fn write_acknowledgements(acknowledgements: &[Acknowledgement]) -> Result<RecordBatch, SnapshotError> {
    let at_ms: Vec<i64> = acknowledgements.iter().map(|it| it.at_ms).collect();
    Ok(RecordBatch::try_new(
        acknowledgements_schema(),
        vec![
            numbers(acknowledgements.iter().map(|it| it.sequence)),
            times(&at_ms),
            strings(acknowledgements.iter().map(|it| &it.note.actor)),
            strings(acknowledgements.iter().map(|it| &it.note.reason)),
        ],
    )?)
}

pub fn read_acknowledgements(rows: &Rows<'_>) -> Result<Vec<Acknowledgement>, SchemaMismatch> {
    let (sequences, at_ms) = (rows.numbers::<UInt64Type>("sequence")?, rows.times("at")?);
    let (actors, reasons) = (rows.strings("actor")?, rows.strings("reason")?);
    Ok((0..rows.len())
        .map(|row| Acknowledgement {
            sequence: sequences[row],
            at_ms: at_ms[row],
            note: Note { actor: actors.value(row).to_owned(), reason: reasons.value(row).to_owned() },
        })
        .collect())
}
