//! Times and sizes as people write them.

use std::time::Duration;

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZES: [(&str, u64); 4] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// "250ms", "30s", "15m", "2h", "90d".
pub(crate) fn time(text: &str) -> Option<Duration> {
    scaled(text, &TIMES).map(Duration::from_millis)
}

/// "512KiB", "20MiB", "16GiB", or bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    text.parse().ok().or_else(|| scaled(text, &SIZES))
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_read_with_their_units() {
        assert_eq!(time("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(time("15m"), Some(Duration::from_secs(900)));
        assert_eq!(time("90 d"), Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(size("20MiB"), Some(20 << 20));
        assert_eq!(size("512 KiB"), Some(512 << 10));
        assert_eq!(size("77"), Some(77));
    }

    #[test]
    fn what_has_no_unit_or_no_number_is_neither() {
        for wrong in ["", "s", "15", "1.5h", "-3s", "15 min", "99999999999999999999d", "213503982334602d"] {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
        for wrong in ["", "MiB", "1MB", "-1", "17179869184GiB"] {
            assert_eq!(size(wrong), None, "{wrong:?}");
        }
    }
}
