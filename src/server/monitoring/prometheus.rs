//! `/metrics`: the same figures for Prometheus, as OpenMetrics text.
//!
//! It follows the naming rules of Prometheus: base units (seconds, bytes) as suffixes, `_total` on counters only, and no label
//! whose values grow with the number of tickets or customers. Values that late events may reduce (ended cycles, fired levels) are
//! gauges, because Prometheus interprets a falling counter as a restart. The number of series per label is bounded; all further
//! teams or categories share one series.

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

/// The prefix of all names except those common to all processes.
const PREFIX: &str = "overdue";

/// The route for Prometheus.
pub(crate) fn routes(config: &mut ServiceConfig) {
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
    let text = text(state.service.view()).map_err(|_| Problem::failed("the metrics cannot be encoded"))?;
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
    ours.register("build", "Version and time zone data of this build", Info::new(build));
    ours.register_collector(Box::new(ViewFigures(Arc::clone(&view))));
    encode_registry(&mut text, &ours)?;
    time_to_breach(&view, &mut text)?;
    encode_eof(&mut text)?;
    Ok(text)
}

/// A gauge histogram, whose counts go up and down. The library does not support this OpenMetrics type.
fn time_to_breach(view: &View, text: &mut String) -> fmt::Result {
    let name = format!("{PREFIX}_time_to_breach_seconds");
    writeln!(text, "# HELP {name} Running cycles within their target, by time to the deadline.")?;
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
