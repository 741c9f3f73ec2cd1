//! Queries of an engine, against slow computations of the same from its output, ticket by ticket.

use super::adapter::Subject;
use super::random::{EVERYTHING, Profile, random_commands, random_policy, seeds};
use crate::support::random::Random;
use overdue::engine::{
    CycleRecord, CycleResult, Engine, Escalation, EscalationKind, LabelKind, LevelState, ScanTotals, TicketKey,
    TicketQuery, TicketRef,
};
use overdue::ticket::{PerLabel, State, TicketLabel};
use overdue::time::{HOUR_MS, MINUTE_MS, NEVER_MS};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A level of a cycle of a clock.
type Level = (String, u16, u8);

/// The output of an engine so far.
#[derive(Default)]
struct Emitted {
    /// The latest record of each cycle, by ticket, clock and cycle.
    cycles: BTreeMap<(String, String, u16), CycleRecord>,
    fired: BTreeMap<String, BTreeSet<Level>>,
}

impl Emitted {
    fn add(&mut self, engine: &Engine, cycles: &[CycleRecord], escalations: &[Escalation]) {
        for cycle in cycles {
            let clock = engine.clock_name(cycle.clock).to_owned();
            self.cycles.insert((engine.ticket_id(cycle.ticket).to_owned(), clock, cycle.cycle), *cycle);
        }
        for escalation in escalations {
            let level = (engine.clock_name(escalation.clock).to_owned(), escalation.cycle, escalation.level);
            let fired = self.fired.entry(engine.ticket_id(escalation.ticket).to_owned()).or_default();
            match escalation.kind {
                EscalationKind::Fired => drop(fired.insert(level)),
                EscalationKind::Withdrawn => drop(fired.remove(&level)),
                EscalationKind::Manual => {}
            }
        }
    }
}

/// Runs random workloads and checks the engine after every few commands.
fn check_random_workloads(profile: Profile, mut check: impl FnMut(u64, &mut Random, &mut Engine, &Emitted)) {
    for seed in seeds(60) {
        println!("seed {seed}");
        let mut random = Random(seed);
        let policy = random_policy(&mut random);
        let commands = random_commands(&mut random, &policy, profile, 40);
        let mut subject = Subject::new(Arc::clone(&policy), 3);
        let mut emitted = Emitted::default();
        for command in &commands {
            let outcome = subject.outcome(command).expect("an outcome");
            emitted.add(subject.engine(), &outcome.cycles, &outcome.escalations);
            if random.chance(30) {
                check(seed, &mut random, subject.engine_mut(), &emitted);
            }
        }
    }
}

fn ids(engine: &Engine) -> Vec<String> {
    let ids = (0..8).map(|number| format!("t{number}"));
    ids.filter(|id| engine.find(id).is_some()).collect()
}

#[test]
fn explanations_agree_with_the_output() {
    // Without deletions: a ticket that is opened again after its deletion has the same id as the first one.
    let profile = Profile { deletions: false, ..EVERYTHING };
    let (mut cycles, mut cut, mut carried) = (0, 0, 0);
    check_random_workloads(profile, |seed, _, engine, emitted| {
        let open = engine.open_cycles();
        for id in ids(engine) {
            let ticket = engine.find(&id).expect("a ticket");
            let explanation = engine.explain(ticket);
            let context = format!("seed {seed}, ticket {id}: {explanation:#?}");
            assert_eq!(explanation.events[0].at_ms, engine.ticket(ticket).opened_ms, "{context}");
            let mut ended = 0;
            let mut fired = BTreeSet::new();
            for cycle in &explanation.cycles {
                cycles += 1;
                let name = (id.clone(), cycle.clock.to_string(), cycle.cycle);
                let record = match cycle.stopped_ms {
                    Some(stopped_ms) => {
                        ended += 1;
                        let record =
                            emitted.cycles.get(&name).unwrap_or_else(|| panic!("{name:?} was not emitted, {context}"));
                        assert_eq!(record.stopped_ms, stopped_ms, "{context}");
                        record
                    }
                    None => {
                        let same = |other: &&CycleRecord| {
                            other.ticket == ticket && *engine.clock_name(other.clock) == *cycle.clock
                        };
                        open.iter().find(same).unwrap_or_else(|| panic!("{name:?} is not open, {context}"))
                    }
                };
                let due_ms = cycle.target.as_ref().and_then(|target| target.due_ms).unwrap_or(NEVER_MS);
                let found = (cycle.cycle, cycle.result, cycle.started_ms, due_ms, cycle.spent_ms);
                let expected = (record.cycle, record.result, record.started_ms, record.due_ms, record.business_ms);
                assert_eq!(found, expected, "{name:?}, {context}");
                let counted: i64 = cycle
                    .segments
                    .iter()
                    .filter(|segment| !segment.is_carried)
                    .map(|segment| segment.business_ms)
                    .sum();
                assert_eq!(cycle.carried_ms + counted, cycle.spent_ms, "{name:?}, {context}");
                if cycle.segments.iter().all(|segment| !segment.is_carried) && cycle.carried_ms != 0 {
                    // A level may count for more than the segments of the cycle.
                    carried += 1;
                }
                for segment in &cycle.segments {
                    let sum: i64 = segment.intervals.iter().map(|(from_ms, to_ms)| to_ms - from_ms).sum();
                    cut += usize::from(cycle.is_cut);
                    assert!(cycle.is_cut || sum == segment.business_ms, "{name:?}: {segment:?}, {context}");
                }
                let levels = cycle.levels.iter().filter(|level| level.state == LevelState::Fired);
                fired.extend(levels.map(|level| (cycle.clock.to_string(), cycle.cycle, level.number)));
            }
            let is_known = |((ticket, _, _), record): &(&(String, String, u16), &CycleRecord)| {
                *ticket == id && record.result != CycleResult::Void
            };
            assert_eq!(ended, emitted.cycles.iter().filter(is_known).count(), "cycles that ended, {context}");
            assert_eq!(explanation.cycles.len() - ended, open.iter().filter(|cycle| cycle.ticket == ticket).count());
            // Levels that an edit removed from the chain are not explained any more.
            let all = emitted.fired.get(&id).cloned().unwrap_or_default();
            assert!(fired.is_subset(&all), "{fired:?} of {all:?}, {context}");
        }
    });
    assert!(cycles > 1_000, "{cycles} cycles were explained, {cut} cut, {carried} carried");
}

#[test]
fn a_running_target_is_reached_after_the_intervals_ahead() {
    check_random_workloads(EVERYTHING, |seed, _, engine, _| {
        for id in ids(engine) {
            let explanation = engine.explain(engine.find(&id).expect("a ticket"));
            let open = explanation.cycles.iter().filter(|cycle| cycle.result == CycleResult::Open && !cycle.is_paused);
            for cycle in open {
                let Some(target) = cycle.target.as_ref().filter(|target| !target.is_cut) else { continue };
                let ahead: i64 = target.ahead.iter().map(|(from_ms, to_ms)| to_ms - from_ms).sum();
                let is_exact = !target.text.ends_with('d') && cycle.started_ms <= explanation.now_ms;
                if let (Some(due_ms), true) = (target.due_ms, is_exact) {
                    assert_eq!(cycle.spent_ms + ahead, target.amount_ms.max(cycle.spent_ms), "seed {seed} {cycle:#?}");
                    assert!(target.ahead.last().is_none_or(|last| last.1 == due_ms), "seed {seed} {cycle:#?}");
                }
            }
        }
    });
}

fn query(random: &mut Random) -> TicketQuery {
    let label = |random: &mut Random, labels: &[&str]| random.chance(15).then(|| random.pick(labels).to_owned());
    TicketQuery {
        state: random.chance(20).then(|| random.pick(&State::ALL)),
        open_only: random.chance(30),
        labels: PerLabel::from_fn(|column| match column {
            TicketLabel::Priority => label(random, &["low", "normal", "high", "urgent", "unheard of"]),
            TicketLabel::Team => label(random, &["billing", "network", "unheard of"]),
            TicketLabel::Owner => label(random, &["ann", "bo", "cy"]),
            TicketLabel::Channel | TicketLabel::Category | TicketLabel::Customer => label(random, &["a", "b", "c"]),
        }),
        breached: random.chance(20).then(|| random.chance(50)),
        at_risk: random.chance(20).then(|| random.chance(50)),
        due_before_ms: None,
    }
}

/// The second at which the next level or target is processed, from the explanation of the ticket.
fn next_due_s(engine: &Engine, ticket: TicketRef) -> Option<u32> {
    let explanation = engine.explain(ticket);
    let running = explanation.cycles.iter().filter(|cycle| cycle.stopped_ms.is_none() && !cycle.is_paused);
    let dues_ms = running.flat_map(|cycle| {
        let pending = cycle.levels.iter().filter(|level| level.state == LevelState::Pending);
        let target = cycle.target.as_ref().filter(|_| cycle.result == CycleResult::Open);
        pending.map(|level| level.due_ms).chain([target.and_then(|target| target.due_ms)])
    });
    let next_ms = dues_ms.flatten().filter(|due_ms| *due_ms < NEVER_MS).min()?;
    u32::try_from((next_ms + 999) / 1_000).ok()
}

#[test]
fn lists_have_the_tickets_of_a_full_scan() {
    let (mut listed, mut lists) = (0, 0);
    check_random_workloads(EVERYTHING, |seed, random, engine, _| {
        let mut query = query(random);
        query.due_before_ms = random.chance(20).then(|| engine.now_ms() + HOUR_MS * random.below(40) as i64);
        let open = engine.open_cycles();
        let mut expected: Vec<(u32, String)> = Vec::new();
        for id in ids(engine) {
            let ticket = engine.find(&id).expect("a ticket");
            let view = engine.ticket(ticket);
            let is_open = !view.state.is_done();
            let cycles = || open.iter().filter(|cycle| cycle.ticket == ticket);
            let breached = is_open && cycles().any(|cycle| cycle.result == CycleResult::OpenMissed);
            let same = |(label, wanted): (TicketLabel, &Option<String>)| {
                wanted.as_deref().is_none_or(|wanted| view.labels[label] == Some(wanted))
            };
            assert_eq!(view.next_due_s, next_due_s(engine, ticket), "seed {seed}, ticket {id}");
            let due_ms = view.next_due_s.map(|due_s| i64::from(due_s) * 1_000);
            let admitted = query.state.is_none_or(|state| state == view.state)
                && (is_open || !query.open_only)
                && query.labels.iter().all(same)
                && query.breached.is_none_or(|wanted| wanted == breached)
                && query.due_before_ms.is_none_or(|before_ms| due_ms.is_some_and(|due_ms| due_ms < before_ms));
            if admitted {
                expected.push((view.next_due_s.unwrap_or(u32::MAX), id));
            }
        }
        let filter = engine.filter(query.clone());
        let mut found: Vec<(u32, String)> = Vec::new();
        let mut after: Option<TicketKey> = None;
        let limit = 1 + random.below(4);
        loop {
            let mut page = Vec::new();
            (0..engine.shards()).for_each(|shard| engine.list(shard, &filter, after.as_ref(), limit, &mut page));
            assert!(page.len() <= limit && page.is_sorted(), "seed {seed}: {page:?}");
            found.extend(page.iter().map(|key| (key.due_s, engine.ticket_id(key.ticket()).to_owned())));
            after = page.last().map(|key| TicketKey::cursor(key.due_s, key.ordinal));
            if page.len() < limit {
                break;
            }
        }
        assert!(found.is_sorted_by_key(|(due_s, _)| *due_s), "seed {seed}: {found:?}");
        lists += 1;
        if query.at_risk.is_some() {
            // The counters check this filter, see below; here, no other ticket may be listed.
            assert!(found.iter().all(|key| expected.contains(key)), "seed {seed}, {query:?}");
            return;
        }
        listed += found.len();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "seed {seed}, {query:?}");
    });
    assert!(listed > 200, "{listed} tickets in {lists} lists");
}

#[test]
fn lists_agree_with_the_counters() {
    check_random_workloads(EVERYTHING, |seed, _, engine, _| {
        let count = |query: TicketQuery| {
            let filter = engine.filter(query);
            let mut page = Vec::new();
            (0..engine.shards()).for_each(|shard| engine.list(shard, &filter, None, 1_000, &mut page));
            page.len() as u64
        };
        let all = engine.counters().all;
        let at_risk = count(TicketQuery { at_risk: Some(true), ..TicketQuery::default() });
        let breached = count(TicketQuery { breached: Some(true), ..TicketQuery::default() });
        let open = count(TicketQuery { open_only: true, ..TicketQuery::default() });
        assert_eq!((at_risk, breached, open), (all.at_risk, all.breached, all.open), "seed {seed}");
    });
}

#[test]
fn scans_agree_with_the_explanations() {
    let bounds_ms = [5 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS];
    const HOURS: usize = 48;
    let mut counted = 0;
    check_random_workloads(EVERYTHING, |seed, _, engine, _| {
        let now_ms = engine.now_ms();
        let mut parts = ScanTotals::new(&bounds_ms, HOURS);
        (0..engine.shards()).for_each(|shard| engine.scan(shard, now_ms, &mut parts));
        let mut expected = ScanTotals::new(&bounds_ms, HOURS);
        let hour = |due_ms: i64| usize::try_from(due_ms / HOUR_MS - now_ms / HOUR_MS).unwrap_or(HOURS);
        for id in ids(engine) {
            let ticket = engine.find(&id).expect("a ticket");
            let view = engine.ticket(ticket);
            if !view.state.is_done() && expected.oldest.as_ref().is_none_or(|(_, oldest)| view.opened_ms < *oldest) {
                expected.oldest = Some((id.clone(), view.opened_ms));
            }
            let explanation = engine.explain(ticket);
            for cycle in explanation.cycles.iter().filter(|cycle| cycle.stopped_ms.is_none() && !cycle.is_paused) {
                if let Some(target) = cycle.target.as_ref().filter(|_| cycle.result == CycleResult::Open) {
                    let due_ms = target.due_ms.unwrap_or(NEVER_MS);
                    let bucket = bounds_ms.iter().filter(|bound_ms| **bound_ms < due_ms - now_ms).count();
                    expected.time_to_breach[bucket] += 1;
                    if let Some(deadlines) = expected.deadlines_by_hour.get_mut(hour(due_ms)) {
                        *deadlines += 1;
                    }
                }
                for level in cycle.levels.iter().filter(|level| level.state == LevelState::Pending) {
                    if let Some(levels) = expected.levels_by_hour.get_mut(hour(level.due_ms.unwrap_or(NEVER_MS))) {
                        *levels += 1;
                    }
                }
            }
        }
        counted += parts.time_to_breach.iter().sum::<u64>();
        let oldest_ms = |parts: &ScanTotals| parts.oldest.as_ref().map(|(_, opened_ms)| *opened_ms);
        assert_eq!(oldest_ms(&parts), oldest_ms(&expected), "seed {seed}");
        expected.oldest.clone_from(&parts.oldest);
        assert_eq!(parts, expected, "seed {seed}");
    });
    assert!(counted > 300, "{counted} cycles were counted");
}

#[test]
fn due_by_counts_the_tickets_that_are_due_until_then() {
    check_random_workloads(EVERYTHING, |seed, random, engine, _| {
        for _ in 0..4 {
            let until_ms =
                engine.now_ms() + random.pick(&[0, 1_000, MINUTE_MS, HOUR_MS, 24 * HOUR_MS, 4_000 * HOUR_MS]);
            let is_due = |id: &String| {
                let view = engine.find(id).map(|ticket| engine.ticket(ticket));
                let dues = view.map(|view| [view.next_due_s, view.at_risk_s]).into_iter().flatten().flatten();
                dues.min().is_some_and(|due_s| i64::from(due_s) * 1_000 <= until_ms)
            };
            let expected = ids(engine).iter().filter(|id| is_due(id)).count() as u64;
            assert_eq!(engine.due_by(until_ms), expected, "seed {seed}, {until_ms}");
        }
        assert_eq!(engine.due_by(engine.now_ms()), 0, "seed {seed}");
    });
}

#[test]
fn labels_are_listed_in_the_order_of_their_numbers() {
    check_random_workloads(EVERYTHING, |_, random, engine, _| {
        let head = engine.head().labels;
        let of_tickets = head.of_tickets.iter().map(|(label, labels)| (LabelKind::from(label), labels));
        for (column, labels) in of_tickets.chain([(LabelKind::Clock, &head.clocks)]) {
            let from = random.below(labels.len() + 2);
            let found: Vec<_> = engine.labels_from(column, from).cloned().collect();
            assert_eq!(found, labels[from.min(labels.len())..]);
        }
    });
}
