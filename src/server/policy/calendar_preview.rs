//! `/v1/calendars/{name}/add`, `/elapsed`, `/intervals`: business time computed with a calendar.

use crate::calendar::{Calendar, Span, Timeline};
use crate::limits::MAX_SHOWN_INTERVALS;
use crate::server::auth::Viewer;
use crate::server::params::blocking;
use crate::server::params::timestamp::Timestamp;
use crate::server::problem::{ApiResult, FieldError, Problem};
use crate::server::state::AppState;
use crate::server::tickets::timeline::IntervalRow;
use crate::time::{DAY_MS, civil_ms};
use actix_web::{get, web};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes of previews.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(add).service(elapsed).service(intervals);
}

/// A start and a span.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddQuery {
    /// Start of the span.
    #[param(value_type = String, format = DateTime, example = "2026-12-23T14:00:00Z")]
    pub start: Timestamp,
    /// Length: business hours (`4h`, `1h30m`, `90s`), business days (`2bd`) or calendar days (`30d`).
    #[param(value_type = String, max_length = 64, example = "4h")]
    pub span: String,
}

/// The end of a span.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct AddResponse {
    pub calendar: String,
    pub start: Timestamp,
    #[schema(example = "4h")]
    pub span: String,
    /// End of the span; missing if the calendar ends first, in 2106.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<Timestamp>,
    /// Business time from start to end, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub business_ms: Option<i64>,
    /// Whether the calendar is open at the start.
    pub start_is_open: bool,
}

/// Add a span to an instant
///
/// For example: when do 4 business hours from now end? Hours that end exactly at closing time end there, not at the next opening.
/// Business days end at the same wall-clock time.
#[utoipa::path(
    tag = "calendars",
    operation_id = "add_to_calendar",
    params(("name" = String, Path, description = "The calendar's name.", min_length = 1, max_length = 255), AddQuery),
    responses((status = 200, description = "The end of the span.", body = AddResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/calendars/{name}/add")]
async fn add(
    _viewer: Viewer,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<AddQuery>,
) -> ApiResult<web::Json<AddResponse>> {
    let AddQuery { start, span: text } = query.into_inner();
    let span: Span = text.parse().map_err(|error: crate::calendar::SpanError| {
        Problem::bad_request(error.to_string())
            .with_error(FieldError::new(error.to_string()).field("span").value(&text))
    })?;
    let calendar = calendar(&state, name.into_inner()).await?;
    let end = Timestamp::unless_never(end_of(calendar.timeline(), start.0, span));
    Ok(web::Json(AddResponse {
        calendar: calendar.name.clone(),
        start,
        span: span.to_string(),
        end,
        business_ms: end.map(|end| calendar.timeline().elapsed(start.0, end.0)),
        start_is_open: calendar.timeline().is_open(start.0),
    }))
}

fn end_of(timeline: &Timeline, start_ms: i64, span: Span) -> i64 {
    match span {
        Span::Business { ms } => timeline.add(start_ms, ms),
        Span::BusinessDays(days) => timeline.add_business_days(start_ms, days),
        Span::CalendarDays(days) => timeline.add_calendar_days(start_ms, days),
    }
}

/// A period.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ElapsedQuery {
    /// Start of the period.
    #[param(value_type = String, format = DateTime, example = "2026-12-23T14:00:00Z")]
    pub from: Timestamp,
    /// End of the period.
    #[param(value_type = String, format = DateTime, example = "2026-12-28T09:00:00Z")]
    pub to: Timestamp,
}

/// Business time between two instants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ElapsedResponse {
    pub calendar: String,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Business time in milliseconds; 0 if `to` is before `from`.
    #[schema(example = 14_400_000)]
    pub business_ms: i64,
    /// The same in readable form.
    #[schema(example = "4h")]
    pub business: String,
}

/// Measure the business time between two instants
#[utoipa::path(
    tag = "calendars",
    operation_id = "elapsed_in_calendar",
    params(("name" = String, Path, description = "The calendar's name.", min_length = 1, max_length = 255), ElapsedQuery),
    responses((status = 200, description = "The business time.", body = ElapsedResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/calendars/{name}/elapsed")]
async fn elapsed(
    _viewer: Viewer,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<ElapsedQuery>,
) -> ApiResult<web::Json<ElapsedResponse>> {
    let calendar = calendar(&state, name.into_inner()).await?;
    let business_ms = calendar.timeline().elapsed(query.from.0, query.to.0);
    Ok(web::Json(ElapsedResponse {
        calendar: calendar.name.clone(),
        from: query.from,
        to: query.to,
        business_ms,
        business: Span::Business { ms: business_ms }.to_string(),
    }))
}

/// A month.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct MonthQuery {
    /// The month, in the calendar's time zone, from 1970-01 to 2105-12.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", example = "2026-12")]
    pub month: String,
}

/// The business time of a month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MonthResponse {
    pub calendar: String,
    /// The calendar's time zone.
    #[schema(example = "Europe/Oslo")]
    pub time_zone: String,
    #[schema(example = "2026-12")]
    pub month: String,
    /// The month's first instant; `to` is its end.
    pub from: Timestamp,
    pub to: Timestamp,
    /// Total business time, in milliseconds.
    pub business_ms: i64,
    /// Open intervals.
    pub intervals: Vec<IntervalRow>,
    /// Whether the list of intervals is truncated.
    pub is_cut: bool,
}

/// List the open intervals of a month
#[utoipa::path(
    tag = "calendars",
    operation_id = "list_open_intervals",
    params(("name" = String, Path, description = "The calendar's name.", min_length = 1, max_length = 255), MonthQuery),
    responses((status = 200, description = "The open intervals.", body = MonthResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/calendars/{name}/intervals")]
async fn intervals(
    _viewer: Viewer,
    state: web::Data<AppState>,
    name: web::Path<String>,
    query: web::Query<MonthQuery>,
) -> ApiResult<web::Json<MonthResponse>> {
    let month = query.into_inner().month;
    let first = parse_month(&month)?;
    let calendar = calendar(&state, name.into_inner()).await?;
    Ok(web::Json(month_of(&calendar, month, first)))
}

fn parse_month(text: &str) -> ApiResult<Date> {
    match format!("{text}-01").parse::<Date>() {
        Ok(first) if first.strftime("%Y-%m").to_string() == text && (1970..=2105).contains(&first.year()) => Ok(first),
        _ => {
            let message = format!("month is {text:?}, expected one from 1970-01 to 2105-12, such as 2026-12");
            Err(Problem::bad_request(&message).with_error(FieldError::new(message).field("month").value(text)))
        }
    }
}

fn month_of(calendar: &Calendar, month: String, first: Date) -> MonthResponse {
    let (timeline, zone) = (calendar.timeline(), calendar.timeline().zone());
    let midnight_ms = |date: Date| civil_ms(date.into());
    let from_ms = zone.first_instant_at(midnight_ms(first));
    // The end of the month's last day. Months outside the calendar's range have been rejected before.
    let next = first.checked_add(1.month()).map_or(midnight_ms(first) + 31 * DAY_MS, midnight_ms);
    let to_ms = zone.first_instant_at(next);
    let mut open = timeline.open_intervals(from_ms, to_ms);
    let shown = open.by_ref().take(MAX_SHOWN_INTERVALS).map(|interval| IntervalRow::from(&interval)).collect();
    MonthResponse {
        calendar: calendar.name.clone(),
        time_zone: zone.name().to_owned(),
        month,
        from: Timestamp(from_ms),
        to: Timestamp(to_ms),
        business_ms: timeline.elapsed(from_ms, to_ms),
        intervals: shown,
        is_cut: open.next().is_some(),
    }
}

/// A calendar of the policy in force.
async fn calendar(state: &AppState, name: String) -> ApiResult<Arc<Calendar>> {
    let service = state.service.clone();
    blocking(move || {
        let policy = service.read(|engine| Arc::clone(engine.policy()));
        let found = policy.calendars.iter().find(|calendar| calendar.name == name).cloned();
        found.ok_or_else(|| Problem::not_found(format!("there is no calendar {name:?}")))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR_MS, parse_rfc3339};

    fn office() -> Calendar {
        let text = "time_zone = 'Europe/Oslo'\nmon-fri = ['08:00-16:00']\nholidays = ['--12-25']";
        Calendar::new("office", &toml::from_str(text).expect("a calendar"), &mut |_| Err("none".into())).expect("opens")
    }

    #[test]
    fn a_month_lists_its_hours_by_its_own_clock() {
        let month = month_of(&office(), "2026-12".into(), parse_month("2026-12").expect("a month"));
        assert_eq!(month.from.0, parse_rfc3339("2026-11-30T23:00:00Z").expect("a time"));
        // 23 weekdays, less Christmas Day.
        assert_eq!(month.intervals.len(), 22);
        assert_eq!(month.business_ms, 22 * 8 * HOUR_MS);
        assert!(!month.is_cut);
    }

    #[test]
    fn months_are_of_the_calendar_or_refused() {
        for wrong in ["2026-13", "2026", "26-12", "1969-12", "2106-01", "2026-12-01", " 2026-1"] {
            assert_eq!(parse_month(wrong).expect_err(wrong).status, 400, "{wrong}");
        }
    }

    #[test]
    fn spans_end_by_their_own_rules() {
        let office = office();
        let at = |text: &str| parse_rfc3339(text).expect("a time");
        let end = |span: &str| end_of(office.timeline(), at("2026-12-24T13:00:00Z"), span.parse().expect("a span"));
        assert_eq!(end("4h"), at("2026-12-28T09:00:00Z"));
        assert_eq!(end("1bd"), at("2026-12-28T13:00:00Z"));
        assert_eq!(end("2d"), at("2026-12-26T13:00:00Z"));
    }
}
