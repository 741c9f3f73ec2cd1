//! Encodes batches as bytes, column after column.
//!
//! ```text
//! rows         count
//! ticket       texts
//! time         the least one, then a column of differences from it
//! kind, state  1 byte a row
//! labels       assigned, then in the order of Column::ALL: count of labels, labels, 0 no codes | 1 no row has a label |
//!              2 a column of codes, in which the largest number of its width means no label
//! flags        1 if texts follow, plus 2 if `opened` rows report current values, 4 if only that the opening is known
//! text         texts
//!
//! texts        count of bytes, bytes, a column of lengths
//! column       width of a value in bytes (1, 2, 4 or 8), values
//! ```

use super::error::DecodeError;
use super::reader::Reader;
use super::writer::Width;
use super::{enums, writer};
use crate::limits::MAX_BATCH_ROWS;
use crate::ticket::{Batch, Column, Labels, NO_LABEL, Openings, Texts};

const HAS_TEXT: u8 = 1;
const CURRENT: u8 = 2;
const KNOWN: u8 = 4;

const NO_CODES: u8 = 0;
const NO_LABELS: u8 = 1;
const CODES: u8 = 2;

/// Writes a batch; an error describes why it is inconsistent.
pub(super) fn write(out: &mut Vec<u8>, batch: &Batch) -> Result<(), String> {
    let rows = batch.len();
    if rows > MAX_BATCH_ROWS {
        return Err(format!("a batch of {rows} rows, expected at most {MAX_BATCH_ROWS}"));
    }
    for (column, length) in [("ticket", batch.ticket.len()), ("kind", batch.kind.len()), ("state", batch.state.len())] {
        fits(column, length, rows)?;
    }
    writer::count(out, rows);
    write_texts(out, &batch.ticket);
    let least_ms = batch.at_ms.iter().copied().min().unwrap_or_default();
    let after_least = |at_ms: i64| at_ms.wrapping_sub(least_ms) as u64;
    let span = batch.at_ms.iter().copied().max().map_or(0, after_least);
    writer::signed(out, least_ms);
    writer::column(out, Width::of(span), batch.at_ms.iter().map(|at_ms| after_least(*at_ms)));
    out.extend(batch.kind.iter().map(|kind| enums::kind(*kind)));
    out.extend(batch.state.iter().map(|state| enums::state(*state)));
    if !batch.assigned.codes.is_empty() {
        fits("assigned", batch.assigned.codes.len(), rows)?;
    }
    write_labels(out, "assigned", &batch.assigned)?;
    for column in Column::ALL {
        let labels = batch.labels(column);
        fits(column.name(), labels.codes.len(), rows)?;
        write_labels(out, column.name(), labels)?;
    }
    let openings = match batch.openings {
        Openings::Log => 0,
        Openings::Known => KNOWN,
        Openings::Current => CURRENT,
    };
    out.push(if batch.text.is_empty() { 0 } else { HAS_TEXT } | openings);
    if !batch.text.is_empty() {
        fits("text", batch.text.len(), rows)?;
        write_texts(out, &batch.text);
    }
    Ok(())
}

fn fits(column: &str, length: usize, rows: usize) -> Result<(), String> {
    if length == rows { Ok(()) } else { Err(format!("column {column} has {length} rows, expected {rows}")) }
}

fn write_labels(out: &mut Vec<u8>, column: &str, labels: &Labels) -> Result<(), String> {
    writer::count(out, labels.labels.len());
    for label in &labels.labels {
        writer::text(out, label);
    }
    if labels.codes.is_empty() {
        out.push(NO_CODES);
        return Ok(());
    }
    // The largest code apart from NO_LABEL, which becomes 0 here.
    let past = labels.codes.iter().map(|code| code.wrapping_add(1)).max().unwrap_or_default();
    if past as usize > labels.labels.len() {
        return Err(format!("column {column} has code {}, and {} labels", past - 1, labels.labels.len()));
    }
    if past == 0 {
        out.push(NO_LABELS);
        return Ok(());
    }
    out.push(CODES);
    // The width's largest number is reserved for no label.
    writer::column(out, Width::of(u64::from(past)), labels.codes.iter().map(|code| u64::from(*code)));
    Ok(())
}

fn write_texts(out: &mut Vec<u8>, texts: &Texts) {
    let (bytes, ends) = texts.parts();
    writer::text(out, bytes);
    let lengths = || {
        let mut before = 0;
        ends.iter().map(move |end| u64::from(end - std::mem::replace(&mut before, *end)))
    };
    writer::column(out, Width::of(lengths().max().unwrap_or_default()), lengths());
}

pub(super) fn read(reader: &mut Reader) -> Result<Batch, DecodeError> {
    let rows = reader.count("rows", MAX_BATCH_ROWS)?;
    let ticket = read_texts(reader, "ticket", rows)?;
    let least_ms = reader.signed("time")?;
    let at_ms = reader.column("time", rows, |after, _| least_ms.checked_add_unsigned(after))?;
    let at_ms = all(reader, "time", at_ms, "a time of more than 64 bits")?;
    let kind = reader.take("kind", rows)?.iter().map(|byte| enums::read_kind(*byte)).collect();
    let kind = all(reader, "kind", kind, "no such event")?;
    let state = reader.take("state", rows)?.iter().map(|byte| enums::read_state(*byte)).collect();
    let state = all(reader, "state", state, "no such state")?;
    let mut batch = Batch { ticket, at_ms, kind, state, ..Batch::default() };
    batch.assigned = read_labels(reader, "assigned", rows)?;
    for column in Column::ALL {
        let labels = read_labels(reader, column.name(), rows)?;
        if labels.codes.len() != rows {
            return Err(reader.fault(column.name(), format!("no codes for {rows} rows")));
        }
        *batch.labels_mut(column) = labels;
    }
    let (openings, has_text) = reader.choice("flags", |byte| {
        let openings = match byte & !HAS_TEXT {
            0 => Openings::Log,
            KNOWN => Openings::Known,
            CURRENT => Openings::Current,
            _ => return None,
        };
        Some((openings, byte & HAS_TEXT != 0))
    })?;
    batch.openings = openings;
    if has_text {
        batch.text = read_texts(reader, "text", rows)?;
    }
    Ok(batch)
}

/// All values, or a fault that names the first row without one.
fn all<T>(reader: &Reader, field: &'static str, values: Vec<Option<T>>, what: &str) -> Result<Vec<T>, DecodeError> {
    match values.iter().position(Option::is_none) {
        Some(row) => Err(reader.fault(field, format!("row {row} has {what}"))),
        None => Ok(values.into_iter().flatten().collect()),
    }
}

fn read_labels(reader: &mut Reader, field: &'static str, rows: usize) -> Result<Labels, DecodeError> {
    let mut labels = Vec::new();
    for _ in 0..reader.count(field, usize::MAX)? {
        labels.push(reader.text(field)?.to_owned());
    }
    let codes = match reader.byte(field)? {
        NO_CODES => Vec::new(),
        NO_LABELS => vec![NO_LABEL; rows],
        CODES => {
            // A code of more than 32 bits becomes one that no list of labels has.
            let codes = reader.column(field, rows, |code, width| {
                if code == width.most() { NO_LABEL } else { u32::try_from(code).unwrap_or(NO_LABEL - 1) }
            })?;
            let outside = |code: &u32| *code != NO_LABEL && *code as usize >= labels.len();
            if let Some(row) = codes.iter().position(outside) {
                let what = format!("row {row} has code {}, and there are {} labels", codes[row], labels.len());
                return Err(reader.fault(field, what));
            }
            codes
        }
        other => return Err(reader.fault(field, format!("codes of form {other}, expected 0 to 2"))),
    };
    Ok(Labels { codes, labels })
}

fn read_texts(reader: &mut Reader, field: &'static str, rows: usize) -> Result<Texts, DecodeError> {
    let bytes = reader.text(field)?;
    let lengths = reader.column(field, rows, |length, _| length)?;
    let mut ends = Vec::with_capacity(rows);
    let mut end = 0_u64;
    for length in lengths {
        end = end.saturating_add(length);
        // An end beyond 32 bits is beyond the bytes, and rejected for that.
        ends.push(u32::try_from(end).unwrap_or(u32::MAX));
    }
    Texts::from_parts(bytes.to_owned(), ends)
        .ok_or_else(|| reader.fault(field, format!("the lengths of {rows} texts do not fit {} bytes", bytes.len())))
}
