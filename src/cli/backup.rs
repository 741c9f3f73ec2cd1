//! `overdue backup`: backups of a data folder, also while its service runs.

use crate::replay::grouped;
use crate::server;
use crate::service;
use crate::service::Inspected;
use crate::store::backup;
use crate::store::backup::{Created, Manifest};
use crate::time::format_rfc3339;
use anyhow::Context;
use clap::{Args, Subcommand};
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Create a backup of a data folder, whether its service runs or not.
    ///
    /// Each backup is a folder of DIR: 00000001 and so on. Each is complete by itself; files unchanged since the previous
    /// backup are hard links to it and take no extra space. Tokens are included (their hashes only).
    Create(Create),
    /// Verify backups: read every byte, and recover each in memory as the service does at its start. The exit code is 1 if
    /// one is damaged.
    Verify(Verify),
    /// Restore a data folder from a backup.
    ///
    /// Every byte is verified. The next start from the folder begins a new epoch: followers of the feed that have seen records
    /// missing from the backup are notified.
    Restore(Restore),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Folder of the backups; created if it does not exist.
    #[arg(value_name = "DIR")]
    store: PathBuf,
    /// The data folder of the service.
    #[arg(long, value_name = "DIR")]
    data_dir: PathBuf,
    /// Then remove all but the newest COUNT backups.
    #[arg(long, value_name = "COUNT")]
    keep: Option<NonZeroUsize>,
}

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Folder of backups, or one backup.
    #[arg(value_name = "DIR")]
    store: PathBuf,
}

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// Folder of backups (the newest is restored), or one backup.
    #[arg(value_name = "DIR")]
    store: PathBuf,
    /// The data folder to create; it must not exist or be empty.
    #[arg(value_name = "DATA_DIR")]
    data_dir: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A backup cannot be created, found or restored.
pub(super) fn run(command: &BackupCommand) -> anyhow::Result<ExitCode> {
    let (text, is_whole) = match command {
        BackupCommand::Create(create) => (self::create(create)?, true),
        BackupCommand::Verify(verify) => self::verify(&backup::find(&verify.store)?),
        BackupCommand::Restore(restore) => (self::restore(restore)?, true),
    };
    crate::cli::common::print::print(&text)?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn create(arguments: &Create) -> anyhow::Result<String> {
    let now = format_rfc3339(server::auth::wall_clock::now_ms());
    let keep = arguments.keep.map(NonZeroUsize::get);
    let created = backup::create(&arguments.store, &arguments.data_dir, keep, &now)
        .with_context(|| format!("cannot back up {}", arguments.data_dir.display()))?;
    let Created { path, manifest, copied, linked, pruned, warnings } = created;
    let mut text = String::new();
    for warning in warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    let _ = writeln!(
        text,
        "{}: up to group {} at {}; {} files copied ({} bytes), {} linked ({} bytes)",
        path.display(),
        manifest.group,
        format_rfc3339(manifest.now_ms),
        grouped(copied.files),
        grouped(copied.bytes),
        grouped(linked.files),
        grouped(linked.bytes)
    );
    if !pruned.is_empty() {
        let numbers: Vec<String> = pruned.iter().map(u64::to_string).collect();
        let _ = writeln!(text, "removed: {}", numbers.join(", "));
    }
    Ok(text)
}

fn verify(backups: &[PathBuf]) -> (String, bool) {
    let mut text = String::new();
    let mut is_whole = true;
    for path in backups {
        let checked = check(path);
        is_whole &= checked.is_ok();
        let _ = match checked {
            Ok(summary) => writeln!(text, "{}: intact, {summary}", path.display()),
            Err(error) => writeln!(text, "{}: DAMAGED, {error:#}", path.display()),
        };
    }
    (text, is_whole)
}

fn check(path: &Path) -> anyhow::Result<String> {
    let manifest = Manifest::check(path)?;
    let inspected = service::inspect(path)?;
    Ok(format!("created {}, {}, {} bytes", manifest.created_at, state(&inspected), grouped(manifest.bytes())))
}

fn restore(arguments: &Restore) -> anyhow::Result<String> {
    let found = backup::find(&arguments.store)?;
    let path = found.first().context("no backup found")?;
    let manifest =
        backup::restore(path, &arguments.data_dir).with_context(|| format!("{} was not restored", path.display()))?;
    let inspected =
        service::inspect(&arguments.data_dir).context("the service cannot start from the restored folder")?;
    Ok(format!(
        "{}: restored from {}, created {}: {}\nthe next start begins a new epoch after {}\n",
        arguments.data_dir.display(),
        path.display(),
        manifest.created_at,
        state(&inspected),
        inspected.epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string())
    ))
}

fn state(inspected: &Inspected) -> String {
    let Inspected { group, at_ms, tickets, escalation, .. } = inspected;
    format!(
        "group {group} at {}, {} tickets, {} escalation records",
        format_rfc3339(*at_ms),
        grouped(*tickets),
        grouped(*escalation)
    )
}
