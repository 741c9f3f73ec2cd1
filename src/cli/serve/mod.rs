//! `overdue serve`: the live service.

mod config;
mod log;
mod process;
mod settings;
mod signals;

#[cfg(test)]
mod tests;

pub(crate) use super::common::units::time;
pub(crate) use process::keep_files_private;
pub(crate) use signals::{Signaled, listen as listen_for_signals};

use crate::server;
use crate::server::Handle;
use crate::service;
use crate::service::{Service, StartError};
use anyhow::{Context, anyhow, bail};
use config::Config;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// Runs the live service: accepts tickets and events over HTTP, and escalates each ticket at the instant its deadline passes.
///
/// Every setting can also be in a file (--config FILE, TOML: `snapshot_every = "5m"`) or in the environment
/// (OVERDUE_SNAPSHOT_EVERY=5m). Flags take precedence over the environment, the environment over the file.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: settings::Flags,
}

/// Interval at which the command checks that the server still runs.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Runs until a signal arrives.
///
/// # Errors
/// Why the service cannot start; all errors of the configuration at once.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let environment =
        std::env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let config = match config::read(&arguments.flags, environment, server::auth::wall_clock::now_ms()) {
        Ok(config) => config,
        Err(mistakes) => {
            let message =
                if mistakes.len() == 1 { "an error".to_owned() } else { format!("{} errors", mistakes.len()) };
            eprintln!("overdue: {message} in the configuration");
            for mistake in mistakes {
                eprintln!("  {mistake}");
            }
            return Ok(ExitCode::from(2));
        }
    };
    serve(config)
}

fn serve(mut config: Config) -> anyhow::Result<ExitCode> {
    log::start(config.log_format, config.log_filter);
    if let Err(message) = process::fit_descriptors(&mut config.server, config.connections_are_default) {
        eprintln!("overdue: {message}");
        return Ok(ExitCode::from(2));
    }
    for warning in &config.warnings {
        eprintln!("{warning}\n");
    }
    let signals = signals::listen()?;
    let folder = config.service.data_dir.clone();
    fs::create_dir_all(&folder).with_context(|| format!("cannot create the folder {}", folder.display()))?;
    let exposed = [process::exposed_folder(&folder), process::exposed_listener(&config.server)];
    for warning in exposed.into_iter().flatten() {
        tracing::warn!("{warning}");
    }
    let seed = config.service.seed.clone();
    let (service, stopper) = Service::start(&config.service).map_err(start_error)?;
    if let Some(seed) = seed
        && let Some(message) = other_policy(&seed, &service)
    {
        tracing::warn!("{message}");
    }
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let handle = match server::start(config.server, service.clone()) {
        Ok(handle) => handle,
        Err(error) => {
            stopper.stop().map_err(|message| anyhow!(message))?;
            return Err(error.into());
        }
    };
    crate::cli::common::print::print(&greeting(scheme, &folder.display().to_string(), &handle, &service))?;

    let ended_by = loop {
        match signals.recv_timeout(POLL_EVERY) {
            Ok(Signaled::Stop(signal)) => break Some(signal),
            Ok(Signaled::Reload) => reload(&handle),
            Err(RecvTimeoutError::Timeout) if handle.is_running() => {}
            Err(_) => break None,
        }
    };
    match ended_by {
        Some(signal) => tracing::info!(signal, "stopping: no more requests are accepted"),
        None => tracing::error!("the server has ended unexpectedly: stopping"),
    }
    let served = handle.stop();
    stopper.stop().map_err(|message| anyhow!("{message}; nothing is lost: the journal has everything"))?;
    served.context("the server has failed")?;
    if ended_by.is_none() {
        bail!("the server has ended unexpectedly");
    }
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

/// Reloads what can be replaced while the service runs, and logs the result.
fn reload(handle: &Handle) {
    handle.reload_tokens();
    match handle.reload_tls() {
        Ok(Some(certificate)) => {
            tracing::info!(certificate = %certificate.display(), "SIGHUP: certificate, key and tokens are reloaded");
        }
        Ok(None) => tracing::info!("SIGHUP: the tokens are reloaded; without TLS there is no certificate"),
        Err(error) => tracing::error!(%error, "SIGHUP: the certificate is unchanged; the tokens are reloaded"),
    }
}

/// The configuration of these settings, with defaults for all others, and its log: for commands that also run a service.
///
/// # Errors
/// All errors.
pub(crate) fn configured(values: &[(&'static str, &str)]) -> anyhow::Result<Config> {
    let config = config::read(&settings::Flags::of(values, None), [], server::auth::wall_clock::now_ms());
    let mut config = config.map_err(|mistakes| {
        let message: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        anyhow!(message.join("\n"))
    })?;
    log::start(config.log_format, config.log_filter.clone());
    process::fit_descriptors(&mut config.server, config.connections_are_default).map_err(|message| anyhow!(message))?;
    Ok(config)
}

pub(crate) fn start_error(error: StartError) -> anyhow::Error {
    let mut message = error.to_string();
    if let StartError::Policy { problems, .. } = &error {
        for problem in problems {
            let _ = write!(message, "\n{problem}");
        }
    }
    anyhow!(message)
}

/// The warning if the policy file differs from the policy in force.
fn other_policy(seed: &service::Seed, service: &Service) -> Option<String> {
    let policies = service.policies();
    let stored = policies.last()?;
    if *stored.text == *seed.text {
        return None;
    }
    Some(format!(
        "{} differs from version {} of the policy, which the data folder has and which stays in force; to bring the file into \
         force, put it over the API: PUT /v1/policy",
        seed.name, stored.number
    ))
}

/// What the terminal shows when the service is ready.
fn greeting(scheme: &str, folder: &str, handle: &Handle, service: &Service) -> String {
    let view = service.view();
    let url = format!("{scheme}://{}", handle.address);
    let mut text = format!("overdue {} is ready\n", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(text, "  url      {url}");
    let _ = writeln!(text, "  docs     {url}/docs/");
    if let Some(address) = handle.metrics_address {
        let _ = writeln!(text, "  metrics  http://{address}/metrics");
    }
    let _ = writeln!(text, "  data     {folder}: {} tickets, policy version {}", view.tickets, view.policy_version);
    let tokens = match handle.tokens() {
        None => "not required: every client of this address is an admin (--no-auth)".to_owned(),
        Some(0) => format!("none yet: overdue token create --data-dir {folder} --name NAME --role admin"),
        Some(count) => count.to_string(),
    };
    let _ = writeln!(text, "  tokens   {tokens}");
    text
}
