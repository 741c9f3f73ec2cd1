//! The state of an engine as columns: exported shard by shard, validated, restored.

pub(crate) mod columns;
pub(crate) mod error;
mod export;
pub(crate) mod restore;
mod restore_tickets;
mod validate;
