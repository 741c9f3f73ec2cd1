//! Sorts rows by time.

use arrow::array::UInt32Array;
use arrow::compute::take_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// Rows in order of a time; equal times keep their order.
pub(crate) fn sorted_by(times_ms: &[i64], rows: RecordBatch) -> Result<RecordBatch, ArrowError> {
    if times_ms.is_sorted() {
        return Ok(rows);
    }
    let mut order: Vec<u32> = (0..times_ms.len() as u32).collect();
    order.sort_by_key(|row| times_ms[*row as usize]);
    take_record_batch(&rows, &UInt32Array::from(order))
}
