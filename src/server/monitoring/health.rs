//! Liveness and readiness.

use crate::server::problem::{ApiResult, Problem};
use crate::server::state::AppState;
use crate::service::NotReady;
use actix_web::http::StatusCode;
use actix_web::{get, web};
use serde::Serialize;
use std::sync::atomic::Ordering;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// Health of the service.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`.
    status: &'static str,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(healthz).service(readyz);
}

/// Check liveness
///
/// Responds as long as the process serves requests.
#[utoipa::path(tag = "health", responses((status = 200, description = "The process is alive.", body = Health)), security(()))]
#[get("/healthz")]
async fn healthz() -> web::Json<Health> {
    web::Json(Health { status: "ok" })
}

/// Check readiness
///
/// Not ready while the service starts or stops, while the disk is full, when the data folder is missing, while the wall clock is
/// far from the service's clock, or while the engine's time does not advance. The problem's detail states which.
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "Requests are accepted, and levels fire in time.", body = Health),
        (status = 503, description = "Not ready; the detail states why.", body = Problem, content_type = "application/problem+json"),
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
