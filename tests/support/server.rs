//! A service behind an HTTP server, both in the process of the test.

use super::config::config;
use overdue::server::middleware::Timeouts;
use overdue::server::middleware::rate_limit::{Rate, Rates};
use overdue::server::state::Limits;
use overdue::server::{Handle, ServerConfig, start};
use overdue::service::{ClockChoice, Config, Service, Stopper};
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than any request of a test takes.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// What a test chooses. Rates and timeouts are so generous that they have no effect.
pub struct Settings<'a> {
    pub policy: &'a str,
    pub clock: ClockChoice,
    /// Whether a request needs a token of the data folder. Otherwise each caller is the administrator `local`.
    pub needs_token: bool,
    pub bulk_body_bytes: u64,
}

pub struct TestServer {
    pub handle: Handle,
    pub folder: TempDir,
    stopper: Stopper,
}

impl TestServer {
    /// Starts the service on the folder, and the server on a free port.
    pub fn start(folder: TempDir, settings: Settings<'_>) -> Self {
        let config = Config { threads: 2, ..config(folder.path(), settings.policy, settings.clock) };
        let (service, stopper) = Service::start(&config).unwrap();
        let unlimited = Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX };
        let config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            tokens_of: settings.needs_token.then(|| folder.path().to_owned()),
            tls: None,
            workers: 2,
            connections: 1_024,
            limits: Limits { body_bytes: 1 << 20, bulk_body_bytes: settings.bulk_body_bytes },
            timeouts: Timeouts { head: TIMEOUT, body_idle: TIMEOUT, body_total: TIMEOUT, keep_alive: TIMEOUT },
            rates: Rates { token: unlimited, anonymous: unlimited },
            drain: Duration::from_secs(5),
        };
        Self { handle: start(config, service).unwrap(), folder, stopper }
    }

    /// Stops both; the folder is deleted with the result.
    pub fn stop(self) -> TempDir {
        self.handle.stop().unwrap();
        self.stopper.stop().unwrap();
        self.folder
    }
}
