//! What a replay leaves behind: escalations, cycles and a summary, in files that are there whole or not at all.

mod assemble;
mod cycles;
mod escalations;
mod sink;

use super::summary::Summary;
use crate::atomic_file::Staged;
use crate::engine::{CycleRecord, Engine, Escalation};
use crate::ticket::Batch;
use cycles::Cycles;
use escalations::Escalations;
pub use sink::OutputError;
use sink::Sink;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

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
    /// Creates the folder if need be and the files under temporary names.
    ///
    /// # Errors
    /// [`OutputError`] where that is not possible.
    pub fn create(folder: &Path) -> Result<Self, OutputError> {
        let failed = |source| OutputError::Io { path: folder.display().to_string(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        Ok(Self {
            folder: folder.to_owned(),
            escalations: Escalations::default(),
            cycles: Cycles::default(),
            escalations_file: Sink::create(&folder.join(escalations::NAME), Escalations::schema()?)?,
            cycles_file: Sink::create(&folder.join(cycles::NAME), Cycles::schema()?)?,
        })
    }

    /// Adds what the engine answered last. `batch` is the one that it was given last.
    pub fn add(&mut self, engine: &Engine, batch: &Batch, escalations: &[Escalation], cycles: &[CycleRecord]) {
        escalations.iter().for_each(|escalation| self.escalations.push(engine, batch, escalation));
        cycles.iter().for_each(|cycle| self.cycles.push(engine, cycle));
    }

    /// Ends a window: its rows go to the files in order of time.
    ///
    /// # Errors
    /// [`OutputError`] where a file cannot be written.
    pub fn end_window(&mut self, engine: &Engine) -> Result<(), OutputError> {
        if self.escalations.len() > 0 {
            self.escalations_file.write(self.escalations.finish(engine)?)?;
        }
        if self.cycles.len() > 0 {
            self.cycles_file.write(self.cycles.finish(engine)?)?;
        }
        Ok(())
    }

    /// Gives all files their names once the last window has ended; the summary last, so where there is one, the others are
    /// complete.
    ///
    /// # Errors
    /// [`OutputError`] where a file cannot be written.
    pub fn publish(self, summary: &Summary) -> Result<(), OutputError> {
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
}
