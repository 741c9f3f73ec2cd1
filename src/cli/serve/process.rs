//! Process settings of the service: private files, and enough file descriptors.

use crate::limits::{LEAST_CONNECTIONS, METRICS_CONNECTIONS, RESERVED_DESCRIPTORS};
use crate::server::ServerConfig;
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Permission bits of group and others.
const NOT_OWNER: u32 = 0o077;

/// Descriptors of one worker beside its connections: its event queue and wakers.
const WORKER_DESCRIPTORS: u64 = 8;

/// From now on, files and folders that this process creates are accessible to its user only.
pub(crate) fn keep_files_private() {
    umask(Mode::from_raw_mode(NOT_OWNER));
}

/// Warning about a data folder that other users can read.
pub(super) fn exposed_folder(folder: &Path) -> Option<String> {
    let mode = std::fs::metadata(folder).ok()?.permissions().mode() & 0o777;
    let shown = folder.display();
    (mode & NOT_OWNER != 0).then(|| {
        format!("other users of this machine can read the data folder {shown} (mode {mode:03o}): chmod 700 {shown}")
    })
}

/// Warning about a listener whose traffic can be read in transit.
pub(super) fn exposed_listener(server: &ServerConfig) -> Option<String> {
    (server.tls.is_none() && !server.listen.ip().is_loopback()).then(|| {
        format!(
            "listening on {} without TLS: tokens and tickets can be read on the way; set --tls-certificate and --tls-key, or \
             let a proxy in front do TLS",
            server.listen
        )
    })
}

/// Raises the limit of file descriptors as far as needed and possible, and reduces default connections to it.
///
/// # Errors
/// An error message if the process's limit is too low for the configured connections, or for a usable minimum.
pub(super) fn fit_descriptors(server: &mut ServerConfig, is_default: bool) -> Result<(), String> {
    let wanted = descriptors(server, server.connections);
    let limit = raise_limit(wanted);
    if wanted <= limit {
        return Ok(());
    }
    let workers = server.workers as u64;
    let most = limit.saturating_sub(descriptors(server, 0)) / workers;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let raise = "raise the limit (ulimit -n in a shell, LimitNOFILE= in a systemd unit)";
    if most < LEAST_CONNECTIONS {
        let least = descriptors(server, LEAST_CONNECTIONS);
        return Err(format!(
            "the process may have {limit} file descriptors, expected at least {least} (for {workers} workers with \
             {LEAST_CONNECTIONS} connections each, and the data's files): {raise}"
        ));
    }
    if !is_default {
        return Err(format!(
            "{workers} workers with {} connections each need {wanted} file descriptors, and the process may have {limit}: \
             {raise}, or set at most {most} connections",
            server.connections
        ));
    }
    tracing::warn!(
        connections = most,
        "the process may have {limit} file descriptors: each worker takes {most} connections instead of {}; {raise} for more",
        server.connections
    );
    server.connections = most;
    Ok(())
}

/// File descriptors of a server with this number of connections per worker, including those of the data files.
fn descriptors(server: &ServerConfig, connections: usize) -> u64 {
    let metrics = if server.metrics_listen.is_some() { METRICS_CONNECTIONS as u64 + WORKER_DESCRIPTORS } else { 0 };
    let each = (connections as u64).saturating_add(WORKER_DESCRIPTORS);
    each.saturating_mul(server.workers as u64).saturating_add(metrics + RESERVED_DESCRIPTORS)
}

/// The limit, raised if possible.
fn raise_limit(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let current_or_all = current.unwrap_or(u64::MAX);
    let raised = wanted.min(maximum.unwrap_or(u64::MAX));
    if raised <= current_or_all {
        return current_or_all;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum }) {
        Ok(()) => raised,
        Err(error) => {
            tracing::warn!(%error, "cannot raise the limit of file descriptors from {current_or_all} to {raised}");
            current_or_all
        }
    }
}
