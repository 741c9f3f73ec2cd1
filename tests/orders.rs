//! What is reported of tickets leads to one state, whatever the order in which it arrives: sorted, newest first, shuffled, in one
//! batch or many, once or twice, on any number of shards.
//!
//! The generated rows are those of sources of every kind, mixed: events of a log, a log whose rows repeat when their ticket
//! began, an export whose rows have the time of their last change. No two rows of a ticket contradict each other at one instant,
//! and every row has its own time: for all others the order is what decides.

mod support {
    pub mod environment;
    pub mod random;
    pub mod shipped;
}

use overdue::engine::{CatchUp, Engine};
use overdue::policy::{self, Policy};
use overdue::ticket::{Batch, Column, EventKind, Openings, State};
use overdue::time::{DAY_MS, HOUR_MS, MINUTE_MS};
use std::sync::Arc;
use support::environment::setting;
use support::random::Random;
use support::shipped::shipped;

/// A Monday.
const START_MS: i64 = 1_795_392_000_000;
const CATEGORIES: [&str; 3] = ["billing", "feedback", "network"];
const KINDS: [EventKind; 9] = [
    EventKind::AgentReply,
    EventKind::CustomerReply,
    EventKind::Note,
    EventKind::Assigned,
    EventKind::PriorityChanged,
    EventKind::StateChanged,
    EventKind::Resolved,
    EventKind::Closed,
    EventKind::Reopened,
];

/// The events of a source's row, which arrive together.
#[derive(Debug, Clone)]
struct SourceRow {
    at_ms: i64,
    openings: Openings,
    events: Vec<Event>,
}

#[derive(Debug, Clone)]
struct Event {
    ticket: String,
    at_ms: i64,
    kind: EventKind,
    state: Option<State>,
    labels: Vec<(Column, &'static str)>,
}

fn pick<T: Clone>(random: &mut Random, list: &[T]) -> T {
    list[random.below(list.len())].clone()
}

/// Labels that a row may have.
fn labels(random: &mut Random, columns: &[Column]) -> Vec<(Column, &'static str)> {
    let mut labels = Vec::new();
    for column in columns {
        let values: &[&str] = match column {
            Column::Priority => &["critical", "high", "normal", "low"],
            Column::Owner => &["ann", "bo", "cy"],
            Column::Team => &["first", "second"],
            Column::Channel => &["phone", "mail"],
            Column::Category => &CATEGORIES,
            _ => &["ACME", "Fjord Bank", "Nordic"],
        };
        if random.below(100) < 60 {
            labels.push((*column, pick(random, values)));
        }
    }
    labels
}

fn ticket_rows(random: &mut Random, number: usize) -> Vec<SourceRow> {
    let ticket = format!("T-{number}");
    let opened_ms = START_MS + random.below(40) as i64 * HOUR_MS;
    let known = pick(random, &[Openings::Known, Openings::Current]);
    // By these the rules give a priority, so they are the same in each row that opens the ticket.
    let facts = labels(random, &[Column::Channel, Column::Category, Column::Customer]);
    let opening =
        |labels| Event { ticket: ticket.clone(), at_ms: opened_ms, kind: EventKind::Opened, state: None, labels };
    let mut rows = Vec::new();
    let has_log = random.below(100) < 50;
    if has_log && random.below(100) < 70 {
        let mut opened =
            opening([facts.clone(), labels(random, &[Column::Priority, Column::Owner, Column::Team])].concat());
        opened.state = [None, None, Some(State::Open), Some(State::Closed)][random.below(4)];
        rows.push(SourceRow { at_ms: opened_ms, openings: Openings::Log, events: vec![opened] });
    }
    let count = 1 + random.below(7);
    for place in 0..count {
        // A time of its own, before the opening now and then.
        let at_ms = opened_ms - HOUR_MS + (random.below(60) as i64 * 10 + place as i64 + 1) * MINUTE_MS;
        let is_log = has_log && random.below(2) == 0;
        let kind = if is_log || known == Openings::Known { pick(random, &KINDS) } else { EventKind::StateChanged };
        let state = (random.below(2) == 0).then(|| pick(random, &State::ALL));
        let columns =
            [Column::Priority, Column::Owner, Column::Team, Column::Channel, Column::Category, Column::Customer];
        let event = Event { ticket: ticket.clone(), at_ms, kind, state, labels: labels(random, &columns) };
        if is_log {
            rows.push(SourceRow { at_ms, openings: Openings::Log, events: vec![event] });
        } else {
            rows.push(SourceRow { at_ms, openings: known, events: vec![opening(facts.clone()), event] });
        }
    }
    if random.below(100) < 10 {
        let at_ms = opened_ms + 700 * MINUTE_MS;
        let kind = pick(random, &[EventKind::Deleted, EventKind::Merged]);
        let left = Event { ticket: ticket.clone(), at_ms, kind, state: None, labels: Vec::new() };
        let later = Event { kind: EventKind::Note, at_ms: at_ms + HOUR_MS, ..left.clone() };
        let both =
            [left, later].map(|event| SourceRow { at_ms: event.at_ms, openings: Openings::Log, events: vec![event] });
        rows.extend(both);
    }
    rows
}

/// Consecutive rows of one kind of source, in batches of at most `most` rows.
fn batches(rows: &[SourceRow], most: usize) -> Vec<Batch> {
    let same_kind = rows.chunk_by(|one, other| one.openings == other.openings).flat_map(|chunk| chunk.chunks(most));
    let mut batches = Vec::new();
    for chunk in same_kind {
        let mut batch = Batch::default();
        batch.openings = chunk[0].openings;
        for event in chunk.iter().flat_map(|row| &row.events) {
            batch.push(&event.ticket, event.at_ms, event.kind);
            if let Some(state) = batch.state.last_mut() {
                *state = event.state;
            }
            event.labels.iter().for_each(|(column, label)| batch.set_last(*column, label));
        }
        batches.push(batch);
    }
    batches
}

/// An engine that all rows reach at one time, and the tickets that it then has.
fn engine(policy: &Arc<Policy>, rows: &[SourceRow], most: usize, shards: usize) -> (u64, usize) {
    let mut engine = Engine::new(Arc::clone(policy), shards);
    engine.advance(START_MS + 10 * DAY_MS);
    for batch in batches(rows, most) {
        let outcome = engine.apply(&batch, CatchUp::None);
        assert_eq!(outcome.rejected, []);
    }
    engine.advance(START_MS + 12 * DAY_MS);
    (engine.state_hash(), engine.len())
}

/// Whether rows lead to another state than the same rows in order of time.
fn differs(policy: &Arc<Policy>, rows: &[SourceRow], most: usize, shards: usize) -> bool {
    let mut by_time = rows.to_vec();
    by_time.sort_by_key(|row| row.at_ms);
    engine(policy, rows, most, shards) != engine(policy, &by_time, usize::MAX, 1)
}

/// The rows without those that a failure does not need.
fn shrunk(mut rows: Vec<SourceRow>, fails: impl Fn(&[SourceRow]) -> bool) -> Vec<SourceRow> {
    let mut place = 0;
    while place < rows.len() {
        let mut fewer = rows.clone();
        fewer.remove(place);
        if fails(&fewer) { rows = fewer } else { place += 1 }
    }
    rows
}

fn shuffle(random: &mut Random, rows: &mut [SourceRow]) {
    for place in (1..rows.len()).rev() {
        rows.swap(place, random.below(place + 1));
    }
}

#[test]
fn rows_in_any_order_lead_to_the_same_tickets() {
    let policy = policy::load(&shipped("policies/contact_centre.toml"), "contact_centre.toml", &mut |name| {
        Ok(shipped(&format!("policies/{name}")))
    });
    let policy = Arc::new(policy.expect("a policy"));
    let mut seen = 0;
    for seed in 1..=setting("OVERDUE_RUNS", 150) {
        let mut random = Random(seed);
        let tickets = 1 + random.below(6);
        let mut rows: Vec<SourceRow> = (0..tickets).flat_map(|number| ticket_rows(&mut random, number)).collect();
        rows.sort_by_key(|row| row.at_ms);
        seen += engine(&policy, &rows, usize::MAX, 1).1;
        let mut orders = vec![("oldest first", rows.clone()), ("twice", [rows.clone(), rows.clone()].concat())];
        orders.push(("newest first", rows.iter().rev().cloned().collect()));
        for _ in 0..6 {
            shuffle(&mut random, &mut rows);
            orders.push(("shuffled", rows.clone()));
        }
        for (order, rows) in &orders {
            for (most, shards) in [(usize::MAX, 4), (3, 2), (1, 7)] {
                if differs(&policy, rows, most, shards) {
                    let rows = shrunk(rows.clone(), |rows| differs(&policy, rows, most, shards));
                    let text: String = rows.iter().map(|row| format!("\n{row:?}")).collect();
                    panic!("seed {seed}, {order}, {most} rows a batch: not the state of the same rows by time:{text}");
                }
            }
        }
    }
    assert!(seen > 300, "{seen} tickets");
}
