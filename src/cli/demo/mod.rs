//! `overdue demo`: the whole service on the traffic of a synthetic contact centre, in accelerated time.
//!
//! Nothing is simulated except the time: the service and its HTTP server are the real ones, with a data folder of their own.
//! One thread sends the events of the contact centre, another reads the escalations, both over HTTP like any other client.

mod printer;
mod sender;
mod traffic;

use super::common::client::Client;
use super::common::shutdown::Stop;
use super::serve;
use super::serve::Signaled;
use crate::generate::Plan;
use crate::replay::grouped;
use crate::server;
use crate::service::{Seed, Service};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, format_rfc3339};
use anyhow::{Context, anyhow, bail};
use clap::value_parser;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use traffic::Traffic;

/// The policy of the demonstration, compiled into the program, so that it runs anywhere.
const POLICY: &str = include_str!("../../../data/policies/contact_centre.toml");
const POLICY_NAME: &str = "data/policies/contact_centre.toml";

/// A Monday. The history begins here; the demonstration begins later, when there is a backlog, shortly before the office of
/// the policy opens.
const HISTORY_START_MS: i64 = 1_768_176_000_000;
const START_MS: i64 = HISTORY_START_MS + 3 * DAY_MS + 6 * HOUR_MS + 40 * MINUTE_MS;

/// Days of the history: enough for hours of demonstration.
const DAYS: u32 = 365;

/// Interval at which the command checks that its threads still run.
const LOOK: Duration = Duration::from_millis(200);

/// Runs the service on the traffic of a synthetic contact centre, in accelerated time.
///
/// Prints its address, then each escalation as it is emitted. Stops with Ctrl-C. Needs no network, no token and no files.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address to listen on; port 0 selects a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: String,
    /// Folder for the data, which must be empty; without it a temporary one, which is removed at the end
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Speed of the clock: at 600 a day passes in 144 seconds
    #[arg(long, value_name = "FACTOR", default_value_t = 600, value_parser = value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Tickets that arrive per day
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = value_parser!(u64).range(1..=1_000_000))]
    tickets_a_day: u64,
    /// Random seed of the traffic
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after this time, such as 30s or 5m
    #[arg(long = "for", value_name = "TIME", value_parser = parse_time)]
    time: Option<Duration>,
}

fn parse_time(text: &str) -> Result<Duration, String> {
    serve::time(text).ok_or_else(|| "expected a time such as 30s or 5m".to_owned())
}

/// Runs the command.
///
/// # Errors
/// The service cannot start, or one of the threads failed.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let signals = serve::listen_for_signals()?;
    let temporary = match &arguments.data_dir {
        Some(folder) => must_be_empty(folder).map(|()| None),
        None => tempfile::tempdir().map(Some).context("cannot create a temporary folder"),
    }?;
    let folder = temporary.as_ref().map_or_else(|| arguments.data_dir.clone(), |folder| Some(folder.path().to_owned()));
    let folder = folder.context("no folder for the data")?;
    let mut config = serve::configured(&[
        ("data-dir", &folder.display().to_string()),
        ("listen", &arguments.listen),
        ("no-auth", "true"),
        ("clock-speed", &arguments.speed.to_string()),
        ("clock-start", &format_rfc3339(START_MS)),
        ("log-level", "warn"),
    ])?;
    config.service.seed = Some(Seed { name: POLICY_NAME.to_owned(), text: POLICY.to_owned(), files: Vec::new() });
    let (service, stopper) = Service::start(&config.service).map_err(serve::start_error)?;
    let ended = match server::start(config.server, service.clone()) {
        Ok(handle) => {
            let shown = arguments.data_dir.as_deref();
            let ended = play(arguments, shown, &service, &handle, &signals);
            handle.stop().context("the server has failed").and(ended)
        }
        Err(error) => Err(error.into()),
    };
    // Stopped in any case; the first error is the one to report.
    let stopped = stopper.stop().map_err(|message| anyhow!(message));
    let played = ended?;
    stopped?;
    crate::cli::common::print::print(&farewell(&played, arguments.data_dir.as_deref()))?;
    Ok(ExitCode::SUCCESS)
}

fn must_be_empty(folder: &Path) -> anyhow::Result<()> {
    let cannot = || format!("--data-dir {}", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    if fs::read_dir(folder).with_context(cannot)?.next().is_some() {
        // The demonstration begins at a time of its own, and the time of a service never runs backwards.
        bail!("--data-dir {}: is not empty; the demonstration needs an empty folder", folder.display());
    }
    Ok(())
}

/// Totals: events sent, escalations read.
struct Played {
    events: u64,
    escalations: u64,
}

fn play(
    arguments: &Arguments,
    folder: Option<&Path>,
    service: &Service,
    handle: &server::Handle,
    signals: &Receiver<Signaled>,
) -> anyhow::Result<Played> {
    let url = format!("http://{}", handle.address);
    let client = Client::local(url.parse().context("the address is not a URL")?)?;
    let plan = Plan {
        tickets: arguments.tickets_a_day * u64::from(DAYS),
        start_ms: HISTORY_START_MS,
        days: DAYS,
        seed: arguments.seed,
    };
    let mut traffic = Traffic::new(plan);
    let before = sender::past(&client, &mut traffic, START_MS)?;
    // Manual escalations of the days before are not news.
    let first = printer::last(&client)?;
    crate::cli::common::print::print(&greeting(arguments, folder, &url, before))?;

    let stop = Stop::default();
    std::thread::scope(|scope| {
        let feeding = scope.spawn(|| {
            let fed = sender::live(&client, &mut traffic, || service.now_ms(), &stop);
            stop.set();
            fed
        });
        let telling = scope.spawn(|| {
            let reported = printer::follow(&client, first, &stop);
            stop.set();
            reported
        });
        wait(arguments.time, signals, &stop);
        stop.set();
        let panicked = |_| Err(anyhow!("a thread of the demonstration panicked"));
        let (fed, reported) = (feeding.join().unwrap_or_else(panicked), telling.join().unwrap_or_else(panicked));
        Ok(Played { events: before + fed?, escalations: reported? })
    })
}

/// Waits for a signal, the end of the time, or a thread that ends.
#[expect(clippy::disallowed_methods, reason = "--for is real time, not the time of the demonstration")]
fn wait(time: Option<Duration>, signals: &Receiver<Signaled>, stop: &Stop) {
    let began = Instant::now();
    while !stop.is_set() && time.is_none_or(|time| began.elapsed() < time) {
        match signals.recv_timeout(LOOK) {
            // The demonstration has nothing to reload.
            Err(RecvTimeoutError::Timeout) | Ok(Signaled::Reload) => {}
            Ok(Signaled::Stop(_)) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn greeting(arguments: &Arguments, folder: Option<&Path>, url: &str, before: u64) -> String {
    let day_s = 86_400.0 / f64::from(arguments.speed);
    let mut text = format!(
        "A synthetic contact centre in accelerated time: {} tickets a day, a day passes in {day_s:.0} s. Ctrl-C ends it.\n\n",
        grouped(arguments.tickets_a_day)
    );
    let folder = folder.map_or_else(|| "in a temporary folder".to_owned(), |folder| folder.display().to_string());
    let _ = writeln!(text, "  url     {url}");
    let _ = writeln!(text, "  docs    {url}/docs/");
    let _ = writeln!(text, "  watch   overdue top --url {url}");
    let _ = writeln!(text, "  policy  {POLICY_NAME}");
    let _ = writeln!(text, "  data    {folder}; it has {} events of earlier days\n", grouped(before));
    text + &printer::header()
}

fn farewell(played: &Played, folder: Option<&Path>) -> String {
    let left = folder.map_or_else(String::new, |folder| format!(" The data stays in {}.", folder.display()));
    format!("\nStopped: {} events, {} escalations.{left}\n", grouped(played.events), grouped(played.escalations))
}
