//! `overdue load`: loads exports into a running service.
//!
//! Reading, encoding and sending overlap: one thread parses the input, each connection encodes and sends its own chunks, and
//! a short queue between them keeps memory constant for any size of input.

mod chunk;
pub(crate) mod encode;
mod resume;
mod retry;
mod summary;
mod upload;

pub(super) use chunk::{Chunk, Part};
pub(super) use encode::{CONTENT_TYPE, encode};
pub(super) use retry::Patience;

use super::common::client::{Client, ServerArguments};
use super::common::files::read_mapping;
use super::common::rejects::{Rejects, RejectsLine};
use super::common::shutdown::Stop;
use crate::engine::CatchUp;
use crate::ingest;
use crate::ingest::{Mapping, Report, Source};
use crate::limits;
use anyhow::Context;
use chunk::Cutter;
use clap::{ValueEnum, value_parser};
use crossbeam_channel::{Sender, bounded};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;
use resume::{About, Resume};
use std::fs;
use std::io::{self, IsTerminal};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;
use upload::{Counts, Input, Ledger, Upload};

/// Loads exports into a running service.
///
/// Reads NDJSON, JSON, CSV, Parquet and Arrow (plain, .zst or .gz) with the mapping, and sends the events in chunks over
/// several connections. A lost chunk is sent again and executed once. Loading the same input again changes nothing.
/// Exit codes: 0 all rows accepted; 1 done, but some rows were invalid or rejected; 2 not finished.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Input files; - is the standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Mapping of the inputs (TOML); without it they are in our own format
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Which levels fire that are already due when a row arrives
    #[arg(long, value_enum, default_value_t = CatchUp::Latest)]
    catch_up: CatchUp,
    /// What to do with a row that is invalid or rejected
    #[arg(long, value_enum, default_value_t = OnError::Skip)]
    on_error: OnError,
    /// File for invalid and rejected rows, as JSON lines
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// File that records acknowledged chunks, so that the same command resumes where it stopped; removed when the load is
    /// complete
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Concurrent connections, each of which sends one chunk at a time
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = value_parser!(u64).range(1..=limits::MAX_LOAD_CONNECTIONS as u64))]
    connections: u64,
    /// Print errors only
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnError {
    /// Skip it, report it, continue
    Skip,
    /// Stop the load there
    Abort,
}

/// The name of an option's value, as the command line and the API write it.
fn name_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the load from being complete. Acknowledged events stay in the service.
#[expect(clippy::disallowed_methods, reason = "says how long the load took, on the terminal only")]
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mapping = arguments.mapping.as_deref().map_or_else(|| Ok(Mapping::default()), read_mapping)?;
    let client = Client::new(&arguments.server)?;
    let inputs: Vec<Input> = arguments
        .inputs
        .iter()
        .map(|path| Input {
            name: path.display().to_string(),
            bytes: fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len()),
        })
        .collect();
    let (catch_up, on_error) = (name_of(arguments.catch_up), name_of(arguments.on_error));
    let resume = Resume::open(
        arguments.resume.as_deref(),
        &About { url: client.base().to_string(), catch_up: catch_up.clone() },
    )?;
    let bar = progress_bar(arguments, &inputs)?;
    let rejects = Rejects::create(arguments.rejects.as_deref(), arguments.quiet, bar.clone())?;
    let counts = vec![Counts::default(); inputs.len()];
    let upload = Upload {
        client: &client,
        inputs: &inputs,
        path: format!("v1/events?catch_up={catch_up}&on_error={on_error}"),
        aborts_on_error: arguments.on_error == OnError::Abort,
        stop: Stop::default(),
        bar,
        ledger: Mutex::new(Ledger { resume, rejects, counts, notes: Vec::new(), retries: 0, failed: None }),
    };
    let reports = send_all(arguments, &mapping, &upload);
    upload.bar.finish_and_clear();
    let mut ledger = upload.ledger.into_inner();
    ledger.rejects.publish().context("cannot write the file of --rejects")?;
    if !arguments.quiet {
        let seconds = began.elapsed().as_secs_f64();
        let summary = summary::show(&inputs, &reports, &ledger, seconds);
        crate::cli::common::print::print(&summary)?;
    }
    if let Some(error) = ledger.failed {
        let hint = match &arguments.resume {
            Some(path) => format!("run the same command to resume from here: progress is in {}", path.display()),
            None => "load again: accepted events stay, and repeating them changes nothing".to_owned(),
        };
        return Err(error.context(format!("not finished ({hint})")));
    }
    ledger.resume.complete().context("cannot remove the file of --resume")?;
    let left_out: u64 = reports.iter().map(|report| report.rejected).sum::<u64>()
        + ledger.counts.iter().map(|counts| counts.rejected).sum::<u64>();
    Ok(ExitCode::from(u8::from(left_out > 0)))
}

/// Reads all inputs and sends them; returns a report for each. A failure is in the ledger.
fn send_all(arguments: &Arguments, mapping: &Mapping, upload: &Upload<'_>) -> Vec<Report> {
    std::thread::scope(|scope| {
        let (sender, receiver) = bounded::<Chunk>(1);
        for _ in 0..arguments.connections {
            let receiver = receiver.clone();
            scope.spawn(move || upload.work(&receiver));
        }
        // Only the workers hold receivers now: when all workers have ended, sending fails.
        drop(receiver);
        let mut reports = Vec::new();
        for (input, path) in arguments.inputs.iter().enumerate() {
            if upload.stop.is_set() {
                break;
            }
            let source = match path.to_str() {
                Some("-") => Source::stream("stdin", io::stdin()),
                _ => Source::file(path),
            };
            match read_one(input, source, mapping, upload, &sender) {
                Ok(report) => reports.push(report),
                Err(error) => upload.fail(error),
            }
        }
        reports
    })
}

fn read_one(
    input: usize,
    source: Source,
    mapping: &Mapping,
    upload: &Upload<'_>,
    sender: &Sender<Chunk>,
) -> anyhow::Result<Report> {
    let options = ingest::Options { strict: upload.aborts_on_error, lines: true, ..ingest::Options::default() };
    let read_bytes = std::sync::Arc::clone(&options.read_bytes);
    let before = upload.bar.position();
    let mut cutter = Cutter::new(input);
    let on_batch = |numbered| {
        upload.bar.set_position(before + read_bytes.load(Ordering::Relaxed));
        for chunk in cutter.push(numbered) {
            if upload.stop.is_set() || sender.send(chunk).is_err() {
                return ControlFlow::Break(());
            }
        }
        ControlFlow::Continue(())
    };
    let on_reject = |reject: &ingest::RowError| upload.ledger.lock().rejects.add(&RejectsLine::from(reject));
    let report = ingest::read_numbered([source], mapping, &options, on_batch, on_reject)?;
    if let Some(last) = cutter.finish().filter(|_| !report.stopped) {
        // Sending fails when all connections have stopped; the ledger has the reason.
        let _ = sender.send(last);
    }
    Ok(report)
}

fn progress_bar(arguments: &Arguments, inputs: &[Input]) -> anyhow::Result<ProgressBar> {
    if arguments.quiet || !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let sizes: Option<u64> = inputs.iter().map(|input| input.bytes).sum();
    let bar = ProgressBar::new(sizes.unwrap_or(0));
    bar.set_style(ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}  {msg}")?);
    Ok(bar)
}

#[cfg(test)]
mod tests;
