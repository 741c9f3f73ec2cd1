//! A batch with its labels resolved to symbols and its rows split by shard.

use super::clocks::versions::Versions;
use super::interner::{LabelQuota, NO_SYMBOL, QuotaExceeded, Symbol, Symbols};
use super::output::{RejectedReason, RejectedRow};
use super::shard::event_builder::{Row, restated};
use super::shard::{Buffers, Context, Shard};
use crate::limits::{LABEL_SHARE, MAX_LABEL_BYTES, MAX_PRIORITIES, MAX_TICKET_ID_BYTES};
use crate::policy::Policy;
use crate::ticket::{Batch, Labels, NO_LABEL, Openings, PerLabel, TicketLabel};
use crate::time::{MAX_INPUT_MS, MIN_INPUT_MS};
use rayon::prelude::*;

/// The label tables of an engine.
#[derive(Debug, Default)]
pub(crate) struct Interners {
    pub symbols: PerLabel<Symbols>,
    /// The symbols of the priorities of the policy in force, in the policy's order.
    pub by_policy: Vec<Symbol>,
}

impl Interners {
    /// The symbols of a policy's priorities.
    pub(crate) fn by_policy(policy: &Policy, priorities: &Symbols) -> Vec<Symbol> {
        policy.priorities.iter().map(|priority| priorities.find(&priority.name).unwrap_or(0)).collect()
    }
}

/// Rows by shard: all in one list, each shard's in the batch's order.
pub(crate) struct RowsByShard {
    rows: Vec<u32>,
    /// Where each shard's rows end.
    ends: Vec<u32>,
}

impl RowsByShard {
    /// The shards that have rows.
    pub(crate) fn shards(&self) -> impl Iterator<Item = u16> {
        (0..self.ends.len() as u16).filter(|shard| !self.of(*shard).is_empty())
    }

    /// The rows of a shard.
    pub(crate) fn of(&self, shard: u16) -> &[u32] {
        let shard = usize::from(shard);
        let start = if shard == 0 { 0 } else { self.ends[shard - 1] };
        &self.rows[start as usize..self.ends[shard] as usize]
    }
}

/// The symbols of a column's labels; for labels that cannot have one, the reason.
#[derive(Default)]
struct LabelSymbols {
    symbols: Vec<Symbol>,
    rejected: Vec<(u32, RejectedReason)>,
}

impl LabelSymbols {
    fn new(labels: &Labels, column: TicketLabel, mut find: impl FnMut(&str) -> Result<Symbol, RejectedReason>) -> Self {
        let mut lookup = Self { symbols: Vec::with_capacity(labels.labels.len()), rejected: Vec::new() };
        for (code, label) in labels.labels.iter().enumerate() {
            let found = if label.len() > MAX_LABEL_BYTES {
                Err(RejectedReason::LabelTooLong {
                    column: column.name(),
                    label: label.chars().take(40).collect(),
                    bytes: label.len(),
                    most: MAX_LABEL_BYTES,
                })
            } else {
                find(label)
            };
            lookup.symbols.push(*found.as_ref().unwrap_or(&NO_SYMBOL));
            if let Err(reason) = found {
                lookup.rejected.push((code as u32, reason));
            }
        }
        lookup
    }

    fn intern(labels: &Labels, column: TicketLabel, symbols: &mut Symbols, actor: &str) -> Self {
        let most = column.most().unwrap_or(NO_SYMBOL as usize);
        let most_of_one = most / LABEL_SHARE.1 * LABEL_SHARE.0;
        Self::new(labels, column, |label| {
            symbols.intern_of(actor, label, LabelQuota { most, most_of_one }).map_err(|quota_exceeded| {
                let (column, label) = (column.name(), label.to_owned());
                match quota_exceeded {
                    QuotaExceeded::InAll => RejectedReason::TooManyLabels { column, label, most },
                    QuotaExceeded::ForOne => RejectedReason::TooManyOfOne { column, label, most, most_of_one },
                }
            })
        })
    }

    #[inline]
    fn get(&self, labels: &Labels, row: usize) -> Symbol {
        let code = labels.codes[row];
        if code == NO_LABEL { NO_SYMBOL } else { self.symbols[code as usize] }
    }

    fn reason(&self, labels: &Labels, row: usize) -> Option<&RejectedReason> {
        let code = labels.codes[row];
        self.rejected.iter().find(|(rejected, _)| *rejected == code).map(|(_, reason)| reason)
    }
}

/// A batch ready to be applied.
pub(crate) struct ResolvedBatch<'a> {
    batch: &'a Batch,
    hashes: Vec<u64>,
    symbols: PerLabel<LabelSymbols>,
    /// Results of rules that were evaluated in advance; a label that is not a priority in force has no symbol.
    assigned: Option<LabelSymbols>,
    /// The engine's symbols of the policy's priorities.
    by_policy: &'a [Symbol],
    rejected: Vec<RejectedRow>,
}

impl<'a> ResolvedBatch<'a> {
    pub(crate) fn new(batch: &'a Batch, labels: &'a mut Interners, versions: &Versions, actor: &str) -> Self {
        let unknown = |name: &str| RejectedReason::UnknownPriority { name: name.to_owned() };
        let priorities = &labels.symbols[TicketLabel::Priority];
        let find_priority = |name: &str| {
            let symbol = priorities.find(name).filter(|&symbol| versions.is_in_force(symbol));
            symbol.ok_or_else(|| unknown(name))
        };
        debug_assert!(priorities.len() <= MAX_PRIORITIES);
        let assigned = (!batch.assigned.codes.is_empty())
            .then(|| LabelSymbols::new(&batch.assigned, TicketLabel::Priority, find_priority));
        let mut symbols = PerLabel::<LabelSymbols>::default();
        symbols[TicketLabel::Priority] =
            LabelSymbols::new(batch.labels(TicketLabel::Priority), TicketLabel::Priority, find_priority);
        for label in TicketLabel::INTRODUCED {
            symbols[label] = LabelSymbols::intern(batch.labels(label), label, &mut labels.symbols[label], actor);
        }
        let hash = |row: usize| super::hash::hash_id(batch.ticket.get(row).as_bytes());
        let hashes = if batch.len() < 10_000 {
            (0..batch.len()).map(hash).collect()
        } else {
            (0..batch.len()).into_par_iter().with_min_len(4_096).map(hash).collect()
        };
        let mut resolved =
            Self { batch, hashes, symbols, assigned, by_policy: &labels.by_policy, rejected: Vec::new() };
        resolved.check();
        resolved
    }

    /// Finds the rows to reject.
    fn check(&mut self) {
        let columns = self.symbols.iter().map(|(label, lookup)| (lookup, self.batch.labels(label)));
        let suspicious: Vec<(&LabelSymbols, &Labels)> =
            columns.filter(|(lookup, _)| !lookup.rejected.is_empty()).collect();
        let mut rejected = Vec::new();
        for row in 0..self.batch.len() {
            let id = self.batch.ticket.get(row);
            let at_ms = self.batch.at_ms[row];
            let reason = if id.is_empty() {
                Some(RejectedReason::EmptyId)
            } else if id.len() > MAX_TICKET_ID_BYTES {
                Some(RejectedReason::LongId { bytes: id.len(), most: MAX_TICKET_ID_BYTES })
            } else if !(MIN_INPUT_MS..MAX_INPUT_MS).contains(&at_ms) {
                Some(RejectedReason::Time { at_ms })
            } else {
                suspicious.iter().find_map(|(lookup, labels)| lookup.reason(labels, row)).cloned()
            };
            rejected.extend(reason.map(|reason| RejectedRow { row, reason }));
        }
        self.rejected = rejected;
    }

    pub(crate) fn into_rejected(self) -> Vec<RejectedRow> {
        self.rejected
    }

    /// The rows of each shard.
    ///
    /// Two passes over the hashes instead of one list per shard: a live service has 64 shards, and most batches have a few
    /// rows.
    pub(crate) fn split(&self, shards: usize) -> RowsByShard {
        let accepted = || {
            let mut rejected = self.rejected.iter().map(|rejected| rejected.row).peekable();
            let rows =
                (0u32..).zip(&self.hashes).filter(move |(row, _)| rejected.next_if_eq(&(*row as usize)).is_none());
            rows.map(|(row, &hash)| (row, super::hash::shard_of(hash, shards)))
        };
        let mut ends = vec![0; shards];
        accepted().for_each(|(_, shard)| ends[shard] += 1);
        let mut next = 0;
        for end in &mut ends {
            next += std::mem::replace(end, next);
        }
        let mut rows = vec![0; next as usize];
        for (row, shard) in accepted() {
            rows[ends[shard] as usize] = row;
            ends[shard] += 1;
        }
        RowsByShard { rows, ends }
    }

    #[inline]
    fn symbol(&self, label: TicketLabel, number: u32) -> Symbol {
        self.symbols[label].get(self.batch.labels(label), number as usize)
    }

    fn row(&self, number: u32) -> Row {
        let row = number as usize;
        Row {
            number,
            at_ms: self.batch.at_ms[row],
            kind: self.batch.kind[row],
            state: self.batch.state[row],
            priority: self.symbol(TicketLabel::Priority, number),
            owner: self.symbol(TicketLabel::Owner, number),
            team: self.symbol(TicketLabel::Team, number),
            restates: false,
        }
    }

    /// The priority of a ticket for which the source reports none.
    fn assign(&self, number: u32, policy: &Policy) -> Symbol {
        let row = number as usize;
        if let Some(assigned) = &self.assigned {
            let default = self.by_policy[usize::from(policy.default_priority)];
            let code = self.batch.assigned.codes.get(row).copied().unwrap_or(NO_LABEL);
            return assigned
                .symbols
                .get(code as usize)
                .copied()
                .filter(|&symbol| symbol != NO_SYMBOL)
                .unwrap_or(default);
        }
        let assigned =
            if policy.rules.is_empty() { None } else { policy.rules.assign(&crate::policy::facts(self.batch, row)) };
        self.by_policy[usize::from(assigned.unwrap_or(policy.default_priority))]
    }

    /// Applies a shard's rows, ticket by ticket, each ticket's in order of time.
    pub(crate) fn apply(
        &self,
        shard: &mut Shard,
        part: &[u32],
        context: &Context<'_>,
        policy: &Policy,
        first_row: u64,
    ) -> Vec<RejectedRow> {
        let mut rejected: Vec<u32> = Vec::new();
        let mut keys: Vec<u64> = Vec::with_capacity(part.len());
        let mut in_order = true;
        for &row in part {
            let id = self.batch.ticket.get(row as usize);
            let slot = shard.tickets.find_or_insert(self.hashes[row as usize], id, first_row + u64::from(row));
            let key = u64::from(slot) << 32 | u64::from(row);
            in_order &= keys.last().is_none_or(|last| *last < key);
            keys.push(key);
        }
        if !in_order {
            keys.sort_unstable();
        }
        let mut buffers = Buffers::default();
        let mut rows: Vec<Row> = Vec::new();
        for group in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            rows.clear();
            rows.extend(group.iter().map(|&key| self.row(key as u32)));
            if rows.len() > 1 {
                rows.sort_by_key(|row| row.at_ms);
            }
            let mut slot = Some((group[0] >> 32) as u32);
            // Catch-up happens when the events up to the engine's time are in.
            let at_once = shard.taken_at_once((group[0] >> 32) as u32, &rows, context.now_ms);
            let (past, future) = rows.split_at(at_once);
            for part in [past, future] {
                let mut rest = part;
                while let Some(first) = rest.first() {
                    let row = first.number as usize;
                    let (hash, id) = (self.hashes[row], self.batch.ticket.get(row));
                    let ordinal = first_row + u64::from(first.number);
                    // Once a ticket has left, further rows with its id belong to a new ticket.
                    let here = slot.take().unwrap_or_else(|| shard.tickets.find_or_insert(hash, id, ordinal));
                    let assign = |row: &Row| self.assign(row.number, policy);
                    let used = shard.apply_rows(&mut buffers, context, here, rest, assign, &mut rejected);
                    let (done, left) = rest.split_at(used);
                    self.describe(shard, context, here, done);
                    rest = left;
                    slot = shard.tickets.records[here].is_live().then_some(here);
                }
            }
            if let (Some(slot), Some(row)) = (slot, (self.batch.openings == Openings::Current).then(|| restated(&rows)).flatten())
                && shard.is_news(context.versions, slot, &row)
            {
                let at_ms = shard.tickets.last_ms(slot).max(context.now_ms);
                let row = Row { at_ms, ..row };
                shard.apply_rows(
                    &mut buffers,
                    context,
                    slot,
                    &[row],
                    |row| self.assign(row.number, policy),
                    &mut rejected,
                );
            }
        }
        let reason = || RejectedReason::TooManyEvents { most: crate::limits::MAX_EVENTS_A_TICKET };
        rejected.into_iter().map(|row| RejectedRow { row: row as usize, reason: reason() }).collect()
    }

    fn describe(&self, shard: &mut Shard, context: &Context<'_>, slot: u32, rows: &[Row]) {
        if !shard.tickets.records[slot].is_live() {
            return;
        }
        for row in rows {
            let labels = TicketLabel::DESCRIPTIVE.map(|label| (label, self.symbol(label, row.number)));
            shard.describe(context.versions, slot, labels);
        }
    }
}
