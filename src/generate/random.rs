//! Random numbers that are the same on every machine: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", 2014), and draws from tables in integers.

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The stream of one object (a ticket, a day) of a seed; neighbours are independent.
    pub(super) fn of(seed: u64, purpose: u64, number: u64) -> Self {
        let mut mixed = Self { state: seed ^ purpose.rotate_left(32) };
        let seed = mixed.next();
        let mut stream = Self { state: seed.wrapping_add(number.wrapping_mul(0xD1B5_4A32_D192_ED03)) };
        stream.state = stream.next();
        stream
    }

    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A number from 0 to `end - 1`; 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// True with this probability, in thousandths.
    pub(super) fn chance(&mut self, in_thousand: u64) -> bool {
        self.below(1_000) < in_thousand
    }

    /// The index of one of the weights, drawn in proportion to the weights.
    pub(super) fn pick(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (index, weight) in weights.iter().enumerate() {
            match left.checked_sub(u64::from(*weight)) {
                Some(rest) => left = rest,
                None => return index,
            }
        }
        0
    }

    /// A draw from a distribution given by its quantiles at even steps, with linear interpolation between them.
    pub(super) fn quantile(&mut self, quantiles: &[i64]) -> i64 {
        let steps = quantiles.len() as u64 - 1;
        let at = self.below(steps << 20);
        let (step, part) = ((at >> 20) as usize, (at & 0xF_FFFF) as i64);
        quantiles[step] + (quantiles[step + 1] - quantiles[step]) * part / (1 << 20)
    }
}
