//! Events and states.

use serde::{Deserialize, Serialize};

/// What can happen to a ticket. A clock's table gives the effect of each event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum EventKind {
    /// The request was registered.
    Opened,
    /// The owner has read it.
    Read,
    /// A public reply by an agent.
    AgentReply,
    /// New information from the customer.
    CustomerReply,
    /// An internal note, or any change that is not another event.
    Note,
    /// Owner or team changed.
    Assigned,
    PriorityChanged,
    StateChanged,
    /// Escalated manually.
    Escalated,
    /// An escalation was acknowledged.
    Acknowledged,
    Snoozed,
    Resolved,
    Closed,
    Reopened,
    /// The ticket was deleted; it leaves the index.
    Deleted,
    /// The ticket was merged into another; it leaves the index.
    Merged,
}

impl EventKind {
    pub const COUNT: usize = 16;
    pub const ALL: [EventKind; Self::COUNT] = [
        Self::Opened,
        Self::Read,
        Self::AgentReply,
        Self::CustomerReply,
        Self::Note,
        Self::Assigned,
        Self::PriorityChanged,
        Self::StateChanged,
        Self::Escalated,
        Self::Acknowledged,
        Self::Snoozed,
        Self::Resolved,
        Self::Closed,
        Self::Reopened,
        Self::Deleted,
        Self::Merged,
    ];

    /// The name that policies, mappings and inputs use: `agent_reply`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Read => "read",
            Self::AgentReply => "agent_reply",
            Self::CustomerReply => "customer_reply",
            Self::Note => "note",
            Self::Assigned => "assigned",
            Self::PriorityChanged => "priority_changed",
            Self::StateChanged => "state_changed",
            Self::Escalated => "escalated",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Deleted => "deleted",
            Self::Merged => "merged",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// State of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum State {
    /// Registered, no one works on it yet.
    New,
    /// Being worked on.
    Open,
    /// Waiting for someone outside: the customer, a vendor.
    Waiting,
    Resolved,
    Closed,
}

impl State {
    pub const COUNT: usize = 5;
    pub const ALL: [State; Self::COUNT] = [Self::New, Self::Open, Self::Waiting, Self::Resolved, Self::Closed];

    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether work is done: resolved or closed.
    pub fn is_done(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed)
    }
}

/// A set of states, one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StateSet(u8);

impl StateSet {
    pub const EMPTY: StateSet = StateSet(0);

    pub fn contains(self, state: State) -> bool {
        self.0 & (1 << state as u8) != 0
    }

    pub fn insert(&mut self, state: State) {
        self.0 |= 1 << state as u8;
    }

    pub fn iter(self) -> impl Iterator<Item = State> {
        State::ALL.into_iter().filter(move |state| self.contains(*state))
    }
}

impl FromIterator<State> for StateSet {
    fn from_iter<I: IntoIterator<Item = State>>(states: I) -> Self {
        let mut set = Self::EMPTY;
        states.into_iter().for_each(|state| set.insert(state));
        set
    }
}
