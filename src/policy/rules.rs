//! Assignment rules: which priority a new ticket gets.

use super::PriorityId;

/// What the rules may look at.
#[derive(Debug, Clone, Copy, Default)]
pub struct Facts<'a> {
    pub customer: Option<&'a str>,
    pub segment: Option<&'a str>,
    pub category: Option<&'a str>,
    pub channel: Option<&'a str>,
    pub team: Option<&'a str>,
    /// Subject and text, in any case.
    pub text: &'a str,
}

/// The rules of a policy, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules {}

impl Rules {
    /// The priority of the first rule that applies.
    pub fn assign(&self, facts: &Facts<'_>) -> Option<PriorityId> {
        let _ = facts;
        None
    }

    pub fn is_empty(&self) -> bool {
        true
    }
}
