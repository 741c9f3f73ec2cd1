//! Checks that the parts of a data folder belong together, and selects the epoch that continues from them.
//!
//! Records are written to the history after the sync of the group that they follow from, so the history is never newer than the
//! journal, whatever the crash. If it is newer, the journal's end is missing: the folder is a copy whose journal was copied
//! first, or it was partly restored. Continuing would reuse numbers that the history has for other records.

use super::config::{Config, StartError};
use super::state_machine::StateMachine;
use crate::store::disk::Disk;
use crate::store::epochs::{Epoch, Epochs, Numbered, Numbers};
use crate::store::history::{Cut, History};
use crate::store::journal::{Journal, Stored};
use crate::store::{backup, epochs, journal, snapshot};
use crate::time::format_rfc3339;
use std::path::Path;

/// The parts of a service on disk.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub data_dir: &'a Path,
    pub journal: &'a Stored,
    pub history: &'a History,
    pub epochs: Option<&'a Epochs>,
}

fn damaged(text: impl ToString) -> StartError {
    StartError::Damaged(text.to_string())
}

/// Checks that a folder into which a backup was restored has all of it.
///
/// # Errors
/// [`StartError::Damaged`].
pub(super) fn check_restored(data_dir: &Path) -> Result<(), StartError> {
    if !data_dir.join(backup::RESTORING).exists() {
        return Ok(());
    }
    Err(damaged(format!(
        "a restore into {} did not finish, so parts of it are missing: remove the folder and restore again",
        data_dir.display()
    )))
}

/// A folder that is not new must have its journal: without it the service would start from nothing.
///
/// # Errors
/// [`StartError`].
pub(super) fn check_complete(data_dir: &Path, disk: &dyn Disk, epochs: Option<&Epochs>) -> Result<(), StartError> {
    if !journal::segments(disk).map_err(damaged)?.is_empty() {
        return Ok(());
    }
    let has_snapshots = snapshot::list(&data_dir.join("snapshots")).is_ok_and(|found| !found.is_empty());
    let history = History::read(&data_dir.join("history")).map_err(damaged)?;
    if epochs.is_none() && !has_snapshots && history.last_escalation().max(history.last_cycle()) == 0 {
        return Ok(());
    }
    Err(damaged(format!(
        "{} has epochs, snapshots or a history, but no journal: put the journal back, or restore a backup (overdue backup restore)",
        data_dir.display()
    )))
}

/// Checks that the journal belongs to this folder and its present state.
///
/// # Errors
/// [`StartError::Damaged`] with the part that does not.
pub(super) fn check_journal(parts: Parts<'_>) -> Result<(), StartError> {
    let Parts { data_dir, journal, epochs, .. } = parts;
    let Some(epochs) = epochs else { return Ok(()) };
    let folder = data_dir.join("journal");
    if !epochs.is_of_journal(journal.identity()) {
        return Err(damaged(format!(
            "{} has the journal of another data folder, according to {}: put its own back, or restore a backup (overdue backup \
             restore)",
            folder.display(),
            data_dir.join(epochs::FILE).display()
        )));
    }
    let path_of = |first: u64| folder.join(journal::segment_name(first));
    for begun in journal.segments() {
        if let Some(epoch) = begun.epoch.filter(|_| !epochs.holds(begun.epoch, begun.first, Numbered::Group)) {
            return Err(stray(&path_of(begun.first), epoch, epochs));
        }
    }
    // The first group of an epoch begins a segment.
    if let (Some(newest), Some(first)) = (journal.segments().last(), epochs.first())
        && let Some(epoch) = newest.epoch.filter(|epoch| Some(*epoch) != epochs.current())
        && journal.last() >= first.group
    {
        return Err(stray(&path_of(newest.first), epoch, epochs));
    }
    Ok(())
}

/// Checks that all files of the history belong to this folder and its present state.
///
/// # Errors
/// [`StartError::Damaged`] with the file that does not.
pub(super) fn check_history(history: &History, epochs: Option<&Epochs>) -> Result<(), StartError> {
    match epochs.and_then(|epochs| Some((history.stray(epochs)?, epochs))) {
        Some(((path, epoch), epochs)) => Err(stray(&path, epoch, epochs)),
        None => Ok(()),
    }
}

/// A part that reaches beyond the end of its epoch.
pub(super) fn stray(path: &Path, epoch: Epoch, epochs: &Epochs) -> StartError {
    let current = epochs.current().map_or_else(String::new, |current| current.to_string());
    damaged(format!(
        "{} is of epoch {epoch}, and does not belong to the present state of the folder (epoch {current}, reason: {}): it comes \
         from another folder, or from an abandoned state; put the right one back",
        path.display(),
        epochs.reason()
    ))
}

/// Rejects a history that is newer than the journal.
///
/// # Errors
/// [`StartError::Damaged`] with both ends and the remedies.
pub(super) fn check_ends(data_dir: &Path, history: &History, machine: &StateMachine) -> Result<(), StartError> {
    let ends = [
        ("escalation", history.last_escalation(), machine.last_escalation()),
        ("cycle", history.last_cycle(), machine.last_cycle()),
    ];
    let newer: Vec<String> = ends
        .into_iter()
        .filter(|(_, written, last)| written > last)
        .map(|(kind, written, last)| {
            format!("{kind} records up to {written}, while the journal leads to {last} ({} fewer)", written - last)
        })
        .collect();
    if newer.is_empty() {
        return Ok(());
    }
    Err(damaged(format!(
        "the history is newer than the journal, which ends with group {}: it has {}. What came after that group is missing, as \
         in a copy that was made while the service ran. Put the rest of {} back, or restore a backup (overdue backup restore), \
         or start once with --cut-history: these records of the history are set aside, and a new epoch begins",
        machine.group,
        newer.join("; "),
        data_dir.join("journal").display()
    )))
}

/// Continues the folder's epoch, or begins a new one where a number could otherwise stand for two records: in a new folder, in
/// a copy, after a restore, and where the history is cut.
///
/// # Errors
/// [`StartError`].
pub(super) fn begin(
    config: &Config,
    before: Option<Epochs>,
    drawn: Epoch,
    journal: &mut Journal,
    history: &History,
    (machine, now_ms): (&StateMachine, i64),
) -> Result<Epochs, StartError> {
    let (escalation, cycle) = (machine.last_escalation(), machine.last_cycle());
    let is_newer = history.last_escalation() > escalation || history.last_cycle() > cycle;
    if is_newer && !config.cut_history {
        check_ends(&config.data_dir, history, machine)?;
    }
    if !is_newer {
        check_history(history, before.as_ref())?;
    }
    let next = Numbers { group: journal.last() + 1, escalation: escalation + 1, cycle: cycle + 1 };
    let is_new = journal.last() == 0 && before.is_none();
    let reason = match &before {
        _ if is_newer => format!("the history was cut after escalation record {escalation} and cycle record {cycle}"),
        Some(before) if before.is_before(next) => "the folder was put back to an earlier state".to_owned(),
        Some(before) if before.is_in_place() && !journal.is_copy() => return Ok(before.clone()),
        Some(_) => "the folder was restored, copied or moved from another file system".to_owned(),
        None if is_new => "the folder is new".to_owned(),
        None => format!("there was no {}", epochs::FILE),
    };
    let identity = journal.stored().identity();
    let begun = (format_rfc3339(now_ms), reason.as_str());
    let epochs = Epochs::begin(&config.data_dir, before, identity, (drawn, next), begun)?;
    history.set_epoch(drawn);
    if !is_new {
        journal.begin_epoch(drawn);
        tracing::warn!(epoch = %drawn, reason, group = next.group, escalation = next.escalation, "a new epoch begins");
    }
    // After the epoch is durable: in the reverse order, a crash between the two would leave no trace of the cut.
    if is_newer {
        report_cut("escalation", history.cut_escalations(escalation, drawn).map_err(damaged)?);
        report_cut("cycle", history.cut_cycles(cycle, drawn).map_err(damaged)?);
        check_history(history, Some(&epochs))?;
    }
    Ok(epochs)
}

fn report_cut(kind: &str, cut: Option<Cut>) {
    let Some(Cut { from, to, files }) = cut else { return };
    let records = to - from + 1;
    let files = files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    tracing::warn!(kind, records, from, to, files, "records beyond the journal's end were set aside");
}
