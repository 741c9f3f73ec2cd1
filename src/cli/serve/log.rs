//! The log: one line per event on stderr, for people or for programs.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    Human,
    Json,
}

/// Starts the log. No effect if the process already has one.
pub(super) fn start(format: LogFormat, filter: EnvFilter) {
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // In a process with a second log (tests) the first one stays.
    let _ = match format {
        LogFormat::Human => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}
