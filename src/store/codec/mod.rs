//! Encodes groups as bytes, the contents of the journal.
//!
//! ```text
//! group        version (1 byte: 1 without a share of the labels, 2 with one), number, time, catch-up, passage,
//!              count of inputs, inputs
//! input        1 batch | 2 edit | 3 acknowledgement | 4 labels freed (1 byte), then its fields in the order of the struct
//! batch        catch-up, origin, count of rows, then column after column (see batch.rs)
//! number       7 bits a byte, the lowest first, the top bit set in all but the last; signed ones zigzag (0, -1, 1, -2, ...)
//! text         its length in bytes, its bytes
//! origin       actor (text), then 0 | 1 and the key | 2, the key and the fingerprint (1 byte, 16 bytes each)
//! choice       1 byte; the numbers are in enums.rs and never change
//! ```
//!
//! Columns are copied, not walked: ids end to end as in memory, codes and lengths in as few bytes as the largest needs. A row
//! of a bulk load takes some 30 bytes instead of the 350 of its request, and compression would cost more than writing it.
//!
//! Decoding trusts nothing: any bytes give a group that the engine can apply, or an error with its position. What can be
//! encoded can be decoded: [`encode`] rejects what [`decode`] would.
//!
//! A new version gets a new first byte and keeps the old reader; see tests/fixtures.

use super::input::{AcknowledgeInput, BatchInput, EditInput, Group, Input, Origin};
use crate::limits::MAX_GROUP_INPUTS;
pub use error::{DecodeError, EncodeError};
use reader::Reader;
use std::sync::Arc;

mod batch;
mod enums;
mod error;
mod reader;
mod writer;

/// The first byte of a group: the version written, and the one before clients had a share of the labels.
const VERSION: u8 = 2;
const WITHOUT_LABEL_SHARE: u8 = 1;
const BATCH: u8 = 1;
const EDIT: u8 = 2;
const ACKNOWLEDGE: u8 = 3;
const FREE_LABELS: u8 = 4;

/// Replaces the contents of `out` by the group's bytes.
///
/// # Errors
/// [`EncodeError`].
pub fn encode(group: &Group, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    out.clear();
    if group.inputs.len() > MAX_GROUP_INPUTS {
        return Err(EncodeError::Inputs { inputs: group.inputs.len() });
    }
    out.push(if group.has_label_share { VERSION } else { WITHOUT_LABEL_SHARE });
    writer::number(out, group.number);
    writer::signed(out, group.now_ms);
    out.push(enums::catch_up(group.catch_up));
    out.push(enums::passage(group.passage));
    writer::count(out, group.inputs.len());
    for (index, input) in group.inputs.iter().enumerate() {
        match input {
            Input::Batch(input) => {
                out.push(BATCH);
                out.push(enums::catch_up(input.catch_up));
                write_origin(out, &input.origin);
                batch::write(out, &input.batch).map_err(|what| EncodeError::Batch { input: index, what })?;
            }
            Input::Edit(input) => {
                out.push(EDIT);
                write_edit(out, input);
            }
            Input::Acknowledge(input) => {
                out.push(ACKNOWLEDGE);
                write_acknowledge(out, input);
            }
            Input::FreeLabels => out.push(FREE_LABELS),
        }
    }
    Ok(())
}

/// Reads a group.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Group, DecodeError> {
    let reader = &mut Reader::new(bytes);
    let version = reader.byte("version")?;
    let has_label_share = version == VERSION;
    if version != VERSION && version != WITHOUT_LABEL_SHARE {
        return Err(reader.fault("version", format!("{version}, and this release reads {VERSION}")));
    }
    let number = reader.number("number")?;
    let now_ms = reader.signed("time")?;
    let catch_up = reader.choice("catch-up", enums::read_catch_up)?;
    let passage = reader.choice("passage of time", enums::read_passage)?;
    let count = reader.count("inputs", MAX_GROUP_INPUTS)?;
    let mut inputs = Vec::with_capacity(count);
    for _ in 0..count {
        inputs.push(match reader.byte("input")? {
            BATCH => Input::Batch(Arc::new(BatchInput {
                catch_up: reader.choice("catch-up", enums::read_catch_up)?,
                origin: read_origin(reader)?,
                batch: batch::read(reader)?,
            })),
            EDIT => Input::Edit(Arc::new(read_edit(reader)?)),
            ACKNOWLEDGE => Input::Acknowledge(Arc::new(read_acknowledge(reader)?)),
            FREE_LABELS => Input::FreeLabels,
            other => return Err(reader.fault("input", format!("kind {other}, expected 1 to 4"))),
        });
    }
    match reader.left() {
        0 => Ok(Group { number, now_ms, catch_up, passage, has_label_share, inputs }),
        left => Err(reader.fault("end", format!("{left} bytes are left over"))),
    }
}

fn write_origin(out: &mut Vec<u8>, origin: &Origin) {
    writer::text(out, &origin.actor);
    let (key, fingerprint) = (origin.key, origin.key.and(origin.fingerprint));
    out.push(u8::from(key.is_some()) + u8::from(fingerprint.is_some()));
    for number in key.into_iter().chain(fingerprint) {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

fn read_origin(reader: &mut Reader) -> Result<Origin, DecodeError> {
    let actor = reader.text("actor")?.into();
    let numbers = reader.choice("key and fingerprint", |byte| (byte <= 2).then_some(byte))?;
    let key = if numbers > 0 { Some(read_hash(reader, "key")?) } else { None };
    let fingerprint = if numbers > 1 { Some(read_hash(reader, "fingerprint")?) } else { None };
    Ok(Origin { actor, key, fingerprint })
}

fn read_hash(reader: &mut Reader, field: &'static str) -> Result<u128, DecodeError> {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(reader.take(field, 16)?);
    Ok(u128::from_le_bytes(bytes))
}

fn write_edit(out: &mut Vec<u8>, input: &EditInput) {
    writer::text(out, &input.text);
    writer::count(out, input.files.len());
    for (name, text) in &input.files {
        writer::text(out, name);
        writer::text(out, text);
    }
    out.push(enums::apply(input.apply));
    out.push(enums::catch_up(input.catch_up));
    write_origin(out, &input.origin);
    writer::text(out, &input.note);
}

fn read_edit(reader: &mut Reader) -> Result<EditInput, DecodeError> {
    let text = reader.text("policy")?.into();
    let mut files = Vec::new();
    for _ in 0..reader.count("files", usize::MAX)? {
        files.push((reader.text("file name")?.to_owned(), reader.text("file")?.into()));
    }
    Ok(EditInput {
        text,
        files,
        apply: reader.choice("apply", enums::read_apply)?,
        catch_up: reader.choice("catch-up", enums::read_catch_up)?,
        origin: read_origin(reader)?,
        note: reader.text("note")?.to_owned(),
    })
}

fn write_acknowledge(out: &mut Vec<u8>, input: &AcknowledgeInput) {
    writer::number(out, input.sequence);
    writer::text(out, &input.ticket);
    writer::text(out, &input.clock);
    writer::number(out, u64::from(input.cycle));
    out.push(input.level);
    writer::signed(out, input.at_ms);
    writer::text(out, &input.note);
    write_origin(out, &input.origin);
}

fn read_acknowledge(reader: &mut Reader) -> Result<AcknowledgeInput, DecodeError> {
    Ok(AcknowledgeInput {
        sequence: reader.number("sequence")?,
        ticket: reader.text("ticket")?.to_owned(),
        clock: reader.text("clock")?.to_owned(),
        cycle: {
            let cycle = reader.number("cycle")?;
            u16::try_from(cycle)
                .map_err(|_| reader.fault("cycle", format!("{cycle}, expected at most {}", u16::MAX)))?
        },
        level: reader.byte("level")?,
        at_ms: reader.signed("time")?,
        note: reader.text("note")?.to_owned(),
        origin: read_origin(reader)?,
    })
}

#[cfg(test)]
mod tests;
