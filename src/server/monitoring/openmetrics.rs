//! The published view as OpenMetrics families.

use crate::engine::Tally;
use crate::limits::MAX_METRIC_NAMES;
use crate::service::view::SYNC_BOUNDS_S;
use crate::service::{ClockView, NamedTally, View};
use crate::store::record::RecordKind;
use crate::ticket::TicketLabel;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;
use std::fmt::Error;
use std::sync::Arc;

type Labels<'a> = [(&'a str, &'a str)];

/// The name for the sum of labels without a series of their own.
const OTHERS: &str = "(others)";

/// Metrics common to all processes, without a prefix.
#[derive(Debug)]
pub(super) struct ProcessFigures(pub Arc<View>);

impl Collector for ProcessFigures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut out = Out(encoder);
        let started_s = seconds(self.0.gauges.started_ms);
        out.gauge("process_start_time", "Start time of the process, since 1970.", Some(&Unit::Seconds), started_s)
    }
}

/// Metrics of this service.
#[derive(Debug)]
pub(super) struct ViewFigures(pub Arc<View>);

impl Collector for ViewFigures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let (view, mut out) = (&*self.0, Out(encoder));
        tickets(view, &mut out)?;
        cycles(&view.totals.by_clock, &mut out)?;
        escalations(view, &mut out)?;
        engine(view, &mut out)?;
        store(view, &mut out)
    }
}

fn tickets(view: &View, out: &mut Out<'_>) -> Result<(), Error> {
    out.gauge("tickets_waiting", "Open tickets in the state waiting.", None, view.totals.all.waiting as f64)?;
    if let Some((_, opened_ms)) = &view.scan.oldest {
        let age_s = seconds(view.now_ms - opened_ms);
        out.gauge(
            "oldest_open_ticket_age",
            "Time since the oldest open ticket was opened.",
            Some(&Unit::Seconds),
            age_s,
        )?;
    }
    let lists = [
        ("tickets", TicketLabel::Priority, "Tickets by priority and status."),
        ("team_tickets", TicketLabel::Team, "Tickets by team and status; those without a team are left out."),
        ("channel_tickets", TicketLabel::Channel, "Tickets by channel and status."),
        ("category_tickets", TicketLabel::Category, "Tickets by category and status."),
    ];
    for (name, label, help) in lists {
        let named = bounded(&view.totals.by_label[label]);
        let series = named.iter().flat_map(|(value, tally)| {
            statuses(tally).map(|(status, count)| ([(label.name(), *value), ("status", status)], count as f64))
        });
        out.gauges(name, help, series)?;
    }
    Ok(())
}

/// Tickets by status; each ticket has exactly one.
fn statuses(tally: &Tally) -> [(&'static str, u64); 4] {
    let within = tally.open.saturating_sub(tally.at_risk + tally.breached);
    [("within_target", within), ("at_risk", tally.at_risk), ("breached", tally.breached), ("done", tally.done)]
}

/// The largest entries of a list, and one entry with the sum of all others.
fn bounded(list: &[NamedTally]) -> Vec<(&str, Tally)> {
    let mut named: Vec<(&str, Tally)> = list.iter().map(|named| (&*named.name, named.tally)).collect();
    if named.len() > MAX_METRIC_NAMES {
        named.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.open + tally.done));
        let others = named.split_off(MAX_METRIC_NAMES);
        named.push((OTHERS, others.iter().fold(Tally::default(), |sum, (_, tally)| add(&sum, tally))));
    }
    named
}

fn add(one: &Tally, other: &Tally) -> Tally {
    Tally {
        open: one.open + other.open,
        waiting: one.waiting + other.waiting,
        at_risk: one.at_risk + other.at_risk,
        breached: one.breached + other.breached,
        done: one.done + other.done,
    }
}

fn cycles(clocks: &[ClockView], out: &mut Out<'_>) -> Result<(), Error> {
    let by = |pairs: fn(&ClockView) -> [(&'static str, u64); 2], label: &'static str| {
        clocks.iter().flat_map(move |clock| {
            pairs(clock).map(|(value, count)| ([("clock", &*clock.name), (label, value)], count as f64))
        })
    };
    let running = |clock: &ClockView| [("running", clock.tally.running), ("paused", clock.tally.paused)];
    out.gauges("open_cycles", "Open cycles by clock and status (running or paused).", by(running, "status"))?;
    let late = |clock: &ClockView| [("at_risk", clock.tally.at_risk), ("breached", clock.tally.breached)];
    out.gauges("late_cycles", "Open cycles past their at-risk mark or their target, by clock.", by(late, "status"))?;
    let ended = |clock: &ClockView| [("met", clock.tally.met), ("missed", clock.tally.missed)];
    let help = "Cycles that ended since the data began, by clock and result; late events may revise them.";
    out.gauges("ended_cycles", help, by(ended, "result"))
}

fn escalations(view: &View, out: &mut Out<'_>) -> Result<(), Error> {
    let fired = view.totals.by_clock.iter().flat_map(|clock| {
        let levels = (1..).zip(clock.tally.fired).filter(|(_, count)| *count > 0);
        levels.map(|(level, count): (u32, u64)| (&*clock.name, level.to_string(), count as f64))
    });
    let fired: Vec<(&str, String, f64)> = fired.collect();
    let series = fired.iter().map(|(clock, level, count)| ([("clock", *clock), ("level", level.as_str())], *count));
    out.gauges("fired_levels", "Levels that fired since the data began, less those withdrawn.", series)?;
    let kinds = RecordKind::ALL.into_iter().zip(view.records);
    out.counters(
        "escalation_records",
        "Escalation records since the start of the process, by kind.",
        kinds.map(|(kind, count)| ([("kind", kind.name())], count)),
    )
}

fn engine(view: &View, out: &mut Out<'_>) -> Result<(), Error> {
    let gauges = &view.gauges;
    let unit = Some(&Unit::Seconds);
    out.gauge("engine_time", "The engine's time, since 1970.", unit, seconds(view.now_ms))?;
    let help = "Distance of the engine's time from the wall clock, behind or ahead.";
    out.gauge("engine_lag", help, unit, seconds(gauges.lag_ms))?;
    let help = "How far the wall clock is ahead of the service's clock; negative if behind.";
    out.gauge("clock_offset", help, unit, seconds(gauges.clock_offset_ms))?;
    let help = "Tickets that are due and have not been processed yet; must be 0.";
    out.gauge("due_not_fired", help, None, gauges.due_not_fired as f64)?;
    out.gauge("queue_commands", "Commands in the queue.", None, gauges.queue as f64)?;
    out.gauge("queue_capacity_commands", "Capacity of the command queue.", None, gauges.queue_capacity as f64)?;
    out.gauge("policy_version", "The version of the policy in force.", None, view.policy_version as f64)?;
    out.counter("groups", "Groups of inputs written since the start of the process.", gauges.groups)?;
    out.counters(
        "rows",
        "Rows accepted and rejected since the start of the process.",
        [([("result", "accepted")], gauges.rows_accepted), ([("result", "rejected")], gauges.rows_rejected)]
            .into_iter(),
    )?;
    out.counter("clock_jumps", "Jumps of the wall clock that the service's clock did not follow.", gauges.clock_jumps)
}

fn store(view: &View, out: &mut Out<'_>) -> Result<(), Error> {
    let gauges = &view.gauges;
    let mut buckets = Vec::new();
    let mut before = 0;
    for (bound, up_to) in SYNC_BOUNDS_S.into_iter().zip(gauges.sync_buckets) {
        buckets.push((bound, up_to.saturating_sub(before)));
        before = up_to;
    }
    buckets.push((f64::INFINITY, gauges.syncs.saturating_sub(before)));
    out.histogram("journal_sync", "Durations of journal syncs.", gauges.sync_sum_s, gauges.syncs, &buckets)?;
    out.gauge("journal_size", "Size of the journal.", Some(&Unit::Bytes), gauges.journal_bytes as f64)?;
    let help = "Whether writes are rejected because the disk is full.";
    out.gauge("disk_full", help, None, f64::from(u8::from(gauges.disk_full)))?;
    if let Some(at_ms) = gauges.last_snapshot_ms {
        let help = "Time of the last published snapshot, since 1970.";
        out.gauge("last_snapshot_timestamp", help, Some(&Unit::Seconds), seconds(at_ms))?;
    }
    Ok(())
}

fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// Writes metric families. The library adds prefix, unit and `_total`.
struct Out<'e>(DescriptorEncoder<'e>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, value: f64) -> Result<(), Error> {
        self.0.encode_descriptor(name, help, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn gauges<'l, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = ([(&'l str, &'l str); N], f64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            let labels: &Labels<'_> = &labels;
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, count: u64) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter(&count, None::<&Exemplar<NoLabelSet, u64>>)
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = ([(&'l str, &'l str); 1], u64)>,
    ) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in series {
            family.encode_family(&labels)?.encode_counter(&count, None::<&Exemplar<NoLabelSet, u64>>)?;
        }
        Ok(())
    }

    /// `buckets` are not cumulative; the last bound is infinite.
    fn histogram(&mut self, name: &str, help: &str, sum: f64, count: u64, buckets: &[(f64, u64)]) -> Result<(), Error> {
        let mut family = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(sum, count, buckets, None)
    }
}
