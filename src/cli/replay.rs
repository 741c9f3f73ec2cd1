//! `overdue replay`: years of history through the engine, as fast as possible.

use super::common::files::read_mapping;
use super::common::rejects::Rejects;
use super::common::units;
use crate::cli::common::files::read_policy;
use crate::engine::{CatchUp, RejectedReason};
use crate::ingest;
use crate::ingest::{Mapping, Numbered, RowError, Source};
use crate::limits;
use crate::policy::{Policy, UnknownPriority, without_unknown_priorities};
use crate::replay;
use crate::replay::sort::{Keep, Sorter};
use crate::replay::{Listener, Outputs, RejectedEvent, grouped};
use crate::time::parse_rfc3339;
use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::RefCell;
use std::fs;
use std::io::{self, IsTerminal};
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
pub(super) struct Arguments {
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
    #[arg(long, value_name = "SIZE", default_value = "2GiB", value_parser = parse_memory)]
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
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let policy = Arc::new(policy(&arguments.policy)?);
    let mapping = arguments.mapping.as_deref().map_or_else(|| Ok(Mapping::default()), read_mapping)?;
    let until = |text: &String| parse_rfc3339(text).with_context(|| format!("--until {text:?}"));
    let until_ms = arguments.until.as_ref().map(until).transpose()?;
    let threads = arguments.threads.unwrap_or_else(ingest::cores);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().context("cannot start threads")?;

    let mut outputs = Outputs::create(&arguments.out)?;
    let mut terminal = Terminal::new(arguments)?;
    let keep = Keep { facts_for_rules: !policy.rules.is_empty() };
    let mut sorter = Sorter::new(arguments.memory, arguments.out.clone(), keep);
    let report = read(arguments, &mapping, &policy, threads, &mut sorter, &mut terminal)?;
    terminal.bar.finish_and_clear();
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

/// Reads the inputs, one after another. A source row with an unknown priority is rejected whole, before its events are sorted.
fn read(
    arguments: &Arguments,
    mapping: &Mapping,
    policy: &Policy,
    threads: usize,
    sorter: &mut Sorter,
    terminal: &mut Terminal,
) -> anyhow::Result<ingest::Report> {
    let options = ingest::Options { strict: arguments.strict, threads, lines: true, ..ingest::Options::default() };
    let read_bytes = Arc::clone(&options.read_bytes);
    let bar = terminal.bar.clone();
    let mut report = ingest::Report::default();
    for path in &arguments.inputs {
        let source = match path.to_str() {
            Some("-") => Source::stream("stdin", io::stdin()),
            _ => Source::file(path),
        };
        let name = source.name.clone();
        let mut failed: Option<anyhow::Error> = None;
        let mut unknown = 0;
        let rejects = RefCell::new(&mut terminal.rejects);
        let mut take = |numbered: Numbered| -> anyhow::Result<()> {
            bar.set_position(read_bytes.load(Ordering::Relaxed));
            let (batch, _, rejected) = without_unknown_priorities(policy, numbered.batch, numbered.lines);
            for UnknownPriority { line, name: value } in rejected {
                let reason = RejectedReason::UnknownPriority { name: value.clone() }.to_string();
                let reject = RowError { source: name.clone(), line, column: "priority".to_owned(), value, reason };
                unknown += 1;
                rejects.borrow_mut().add(&(&reject).into())?;
                if arguments.strict {
                    bail!("{reject}");
                }
            }
            Ok(sorter.push(&batch)?)
        };
        let on_batch = |numbered| match take(numbered) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        };
        let on_reject = |reject: &RowError| rejects.borrow_mut().add(&reject.into());
        let read = ingest::read_numbered([source], mapping, &options, on_batch, on_reject)?;
        if let Some(error) = failed {
            return Err(error);
        }
        report.add(read);
        report.rejected += unknown;
    }
    Ok(report)
}

fn policy(path: &Path) -> anyhow::Result<Policy> {
    let checked = read_policy(path)?;
    checked.policy.with_context(|| {
        let problems: Vec<String> = checked.problems.iter().map(ToString::to_string).collect();
        format!("{} is not a policy\n{}", path.display(), problems.join("\n"))
    })
}

/// A size such as `512MiB`, `2GiB`.
fn parse_memory(text: &str) -> Result<usize, String> {
    let bytes = units::size(text).and_then(|bytes| usize::try_from(bytes).ok());
    bytes
        .filter(|bytes| *bytes >= limits::MIN_SORT_BYTES)
        .ok_or_else(|| format!("expected a size from {} MiB on, such as 512MiB or 2GiB", limits::MIN_SORT_BYTES >> 20))
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
    /// Why the rejects file cannot be written; reported at the end.
    failed: Option<io::Error>,
}

impl Terminal {
    fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        let is_shown = !arguments.quiet && io::stderr().is_terminal();
        let sizes: Option<u64> =
            arguments.inputs.iter().map(|path| fs::metadata(path).ok().map(|data| data.len())).sum();
        let bar = if is_shown { ProgressBar::new(sizes.unwrap_or(0)) } else { ProgressBar::hidden() };
        bar.set_style(ProgressStyle::with_template("reading   {wide_bar} {bytes}/{total_bytes} {eta}")?);
        let rejects = Rejects::create(arguments.rejects.as_deref(), arguments.quiet, bar.clone())?;
        Ok(Self { bar, rejects, failed: None })
    }

    fn count_events(&mut self, events: u64) {
        if !self.bar.is_hidden() {
            self.bar = ProgressBar::new(events);
            if let Ok(style) = ProgressStyle::with_template("replaying {wide_bar} {human_pos}/{human_len} events {eta}")
            {
                self.bar.set_style(style);
            }
            self.rejects.bar = self.bar.clone();
        }
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        let written = self.failed.take().map_or(Ok(()), Err).and_then(|()| self.rejects.publish());
        written.context("cannot write the file of --rejects")
    }
}

impl Listener for Terminal {
    fn done(&mut self, events: u64) {
        self.bar.inc(events);
    }

    fn rejected(&mut self, event: &RejectedEvent<'_>) {
        if let Err(error) = self.rejects.add(&event.into()) {
            self.failed.get_or_insert(error);
        }
    }
}
