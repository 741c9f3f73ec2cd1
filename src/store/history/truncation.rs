//! Cuts the history: sets records beyond a number aside, so that their numbers can be assigned again.

use super::error::HistoryError;
use super::files::{FileIndex, HistoryFile};
use super::writer::publish;
use crate::atomic_file::{Staged, sync_folder_of};
use crate::store::epochs::Epoch;
use crate::store::table::reader::{SchemaMismatch, guarded};
use crate::store::table::writer::TableFile;
use crate::table::Texts;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;

/// The files set aside: whole, under other names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The numbers of the records that are no longer in the history.
    pub from: u64,
    pub to: u64,
    pub files: Vec<PathBuf>,
}

/// Sets all records after `last` aside; `None` when there are none. A file with records on both sides is first rewritten with
/// those that stay, and then set aside: a crash on the way leaves the whole one, or both, and the next cut does the rest.
pub(super) fn cut(shelf: &FileIndex, last: u64, epoch: Epoch) -> Result<Option<Cut>, HistoryError> {
    let _alone = shelf.writing.lock();
    let (mut stays, goes): (Vec<_>, Vec<_>) = shelf.files().into_iter().partition(|file| file.last <= last);
    let Some(to) = goes.last().map(|file| file.last) else { return Ok(None) };
    let mut files = Vec::new();
    // The newest first, so that a crash leaves no gap.
    for file in goes.iter().rev() {
        if file.first <= last {
            stays.push(Arc::new(beginning(file, last)?));
        }
        let mut name = file.path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".cut-{epoch}"));
        let aside = file.path.with_file_name(name);
        fs::rename(&file.path, &aside).map_err(HistoryError::io(&file.path))?;
        sync_folder_of(&aside).map_err(HistoryError::io(&aside))?;
        files.push(aside);
    }
    shelf.replace(stays);
    files.reverse();
    Ok(Some(Cut { from: last + 1, to, files }))
}

/// Writes the records of a file up to `last` into another one.
fn beginning(file: &HistoryFile, last: u64) -> Result<HistoryFile, HistoryError> {
    file.check()?;
    let mismatch = |error: &dyn std::fmt::Display| SchemaMismatch::new(&file.path, error);
    let input = File::open(&file.path).map_err(HistoryError::io(&file.path))?;
    let rows = guarded(&file.path, || {
        ParquetRecordBatchReaderBuilder::try_new(input)
            .and_then(|builder| Ok((builder.schema().clone(), builder.build()?)))
            .map_err(|error| mismatch(&error))
    });
    let (schema, batches) = rows?;
    let path = file.path.with_file_name(file.first.to_string());
    let (staged, output) = Staged::create(&path).map_err(HistoryError::io(&path))?;
    let mut table = TableFile::begin(output, staged.partial(), schema, Texts::Prefixed)?;
    let mut left = (last - file.first + 1) as usize;
    for batch in batches {
        let batch = batch.map_err(|error| mismatch(&error))?;
        let take = left.min(batch.num_rows());
        left -= take;
        table.add(&batch.slice(0, take))?;
        if left == 0 {
            break;
        }
    }
    if left > 0 {
        return Err(mismatch(&format!("does not have the records up to {last}")).into());
    }
    publish(staged, file.day_ms, (file.first, last), table.finish()?, file.epoch)
}
