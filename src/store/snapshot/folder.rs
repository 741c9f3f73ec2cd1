//! The folder of snapshots: lists and prunes them.

use crate::atomic_file::{retire_folder, sync_folder_of};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Digits of a snapshot's number in the name of its folder.
const DIGITS: usize = 20;

/// A published snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub number: u64,
    pub path: PathBuf,
}

/// The name of a snapshot's folder.
pub(crate) fn name_of(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

/// The number in the name of a snapshot's folder.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    (name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok())?
}

/// All snapshots of a folder, newest first. Without the folder there are none.
///
/// # Errors
/// Errors of the file system.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(number) = number_of(name) {
            found.push(Found { number, path });
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse(found.number));
    Ok(found)
}

/// Removes all but the newest `keep` snapshots; returns the numbers of the removed ones.
///
/// # Errors
/// Errors of the file system.
pub fn prune(folder: &Path, keep: usize) -> io::Result<Vec<u64>> {
    let old: Vec<Found> = list(folder)?.into_iter().skip(keep).collect();
    old.iter().map(|found| retire_folder(&found.path).map(|()| found.number)).collect()
}

/// Renames a damaged snapshot, so that it is neither read nor counted again: its folder stays, as `NUMBER.damaged`, for
/// inspection.
///
/// # Errors
/// Errors of the file system.
pub fn set_aside(found: &Found) -> io::Result<PathBuf> {
    let aside = found.path.with_extension("damaged");
    if aside.exists() {
        retire_folder(&aside)?;
    }
    fs::rename(&found.path, &aside)?;
    sync_folder_of(&aside)?;
    Ok(aside)
}
