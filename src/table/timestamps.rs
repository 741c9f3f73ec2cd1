//! Columns of instants.

use crate::time::NEVER_MS;
use arrow::array::{ArrayRef, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, TimeUnit};
use std::sync::Arc;

/// Instants in UTC; an instant that never happens is empty.
#[derive(Debug, Default)]
pub struct Times(Vec<Option<i64>>);

impl Times {
    pub fn push(&mut self, at_ms: Option<i64>) {
        self.0.push(at_ms.filter(|at_ms| *at_ms < NEVER_MS));
    }

    pub fn finish(&mut self) -> ArrayRef {
        Self::column(TimestampMillisecondArray::from(std::mem::take(&mut self.0)))
    }

    /// Converts existing instants to a column.
    pub fn column(at_ms: TimestampMillisecondArray) -> ArrayRef {
        Arc::new(at_ms.with_timezone("UTC"))
    }

    pub fn field(name: &str) -> Field {
        Self::field_of(name, true)
    }

    /// A column of times; `nullable` if rows may have none.
    pub fn field_of(name: &str, nullable: bool) -> Field {
        Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), nullable)
    }
}
