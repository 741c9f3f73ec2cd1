//! A Parquet file that is written by a thread of its own.

use crate::atomic_file::Staged;
use crate::limits;
use crate::table::{ColumnsError, Texts, properties};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use crossbeam_channel::Sender;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread::JoinHandle;
use thiserror::Error;

/// Why a result could not be written.
#[derive(Debug, Error)]
pub enum OutputError {
    #[error("cannot write {path}: {source}")]
    Io { path: String, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Parquet { path: String, source: ParquetError },
    #[error(transparent)]
    Columns(#[from] ColumnsError),
    #[error("{path} has {found} rows when read back, {written} were written")]
    Incomplete { path: String, written: u64, found: i64 },
    #[error("the thread that writes {path} has stopped without a reason")]
    Stopped { path: String },
}

/// A table on its way to a file.
pub(super) struct Sink {
    path: String,
    staged: Staged,
    batches: Option<Sender<RecordBatch>>,
    thread: Option<JoinHandle<Result<(), OutputError>>>,
    rows: u64,
}

impl Sink {
    /// Creates the file, under its temporary name until [`Sink::publish`].
    ///
    /// # Errors
    /// [`OutputError`] where that is not possible.
    pub(super) fn create(path: &Path, schema: SchemaRef) -> Result<Self, OutputError> {
        let shown = path.display().to_string();
        let (staged, file) = Staged::create(path).map_err(|source| OutputError::Io { path: shown.clone(), source })?;
        // A few batches wait at most: the writer may fall behind for a moment, memory may not grow.
        let (sender, receiver) = crossbeam_channel::bounded::<RecordBatch>(limits::WAITING_OUTPUT_BATCHES);
        let in_thread = shown.clone();
        let write = move || -> Result<(), OutputError> {
            let failed = |source| OutputError::Parquet { path: in_thread.clone(), source };
            let properties = properties(&schema, Texts::Prefixed).map_err(failed)?.build();
            let out = BufWriter::with_capacity(1 << 18, file);
            let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).map_err(failed)?;
            for batch in receiver {
                writer.write(&batch).map_err(failed)?;
                if writer.in_progress_size() >= limits::ROW_GROUP_BYTES {
                    writer.flush().map_err(failed)?;
                }
            }
            let mut out = writer.into_inner().map_err(failed)?;
            out.flush().map_err(|source| OutputError::Io { path: in_thread.clone(), source })
        };
        let thread = std::thread::Builder::new()
            .name("parquet".to_owned())
            .spawn(write)
            .map_err(|source| OutputError::Io { path: shown.clone(), source })?;
        Ok(Self { path: shown, staged, batches: Some(sender), thread: Some(thread), rows: 0 })
    }

    /// Hands a batch to the writing thread.
    ///
    /// # Errors
    /// Why that thread has stopped, if it has.
    pub(super) fn write(&mut self, batch: RecordBatch) -> Result<(), OutputError> {
        self.rows += batch.num_rows() as u64;
        let sent = self.batches.as_ref().is_some_and(|batches| batches.send(batch).is_ok());
        if sent { Ok(()) } else { self.join() }
    }

    /// Ends the file, reads its end back and gives it its name.
    ///
    /// # Errors
    /// Whatever went wrong in writing; nothing is published then.
    pub(super) fn publish(mut self) -> Result<(), OutputError> {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_else(|_| Err(OutputError::Stopped { path: self.path.clone() }))?;
        }
        let failed = |source| OutputError::Io { path: self.path.clone(), source };
        let file = File::open(self.staged.partial()).map_err(failed)?;
        let reader = SerializedFileReader::new(file)
            .map_err(|source| OutputError::Parquet { path: self.path.clone(), source })?;
        let found = reader.metadata().file_metadata().num_rows();
        if u64::try_from(found) != Ok(self.rows) {
            return Err(OutputError::Incomplete { path: self.path, written: self.rows, found });
        }
        self.staged.publish().map_err(|source| OutputError::Io { path: self.path, source })
    }

    /// The thread has stopped before its time: says why.
    fn join(&mut self) -> Result<(), OutputError> {
        let stopped = || OutputError::Stopped { path: self.path.clone() };
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => Err(error),
            _ => Err(stopped()),
        }
    }
}
