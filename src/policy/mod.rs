//! What a contact centre promises: priorities with their clocks, targets and levels, and the rules that assign them.
//!
//! The types here are checked: a [`Policy`] cannot hold a name that nothing defines, a level that can never fire or a
//! calendar that never opens. They are made from a policy file by the reader of policy files, which reports every mistake at once.

mod clock;
mod priority;
mod rules;

pub use clock::{Actions, Clock, Effect, Level, Threshold};
pub use priority::{OnPriorityChange, Policy, Priority, PriorityId};
pub use rules::{Facts, Rules};
