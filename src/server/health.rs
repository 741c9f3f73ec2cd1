//! Whether the service is alive, and whether it takes requests.

use crate::server::problem::{Answer, Problem};
use crate::server::state::AppState;
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

/// Whether requests are taken: not while the service starts or stops, nor after a failed sync of the journal.
#[utoipa::path(
    tag = "health",
    responses(
        (status = 200, description = "Requests are taken.", body = Health),
        (status = 503, description = "Requests are not taken.", body = Problem, content_type = "application/problem+json"),
    ),
    security(())
)]
#[get("/readyz")]
async fn readyz(state: web::Data<AppState>) -> Answer<web::Json<Health>> {
    if state.stopping.load(Ordering::Relaxed) {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service is stopping"));
    }
    if !state.service.is_ready() {
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the service takes no commands now"));
    }
    Ok(web::Json(Health { status: "ok" }))
}
