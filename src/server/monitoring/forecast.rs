//! `/v1/forecast`: what falls due in the next hours.

use crate::server::auth::Viewer;
use crate::server::params::timestamp::Timestamp;
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::server::state::AppState;
use crate::service::Scan;
use crate::service::view::FORECAST_HOURS;
use crate::time::HOUR_MS;
use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// Hours of a forecast by default.
const DEFAULT_HOURS: usize = 72;

/// The route of the forecast.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(forecast);
}

/// Range of the forecast.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ForecastQuery {
    /// Hours to look ahead; at most seven days.
    #[param(minimum = 1, maximum = 168, default = 72)]
    pub hours: Option<usize>,
}

/// What falls due if no further events occur. Paused clocks are not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForecastResponse {
    /// The engine's time of the scan over all tickets; missing before the first scan.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<Timestamp>,
    /// Hour by hour (UTC), from the current hour.
    pub hours: Vec<ForecastHour>,
}

/// What falls due in one hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ForecastHour {
    /// The hour's first instant.
    pub hour: Timestamp,
    /// Targets that fall due.
    pub deadlines: u64,
    /// Levels that fall due.
    pub levels: u64,
}

/// Get the forecast
///
/// Deadlines and levels that fall due in each of the next hours, as of the last scan over all tickets.
#[utoipa::path(
    tag = "metrics",
    params(ForecastQuery),
    responses((status = 200, description = "The forecast, hour by hour.", body = ForecastResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/forecast")]
async fn forecast(
    _viewer: Viewer,
    state: web::Data<AppState>,
    query: web::Query<ForecastQuery>,
) -> ApiResult<web::Json<ForecastResponse>> {
    let hours = query.hours.unwrap_or(DEFAULT_HOURS);
    if !(1..=FORECAST_HOURS).contains(&hours) {
        let message = format!("hours is {hours}, expected 1 to {FORECAST_HOURS}");
        return Err(Problem::bad_request(&message).with_error(FieldError::new(message).field("hours")));
    }
    Ok(web::Json(ForecastResponse::of(&state.service.view().scan, hours)))
}

impl ForecastResponse {
    fn of(scan: &Scan, hours: usize) -> Self {
        let first_ms = scan.as_of_ms.div_euclid(HOUR_MS) * HOUR_MS;
        let sums = scan.deadlines_by_hour.iter().zip(&scan.levels_by_hour).take(hours);
        let hour = |(number, (deadlines, levels)): (usize, (&u64, &u64))| ForecastHour {
            hour: Timestamp(first_ms + number as i64 * HOUR_MS),
            deadlines: *deadlines,
            levels: *levels,
        };
        Self {
            as_of: (scan.as_of_ms > 0).then_some(Timestamp(scan.as_of_ms)),
            hours: sums.enumerate().map(hour).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_begin_with_the_one_that_is_running() {
        let scan = Scan {
            as_of_ms: 100 * HOUR_MS + 5,
            deadlines_by_hour: vec![1, 0, 2],
            levels_by_hour: vec![3, 4, 5],
            ..Scan::default()
        };
        let response = ForecastResponse::of(&scan, 2);
        assert_eq!(
            response.hours,
            [
                ForecastHour { hour: Timestamp(100 * HOUR_MS), deadlines: 1, levels: 3 },
                ForecastHour { hour: Timestamp(101 * HOUR_MS), deadlines: 0, levels: 4 },
            ]
        );
        assert_eq!(ForecastResponse::of(&Scan::default(), 9), ForecastResponse { as_of: None, hours: Vec::new() });
    }
}
