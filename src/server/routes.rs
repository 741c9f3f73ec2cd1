//! The list of all routes.
//!
//! A resource module exports `pub fn routes(config: &mut ServiceConfig)`, which calls `config.service(handler)` for each handler.
//! A handler is a function with `#[utoipa::path(tag = "...", responses(...), security(("bearer" = ["viewer"])))]` above
//! `#[get("/tickets/{id}")]` (the path without `/v1`). Errors need not be listed in `responses`: they are added to every operation.
//!
//! All middleware, limits and error handlers that routes rely on are set here too, so that no route can lack them.

use super::bulk::events_route;
use super::docs::openapi;
use super::docs::openapi::Description;
use super::escalations::feed;
use super::middleware::idempotency;
use super::monitoring::{forecast, health, metrics, prometheus};
use super::policy::{calendar_preview, calendars, priorities, rules};
use super::problem::Problem;
use super::state::AppState;
use super::tickets::timeline;
use super::{docs, escalations, middleware, policy, snapshots, tickets};
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App, Error, web};
use utoipa::openapi::OpenApi;
use utoipa_actix_web::service_config::ServiceConfig;
use utoipa_actix_web::{AppExt, scope};

/// Adds routes.
pub(super) type Routes = fn(&mut ServiceConfig);

/// The routes under `/v1`.
pub(super) fn v1(config: &mut ServiceConfig) {
    for routes in [
        tickets::routes,
        timeline::routes,
        events_route::routes,
        policy::routes,
        calendars::routes,
        calendar_preview::routes,
        priorities::routes,
        rules::routes,
        feed::routes,
        escalations::routes,
        metrics::routes,
        forecast::routes,
        snapshots::routes,
    ] {
        config.configure(routes);
    }
}

/// The top-level routes, which the metrics listener serves too: health, Prometheus.
pub(super) fn top(config: &mut ServiceConfig) {
    health::routes(config);
    prometheus::routes(config);
}

/// The OpenAPI description with these routes under `/v1`.
pub(super) fn description(v1: Routes) -> OpenApi {
    let app = App::new().into_utoipa_app().openapi(openapi::base());
    let (_, api) = app.configure(top).service(scope("/v1").configure(v1)).split_for_parts();
    openapi::with_errors(api)
}

/// The app of one worker, with these routes under `/v1`.
pub(super) fn app(
    state: web::Data<AppState>,
    description: web::Data<Description>,
    v1: Routes,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
> {
    let app = App::new().into_utoipa_app().configure(top).service(scope("/v1").configure(v1));
    bounded(app.into_app(), state, description)
        .configure(docs::routes)
        .route("/openapi.json", web::get().to(openapi::serve))
        .wrap(from_fn(idempotency::layer))
        .wrap(from_fn(middleware::frame))
}

/// The app of the metrics listener.
pub(super) fn metrics_app(
    state: web::Data<AppState>,
    description: web::Data<Description>,
) -> App<
    impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
> {
    bounded(App::new().into_utoipa_app().configure(top).into_app(), state, description)
        .app_data(middleware::NoTokens)
        .wrap(from_fn(middleware::frame))
}

/// Sets the limits of extractors, and error handlers that return problem documents.
fn bounded<T>(app: App<T>, state: web::Data<AppState>, description: web::Data<Description>) -> App<T>
where
    T: ServiceFactory<ServiceRequest, Config = (), Error = Error, InitError = ()>,
{
    let body_bytes = state.limits.body_bytes;
    app.app_data(web::PayloadConfig::new(body_bytes))
        .app_data(web::JsonConfig::default().limit(body_bytes).error_handler(|error, _| Problem::from(error).into()))
        .app_data(web::QueryConfig::default().error_handler(|error, _| Problem::from(error).into()))
        .app_data(web::PathConfig::default().error_handler(|error, _| Problem::from(error).into()))
        .app_data(state)
        .app_data(description)
        .default_service(web::to(openapi::fallback))
}
