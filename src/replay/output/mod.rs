//! The results of a replay: escalations, cycles and a summary, in files that are published complete or not at all.

mod cycles;
mod escalations;
mod order;
mod sink;

use super::summary::Summary;
use crate::atomic_file::Staged;
use crate::engine::{CycleRecord, Engine, Escalation};
use crate::ticket::Batch;
use arrow::error::ArrowError;
use cycles::Cycles;
use escalations::Escalations;
pub use sink::OutputError;
use sink::Sink;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const ESCALATIONS: &str = "escalations.parquet";
const CYCLES: &str = "cycles.parquet";
const SUMMARY: &str = "summary.json";

/// The files of a replay.
pub struct Outputs {
    folder: PathBuf,
    escalations: Escalations,
    cycles: Cycles,
    escalations_file: Sink,
    cycles_file: Sink,
}

impl Outputs {
    /// Creates the folder if needed, and the files under temporary names.
    ///
    /// # Errors
    /// [`OutputError`] if that is not possible.
    pub fn create(folder: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Io { path: folder.display().to_string(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            escalations: Escalations::default(),
            cycles: Cycles::default(),
            escalations_file: Sink::create(&folder.join(ESCALATIONS), Escalations::schema())?,
            cycles_file: Sink::create(&folder.join(CYCLES), Cycles::schema())?,
        })
    }

    /// Adds the engine's last output. `batch` is the last one applied to it.
    pub fn add(&mut self, engine: &Engine, batch: &Batch, escalations: &[Escalation], cycles: &[CycleRecord]) {
        escalations.iter().for_each(|escalation| self.escalations.push(engine, batch, escalation));
        cycles.iter().for_each(|cycle| self.cycles.push(engine, cycle));
    }

    /// Ends a window: its rows are written to the files in order of time.
    ///
    /// # Errors
    /// [`OutputError`] if a file cannot be written.
    pub fn end_window(&mut self) -> Result<(), OutputError> {
        if self.escalations.len() > 0 {
            let rows = self.escalations.finish().map_err(|source| self.columns(ESCALATIONS, source))?;
            self.escalations_file.write(rows)?;
        }
        if self.cycles.len() > 0 {
            let rows = self.cycles.finish().map_err(|source| self.columns(CYCLES, source))?;
            self.cycles_file.write(rows)?;
        }
        Ok(())
    }

    /// Renames all files to their final names; the summary last, so if it exists, the others are complete.
    ///
    /// # Errors
    /// [`OutputError`] if a file cannot be written.
    pub fn publish(mut self, summary: &Summary) -> Result<(), OutputError> {
        self.end_window()?;
        self.escalations_file.publish()?;
        self.cycles_file.publish()?;
        let path = self.folder.join(SUMMARY);
        let write = || {
            let (staged, mut file) = Staged::create(&path)?;
            let mut text = serde_json::to_vec_pretty(summary)?;
            text.push(b'\n');
            file.write_all(&text)?;
            staged.publish()
        };
        write().map_err(|source| OutputError::Io { path: path.display().to_string(), source })
    }

    fn columns(&self, name: &str, source: ArrowError) -> OutputError {
        OutputError::Columns { path: self.folder.join(name).display().to_string(), source }
    }
}
