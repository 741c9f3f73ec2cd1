//! Columns of instants.

use crate::time::NEVER_MS;
use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use std::sync::Arc;

/// Instants in UTC; what never happens is empty.
#[derive(Debug, Default)]
pub struct Times(Vec<Option<i64>>);

impl Times {
    pub fn push(&mut self, at_ms: Option<i64>) {
        self.0.push(at_ms.filter(|at_ms| *at_ms < NEVER_MS));
    }

    pub fn finish(&mut self) -> ArrayRef {
        Self::column(TimestampMillisecondArray::from(std::mem::take(&mut self.0)))
    }

    /// Instants that are at hand already, as a column.
    pub fn column(at_ms: TimestampMillisecondArray) -> ArrayRef {
        Arc::new(at_ms.with_timezone("UTC"))
    }

    pub fn field(name: &str) -> Field {
        Self::field_of(name, true)
    }

    /// A column in which every row has a time, or not.
    pub fn field_of(name: &str, nullable: bool) -> Field {
        Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), nullable)
    }
}
