//! Summary of a replay: counts by priority and clock, escalations by level, percentiles of the durations of cycles.
//!
//! All of it is a function of the input: no speed, no date of the run. So the summary is the same, byte for byte, when the
//! same history is replayed again.

mod percentiles;
pub(crate) mod show;

pub use show::{grouped, show};

use crate::engine::{CycleRecord, CycleResult, Escalation, EscalationKind};
use crate::time::format_rfc3339;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use percentiles::Durations;
use serde::Serialize;

/// Version of `summary.json`; it is raised when a field changes its meaning.
const SCHEMA_VERSION: u32 = 1;

/// The percentiles that are reported.
const PERCENTS: [u64; 4] = [50, 90, 95, 99];

/// Counts while the replay runs, by the engine's numbers of names.
#[derive(Debug, Default)]
pub(super) struct Tally {
    cycles: HashMap<(u32, u32), CycleCounts, FixedState>,
    levels: HashMap<(u32, u8), u64, FixedState>,
    withdrawn: u64,
    manual: u64,
    void: u64,
    durations: HashMap<u32, Taken, FixedState>,
}

#[derive(Debug, Default)]
struct Taken {
    business: Durations,
    wall: Durations,
}

impl Tally {
    pub(super) fn escalation(&mut self, escalation: &Escalation) {
        match escalation.kind {
            EscalationKind::Fired => *self.levels.entry((escalation.clock, escalation.level)).or_default() += 1,
            EscalationKind::Withdrawn => self.withdrawn += 1,
            EscalationKind::Manual => self.manual += 1,
        }
    }

    pub(super) fn cycle(&mut self, cycle: &CycleRecord, priority: u32) {
        let counts = self.cycles.entry((priority, cycle.clock)).or_default();
        match cycle.result {
            CycleResult::Met => counts.met += 1,
            CycleResult::Missed => counts.missed += 1,
            CycleResult::NoTarget => counts.no_target += 1,
            CycleResult::Open => counts.open += 1,
            CycleResult::OpenMissed => counts.open_missed += 1,
            CycleResult::Void => self.void += 1,
        }
        if matches!(cycle.result, CycleResult::Met | CycleResult::Missed | CycleResult::NoTarget) {
            let accepted = self.durations.entry(cycle.clock).or_default();
            accepted.business.add(cycle.business_ms);
            accepted.wall.add(cycle.wall_ms);
        }
    }

    /// The summary, with the names of priorities and clocks.
    pub(super) fn finish(
        self,
        span: &Span,
        input: Input,
        priority_name: impl Fn(u32) -> String,
        clock_name: impl Fn(u32) -> String,
    ) -> Summary {
        let mut cycles: Vec<Cycles> = self
            .cycles
            .into_iter()
            .map(|((priority, clock), counts)| Cycles {
                priority: priority_name(priority),
                clock: clock_name(clock),
                counts,
            })
            .collect();
        cycles.sort_by(|one, other| (&one.priority, &one.clock).cmp(&(&other.priority, &other.clock)));
        let mut levels: Vec<Level> = self
            .levels
            .into_iter()
            .map(|((clock, level), fired)| Level { clock: clock_name(clock), level, fired })
            .collect();
        levels.sort_by(|one, other| (&one.clock, one.level).cmp(&(&other.clock, other.level)));
        let mut durations: Vec<Duration> = self
            .durations
            .into_iter()
            .map(|(clock, accepted)| Duration {
                clock: clock_name(clock),
                cycles: accepted.business.count(),
                business_ms: Percentiles::of(&accepted.business),
                wall_ms: Percentiles::of(&accepted.wall),
            })
            .collect();
        durations.sort_by(|one, other| one.clock.cmp(&other.clock));
        Summary {
            schema_version: SCHEMA_VERSION,
            first_event_at: span.first_ms.map(format_rfc3339),
            last_event_at: span.last_ms.map(format_rfc3339),
            until: span.until_ms.map(format_rfc3339),
            input,
            cycles,
            levels,
            escalated_manually: self.manual,
            withdrawn: self.withdrawn,
            void_cycles: self.void,
            durations,
        }
    }
}

/// Period of the replay.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    pub first_ms: Option<i64>,
    pub last_ms: Option<i64>,
    /// End of simulated time.
    pub until_ms: Option<i64>,
}

/// Counts of the input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Input {
    /// Tickets with events.
    pub tickets: u64,
    pub events: u64,
    /// Events after the end of simulated time, which were skipped.
    pub events_after_end: u64,
    /// Rows that could not be read.
    pub rejected_rows: u64,
    /// Events that the engine rejected.
    pub rejected_events: u64,
}

/// The content of `summary.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    pub schema_version: u32,
    pub first_event_at: Option<String>,
    pub last_event_at: Option<String>,
    pub until: Option<String>,
    #[serde(flatten)]
    pub input: Input,
    pub cycles: Vec<Cycles>,
    pub levels: Vec<Level>,
    pub escalated_manually: u64,
    pub withdrawn: u64,
    pub void_cycles: u64,
    pub durations: Vec<Duration>,
}

impl Summary {
    /// Levels that fired.
    pub fn fired(&self) -> u64 {
        self.levels.iter().map(|level| level.fired).sum()
    }
}

/// Results of the cycles of one clock of one priority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cycles {
    pub priority: String,
    pub clock: String,
    #[serde(flatten)]
    pub counts: CycleCounts,
}

/// Cycles by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CycleCounts {
    pub met: u64,
    pub missed: u64,
    /// Ended, without a target.
    pub no_target: u64,
    /// Running or paused at the end, the target not reached.
    pub open: u64,
    /// Running or paused at the end, past the target.
    pub open_missed: u64,
}

/// How often a level of a clock fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level {
    pub clock: String,
    pub level: u8,
    pub fired: u64,
}

/// Durations of the finished cycles of a clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Duration {
    pub clock: String,
    pub cycles: u64,
    pub business_ms: Percentiles,
    pub wall_ms: Percentiles,
}

/// Nearest-rank percentiles: exact for up to some thousand cycles, else within 0.05 %.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    pub p50: i64,
    pub p90: i64,
    pub p95: i64,
    pub p99: i64,
}

impl Percentiles {
    fn of(durations: &Durations) -> Self {
        let [p50, p90, p95, p99] = PERCENTS.map(|percent| durations.percentile_ms(percent).unwrap_or_default());
        Self { p50, p90, p95, p99 }
    }
}
