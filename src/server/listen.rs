//! Starts and stops the server. It runs in its own thread, so that a command, or a test in the same process, can control it.

use super::auth::tls::{Tls, TlsError};
use super::auth::tokens::{TokenBook, TokensError};
use super::auth::wall_clock;
use super::bulk::loads::Loads;
use super::docs::openapi::Description;
use super::escalations::feed::chunks::Chunks;
use super::escalations::feed::subscribers::Readers;
use super::middleware::idempotency::ResponseCache;
use super::middleware::rate_limit::{RateLimits, Rates};
use super::middleware::{BodyMemory, Timeouts};
use super::routes;
use super::routes::Routes;
use super::state::{AppState, Limits};
use crate::limits::{LISTEN_BACKLOG, METRICS_CONNECTIONS};
use crate::service::Service;
use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen as listen_on, socket_with, sockopt};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use thiserror::Error;

/// Configuration of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub listen: SocketAddr,
    /// A second listener for health and metrics, which requires no token: use an address that only the operator can reach.
    pub metrics_listen: Option<SocketAddr>,
    /// The data folder that contains the tokens. `None`: every caller is the administrator `local`.
    pub tokens_of: Option<PathBuf>,
    pub tls: Option<Tls>,
    pub workers: usize,
    /// Maximum number of open connections per worker.
    pub connections: usize,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub rates: Rates,
    /// How long running requests may take when the server stops.
    pub drain: Duration,
}

/// Why the server did not start.
#[derive(Debug, Error)]
pub enum ServerError {
    #[error("cannot listen on {address}: {error}")]
    Listen { address: SocketAddr, error: io::Error },
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("the server cannot run: {0}")]
    Run(String),
}

/// A running server. If dropped without [`Handle::stop`], the server runs until the process ends.
pub struct Handle {
    /// The address of the main listener.
    pub address: SocketAddr,
    pub metrics_address: Option<SocketAddr>,
    state: web::Data<AppState>,
    tls: Option<Tls>,
    servers: Vec<ServerHandle>,
    thread: JoinHandle<io::Result<()>>,
}

/// Starts the server.
///
/// # Errors
/// [`ServerError`]; in that case nothing is left running.
pub fn start(config: ServerConfig, service: Service) -> Result<Handle, ServerError> {
    start_with(config, service, routes::v1)
}

/// Starts the server with these routes under `/v1`.
pub(crate) fn start_with(config: ServerConfig, service: Service, v1: Routes) -> Result<Handle, ServerError> {
    let tokens = match &config.tokens_of {
        Some(folder) => Some(TokenBook::open(folder, wall_clock::now_ms())?),
        None => None,
    };
    let state = web::Data::new(AppState {
        service,
        tokens,
        stopping: AtomicBool::new(false),
        limits: config.limits,
        timeouts: config.timeouts,
        rates: RateLimits::new(config.rates),
        body_memory: Arc::new(BodyMemory::new(config.limits.body_bytes)),
        loads: Loads::default(),
        readers: Arc::new(Readers::new(config.timeouts.body_idle)),
        feed_chunks: Chunks::default(),
        responses: ResponseCache::default(),
    });
    let failed = |error: &dyn std::fmt::Display| ServerError::Run(error.to_string());
    let rustls_config = config.tls.as_ref().map(Tls::server_config).transpose()?;
    let tls = config.tls.clone();
    let description = Description::new(routes::description(v1)).map_err(|error| failed(&error))?;
    let description = web::Data::new(description);
    let patience = config.timeouts.body_idle;
    let (listener, address) = listen(config.listen, patience)?;
    let metrics = config.metrics_listen.map(|address| listen(address, patience)).transpose()?;
    let metrics_address = metrics.as_ref().map(|(_, address)| *address);

    let (started, starts) = mpsc::channel();
    let shared = state.clone();
    let thread = thread::Builder::new().name("http".to_owned()).spawn(move || {
        let main = Main { listener, rustls_config, v1 };
        actix_web::rt::System::new().block_on(serve(config, main, metrics, shared, description, &started))
    });
    let thread = thread.map_err(|error| failed(&error))?;
    match starts.recv() {
        Ok(Ok(servers)) => Ok(Handle { address, metrics_address, state, tls, servers, thread }),
        Ok(Err(error)) => Err(ServerError::Run(error)),
        Err(_) => Err(ServerError::Run("its thread has ended".to_owned())),
    }
}

/// Listens for connections. The operating system closes a connection whose peer accepts no data for `patience`. Only the
/// system can do this, because the connection's task is blocked on its write.
fn listen(address: SocketAddr, patience: Duration) -> Result<(TcpListener, SocketAddr), ServerError> {
    let failed = |error: io::Error| ServerError::Listen { address, error };
    let listening = || {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        // At a start right after a stop, connections of the previous run may still be closing.
        sockopt::set_socket_reuseaddr(&socket, true)?;
        // Accepted connections inherit this option.
        sockopt::set_tcp_user_timeout(&socket, u32::try_from(patience.as_millis()).unwrap_or(u32::MAX))?;
        bind(&socket, &address)?;
        listen_on(&socket, LISTEN_BACKLOG)?;
        Ok(socket)
    };
    let socket = listening().map_err(|error: rustix::io::Errno| failed(error.into()))?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// What the main listener needs and the metrics listener does not.
struct Main {
    listener: TcpListener,
    rustls_config: Option<rustls::ServerConfig>,
    v1: Routes,
}

async fn serve(
    config: ServerConfig,
    main: Main,
    metrics: Option<(TcpListener, SocketAddr)>,
    state: web::Data<AppState>,
    description: web::Data<Description>,
    started: &mpsc::Sender<Result<Vec<ServerHandle>, String>>,
) -> io::Result<()> {
    let servers = main_server(&config, main, state.clone(), description.clone()).and_then(|main| {
        let metrics = match metrics {
            Some((listener, _)) => Some(metrics_server(&config, listener, state, description)?),
            None => None,
        };
        Ok((main, metrics))
    });
    let (main, metrics) = match servers {
        Ok(servers) => servers,
        Err(error) => {
            let _ = started.send(Err(error.to_string()));
            return Err(error);
        }
    };
    let handles = std::iter::once(main.handle()).chain(metrics.as_ref().map(actix_web::dev::Server::handle)).collect();
    let _ = started.send(Ok(handles));
    match metrics {
        Some(metrics) => futures_util::future::try_join(main, metrics).await.map(|_| ()),
        None => main.await,
    }
}

fn main_server(
    config: &ServerConfig,
    main: Main,
    state: web::Data<AppState>,
    description: web::Data<Description>,
) -> io::Result<actix_web::dev::Server> {
    let Main { listener, rustls_config, v1 } = main;
    let server = HttpServer::new(move || routes::app(state.clone(), description.clone(), v1))
        .workers(config.workers)
        .max_connections(config.connections)
        .keep_alive(config.timeouts.keep_alive)
        .client_request_timeout(config.timeouts.head)
        .shutdown_timeout(config.drain.as_secs().max(1))
        .disable_signals();
    let server = match rustls_config {
        Some(tls) => server.tls_handshake_timeout(config.timeouts.head).listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    };
    Ok(server.run())
}

fn metrics_server(
    config: &ServerConfig,
    listener: TcpListener,
    state: web::Data<AppState>,
    description: web::Data<Description>,
) -> io::Result<actix_web::dev::Server> {
    let server = HttpServer::new(move || routes::metrics_app(state.clone(), description.clone()))
        .workers(1)
        .max_connections(METRICS_CONNECTIONS)
        .keep_alive(config.timeouts.keep_alive)
        .client_request_timeout(config.timeouts.head)
        .shutdown_timeout(1)
        .disable_signals();
    Ok(server.listen(listener)?.run())
}

impl Handle {
    /// Whether the server's thread is running.
    pub fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Reloads the tokens now, regardless of when they were last checked.
    pub fn reload_tokens(&self) {
        if let Some(tokens) = &self.state.tokens {
            tokens.reload();
        }
    }

    /// Reloads certificate and key; returns the certificate's path, `None` without TLS.
    ///
    /// # Errors
    /// `TlsError`; the previous certificate and key stay in use.
    pub fn reload_tls(&self) -> Result<Option<&Path>, TlsError> {
        let Some(tls) = &self.tls else { return Ok(None) };
        tls.reload().map(|()| Some(tls.certificate()))
    }

    /// Bytes that are free for bodies.
    #[cfg(test)]
    pub(crate) fn free_memory(&self) -> usize {
        self.state.body_memory.free()
    }

    /// The number of tokens; `None` when no token is required.
    pub fn tokens(&self) -> Option<usize> {
        self.state.tokens.as_ref().map(TokenBook::len)
    }

    /// Reports not ready from now on and closes each connection after its response, so that load balancers use another server.
    pub fn begin_stop(&self) {
        self.state.stopping.store(true, Ordering::Relaxed);
    }

    /// Accepts no more connections, waits for running requests (up to the drain time), then for the server's thread. Blocks.
    ///
    /// # Errors
    /// When the server had already failed.
    pub fn stop(self) -> io::Result<()> {
        self.begin_stop();
        for server in &self.servers {
            // The call itself sends the stop request. The future only waits for the end; joining the thread does so too.
            drop(server.stop(true));
        }
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the server's thread panicked")))
    }
}
