//! `overdue generate`: a synthetic history, the same on every machine.

use crate::atomic_file::Staged;
use crate::generate::{ArrowRows, Csv, History, Ndjson, Output, ParquetRows, Plan, Table, TableWriter, lifecycles};
use crate::limits;
use crate::time::{DAY_MS, MAX_INPUT_MS, parse_rfc3339};
use anyhow::{Context, bail};
use clap::ValueEnum;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Written once and read often: small size matters more than speed.
const ZSTD_LEVEL: i32 = 19;

/// Generates the synthetic history of a contact centre.
///
/// The same options give the same rows on every machine. The file name selects the format: .csv or .ndjson (also .jsonl),
/// each optionally compressed (.zst or .gz appended), .parquet, or .arrows (an Arrow stream).
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Number of tickets
    #[arg(long, default_value_t = 2_000)]
    tickets: u64,
    /// Random seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First day of the history
    #[arg(long, default_value = "2026-01-05", value_name = "DATE")]
    start: String,
    /// Days in which tickets arrive; events after the last day are omitted
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// What a row represents
    #[arg(long, value_enum, default_value_t = Shape::Events)]
    shape: Shape,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// An event
    Events,
    /// A ticket, with the times at which it was opened, first replied to, resolved and closed
    Tickets,
}

/// Runs the command.
///
/// # Errors
/// Invalid options, or a file that cannot be written.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let start_ms = parse_rfc3339(&format!("{}T00:00:00Z", arguments.start))
        .with_context(|| format!("--start {:?}: expected a date such as 2026-01-05", arguments.start))?;
    let plan = Plan { tickets: arguments.tickets, start_ms, days: arguments.days, seed: arguments.seed };
    if plan.end_ms() > MAX_INPUT_MS - 365 * DAY_MS {
        bail!("--start {} and --days {}: the history must end before 2099", arguments.start, arguments.days);
    }
    if plan.tickets > u64::from(u32::MAX) {
        bail!("--tickets {}: at most {}", plan.tickets, u32::MAX);
    }
    let cannot_write = || format!("cannot write {}", arguments.out.display());
    let (staged, file) = Staged::create(&arguments.out).with_context(cannot_write)?;
    let mut out = writer(&arguments.out, file)?;
    let rows = match arguments.shape {
        Shape::Events => write_events(plan, out.as_mut()),
        Shape::Tickets => write_tickets(plan, out.as_mut()),
    };
    let rows = rows.and_then(|rows| out.finish().map(|()| rows)).with_context(cannot_write)?;
    staged.publish().with_context(cannot_write)?;
    eprintln!("{}: {rows} rows of {} tickets", arguments.out.display(), plan.tickets);
    Ok(ExitCode::SUCCESS)
}

fn write_events(plan: Plan, out: &mut dyn TableWriter) -> io::Result<usize> {
    let mut history = History::new(plan);
    let mut rows = 0;
    while let Some(batch) = history.next_batch(limits::GENERATED_ROWS) {
        rows += batch.len();
        out.write(&Table::of_events(batch))?;
    }
    Ok(rows)
}

fn write_tickets(plan: Plan, out: &mut dyn TableWriter) -> io::Result<usize> {
    let mut lifecycles = lifecycles(plan);
    let mut rows = 0;
    loop {
        let chunk: Vec<_> = lifecycles.by_ref().take(limits::GENERATED_ROWS).collect();
        if chunk.is_empty() {
            return Ok(rows);
        }
        rows += chunk.len();
        out.write(&Table::of_tickets(&chunk))?;
    }
}

/// The writer for a file name.
fn writer(path: &Path, file: File) -> anyhow::Result<Box<dyn TableWriter>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let file = BufWriter::with_capacity(1 << 18, file);
    if name.ends_with(".parquet") {
        return Ok(Box::new(ParquetRows::new(Sink::Plain(file))));
    }
    if name.ends_with(".arrows") {
        return Ok(Box::new(ArrowRows::new(Sink::Plain(file))));
    }
    let (name, out) = if let Some(name) = name.strip_suffix(".zst") {
        (name, Sink::Zstd(zstd::Encoder::new(file, ZSTD_LEVEL)?))
    } else if let Some(name) = name.strip_suffix(".gz") {
        (name, Sink::Gzip(GzEncoder::new(file, Compression::default())))
    } else {
        (name.as_str(), Sink::Plain(file))
    };
    match name.rsplit('.').next() {
        Some("csv") => Ok(Box::new(Csv::new(out))),
        Some("ndjson" | "jsonl") => Ok(Box::new(Ndjson::new(out))),
        _ => bail!(
            "--out {}: the name must end in .csv, .ndjson, .jsonl (each also with .zst or .gz), .parquet or .arrows",
            path.display()
        ),
    }
}

/// A file, optionally compressed.
enum Sink {
    Plain(BufWriter<File>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
    Gzip(GzEncoder<BufWriter<File>>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(out) => out.write(bytes),
            Self::Zstd(out) => out.write(bytes),
            Self::Gzip(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.flush(),
            Self::Zstd(out) => out.flush(),
            Self::Gzip(out) => out.flush(),
        }
    }
}

impl Output for Sink {
    fn close(self) -> io::Result<()> {
        let mut file = match self {
            Self::Plain(file) => file,
            Self::Zstd(out) => out.finish()?,
            Self::Gzip(out) => out.finish()?,
        };
        file.flush()
    }
}
