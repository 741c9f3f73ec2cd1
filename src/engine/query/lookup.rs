//! Looks up tickets, and the labels of symbols.

use crate::engine::commands::Engine;
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::engine::output::{CycleRecord, Escalation, TicketRef};
use crate::engine::shard::totals::TicketClass;
use crate::engine::snapshot::columns::LabelLists;
use crate::policy::Actions;
use crate::ticket::{PerLabel, State, TicketLabel};
use std::sync::Arc;

/// The current values of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketView<'a> {
    pub id: &'a str,
    pub opened_ms: i64,
    pub state: State,
    /// Without a priority for a ticket that has just left.
    pub labels: PerLabel<Option<&'a str>>,
    /// The second at which the next level or target is processed; `None` if none is pending.
    pub next_due_s: Option<u32>,
    /// The second at which the next at-risk mark is processed; `None` if none is pending.
    pub at_risk_s: Option<u32>,
    /// Open, with an open cycle past its target.
    pub is_breached: bool,
    /// Open, with an open cycle past its at-risk mark and none past its target.
    pub is_at_risk: bool,
}

/// The kinds of labels that an engine interns: clocks, then those of tickets in the order of [`TicketLabel::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabelKind {
    Clock,
    Priority,
    Owner,
    Team,
    Channel,
    Category,
    Customer,
}

impl LabelKind {
    pub const ALL: [LabelKind; 7] =
        [Self::Clock, Self::Priority, Self::Owner, Self::Team, Self::Channel, Self::Category, Self::Customer];

    /// The label of tickets; `None` for clocks.
    pub fn of_tickets(self) -> Option<TicketLabel> {
        TicketLabel::ALL.get((self as usize).wrapping_sub(1)).copied()
    }

    /// The name that tables use.
    pub fn name(self) -> &'static str {
        self.of_tickets().map_or("clock", TicketLabel::name)
    }

    /// The column's list in an engine's labels.
    pub fn of(self, labels: &LabelLists) -> &Vec<Arc<str>> {
        self.of_tickets().map_or(&labels.clocks, |label| &labels.of_tickets[label])
    }
}

impl From<TicketLabel> for LabelKind {
    fn from(label: TicketLabel) -> Self {
        Self::ALL[label as usize + 1]
    }
}

impl Engine {
    /// Rows accepted so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Looks a ticket up by its id.
    pub fn find(&self, id: &str) -> Option<TicketRef> {
        let hash = crate::engine::hash::hash_id(id.as_bytes());
        let shard = &self.shards[crate::engine::hash::shard_of(hash, self.shards.len())];
        let slot = shard.tickets.find(hash, id)?;
        Some(shard.ticket_ref(slot))
    }

    /// A ticket's id in the source system.
    pub fn ticket_id(&self, ticket: TicketRef) -> &str {
        self.shards[usize::from(ticket.shard)].tickets.id(ticket.slot)
    }

    /// The current values of a ticket.
    pub fn ticket(&self, ticket: TicketRef) -> TicketView<'_> {
        let shard = &self.shards[usize::from(ticket.shard)];
        let record = &shard.tickets.records[ticket.slot];
        let symbols = self.ticket_symbols(ticket);
        let dues = shard.next_dues(&self.versions, ticket.slot);
        let class = TicketClass::from_bits(record.class_bits());
        TicketView {
            id: shard.tickets.id(ticket.slot),
            opened_ms: record.opened_ms(),
            state: record.state(),
            labels: PerLabel::from_fn(|label| self.labels.symbols[label].label(symbols[label])),
            next_due_s: dues.next_s,
            at_risk_s: dues.at_risk_s,
            is_breached: class.is_breached(),
            is_at_risk: class.is_at_risk(),
        }
    }

    /// Symbols of a ticket's labels; [`NO_SYMBOL`] for a missing one, and for the priority of a ticket that has just left.
    pub fn ticket_symbols(&self, ticket: TicketRef) -> PerLabel<Symbol> {
        let record = &self.shards[usize::from(ticket.shard)].tickets.records[ticket.slot];
        PerLabel::from_fn(|label| match label {
            TicketLabel::Priority if !record.is_live() => NO_SYMBOL,
            label => record.label(&self.versions, label),
        })
    }

    /// The labels of a column from a symbol on, in the order of their symbols.
    pub fn labels_from(&self, column: LabelKind, from: usize) -> impl Iterator<Item = &Arc<str>> {
        let labels = column.of_tickets().map_or(&self.clocks, |label| &self.labels.symbols[label]);
        labels.labels().iter().skip(from)
    }

    /// The name of a clock by its symbol.
    pub fn clock_name(&self, clock: Symbol) -> &str {
        self.clocks.label(clock).unwrap_or("")
    }

    /// A label of tickets by its symbol, as [`Counters::by_label`](crate::engine::Counters::by_label) is indexed.
    pub fn label_name(&self, label: TicketLabel, symbol: Symbol) -> &str {
        self.labels.symbols[label].label(symbol).unwrap_or("")
    }

    /// The symbol of the priority under which a level fired.
    pub fn escalation_priority(&self, escalation: &Escalation) -> Symbol {
        self.versions.get(escalation.version).priority
    }

    /// The symbol of the priority under which a cycle ended or runs.
    pub fn cycle_priority(&self, cycle: &CycleRecord) -> Symbol {
        self.versions.get(cycle.version).priority
    }

    /// The key that determines the actions of an escalation: version, clock, level. Equal keys have equal [`Engine::actions`],
    /// so callers can store them once per key; a version keeps its number permanently.
    pub fn actions_key(&self, escalation: &Escalation) -> (u16, Symbol, u8) {
        (escalation.version, escalation.clock, escalation.level)
    }

    /// The actions of a fired level; `None` for manual escalations.
    pub fn actions(&self, escalation: &Escalation) -> Option<&Actions> {
        let version = self.versions.get(escalation.version);
        let compiled = version.compiled.iter().find(|compiled| compiled.clock == escalation.clock)?;
        let level = compiled.definition().levels.get(usize::from(escalation.level).checked_sub(1)?)?;
        Some(&level.actions)
    }
}
