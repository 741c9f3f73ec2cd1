//! Instants in the API's format.

use crate::time;
use chrono::{DateTime, SecondsFormat};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use utoipa::ToSchema;

/// An instant: RFC 3339. Written in UTC, with `Z` and milliseconds; read with any offset, from 1970 to 2099.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T09:30:00.000Z")]
pub(crate) struct Timestamp(pub i64);

impl Timestamp {
    /// The instant; `None` for [`time::NEVER_MS`] and later.
    pub(crate) fn unless_never(at_ms: i64) -> Option<Self> {
        (at_ms < time::NEVER_MS).then_some(Self(at_ms))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        out.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        time::parse_rfc3339(&text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_one_form_and_read_in_many() {
        let written = serde_json::to_string(&Timestamp(1_795_339_800_000)).expect("written");
        assert_eq!(written, r#""2026-11-22T09:30:00.000Z""#);
        let read: Timestamp = serde_json::from_str(r#""2026-11-22T10:30:00.25+01:00""#).expect("read");
        assert_eq!(read, Timestamp(1_795_339_800_250));
        assert!(serde_json::from_str::<Timestamp>(r#""2026-11-22""#).is_err());
        assert_eq!(Timestamp::unless_never(time::NEVER_MS), None);
    }
}
