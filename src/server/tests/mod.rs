//! The middleware over real connections, with routes that do not use the engine.

mod client;
mod errors;
mod listeners;
mod repeats;
mod reservation;
mod roles;
mod slow;

use super::auth::tokens::{Token, change};
use super::auth::{Admin, Operator, Role, Viewer, wall_clock};
use super::listen::{Handle, ServerConfig, start_with};
use super::middleware::Timeouts;
use super::middleware::idempotency::IdempotencyKey;
use super::middleware::rate_limit::{Rate, Rates};
use super::problem::{ApiResult, Problem};
use super::state::Limits;
use crate::engine::CatchUp;
use crate::service::{ClockChoice, Config, Seed, Service, Stopper, Trust};
use actix_web::{HttpResponse, delete, get, post, put, web};
use futures_util::{StreamExt, stream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tempfile::TempDir;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// A running server with dummy routes. Tests that run at the same time share its service.
struct Fixture {
    handle: Handle,
    folder: TempDir,
    engine: Arc<SharedService>,
}

/// Stopped when the last test drops it.
struct SharedService {
    service: Service,
    stopper: Option<Stopper>,
    _folder: TempDir,
}

static SHARED: Mutex<Weak<SharedService>> = Mutex::new(Weak::new());

impl SharedService {
    fn get() -> Arc<Self> {
        let mut shared = SHARED.lock();
        shared.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Self::start());
            *shared = Arc::downgrade(&new);
            new
        })
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = "default_priority = \"p\"\n[calendars.c]\nhours = \"24x7\"\ntime_zone = \"UTC\"\n\
                    [priorities.p]\ncalendar = \"c\"\n";
        let seed = Seed { name: "policy.toml".to_owned(), text: text.to_owned(), files: Vec::new() };
        let (service, stopper) = Service::start(&Config {
            data_dir: folder.path().to_owned(),
            seed: Some(seed),
            catch_up_after_downtime: CatchUp::Latest,
            snapshot_every: Duration::from_secs(3_600),
            snapshots_kept: 2,
            cut_history: false,
            clock: ClockChoice::Wall(Trust::default()),
            threads: 1,
        })
        .unwrap();
        Self { service, stopper: Some(stopper), _folder: folder }
    }
}

impl Drop for SharedService {
    fn drop(&mut self) {
        if let Some(stopper) = self.stopper.take() {
            stopper.stop().unwrap();
        }
    }
}

const LONG: Duration = Duration::from_secs(120);

fn plenty() -> Rate {
    Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX }
}

impl Fixture {
    fn new() -> Self {
        Self::with(|_| ())
    }

    fn with(change_config: impl FnOnce(&mut ServerConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = ServerConfig { tokens_of: Some(folder.path().to_owned()), ..Self::config() };
        change_config(&mut config);
        let engine = SharedService::get();
        let handle = start_with(config, engine.service.clone(), dummies).unwrap();
        Self { handle, folder, engine }
    }

    fn config() -> ServerConfig {
        ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            tokens_of: None,
            tls: None,
            workers: 2,
            connections: 4_096,
            limits: Limits { body_bytes: 4_096, bulk_body_bytes: 1 << 20 },
            timeouts: Timeouts { head: LONG, body_idle: LONG, body_total: LONG, keep_alive: LONG },
            rates: Rates { token: plenty(), anonymous: plenty() },
            drain: Duration::from_secs(5),
        }
    }

    fn address(&self) -> SocketAddr {
        self.handle.address
    }

    /// Creates a token and reloads the tokens at once, so that the test need not wait for the next check of the file.
    fn token(&self, role: Role, expires_ms: Option<i64>) -> String {
        let name = format!("{role}{}", NUMBERS.fetch_add(1, Ordering::Relaxed));
        let (token, secret) = Token::make(&name, role, wall_clock::now_ms(), expires_ms).unwrap();
        change(self.folder.path(), |tokens| {
            tokens.push(token);
            Ok(())
        })
        .unwrap();
        self.handle.reload_tokens();
        secret
    }
}

static NUMBERS: AtomicU64 = AtomicU64::new(0);

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct Thing {
    name: String,
    count: u32,
}

fn dummies(config: &mut ServiceConfig) {
    config.service(look).service(make).service(remove).service(panics).service(swallow).service(edit).service(flood);
}

#[utoipa::path(responses((status = 200, body = Thing)), security(("bearer" = ["viewer"])))]
#[get("/things/{count}")]
async fn look(viewer: Viewer, count: web::Path<u32>) -> web::Json<Thing> {
    web::Json(Thing { name: viewer.actor.to_string(), count: count.into_inner() })
}

static MADE: AtomicU64 = AtomicU64::new(0);

#[utoipa::path(responses((status = 201, body = Thing)), security(("bearer" = ["operator"])))]
#[post("/things")]
async fn make(_: Operator, key: IdempotencyKey, thing: web::Json<Thing>) -> ApiResult<HttpResponse> {
    if thing.count == 0 {
        return Err(Problem::invalid("count is 0"));
    }
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let made = serde_json::json!({ "number": number, "has_key": key.number().is_some(), "name": thing.name });
    Ok(HttpResponse::Created().insert_header(("x-made", number.to_string())).json(made))
}

#[utoipa::path(responses((status = 204)), security(("bearer" = ["admin"])))]
#[delete("/things/{count}")]
async fn remove(_: Admin, _count: web::Path<u32>) -> HttpResponse {
    HttpResponse::NoContent().finish()
}

#[utoipa::path(request_body(content = String), responses((status = 200)), security(("bearer" = ["admin"])))]
#[put("/things/{count}")]
async fn edit(_: Admin, _count: web::Path<u32>, _body: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().finish()
}

#[utoipa::path(responses((status = 200)), security(("bearer" = ["viewer"])))]
#[get("/panics")]
async fn panics(_: Viewer) -> HttpResponse {
    panic!("on purpose")
}

static FLOODS_ENDED: AtomicU64 = AtomicU64::new(0);

/// Increments a counter when dropped.
struct Flood;

impl Drop for Flood {
    fn drop(&mut self) {
        FLOODS_ENDED.fetch_add(1, Ordering::Relaxed);
    }
}

/// An endless response.
#[utoipa::path(responses((status = 200)), security(("bearer" = ["viewer"])))]
#[get("/flood")]
async fn flood(_: Viewer) -> HttpResponse {
    let flood = Flood;
    let water = stream::repeat_with(move || {
        let _is_held = &flood;
        Ok::<_, io::Error>(web::Bytes::from_static(&[b'~'; 4_096]))
    });
    HttpResponse::Ok().streaming(water)
}

/// Reads a bulk body in pieces.
#[utoipa::path(responses((status = 200)), security(("bearer" = ["operator"])))]
#[post("/events")]
async fn swallow(_: Operator, mut body: web::Payload) -> ApiResult<String> {
    let mut bytes = 0;
    while let Some(piece) = body.next().await {
        bytes += piece?.len();
    }
    Ok(bytes.to_string())
}
