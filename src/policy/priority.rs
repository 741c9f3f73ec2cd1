//! Priorities, and the policy that contains them.

use super::Clock;
use super::rules::PriorityId;
use crate::calendar::Calendar;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Effect on a ticket's open cycles when it gets this priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPriorityChange {
    /// The cycle continues, re-measured from its start in the new priority's calendar.
    #[default]
    FromStart,
    /// The cycle continues with the business time it has spent.
    Carry,
    /// The cycle ends and the next begins.
    Restart,
    /// The cycle continues at its current level, with the time to the next level re-measured.
    KeepLevel,
}

impl OnPriorityChange {
    pub const ALL: [OnPriorityChange; 4] = [Self::FromStart, Self::Carry, Self::Restart, Self::KeepLevel];

    /// The name that policies use.
    pub fn name(self) -> &'static str {
        match self {
            Self::FromStart => "from_start",
            Self::Carry => "carry",
            Self::Restart => "restart",
            Self::KeepLevel => "keep_level",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name)
    }
}

/// A calendar, clocks, and what to do when a ticket changes to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priority {
    pub name: String,
    pub calendar: Arc<Calendar>,
    pub on_priority_change: OnPriorityChange,
    /// At most [`crate::limits::MAX_CLOCKS`], names unique. None: tickets of this priority have no deadlines.
    pub clocks: Vec<Clock>,
}

/// Everything that determines a ticket's deadlines.
#[derive(Debug, Clone)]
pub struct Policy {
    pub calendars: Vec<Arc<Calendar>>,
    /// Names unique; at most [`crate::limits::MAX_PRIORITIES`].
    pub priorities: Vec<Arc<Priority>>,
    pub default_priority: PriorityId,
    pub rules: super::Rules,
}

impl Policy {
    pub fn priority_id(&self, name: &str) -> Option<PriorityId> {
        self.priorities.iter().position(|priority| priority.name == name).map(|id| id as PriorityId)
    }
}
