//! From what was typed to a [`Policy`](super::Policy) that cannot be wrong: one file for each kind of mistake.
//!
//! A part with a mistake is left out (`None`) and what depends on it is not judged, so that one slip gives one report.

mod calendars;
mod clocks;
mod levels;
mod loops;
mod measure;
mod names;
mod priorities;
mod rules;
mod tables;

pub(super) use calendars::{MakeCalendar, calendars};
pub(super) use loops::refuse_loops;
pub(super) use names::Names;
pub(super) use priorities::{default_priority, priorities};
pub(super) use rules::rules;
