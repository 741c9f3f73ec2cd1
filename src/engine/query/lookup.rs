//! Looks up tickets, and the labels of symbols.

use crate::engine::commands::Engine;
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::engine::output::{CycleRecord, Escalation, TicketRef};
use crate::engine::shard::totals::TicketClass;
use crate::engine::snapshot::columns::LabelLists;
use crate::policy::Actions;
use crate::ticket::State;
use std::sync::Arc;

/// The current values of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketView<'a> {
    pub id: &'a str,
    pub opened_ms: i64,
    pub state: State,
    pub priority: &'a str,
    pub owner: Option<&'a str>,
    pub team: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub category: Option<&'a str>,
    pub customer: Option<&'a str>,
    /// The second at which the next level or mark is due; `None` if nothing is pending.
    pub next_due_s: Option<u32>,
    /// Open, with an open cycle past its target.
    pub is_breached: bool,
    /// Open, with an open cycle past its at-risk mark and none past its target.
    pub is_at_risk: bool,
}

/// The symbols of a ticket's labels; [`NO_SYMBOL`] for a missing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TicketSymbols {
    pub priority: Symbol,
    pub owner: Symbol,
    pub team: Symbol,
    pub channel: Symbol,
    pub category: Symbol,
    pub customer: Symbol,
}

/// The kinds of labels that an engine interns.
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

    /// The name that tables use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clock => "clock",
            Self::Priority => "priority",
            Self::Owner => "owner",
            Self::Team => "team",
            Self::Channel => "channel",
            Self::Category => "category",
            Self::Customer => "customer",
        }
    }

    /// The column's list in an engine's labels.
    pub fn of(self, labels: &LabelLists) -> &Vec<Arc<str>> {
        match self {
            Self::Clock => &labels.clocks,
            Self::Priority => &labels.priorities,
            Self::Owner => &labels.owners,
            Self::Team => &labels.teams,
            Self::Channel => &labels.channels,
            Self::Category => &labels.categories,
            Self::Customer => &labels.customers,
        }
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

    /// The current values of a ticket. For one that has just left, `priority` is empty.
    pub fn ticket(&self, ticket: TicketRef) -> TicketView<'_> {
        let shard = &self.shards[usize::from(ticket.shard)];
        let record = &shard.tickets.records[ticket.slot];
        let priority = record.is_live().then(|| self.versions.get(record.version()).priority);
        let due_s = shard.wheel.due(ticket.slot);
        let class = TicketClass::from_bits(record.class_bits());
        TicketView {
            id: shard.tickets.id(ticket.slot),
            opened_ms: record.opened_ms(),
            state: record.state(),
            priority: priority.and_then(|priority| self.labels.priorities.label(priority)).unwrap_or(""),
            owner: self.labels.owners.label(record.owner),
            team: self.labels.teams.label(record.team()),
            channel: self.labels.channels.label(record.channel()),
            category: self.labels.categories.label(record.category()),
            customer: self.labels.customers.label(record.customer),
            next_due_s: (due_s != 0).then_some(due_s),
            is_breached: class.is_breached(),
            is_at_risk: class.is_at_risk(),
        }
    }

    /// Symbols of a ticket's labels. For one that has just left, without a priority.
    pub fn ticket_symbols(&self, ticket: TicketRef) -> TicketSymbols {
        let record = &self.shards[usize::from(ticket.shard)].tickets.records[ticket.slot];
        TicketSymbols {
            priority: if record.is_live() { self.versions.get(record.version()).priority } else { NO_SYMBOL },
            owner: record.owner,
            team: record.team(),
            channel: record.channel(),
            category: record.category(),
            customer: record.customer,
        }
    }

    /// The labels of a column from a symbol on, in the order of their symbols.
    pub fn labels_from(&self, column: LabelKind, from: usize) -> impl Iterator<Item = &Arc<str>> {
        let labels = match column {
            LabelKind::Clock => &self.clocks,
            LabelKind::Priority => &self.labels.priorities,
            LabelKind::Owner => &self.labels.owners,
            LabelKind::Team => &self.labels.teams,
            LabelKind::Channel => &self.labels.channels,
            LabelKind::Category => &self.labels.categories,
            LabelKind::Customer => &self.labels.customers,
        };
        labels.labels().iter().skip(from)
    }

    /// The name of a clock by its symbol.
    pub fn clock_name(&self, clock: Symbol) -> &str {
        self.clocks.label(clock).unwrap_or("")
    }

    /// The name of a priority by its symbol, as [`Counters::by_priority`](crate::engine::Counters::by_priority) is indexed.
    pub fn priority_name(&self, priority: Symbol) -> &str {
        self.labels.priorities.label(priority).unwrap_or("")
    }

    /// The name of a team by its symbol, as [`Counters::by_team`](crate::engine::Counters::by_team) is indexed.
    pub fn team_name(&self, team: Symbol) -> &str {
        self.labels.teams.label(team).unwrap_or("")
    }

    /// The name of a channel by its symbol, as [`Counters::by_channel`](crate::engine::Counters::by_channel) is indexed.
    pub fn channel_name(&self, channel: Symbol) -> &str {
        self.labels.channels.label(channel).unwrap_or("")
    }

    /// The name of a category by its symbol, as [`Counters::by_category`](crate::engine::Counters::by_category) is indexed.
    pub fn category_name(&self, category: Symbol) -> &str {
        self.labels.categories.label(category).unwrap_or("")
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
