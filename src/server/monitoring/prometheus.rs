//! `/metrics`: the same figures for Prometheus, as OpenMetrics text.
//!
//! By its naming rules: base units (seconds, bytes) as suffixes, `_total` on counters only, and no label that grows with the
//! number of tickets or customers. What late events may take back (ended cycles, fired levels) is a gauge, because a counter
//! that falls would be taken for a restart. Names of teams and categories have series up to a bound; the rest is one more.

use super::openmetrics::{ProcessFigures, ViewFigures};
use crate::calendar::zone_data_version;
use crate::server::auth::Viewer;
use crate::server::problem::{ApiResult, Problem};
use crate::server::state::AppState;
use crate::service::View;
use crate::service::view::BREACH_BOUNDS_S;
use actix_web::{HttpResponse, get, web};
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use std::fmt::{self, Write};
use std::sync::Arc;
use utoipa_actix_web::service_config::ServiceConfig;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name begins with, but for those that all processes have.
const PREFIX: &str = "overdue";

/// The route for Prometheus.
pub fn routes(config: &mut ServiceConfig) {
    config.service(scrape);
}

/// Get the metrics for Prometheus
#[utoipa::path(
    tag = "metrics",
    operation_id = "scrape",
    responses((
        status = 200,
        description = "OpenMetrics text.",
        content_type = "application/openmetrics-text",
        body = String
    )),
    security(("bearer" = ["viewer"]))
)]
#[get("/metrics")]
async fn scrape(_viewer: Viewer, state: web::Data<AppState>) -> ApiResult<HttpResponse> {
    let text = text(state.service.view()).map_err(|_| Problem::failed("the metrics cannot be written"))?;
    Ok(HttpResponse::Ok().content_type(OPEN_METRICS).body(text))
}

/// The whole exposition.
fn text(view: Arc<View>) -> Result<String, fmt::Error> {
    let mut text = String::new();
    let mut process = Registry::default();
    process.register_collector(Box::new(ProcessFigures(Arc::clone(&view))));
    encode_registry(&mut text, &process)?;
    let mut ours = Registry::with_prefix(PREFIX);
    let build = vec![("version", env!("CARGO_PKG_VERSION")), ("zone_data", zone_data_version())];
    ours.register("build", "What this service was built from", Info::new(build));
    ours.register_collector(Box::new(ViewFigures(Arc::clone(&view))));
    encode_registry(&mut text, &ours)?;
    time_to_breach(&view, &mut text)?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// A gauge histogram: the one type of OpenMetrics that the library does not have. Its counts go up and down.
fn time_to_breach(view: &View, text: &mut String) -> fmt::Result {
    let name = format!("{PREFIX}_time_to_breach_seconds");
    writeln!(text, "# HELP {name} Running cycles within their target by the business deadline's distance.")?;
    writeln!(text, "# TYPE {name} gaugehistogram")?;
    writeln!(text, "# UNIT {name} seconds")?;
    let bounds = BREACH_BOUNDS_S.iter().map(|bound| format!("{bound}.0")).chain(["+Inf".to_owned()]);
    let mut cycles = 0;
    for (bound, count) in bounds.zip(view.scan.time_to_breach) {
        cycles += count;
        writeln!(text, "{name}_bucket{{le=\"{bound}\"}} {cycles}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
