//! Converts the typed policy to a valid [`Policy`](super::Policy): one file for each kind of mistake.
//!
//! A part with a mistake is left out (`None`) and checks that depend on it are skipped, so that one mistake gives one report.

mod calendars;
mod clocks;
mod due_order;
mod effects;
mod levels;
mod loops;
mod names;
mod priorities;
mod rules;

pub use calendars::ReadFile;
pub(crate) use calendars::{MakeCalendar, calendars};
pub(crate) use loops::refuse_loops;
pub(crate) use names::Names;
pub(crate) use priorities::{default_priority, priorities};
pub(crate) use rules::rules;
