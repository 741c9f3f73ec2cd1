//! The known metrics and SuperOffice's chain, as rows of the table that defines every clock: event to effect.
//!
//! What each metric measures, and the reasons for its row:
//!
//! - `first_response`: from the opening to the first public reply of an agent. Resolving counts as a reply: a ticket that was
//!   solved on the telephone has no written one. A reopened ticket has had its first response.
//! - `next_response`: from the oldest unanswered message of the customer to the next public reply. More messages do not move
//!   it. A message to a resolved or closed ticket starts nothing (it is often a word of thanks) unless the ticket is reopened.
//! - `periodic_update`: from each public reply to the next one, so that the customer is regularly updated. It begins with the
//!   first reply (before that, `first_response` runs) and runs in every state; with `pause_while = ["waiting"]` it is Zendesk's
//!   "pausable update".
//! - `requester_wait` and `agent_work` run while the ticket is new or open, and pause while it waits. Zendesk counts time on
//!   hold (waiting for a vendor) as the requester's wait but not as an agent's work, and pending (waiting for the requester) as
//!   neither. Here "waiting" is one state: the mapping of the source system defines which of its states lead to it. So for
//!   `requester_wait` map only "pending" to waiting and "on hold" to open; for `agent_work` map both to waiting. The rows are
//!   the same; the two names exist so that reports state which of the two was measured.
//! - `resolution`: from the opening until the ticket is solved, whatever it waits for, and again from each reopening. Zendesk's
//!   "total resolution time". A centre that does not count the customer's delay adds `pause_while = ["waiting"]`.
//! - `superoffice`: not a metric but the event table of SuperOffice's priorities. Its six events have the names in [`VERBS`],
//!   and each is None, Stop, Continue or Restart. It knows no reopening: its events begin a chain in any state. SuperOffice defines no defaults; the row here is the usual chain that
//!   escalates a request until its owner reads it.

use super::Effect;
use super::Effect::{Continue, Restart, Start, Stop};
use crate::ticket::EventKind::{
    AgentReply, Assigned, Closed, CustomerReply, Opened, PriorityChanged, Read, Reopened, Resolved,
};
use crate::ticket::{EventKind, State, StateSet};

/// A named row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    on: &'static [(EventKind, Effect)],
    pause_while: &'static [State],
    pub starts_when_done: bool,
}

/// All presets; a clock with one of these names needs no table of its own.
pub static PRESETS: [Preset; 7] = [
    Preset {
        name: "first_response",
        on: &[(Opened, Start), (AgentReply, Stop), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[],
        starts_when_done: false,
    },
    Preset {
        name: "next_response",
        on: &[(CustomerReply, Start), (Reopened, Start), (AgentReply, Stop), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[],
        starts_when_done: false,
    },
    Preset {
        name: "periodic_update",
        on: &[(AgentReply, Restart), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[],
        starts_when_done: false,
    },
    Preset {
        name: "requester_wait",
        on: &[(Opened, Start), (Reopened, Start), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[State::Waiting],
        starts_when_done: false,
    },
    Preset {
        name: "agent_work",
        on: &[(Opened, Start), (Reopened, Start), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[State::Waiting],
        starts_when_done: false,
    },
    Preset {
        name: "resolution",
        on: &[(Opened, Start), (Reopened, Start), (Resolved, Stop), (Closed, Stop)],
        pause_while: &[],
        starts_when_done: false,
    },
    Preset {
        name: SUPEROFFICE,
        on: &[
            (Opened, Restart),
            (Read, Stop),
            (Assigned, Continue),
            (CustomerReply, Restart),
            (Resolved, Stop),
            (Closed, Stop),
            (PriorityChanged, Continue),
        ],
        pause_while: &[],
        starts_when_done: true,
    },
];

/// The preset whose `on` accepts SuperOffice's event names.
pub const SUPEROFFICE: &str = "superoffice";

/// SuperOffice's events, and ours. It has no "resolved": a request is closed when it is solved.
pub static VERBS: [(&str, &[EventKind]); 6] = [
    ("read", &[Read]),
    ("changed_owner", &[Assigned]),
    ("new_info", &[CustomerReply]),
    ("closed", &[Closed, Resolved]),
    ("changed_priority", &[PriorityChanged]),
    ("new", &[Opened]),
];

/// The effects that SuperOffice allows for an event.
pub static VERB_EFFECTS: [Effect; 4] = [Effect::None, Effect::Stop, Effect::Continue, Effect::Restart];

impl Preset {
    pub fn from_name(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// The effect of every event, by `EventKind as usize`.
    pub fn table(&self) -> [Effect; EventKind::COUNT] {
        let mut table = [Effect::None; EventKind::COUNT];
        for (event, effect) in self.on {
            table[*event as usize] = *effect;
        }
        table
    }

    pub fn pause_while(&self) -> StateSet {
        self.pause_while.iter().copied().collect()
    }
}
