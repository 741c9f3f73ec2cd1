//! What the sequencer publishes after its rounds: the view, the versions of the policy, the gauges.

use super::pulse::{Obstacle, Pulse};
use super::state_machine::{GroupOutput, StateMachine};
use super::view::{ClockView, Gauges, NamedTally, SYNC_BOUNDS_S, Scan, Totals, View};
use super::wall_clock::{Clock, Stopwatch};
use crate::engine::Tally;
use crate::policy::Policy;
use crate::store::record::{LabelKind, LabelTable};
use crate::store::snapshot::PolicyVersion;
use crate::ticket::PerLabel;
use crate::time::SECOND_MS;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The least time between two views while commands keep coming.
const BUSY_INTERVAL: Duration = Duration::from_millis(50);

/// The interval between views is at least this many times the cost of making one.
const COST_FACTOR: u32 = 20;

/// The published state that readers see. Locks are held to swap or clone an `Arc`, never longer.
#[derive(Debug, Default)]
pub(super) struct Published {
    view: RwLock<Arc<View>>,
    policies: RwLock<Arc<Vec<PolicyVersion>>>,
    /// The policy in force, compiled; present before the service is ready.
    policy: RwLock<Option<Arc<Policy>>>,
    scan: RwLock<Arc<Scan>>,
    is_ready: AtomicBool,
    pub pulse: Pulse,
}

impl Published {
    pub(super) fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read())
    }

    pub(super) fn policies(&self) -> Arc<Vec<PolicyVersion>> {
        Arc::clone(&self.policies.read())
    }

    /// The policy in force.
    pub(super) fn policy(&self) -> Option<Arc<Policy>> {
        self.policy.read().clone()
    }

    pub(super) fn set_scan(&self, scan: Scan) {
        *self.scan.write() = Arc::new(scan);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Acquire)
    }

    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Release);
    }
}

/// Makes views.
#[derive(Debug)]
pub(super) struct Publisher {
    published: Arc<Published>,
    gauges: Gauges,
    /// Totals of the last view: unchanged while nothing happens.
    totals: Arc<Totals>,
    records: [u64; 4],
    due: u64,
    is_obstructed: bool,
    is_stale: bool,
    since_last: Stopwatch,
    cost: Duration,
}

impl Publisher {
    pub(super) fn new(published: Arc<Published>, started_ms: i64, queue_capacity: usize) -> Self {
        let gauges = Gauges { started_ms, queue_capacity: queue_capacity as u64, ..Gauges::default() };
        Self {
            published,
            gauges,
            totals: Arc::default(),
            records: [0; 4],
            due: 0,
            is_obstructed: false,
            is_stale: true,
            since_last: Stopwatch::start(),
            cost: Duration::ZERO,
        }
    }

    /// How long the sequencer may sleep before a view is due.
    pub(super) fn patience(&self) -> Duration {
        if self.is_stale { BUSY_INTERVAL } else { Duration::from_secs(1) }
    }

    /// A round begins, with `due` timers due.
    pub(super) fn rounds(&mut self, due: u64) {
        self.due = due;
    }

    pub(super) fn count_group(&mut self, output: &GroupOutput) {
        self.is_stale = true;
        self.gauges.groups += 1;
        for row in &output.escalations.rows {
            self.records[row.kind as usize] += 1;
        }
        for reply in &output.replies {
            if let super::state_machine::InputResult::Batch { accepted, rejected, .. } = reply {
                self.gauges.rows_accepted += accepted;
                self.gauges.rows_rejected += rejected.len() as u64;
            }
        }
    }

    pub(super) fn synced(&mut self, took: Duration, journal_bytes: u64) {
        let seconds = took.as_secs_f64();
        self.gauges.syncs += 1;
        self.gauges.sync_sum_s += seconds;
        for (bucket, bound) in self.gauges.sync_buckets.iter_mut().zip(SYNC_BOUNDS_S) {
            *bucket += u64::from(seconds <= bound);
        }
        self.gauges.journal_bytes = journal_bytes;
    }

    /// Records what prevents writes to the journal, if anything.
    pub(super) fn obstructed(&mut self, obstacle: Option<Obstacle>) {
        if obstacle.is_none() && !self.is_obstructed {
            return;
        }
        let is_full = obstacle == Some(Obstacle::DiskFull);
        self.is_stale |= is_full != self.gauges.disk_full;
        self.gauges.disk_full = is_full;
        self.is_obstructed = obstacle.is_some();
        self.published.pulse.set_obstacle(obstacle);
    }

    pub(super) fn is_obstructed(&self) -> bool {
        self.is_obstructed
    }

    pub(super) fn snapshot_published(&mut self, at_ms: i64, journal_bytes: u64) {
        self.gauges.last_snapshot_ms = Some(at_ms);
        self.gauges.journal_bytes = journal_bytes;
        self.is_stale = true;
    }

    /// Publishes, unless a view was just published and more commands are coming.
    pub(super) fn publish(
        &mut self,
        machine: &StateMachine,
        clock: &Clock,
        queue: usize,
        always: bool,
        is_quiet: bool,
    ) {
        self.published.pulse.set_engine_ms(machine.now_ms());
        let since_last = self.since_last.elapsed();
        let is_time = since_last >= BUSY_INTERVAL.max(self.cost * COST_FACTOR);
        let is_cheap = self.cost < Duration::from_millis(1);
        let is_wanted = self.is_stale && (always || is_time || is_quiet && is_cheap);
        // The gauges change by themselves.
        if !is_wanted && since_last < Duration::from_millis(500) {
            return;
        }
        let watch = Stopwatch::start();
        let view = Arc::new(self.view(machine, clock, queue));
        *self.published.view.write() = view;
        let is_new = self.published.policies().len() != machine.policies.len();
        if is_new {
            let engine = machine.engine.read();
            *self.published.policy.write() = Some(Arc::clone(engine.policy()));
            drop(engine);
            *self.published.policies.write() = Arc::clone(&machine.policies);
        }
        self.is_stale = false;
        self.cost = watch.elapsed();
        self.since_last = Stopwatch::start();
    }

    fn view(&mut self, machine: &StateMachine, clock: &Clock, queue: usize) -> View {
        let (now_ms, tickets, due) = {
            let engine = machine.engine.read();
            (engine.now_ms(), engine.len() as u64, engine.due_by(clock.now_ms() - SECOND_MS))
        };
        if self.is_stale {
            self.totals = Arc::new(totals(machine));
        }
        let wall_ms = clock.wall_ms();
        self.gauges.wall_ms = wall_ms;
        self.gauges.clock_offset_ms = clock.offset_ms();
        // Ahead of the wall clock is as wrong as behind it.
        self.gauges.lag_ms = (wall_ms - now_ms - SECOND_MS).max(now_ms - wall_ms).max(0);
        self.gauges.due_not_fired = due;
        self.gauges.queue = queue as u64;
        self.gauges.clock_jumps = clock.jumps();
        let mut days = machine.days.rows(&machine.names);
        days.reverse();
        View {
            now_ms,
            group: machine.group,
            policy_version: machine.policies.last().map_or(0, |version| version.number),
            tickets,
            totals: Arc::clone(&self.totals),
            days,
            last_escalation: machine.last_escalation(),
            records: self.records,
            gauges: self.gauges.clone(),
            scan: Arc::clone(&self.published.scan.read()),
        }
    }
}

/// The totals as they are now: a walk over the labels of every shard.
fn totals(machine: &StateMachine) -> Totals {
    let names = &machine.names;
    let counters = machine.engine.read().counters();
    let by_clock = counters.by_clock.iter().enumerate().map(|(clock, tally)| ClockView {
        name: names.label(LabelKind::Clock, clock as u32).unwrap_or_default(),
        tally: *tally,
    });
    Totals {
        all: counters.all,
        by_label: PerLabel::from_fn(|label| named(names, label.into(), &counters.by_label[label])),
        by_clock: by_clock.collect(),
    }
}

/// Totals with their labels; labels that no ticket has any more are left out.
fn named(names: &LabelTable, column: LabelKind, tallies: &[Tally]) -> Vec<NamedTally> {
    tallies
        .iter()
        .enumerate()
        .filter(|(_, tally)| **tally != Tally::default())
        .map(|(symbol, tally)| NamedTally {
            name: names.label(column, symbol as u32).unwrap_or_default(),
            tally: *tally,
        })
        .collect()
}
