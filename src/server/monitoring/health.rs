//! Whether the service is alive, and whether it takes requests.

use crate::server::problem::{ApiResult, Problem};
use crate::server::state::AppState;
use crate::service::NotReady;
use actix_web::http::StatusCode;
use actix_web::{get, web};
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

pub fn routes(config: &mut ServiceConfig) {
    config.service(healthz).service(readyz);
}

/// Whether the process answers at all.
#[utoipa::path(tag = "health", responses((status = 200, description = "The process is alive.", body = Health)), security(()))]
#[get("/healthz")]
async fn healthz() -> web::Json<Health> {
    web::Json(Health { status: "ok" })
}

/// Whether requests should come here: not while the service starts or stops, while the disk is full, when the data folder is
/// gone, while the wall clock is far from the service's time, or while the engine's time stands still. The problem says which.
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "Requests are taken, and what falls due fires in time.", body = Health),
        (status = 503, description = "Requests should go elsewhere; the detail says why.", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
#[get("/readyz")]
async fn readyz(state: web::Data<AppState>) -> ApiResult<web::Json<Health>> {
    if state.stopping.load(Ordering::Relaxed) {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"));
    }
    let not_ready = |reason: NotReady| Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason.to_string());
    state.service.readiness().map_err(not_ready)?;
    Ok(web::Json(Health { status: "ok" }))
}
