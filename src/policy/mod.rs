//! The promises of a contact centre: priorities with their clocks, targets and levels, and the rules that assign them.
//!
//! The types here are validated: a [`Policy`] has no undefined name, no level that can never fire and no calendar that never
//! opens. They are made from a policy file by [`load`], which reports every mistake at once.
//!
//! A policy file becomes a policy in two steps. `file` takes the TOML apart and keeps the place of everything: what was typed.
//! `check` looks names up, compiles calendars and validates the parts together: what it means.

mod assign;
pub mod check;
mod clock;
mod file;
mod load;
mod normalize;
mod presets;
mod priority;
mod rules;
mod source_rows;
mod threshold;

pub use assign::{assign, facts};
pub use check::ReadFile;
pub use clock::{Actions, Clock, Effect, Level, Threshold, effect_in};
pub use file::problem::{Excerpt, Problem, Severity};
pub use load::{Checked, check, load, reload};
pub use presets::{PRESETS, Preset, SUPEROFFICE, VERB_EFFECTS, VERBS};
pub use priority::{OnPriorityChange, Policy, Priority};
pub use rules::{Facts, LABELS, PriorityId, Rule, Rules, RulesError};
pub use source_rows::{UnknownPriority, without_unknown_priorities};
pub use threshold::{ThresholdError, parse_percent, parse_threshold};
