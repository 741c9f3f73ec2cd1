//! `overdue replay`: years of history through the engine, as fast as possible.

use super::common::files::read_mapping;
use crate::atomic_file::Staged;
use crate::cli::common::files::read_policy;
use crate::engine::CatchUp;
use crate::ingest;
use crate::ingest::{Mapping, RowError, Source};
use crate::limits;
use crate::policy::Policy;
use crate::replay;
use crate::replay::sort::{Keep, Sorter};
use crate::replay::{Listener, Outputs, RejectedEvent, grouped};
use crate::time::{format_rfc3339, parse_rfc3339};
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Replays a history of tickets: which targets would have been met and missed, and who would have been notified.
///
/// Reads exports (NDJSON, JSON, CSV, Parquet, Arrow; plain, .zst or .gz), sorts their events by time and replays them through
/// the engine. Writes escalations.parquet, cycles.parquet and summary.json; the same input gives the same bytes.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Policy file (TOML): calendars, priorities, clocks
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Mapping of the inputs (TOML); without it they are in our own format
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Folder for the results
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Input files; - is the standard input
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// End of simulated time; later events are skipped. Without it, time ends with the last event
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Which levels fire that are already due when an event is applied
    #[arg(long, value_enum, default_value_t = CatchUp::Latest)]
    catch_up: CatchUp,
    /// Stop at the first invalid row or rejected event
    #[arg(long)]
    strict: bool,
    /// File for invalid rows and rejected events, as JSON lines
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Memory for sorting, such as 512MiB; the rest is sorted in temporary files in the folder for the results
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_size)]
    memory: usize,
    /// Shards of the engine; does not change the results
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = parse_shards)]
    shards: usize,
    /// Threads; does not change the results. Without it, one per core
    #[arg(long, value_name = "COUNT", value_parser = parse_threads)]
    threads: Option<usize>,
    /// Print errors only
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// Anything that keeps the results from being complete; nothing is published then.
#[expect(clippy::disallowed_methods, reason = "says how long the replay took, on the terminal only")]
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let policy = Arc::new(policy(&arguments.policy)?);
    let mapping = arguments.mapping.as_deref().map_or_else(|| Ok(Mapping::default()), read_mapping)?;
    let until = |text: &String| parse_rfc3339(text).with_context(|| format!("--until {text:?}"));
    let until_ms = arguments.until.as_ref().map(until).transpose()?;
    let threads = arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;

    let mut outputs = Outputs::create(&arguments.out)?;
    let mut terminal = Terminal::new(arguments)?;
    let keep = Keep { facts_for_rules: !policy.rules.is_empty() };
    let mut sorter = Sorter::new(arguments.memory, arguments.out.clone(), keep);
    let report = read(arguments, &mapping, threads, &mut sorter, &mut terminal)?;
    terminal.bar.finish_and_clear();
    for reject in report.first_rejects.iter().filter(|_| !arguments.quiet) {
        eprintln!("{reject}");
    }
    let events = sorter.finish()?;
    terminal.count_events(events.rows());
    let options = replay::Options {
        policy,
        shards: arguments.shards,
        catch_up: arguments.catch_up,
        until_ms,
        strict: arguments.strict,
    };
    let mut summary = replay::run(events, &options, Some(&mut outputs), &mut terminal)?;
    summary.input.rejected_rows = report.rejected;
    terminal.finish()?;
    outputs.publish(&summary)?;
    if !arguments.quiet {
        crate::cli::common::print::print(&replay::show(&summary))?;
        let seconds = began.elapsed().as_secs_f64();
        let a_second = (summary.input.events as f64 / seconds) as u64;
        eprintln!("{seconds:.2} s, {} events/s; results in {}", grouped(a_second), arguments.out.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn read(
    arguments: &Arguments,
    mapping: &Mapping,
    threads: usize,
    sorter: &mut Sorter,
    terminal: &mut Terminal,
) -> anyhow::Result<ingest::Report> {
    let options = ingest::Options { strict: arguments.strict, threads, ..ingest::Options::default() };
    let read_bytes = Arc::clone(&options.read_bytes);
    let sources = arguments.inputs.iter().map(|path| match path.to_str() {
        Some("-") => Source::stream("stdin", io::stdin()),
        _ => Source::file(path),
    });
    let mut failed = None;
    let bar = terminal.bar.clone();
    let on_batch = |batch| {
        bar.set_position(read_bytes.load(Ordering::Relaxed));
        match sorter.push(&batch) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    };
    let report = ingest::read(sources, mapping, &options, on_batch, |reject| terminal.rejects.reject(reject))?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(report),
    }
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
    let checked = read_policy(path)?;
    checked.policy.with_context(|| {
        let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        format!("{} is not a policy\n{}", path.display(), problems.join("\n"))
    })
}

/// A size such as `512MiB`, `2GiB`.
fn parse_size(text: &str) -> Result<usize, String> {
    let expected = || format!("expected a size from {} MiB on, such as 512MiB or 2GiB", limits::MIN_SORT_BYTES >> 20);
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let shift = match text[digits..].trim() {
        "KiB" => 10,
        "MiB" | "M" => 20,
        "GiB" | "G" => 30,
        _ => return Err(expected()),
    };
    let number: usize = text[..digits].parse().map_err(|_| expected())?;
    let bytes = number.checked_mul(1 << shift).ok_or_else(expected)?;
    if bytes < limits::MIN_SORT_BYTES { Err(expected()) } else { Ok(bytes) }
}

fn parse_shards(text: &str) -> Result<usize, String> {
    parse_count(text, limits::MAX_SHARDS)
}

fn parse_threads(text: &str) -> Result<usize, String> {
    parse_count(text, limits::MAX_THREADS)
}

fn parse_count(text: &str, most: usize) -> Result<usize, String> {
    text.parse().ok().filter(|count| (1..=most).contains(count)).ok_or_else(|| format!("expected 1 to {most}"))
}

/// Progress display and rejects file of the running replay.
struct Terminal {
    bar: ProgressBar,
    rejects: Rejects,
    /// Remaining rejected events that may be described.
    shown: usize,
}

impl Terminal {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let is_shown = !arguments.quiet && io::stderr().is_terminal();
        let sizes: Option<u64> =
            arguments.inputs.iter().map(|path| fs::metadata(path).ok().map(|data| data.len())).sum();
        let bar = if is_shown { ProgressBar::new(sizes.unwrap_or(0)) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template("reading   {wide_bar} {bytes}/{total_bytes} {eta}")?);
        let shown = if arguments.quiet { 0 } else { limits::REJECTS_SHOWN };
        Ok(Self { bar, rejects: Rejects::create(arguments.rejects.as_deref())?, shown })
    }

    fn count_events(&mut self, events: u64) {
        if !self.bar.is_hidden() {
            self.bar = ProgressBar::new(events);
            if let Ok(style) = ProgressStyle::with_template("replaying {wide_bar} {human_pos}/{human_len} events {eta}")
            {
                self.bar.set_style(style);
            }
        }
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        self.rejects.publish()
    }
}

impl Listener for Terminal {
    fn done(&mut self, events: u64) {
        self.bar.inc(events);
    }

    fn rejected(&mut self, event: &RejectedEvent<'_>) {
        if self.shown > 0 {
            self.shown -= 1;
            self.bar.suspend(|| eprintln!("{event}"));
        }
        self.rejects.refuse(event);
    }
}

/// The file of invalid rows and rejected events.
struct Rejects {
    path: PathBuf,
    file: Option<(Staged, BufWriter<File>)>,
    failed: Option<io::Error>,
}

/// A line of that file for an event.
#[derive(Serialize)]
struct RejectedLine<'a> {
    ticket: &'a str,
    at: String,
    reason: String,
}

impl Rejects {
    fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        let create = |path: &Path| Staged::create(path).with_context(|| format!("cannot write {}", path.display()));
        let file = path.map(create).transpose()?.map(|(staged, file)| (staged, BufWriter::new(file)));
        Ok(Self { path: path.unwrap_or(Path::new("")).to_owned(), file, failed: None })
    }

    fn reject(&mut self, reject: &RowError) -> io::Result<()> {
        self.line(reject)
    }

    /// An error is kept until [`Rejects::publish`].
    fn refuse(&mut self, event: &RejectedEvent<'_>) {
        let at = format_rfc3339(event.at_ms);
        let line = RejectedLine { ticket: event.ticket, at, reason: event.reason.to_string() };
        if let Err(error) = self.line(&line) {
            self.failed.get_or_insert(error);
        }
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let Some((_, file)) = &mut self.file else { return Ok(()) };
        serde_json::to_writer(&mut *file, line)?;
        file.write_all(b"\n")
    }

    fn publish(&mut self) -> anyhow::Result<()> {
        let Some((staged, mut file)) = self.file.take() else { return Ok(()) };
        let failed = self.failed.take().map_or(Ok(()), Err);
        let written = failed.and_then(|()| file.flush()).and_then(|()| staged.publish());
        if let Err(error) = written {
            bail!("cannot write {}: {error}", self.path.display());
        }
        Ok(())
    }
}
