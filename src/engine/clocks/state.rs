//! The state of one clock of one ticket, packed into 24 bytes.
//!
//! Times from 1970 to 2109 take 42 bits of milliseconds, which leaves 22 bits of each 64-bit integer for the rest.

use crate::limits::MAX_LEVELS;
use crate::time::NEVER_MS;

/// Bits of `done` beside the levels.
pub(crate) const AT_RISK: usize = MAX_LEVELS;
pub(crate) const BREACH: usize = MAX_LEVELS + 1;
/// Levels, at risk and breach: everything that a cycle can reach.
pub(crate) const MARKS: usize = MAX_LEVELS + 2;

/// Bits of all levels.
pub(crate) const LEVEL_BITS: u16 = (1 << MAX_LEVELS) - 1;

/// One clock of one ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClockState {
    /// Start of the open (or last) cycle.
    pub started_ms: i64,
    /// Start of the segment that is running; the end of the cycle's last segment while it is paused.
    pub segment_ms: i64,
    /// Business time of the cycle's finished segments.
    pub spent_ms: i64,
    /// Number of the open (or last) cycle; 0 before the first.
    pub cycle: u16,
    pub open: bool,
    pub running: bool,
    /// Paused by event, not by the ticket's state.
    pub held: bool,
    /// Interrupted: the cycle was paused at some time, or measured under another version, so the target's own instant does not
    /// apply.
    pub broken: bool,
    /// What the cycle has reached: one bit per level, then [`AT_RISK`] and [`BREACH`].
    pub done: u16,
    /// The levels among them that have fired.
    pub fired: u16,
}

/// A [`ClockState`] in its stored form.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PackedClock([u64; 3]);

const TIME_BITS: u32 = 42;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;

impl PackedClock {
    #[inline]
    pub(crate) fn pack(state: &ClockState) -> Self {
        debug_assert!(
            [state.started_ms, state.segment_ms, state.spent_ms].iter().all(|ms| (0..=NEVER_MS).contains(ms)),
            "times out of range: {state:?}"
        );
        let flags = u64::from(state.open)
            | u64::from(state.running) << 1
            | u64::from(state.held) << 2
            | u64::from(state.broken) << 3;
        Self([
            state.started_ms as u64 & TIME_MASK | u64::from(state.cycle) << TIME_BITS | flags << (TIME_BITS + 16),
            state.segment_ms as u64 & TIME_MASK | u64::from(state.done) << TIME_BITS,
            state.spent_ms as u64 & TIME_MASK | u64::from(state.fired) << TIME_BITS,
        ])
    }

    #[inline]
    pub(crate) fn unpack(self) -> ClockState {
        let [first, second, third] = self.0;
        let flags = first >> (TIME_BITS + 16);
        ClockState {
            started_ms: (first & TIME_MASK) as i64,
            segment_ms: (second & TIME_MASK) as i64,
            spent_ms: (third & TIME_MASK) as i64,
            cycle: (first >> TIME_BITS) as u16,
            open: flags & 1 != 0,
            running: flags & 2 != 0,
            held: flags & 4 != 0,
            broken: flags & 8 != 0,
            done: (second >> TIME_BITS) as u16,
            fired: (third >> TIME_BITS) as u16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_keeps_everything() {
        let state = ClockState {
            started_ms: 1_795_339_800_123,
            segment_ms: NEVER_MS,
            spent_ms: 0,
            cycle: u16::MAX,
            open: true,
            running: false,
            held: true,
            broken: true,
            done: (1 << MARKS) - 1,
            fired: LEVEL_BITS,
        };
        assert_eq!(PackedClock::pack(&state).unpack(), state);
        assert_eq!(PackedClock::default().unpack(), ClockState::default());
    }
}
