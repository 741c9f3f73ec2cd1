//! Percentiles of many durations in little memory.
//!
//! A histogram whose buckets grow with the values (as in Gil Tene's HdrHistogram): each power of two is divided into 1,024
//! buckets, so a percentile is at most 0.1 % below the exact one, and any number of values takes at most 300 KiB.

/// Significant bits of a value in a bucket.
const KEPT_BITS: u32 = 10;

/// Counts of durations in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Durations {
    buckets: Vec<u64>,
    count: u64,
    most_ms: i64,
}

impl Durations {
    pub fn add(&mut self, duration_ms: i64) {
        let duration_ms = duration_ms.max(0);
        let bucket = bucket_of(duration_ms.cast_unsigned());
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += 1;
        self.count += 1;
        self.most_ms = self.most_ms.max(duration_ms);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest duration that at least `percent` % of all durations do not exceed (the nearest-rank percentile, at most 0.1 %
    /// too small); none if there are no durations.
    pub fn percentile_ms(&self, percent: u64) -> Option<i64> {
        let rank = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let bucket = self.buckets.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        Some(start_of(bucket).cast_signed().min(self.most_ms))
    }
}

fn bucket_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(KEPT_BITS + 1);
    ((u64::from(shift) << KEPT_BITS) + (value >> shift)) as usize
}

fn start_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> KEPT_BITS).saturating_sub(1);
    (bucket - (shift << KEPT_BITS)) << shift
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_starts_at_or_just_below_its_values() {
        for value in (0..5_000).chain((0..40).map(|bit| (1 << bit) + 12_345)).chain([u64::MAX >> 1]) {
            let start = start_of(bucket_of(value));
            assert!(start <= value && value - start <= value >> KEPT_BITS, "{value} in a bucket from {start}");
            assert!(value == 0 || bucket_of(value - 1) <= bucket_of(value), "{value}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_list() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile_ms(50), None);
        let mut list: Vec<i64> = (0..10_000).map(|number: i64| number * number * 37 % 86_400_000).collect();
        list.iter().for_each(|duration_ms| durations.add(*duration_ms));
        list.sort_unstable();
        for percent in [1, 50, 90, 95, 99, 100] {
            let exact = list[percent as usize * list.len() / 100 - 1];
            let found = durations.percentile_ms(percent).unwrap();
            assert!(found <= exact && exact - found <= exact / 1_000, "p{percent}: {found}, exactly {exact}");
        }
    }
}
