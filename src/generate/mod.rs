//! Synthetic histories of contact centres, for examples, tests and benchmarks.
//!
//! A history is a function of its [`Plan`]: the same plan gives the same rows on every machine. So all arithmetic is on
//! integers (the logarithms and cosines of maths libraries differ in their last bit between machines), distributions are
//! tables of quantiles, and every ticket has its own random stream, seeded by the plan's seed and the ticket's number.
//!
//! Tickets arrive along a curve of the hours of the week, with quiet seasons and occasional bursts (`arrivals`). A ticket's
//! `lifecycle` is generated when it arrives; its events wait in a heap until all earlier events have been emitted. So the
//! history is in order of time, like the log of a real system, and memory holds the open tickets only.

mod arrivals;
mod catalogue;
mod lifecycle;
mod plan;
mod random;
mod table;
mod write;

#[cfg(test)]
mod tests;

pub use plan::Plan;
pub use table::{Cells, Table};
pub use write::{ArrowRows, Csv, Ndjson, Output, ParquetRows, TableWriter};

use crate::limits;
use crate::ticket::{Batch, Column, EventKind, NO_LABEL, State};
use arrivals::Arrivals;
use catalogue::Catalogue;
use lifecycle::{Lifecycle, TicketEvent};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The events of a plan in order of time, as batches.
pub struct History {
    plan: Plan,
    labels: Catalogue,
    arrivals: Arrivals,
    next_arrival: Option<i64>,
    next_ticket: u64,
    /// Pending events, earliest first; equal times in the order in which they were generated.
    ahead: BinaryHeap<Reverse<(i64, u64, TicketEvent)>>,
    thought_up: u64,
}

impl History {
    pub fn new(plan: Plan) -> Self {
        let mut arrivals = Arrivals::new(&plan);
        let next_arrival = arrivals.next();
        let labels = Catalogue::new(plan.tickets);
        Self { plan, labels, arrivals, next_arrival, next_ticket: 0, ahead: BinaryHeap::new(), thought_up: 0 }
    }

    /// The next events, at most `rows`; none at the end of the history.
    pub fn next_batch(&mut self, rows: usize) -> Option<Batch> {
        let mut batch = BatchWriter::new(&self.labels);
        while batch.rows() < rows.min(limits::MAX_BATCH_ROWS) {
            let Some((at_ms, event)) = self.next_event() else { break };
            batch.push(&self.labels, at_ms, &event);
        }
        batch.finish()
    }

    fn next_event(&mut self) -> Option<(i64, TicketEvent)> {
        // A ticket that arrives before the earliest event is generated first: its opening may be that event.
        while let Some(arrival_ms) = self.next_arrival {
            if self.ahead.peek().is_some_and(|Reverse((at_ms, _, _))| *at_ms < arrival_ms) {
                break;
            }
            let lifecycle = Lifecycle::of(&self.plan, self.next_ticket, arrival_ms);
            for (at_ms, event) in lifecycle.events {
                if at_ms < self.plan.end_ms() {
                    self.ahead.push(Reverse((at_ms, self.thought_up, event)));
                    self.thought_up += 1;
                }
            }
            self.next_ticket += 1;
            self.next_arrival = self.arrivals.next();
        }
        self.ahead.pop().map(|Reverse((at_ms, _, event))| (at_ms, event))
    }
}

/// The lifecycles of a plan, one per ticket, in order of arrival.
pub fn lifecycles(plan: Plan) -> impl Iterator<Item = TicketRow> {
    let labels = Catalogue::new(plan.tickets);
    Arrivals::new(&plan).enumerate().map(move |(number, arrival_ms)| {
        let lifecycle = Lifecycle::of(&plan, number as u64, arrival_ms);
        TicketRow::of(&plan, &labels, &lifecycle)
    })
}

/// One ticket in its final state, as in exports with one row per ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketRow {
    pub ticket: String,
    pub opened_ms: i64,
    pub first_reply_ms: Option<i64>,
    /// Of the last resolution; none while the ticket is open.
    pub resolved_ms: Option<i64>,
    pub closed_ms: Option<i64>,
    pub state: State,
    pub priority: String,
    pub team: String,
    pub owner: Option<String>,
    pub channel: String,
    pub category: String,
    pub customer: String,
    pub subject: String,
}

impl TicketRow {
    fn of(plan: &Plan, labels: &Catalogue, lifecycle: &Lifecycle) -> Self {
        let known = || lifecycle.events.iter().filter(|(at_ms, _)| *at_ms < plan.end_ms());
        let first = &lifecycle.events[0].1;
        let last_of =
            |pick: fn(&TicketEvent) -> u32| known().map(|(_, event)| pick(event)).rfind(|code| *code != NO_LABEL);
        let label = |column: Column, code: Option<u32>| code.map(|code| labels.label(column, code));
        let state = known().filter_map(|(_, event)| event.state).next_back().unwrap_or(State::New);
        let last_ms =
            |kind: EventKind| known().filter(|(_, event)| event.kind == kind).map(|(at_ms, _)| *at_ms).next_back();
        Self {
            ticket: catalogue::ticket_id(first.ticket),
            opened_ms: lifecycle.events[0].0,
            first_reply_ms: known().find(|(_, event)| event.kind == EventKind::AgentReply).map(|(at_ms, _)| *at_ms),
            resolved_ms: state.is_done().then(|| last_ms(EventKind::Resolved)).flatten(),
            closed_ms: (state == State::Closed).then(|| last_ms(EventKind::Closed)).flatten(),
            state,
            priority: label(Column::Priority, last_of(|event| event.priority)).unwrap_or_default(),
            team: label(Column::Team, last_of(|event| event.team)).unwrap_or_default(),
            owner: label(Column::Owner, last_of(|event| event.owner)),
            channel: labels.label(Column::Channel, first.channel),
            category: labels.label(Column::Category, first.category),
            customer: labels.label(Column::Customer, first.customer),
            subject: catalogue::subject(first.category, first.text).to_owned(),
        }
    }
}

/// Collects events in a batch whose dictionaries contain only the labels of its rows.
struct BatchWriter {
    batch: Batch,
    /// For each label column: the batch's code of each label of the plan, if it has one.
    codes: [Vec<u32>; Column::ALL.len()],
}

impl BatchWriter {
    fn new(names: &Catalogue) -> Self {
        Self { batch: Batch::default(), codes: Column::ALL.map(|column| vec![NO_LABEL; names.count(column)]) }
    }

    fn rows(&self) -> usize {
        self.batch.len()
    }

    fn push(&mut self, names: &Catalogue, at_ms: i64, event: &TicketEvent) {
        self.batch.ticket.push(&catalogue::ticket_id(event.ticket));
        self.batch.at_ms.push(at_ms);
        self.batch.kind.push(event.kind);
        self.batch.state.push(event.state);
        for (column, codes) in Column::ALL.into_iter().zip(&mut self.codes) {
            let label = event.label(column);
            let labels = self.batch.labels_mut(column);
            if label == NO_LABEL {
                labels.codes.push(NO_LABEL);
                continue;
            }
            let code = &mut codes[label as usize];
            if *code == NO_LABEL {
                *code = labels.labels.len() as u32;
                labels.labels.push(names.label(column, label));
            }
            labels.codes.push(*code);
        }
        self.batch.text.push(event.text());
    }

    fn finish(self) -> Option<Batch> {
        (!self.batch.is_empty()).then_some(self.batch)
    }
}
