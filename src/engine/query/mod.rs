//! Reads of an engine: lookups, lists, scans, explanations and dry runs of edits.

mod dues;
pub(crate) mod edit_preview;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod scan;
pub(crate) mod state_hash;
