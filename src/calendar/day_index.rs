//! Opening hours in the form that `add` and `elapsed` read.
//!
//! Constraints: 25 ns per operation anywhere in 136 years, about 1 MiB per calendar however many intervals a day it has, no
//! branch that depends on the data if it can be avoided (an instant in a bulk load is as good as random, and a mispredicted
//! branch costs as much as the whole rest).
//!
//! The idea: for every UTC day, store the business time before it and the *shape* of the day (its open pieces). Days share
//! shapes: a calendar has a few dozen, which stay in the nearest cache, while the days are 8 bytes each. Business time before
//! an instant is then one day's entry plus a sum over its shape's pieces, two at a time without a branch (four at a time cost a
//! third more); `elapsed` is the difference of two such values. For the reverse, from an amount of business time to an instant,
//! there is an index with one entry for each 2^k seconds of business time: the day in which they begin, the open day after it,
//! and where that one begins. A day is mostly longer than an entry's seconds, so a comparison (not a branch) selects the right
//! one of the two.
//!
//! Rejected: one sorted list of all intervals (16 bits of index are not enough, 19 MB for a calendar with 48 intervals a day,
//! and a data-dependent scan), and a closed form for weeks with a list of exceptions (every DST change and holiday is one; the
//! division by a week's length costs more than the day's entry).

use super::compile::Openings;
use crate::time::{DAY_MS, HORIZON_MS, SECOND_MS};
use hashbrown::HashMap;

const DAYS: usize = (HORIZON_MS / DAY_MS) as usize + 1;
const DAY_S: u32 = (DAY_MS / SECOND_MS) as u32;

/// Pieces of a shape that are processed together.
const LANES: usize = 2;

/// A day's entry stores the number of its first group in this many bits, and above them how many more it has.
const GROUP_BITS: u32 = 24;
const GROUP_MASK: u32 = (1 << GROUP_BITS) - 1;

/// Up to this many days the right one is found by linear search, beyond it by binary search: some calendars open for years, and
/// then for a minute a year.
const SCAN_DAYS: usize = 8;

/// Maximum number of entries in the index from business time to days.
const INDEX_ENTRIES: u32 = 1 << 16;

/// Two open pieces of a UTC day, in milliseconds of the day. Unused lanes begin after every day and are empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Group {
    from_ms: [u32; LANES],
    length_ms: [u32; LANES],
    /// Business time of the day before the piece.
    before_ms: [u32; LANES],
    /// Closed time of the day before the piece; it grows from piece to piece.
    closed_ms: [u32; LANES],
}

const NO_PIECES: Group =
    Group { from_ms: [u32::MAX; LANES], length_ms: [0; LANES], before_ms: [u32::MAX; LANES], closed_ms: [0; LANES] };

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day {
    /// Business seconds from 1970 to the beginning of this UTC day.
    before_s: u32,
    /// First group of the day's shape, and in the upper bits how many follow it.
    groups: u32,
}

/// A range of 2^shift business seconds.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The business second at which `next` begins; its day lies in this range or later.
    next_s: u32,
    /// The day in which the range begins.
    day: u16,
    /// The first open day after it.
    next: u16,
}

#[derive(Debug)]
pub(super) struct Table {
    /// One entry for each UTC day, and one beyond the last.
    days: Box<[Day]>,
    groups: Box<[Group]>,
    /// For each 2^shift business seconds, the days on which they may lie.
    index: Box<[Entry]>,
    shift: u32,
}

impl Table {
    /// `openings` is sorted, disjoint and not empty.
    pub(super) fn new(openings: &Openings) -> Self {
        let mut shapes = Shapes::default();
        let mut days = Vec::with_capacity(DAYS + 1);
        let mut pieces = Vec::new();
        let mut before_s = 0;
        let mut next = 0;
        for day in 0..DAYS as u32 {
            let begin_s = day * DAY_S;
            let end_s = begin_s.saturating_add(DAY_S);
            pieces.clear();
            while let Some(&(from_s, to_s)) = openings.get(next).filter(|opening| opening.0 < end_s) {
                pieces.push((from_s.max(begin_s) - begin_s, to_s.min(end_s) - begin_s));
                if to_s > end_s {
                    break;
                }
                next += 1;
            }
            days.push(Day { before_s, groups: shapes.number(&pieces) });
            before_s += pieces.iter().map(|(from, to)| to - from).sum::<u32>();
        }
        days.push(Day { before_s, groups: 0 });

        let mut shift = 0;
        while before_s >> shift >= INDEX_ENTRIES {
            shift += 1;
        }
        // Open days, and the business second before which each ends.
        let open: Vec<(usize, u32)> = (0..DAYS)
            .map(|day| (day, days[day + 1].before_s))
            .filter(|&(day, end_s)| days[day].before_s < end_s)
            .collect();
        let mut at = 0;
        let index = (0..=(before_s - 1) >> shift).map(|entry| {
            while open[at].1 <= entry << shift {
                at += 1;
            }
            let (day, end_s) = open[at];
            let next = open.get(at + 1).map_or(day, |next| next.0);
            Entry { next_s: end_s, day: day as u16, next: next as u16 }
        });
        let index = index.collect();
        Self { days: days.into(), groups: shapes.groups.into(), index, shift }
    }

    /// Business milliseconds from 1970 to an instant.
    #[inline]
    pub(super) fn before(&self, at_ms: i64) -> i64 {
        let at_ms = at_ms.clamp(0, HORIZON_MS) as u64;
        let day = (at_ms / DAY_MS as u64) as usize;
        let in_day_ms = (at_ms % DAY_MS as u64) as u32;
        let Day { before_s, groups } = self.days[day];
        let mut open_ms = 0;
        for group in self.shape(groups) {
            for lane in 0..LANES {
                open_ms += in_day_ms.saturating_sub(group.from_ms[lane]).min(group.length_ms[lane]);
            }
        }
        i64::from(before_s) * SECOND_MS + i64::from(open_ms)
    }

    /// The instant at which a business millisecond begins, by its number counted from 1970; `None` beyond the last.
    #[inline]
    pub(super) fn instant_of(&self, business_ms: i64) -> Option<i64> {
        let business_s = (business_ms as u64 / SECOND_MS as u64) as u32;
        if business_ms >= self.total_ms() {
            return None;
        }
        let day = self.day_of(business_s);
        let Day { before_s, groups } = self.days[day];
        let in_day_ms = (business_ms - i64::from(before_s) * SECOND_MS) as u32;
        // The closed time before the last piece that begins with no more business time than this: the largest.
        let mut closed_ms = 0;
        for group in self.shape(groups) {
            for lane in 0..LANES {
                // A mask, because the compiler turns a choice here into a branch, and a mispredicted one costs half of the
                // whole.
                let is_reached = u32::from(group.before_ms[lane] <= in_day_ms).wrapping_neg();
                closed_ms = closed_ms.max(group.closed_ms[lane] & is_reached);
            }
        }
        Some(day as i64 * DAY_MS + i64::from(in_day_ms) + i64::from(closed_ms))
    }

    /// Where the open time that contains `at_ms` ends, at midnight UTC at the latest; `at_ms` itself if it is closed.
    pub(super) fn piece_end(&self, at_ms: i64) -> i64 {
        if !(0..HORIZON_MS).contains(&at_ms) {
            return at_ms;
        }
        let day = at_ms / DAY_MS;
        let in_day_ms = (at_ms - day * DAY_MS) as u32;
        for group in self.shape(self.days[day as usize].groups) {
            for lane in 0..LANES {
                let (from_ms, length_ms) = (group.from_ms[lane], group.length_ms[lane]);
                if from_ms <= in_day_ms && in_day_ms - from_ms < length_ms {
                    return day * DAY_MS + i64::from(from_ms + length_ms);
                }
            }
        }
        at_ms
    }

    fn total_ms(&self) -> i64 {
        i64::from(self.days[DAYS].before_s) * SECOND_MS
    }

    #[inline]
    fn shape(&self, groups: u32) -> &[Group] {
        let first = (groups & GROUP_MASK) as usize;
        &self.groups[first..=first + (groups >> GROUP_BITS) as usize]
    }

    /// The day that contains a business second before the last.
    #[inline]
    fn day_of(&self, business_s: u32) -> usize {
        let entry = self.index[(business_s >> self.shift) as usize];
        let mut day = usize::from(if business_s < entry.next_s { entry.day } else { entry.next });
        if self.days[day + 1].before_s <= business_s {
            day = self.later_day_of(business_s, day + 1);
        }
        day
    }

    /// The same, starting at `day`: for open days that are shorter than an entry of the index.
    fn later_day_of(&self, business_s: u32, mut day: usize) -> usize {
        for _ in 0..SCAN_DAYS {
            if self.days[day + 1].before_s > business_s {
                return day;
            }
            day += 1;
        }
        day + self.days[day + 1..].partition_point(|next| next.before_s <= business_s)
    }
}

/// The distinct shapes of days.
#[derive(Default)]
struct Shapes {
    groups: Vec<Group>,
    numbers: HashMap<Vec<(u32, u32)>, u32, foldhash::fast::RandomState>,
}

impl Shapes {
    /// The entry of a day with these pieces, in seconds of the day.
    fn number(&mut self, pieces: &[(u32, u32)]) -> u32 {
        if let Some(&known) = self.numbers.get(pieces) {
            return known;
        }
        let first = self.groups.len();
        let mut before_s = 0;
        // A closed day has a group too, an empty one: the common case is then one group, without a branch.
        self.groups.extend(pieces.is_empty().then_some(NO_PIECES));
        for some in pieces.chunks(LANES) {
            let mut group = NO_PIECES;
            for (lane, &(from_s, to_s)) in some.iter().enumerate() {
                group.from_ms[lane] = from_s * SECOND_MS as u32;
                group.length_ms[lane] = (to_s - from_s) * SECOND_MS as u32;
                group.before_ms[lane] = before_s * SECOND_MS as u32;
                group.closed_ms[lane] = (from_s - before_s) * SECOND_MS as u32;
                before_s += to_s - from_s;
            }
            self.groups.push(group);
        }
        let more = self.groups.len() - first - 1;
        let number = (more as u32) << GROUP_BITS | first as u32;
        self.numbers.insert(pieces.to_vec(), number);
        number
    }
}
