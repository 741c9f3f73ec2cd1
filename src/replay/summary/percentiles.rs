//! Percentiles of many durations in little memory.

use hdrhistogram::Histogram;

/// Up to so many durations are kept as they are, and their percentiles are exact.
const KEPT: usize = 4_096;

/// Digits of a value in the histogram of more: the percentiles then deviate by at most 0.05 %.
const KEPT_DIGITS: u8 = 3;

/// Durations in milliseconds: at most 300 KiB, whatever their number.
#[derive(Debug, Clone, Default)]
pub(super) struct Durations {
    few: Vec<i64>,
    /// All of them, once they are more than [`KEPT`].
    many: Option<Histogram<u64>>,
    /// The shortest and the longest.
    range: Option<(i64, i64)>,
}

impl Durations {
    pub(super) fn add(&mut self, duration_ms: i64) {
        let duration_ms = duration_ms.max(0);
        let (least, most) = self.range.unwrap_or((duration_ms, duration_ms));
        self.range = Some((least.min(duration_ms), most.max(duration_ms)));
        match &mut self.many {
            Some(many) => record(many, duration_ms),
            None => {
                self.few.push(duration_ms);
                if self.few.len() > KEPT {
                    self.many = histogram(&self.few);
                }
            }
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.many.as_ref().map_or(self.few.len() as u64, Histogram::len)
    }

    /// The smallest duration that at least `percent` % of all durations do not exceed (the nearest-rank percentile), within the
    /// deviation of the histogram and never outside the durations' range; none if there are no durations.
    pub(super) fn percentile_ms(&self, percent: u64) -> Option<i64> {
        // In whole numbers: a percentage in floating point can be one rank off.
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let Some(many) = &self.many else {
            let (mut few, rank) = (self.few.clone(), rank as usize);
            return (rank <= few.len()).then(|| *few.select_nth_unstable(rank - 1).1);
        };
        let mut seen = 0;
        let reached = many.iter_recorded().find(|step| {
            seen += step.count_since_last_iteration();
            seen >= rank
        })?;
        let (least, most) = self.range?;
        Some(many.median_equivalent(reached.value_iterated_to()).cast_signed().clamp(least, most))
    }
}

/// `None` never: the number of digits is one that the histogram accepts.
fn histogram(durations: &[i64]) -> Option<Histogram<u64>> {
    let mut many = Histogram::new(KEPT_DIGITS).ok()?;
    durations.iter().for_each(|duration_ms| record(&mut many, *duration_ms));
    Some(many)
}

fn record(histogram: &mut Histogram<u64>, duration_ms: i64) {
    let duration_ms = duration_ms.cast_unsigned();
    // `Histogram::new` makes one that grows with the values; the only error is a value that it cannot grow to.
    if histogram.record(duration_ms).is_err() {
        histogram.saturating_record(duration_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(count: i64) -> (Durations, Vec<i64>) {
        let mut durations = Durations::default();
        let mut list: Vec<i64> = (1..=count).map(|number: i64| number * number * 37 % 86_400_000).collect();
        list.iter().for_each(|duration_ms| durations.add(*duration_ms));
        list.sort_unstable();
        (durations, list)
    }

    #[test]
    fn percentiles_of_few_are_exact() {
        let mut durations = Durations::default();
        assert_eq!(durations.percentile_ms(50), None);
        durations.add(7_200_000);
        assert_eq!((durations.percentile_ms(50), durations.percentile_ms(99)), (Some(7_200_000), Some(7_200_000)));
        let (durations, list) = sorted(KEPT as i64);
        for percent in [1, 50, 90, 95, 99, 100] {
            let rank = (percent as usize * list.len()).div_ceil(100);
            assert_eq!(durations.percentile_ms(percent), Some(list[rank - 1]), "p{percent}");
        }
    }

    #[test]
    fn percentiles_of_many_are_near_those_of_the_sorted_list() {
        let (durations, list) = sorted(10_000);
        assert_eq!(durations.count(), 10_000);
        for percent in [1, 50, 90, 95, 99, 100] {
            let exact = list[percent as usize * list.len() / 100 - 1];
            let found = durations.percentile_ms(percent).unwrap();
            assert!((found - exact).abs() <= exact / 2_000 + 1, "p{percent}: {found}, exactly {exact}");
            assert!((list[0]..=list[9_999]).contains(&found), "p{percent}: {found}");
        }
        let mut same = Durations::default();
        (0..10_000).for_each(|_| same.add(7_200_001));
        assert_eq!(same.percentile_ms(50), Some(7_200_001));
    }
}
