//! Reports what a start would find in a data folder, without starting and without changing anything.

use super::config::StartError;
use super::data_folder::Parts;
use super::{data_folder, recovery};
use crate::store::disk::FolderDisk;
use crate::store::epochs::{Epoch, Epochs};
use crate::store::history::History;
use crate::store::journal::Stored;
use std::path::Path;
use std::sync::Arc;

/// The state that a start would continue from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inspected {
    /// The last group of the journal, and its time.
    pub group: u64,
    pub at_ms: i64,
    pub tickets: u64,
    /// The last records.
    pub escalation: u64,
    pub cycle: u64,
    /// The snapshot that recovery begins with, and the groups after it.
    pub snapshot: Option<u64>,
    pub replayed_groups: u64,
    pub epoch: Option<Epoch>,
}

/// Recovers a data folder in memory, with all checks of a start.
///
/// # Errors
/// [`StartError`], where a start would fail with it.
pub fn inspect(data_dir: &Path) -> Result<Inspected, StartError> {
    let damaged = |error: &dyn std::fmt::Display| StartError::Damaged(error.to_string());
    let disk = Arc::new(FolderDisk::read_only(&data_dir.join("journal")));
    data_folder::check_restored(data_dir)?;
    let epochs = Epochs::read(data_dir)?;
    let journal = Stored::read(disk).map_err(|error| damaged(&error))?;
    let journal = journal.ok_or_else(|| damaged(&format!("{} has no journal", data_dir.display())))?;
    let history = History::read(&data_dir.join("history")).map_err(|error| damaged(&error))?;
    let parts = Parts { data_dir, journal: &journal, history: &history, epochs: epochs.as_ref() };
    data_folder::check_journal(parts)?;
    data_folder::check_history(&history, epochs.as_ref())?;
    let mut recovered = recovery::recover(parts, None)?;
    // A record that is in the history already is not compared with the replayed one: its number is enough.
    recovery::replay(&mut recovered, &journal, drop)?;
    data_folder::check_ends(data_dir, &history, &recovered.machine)?;
    let machine = &recovered.machine;
    Ok(Inspected {
        group: machine.group,
        at_ms: machine.now_ms(),
        tickets: machine.engine.read().len() as u64,
        escalation: machine.last_escalation(),
        cycle: machine.last_cycle(),
        snapshot: recovered.snapshot,
        replayed_groups: recovered.replayed_groups,
        epoch: epochs.and_then(|epochs| epochs.current()),
    })
}
