//! `overdue snapshot`: lists and verifies the snapshots of a service.

use crate::replay::grouped;
use crate::store::snapshot;
use crate::store::snapshot::{Damage, Found, MANIFEST, Manifest};
use crate::time::format_rfc3339;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use comfy_table::{Cell, CellAlignment, LineStyle, Row, Table, TableStyle};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Table style: one line under the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

#[derive(Debug, Subcommand)]
pub(super) enum SnapshotCommand {
    /// List snapshots with the contents of their manifests.
    Inspect(Place),
    /// Verify snapshots: read every byte and check it. The exit code is 1 if one is damaged.
    Verify(Place),
}

#[derive(Debug, Args)]
pub(super) struct Place {
    /// The data folder of a service, its folder of snapshots, or one snapshot.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// A folder without snapshots, or one that cannot be read.
pub(super) fn run(command: &SnapshotCommand) -> anyhow::Result<ExitCode> {
    let (text, is_whole) = match command {
        SnapshotCommand::Inspect(place) => inspect(&find(&place.folder)?),
        SnapshotCommand::Verify(place) => verify(&find(&place.folder)?),
    };
    crate::cli::common::print::print(&text)?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The snapshots of a folder, newest first.
fn find(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if folder.join(MANIFEST).exists() {
        return Ok(vec![folder.to_owned()]);
    }
    let inside = folder.join("snapshots");
    let place = if inside.is_dir() { &inside } else { folder };
    if !place.is_dir() {
        bail!("{} is not a folder: expected a data folder, its snapshots, or one snapshot", folder.display());
    }
    let found = snapshot::list(place).with_context(|| format!("cannot read {}", place.display()))?;
    if found.is_empty() {
        bail!("there are no snapshots in {}", place.display());
    }
    Ok(found.into_iter().map(|Found { path, .. }| path).collect())
}

fn inspect(paths: &[PathBuf]) -> (String, bool) {
    let titles =
        ["snapshot", "time", "tickets", "clocks", "policies", "groups", "bytes", "overdue", "zone data", "schema"];
    let mut table = Table::new();
    table.load_style(STYLE).set_header(Row::from(titles.map(Cell::new)));
    let mut damages = String::new();
    for path in paths {
        match Manifest::of(path) {
            Ok(manifest) => table.add_row(row_of(&manifest)),
            Err(damage) => {
                let _ = writeln!(damages, "damaged: {damage}");
                continue;
            }
        };
    }
    let is_whole = damages.is_empty();
    let shown = if table.is_empty() { String::new() } else { format!("{table}\n") };
    (shown + &damages, is_whole)
}

fn row_of(manifest: &Manifest) -> Row {
    let number = |count: u64| Cell::new(grouped(count)).set_alignment(CellAlignment::Right);
    let (first, last) = (manifest.first_position(), manifest.last_position());
    Row::from(vec![
        Cell::new(manifest.number),
        Cell::new(format_rfc3339(manifest.now_ms)),
        number(manifest.rows_of("tickets.parquet")),
        number(manifest.rows_of("clocks.parquet")),
        number(manifest.rows_of("policy_versions.parquet")),
        Cell::new(if first == last { first.to_string() } else { format!("{first} to {last}") }),
        number(manifest.bytes()),
        Cell::new(&manifest.program),
        Cell::new(&manifest.zone_data_version),
        Cell::new(manifest.schema_version),
    ])
}

fn verify(paths: &[PathBuf]) -> (String, bool) {
    let mut text = String::new();
    let mut is_whole = true;
    for path in paths {
        let checked = check(path);
        is_whole &= checked.is_ok();
        let _ = match checked {
            Ok(summary) => writeln!(text, "{}: intact, {summary}", path.display()),
            Err(damage) => writeln!(text, "{}: DAMAGED, {damage}", path.display()),
        };
    }
    (text, is_whole)
}

fn check(path: &Path) -> Result<String, Damage> {
    let snapshot = snapshot::open(path)?;
    let (tickets, clocks) = snapshot.check_all_shards()?;
    let (tickets, clocks) = (grouped(tickets), grouped(clocks));
    Ok(format!("{tickets} tickets, {clocks} clocks, {} bytes", grouped(snapshot.manifest().bytes())))
}
