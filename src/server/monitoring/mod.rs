//! Monitoring for operators and dashboards: health, metrics, forecast.

pub(crate) mod forecast;
pub(crate) mod health;
pub(crate) mod metrics;
mod openmetrics;
pub(crate) mod prometheus;
