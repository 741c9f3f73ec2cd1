//! Restores an engine from the columns that [`export`](super::export) made.
//!
//! All input is untrusted: every value is validated before it is used, so that a corrupt snapshot gives an error that names the
//! row, the column and the value, never a panic and never an engine that reads beyond its tables. Derived values (classes, the
//! index) are recalculated and not read.

use super::columns::{Head, ShardState};
use super::error::RestoreError;
use super::restore_tickets::Known;
use crate::engine::clocks::versions::{Apply, TooMany, Versions};
use crate::engine::commands::Engine;
use crate::engine::interner::Symbols;
use crate::engine::resolve::Interners;
use crate::engine::shard::Shard;
use crate::engine::wheel::Wheel;
use crate::limits::MAX_SHARDS;
use crate::policy::Policy;
use crate::ticket::{PerLabel, TicketLabel};
use crate::time::{HORIZON_MS, SECOND_MS};
use std::sync::Arc;

/// A policy as it came into force.
#[derive(Debug, Clone)]
pub struct Installed {
    pub policy: Arc<Policy>,
    /// The engine's time at which it came into force. Ignored for the first one, which is always in force.
    pub since_ms: i64,
    pub apply: Apply,
}

/// An engine whose shards are missing. They can be added from several threads at once.
#[derive(Debug)]
pub struct Restoring {
    policy: Arc<Policy>,
    versions: Versions,
    labels: Interners,
    clocks: Symbols,
    now_ms: i64,
    rows: u64,
    shards: u16,
}

/// A shard ready to be put into its engine.
#[derive(Debug)]
pub struct RestoredShard(Shard);

impl Engine {
    /// Begins to restore an engine from the policies that were installed, oldest first, and its head.
    ///
    /// If shards were exported at different moments, `now_ms` and `rows` of the head are those of the first moment, and its
    /// labels those of the last: a label keeps its symbol, and later labels change nothing earlier.
    ///
    /// # Errors
    /// [`RestoreError`] if policies and head do not match.
    pub fn restore(versions: &[Installed], head: &Head) -> Result<Restoring, RestoreError> {
        let Some(first) = versions.first() else { return Err(RestoreError::NoPolicy) };
        let wrong =
            |what, value: String, expected: &str| RestoreError::Head { what, value, expected: expected.to_owned() };
        if !(0..=HORIZON_MS).contains(&head.now_ms) || head.now_ms % SECOND_MS != 0 {
            return Err(wrong("the engine's time", head.now_ms.to_string(), "whole seconds from 1970 to 2106, in ms"));
        }
        if head.shards == 0 || usize::from(head.shards) > MAX_SHARDS {
            return Err(wrong("the number of shards", head.shards.to_string(), "1 to 1,024"));
        }
        let mut policy = Arc::clone(&first.policy);
        let mut installed = Versions::default();
        let (mut priorities, mut clocks) = (Symbols::default(), Symbols::default());
        for (number, version) in versions.iter().enumerate() {
            let (since_ms, apply) = if std::ptr::eq(version, first) {
                (i64::MIN, Apply::FromStart)
            } else {
                (version.since_ms, version.apply)
            };
            policy = Arc::new(installed.share(&version.policy, &priorities));
            installed.install(&policy, &mut priorities, &mut clocks, since_ms, apply).map_err(
                |TooMany { versions, priorities }| {
                    let number = number + 1;
                    RestoreError::TooManyVersions { number, versions, priorities }
                },
            )?;
        }
        super::validate::same_labels("clock", &head.labels.clocks, clocks.labels())?;
        let of_tickets = &head.labels.of_tickets;
        super::validate::same_labels("priority", &of_tickets[TicketLabel::Priority], priorities.labels())?;
        let mut labels =
            Interners { by_policy: Interners::by_policy(&policy, &priorities), symbols: PerLabel::default() };
        labels.symbols[TicketLabel::Priority] = priorities;
        for label in TicketLabel::INTRODUCED {
            labels.symbols[label] =
                super::validate::labels(label, &of_tickets[label], &head.labels.introduced_by[label])?;
        }
        Ok(Restoring {
            policy,
            versions: installed,
            labels,
            clocks,
            now_ms: head.now_ms,
            rows: head.rows,
            shards: head.shards,
        })
    }
}

impl Restoring {
    /// Makes a shard from its columns.
    ///
    /// # Errors
    /// [`RestoreError`] with the invalid value, its row and its column.
    pub fn shard(&self, state: ShardState) -> Result<RestoredShard, RestoreError> {
        let number = state.number;
        if number >= self.shards {
            let expected = format!("less than {}", self.shards);
            return Err(RestoreError::Head { what: "the number of a shard", value: number.to_string(), expected });
        }
        super::validate::lengths(&state)?;
        super::validate::counters(&state, &self.labels, &self.clocks)?;
        let mut shard = Shard::new(number);
        shard.wheel = Wheel::new((self.now_ms / SECOND_MS) as u32);
        shard.tickets.reserve(state.tickets.ordinal.len());
        let known = Known {
            versions: &self.versions,
            labels: &self.labels,
            clocks: &self.clocks,
            now_ms: self.now_ms,
            shards: self.shards,
        };
        super::restore_tickets::read(known, &state, &mut shard)?;
        shard.counters = state.counters;
        Ok(RestoredShard(shard))
    }

    /// The engine, once all its shards are present.
    ///
    /// # Errors
    /// [`RestoreError::Shard`] for one that is missing or a duplicate.
    pub fn finish(self, shards: Vec<RestoredShard>) -> Result<Engine, RestoreError> {
        let mut shards: Vec<Shard> = shards.into_iter().map(|shard| shard.0).collect();
        shards.sort_by_key(|shard| shard.number);
        for shard in 0..self.shards {
            let times = shards.iter().filter(|other| other.number == shard).count();
            if times != 1 {
                return Err(RestoreError::Shard { shard, times });
            }
        }
        Ok(Engine {
            policy: self.policy,
            versions: self.versions,
            clocks: self.clocks,
            labels: self.labels,
            shards,
            now_ms: self.now_ms,
            rows: self.rows,
            held: Vec::new(),
            touched: Vec::new(),
        })
    }
}
