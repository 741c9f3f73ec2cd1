//! An instant in a case.

use crate::time::parse_rfc3339;
use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, Copy)]
pub(super) struct Instant(pub i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_rfc3339(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}
