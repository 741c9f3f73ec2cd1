//! All routes, in one place.
//!
//! A resource file exports `pub fn routes(config: &mut ServiceConfig)`, which calls `config.service(handler)` for each handler:
//! a function with `#[utoipa::path(tag = "...", responses(...), security(("bearer" = ["viewer"])))]` above `#[get("/tickets/{id}")]`
//! (the path without `/v1`). Errors need not be listed in `responses`: they are added to every operation here.

use utoipa_actix_web::service_config::ServiceConfig;

/// The routes under `/v1`.
pub fn v1(_config: &mut ServiceConfig) {}

/// The routes at the top: health, Prometheus.
pub fn top(_config: &mut ServiceConfig) {}
