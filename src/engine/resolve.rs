//! A batch with its labels resolved to symbols and its rows split by shard.

use super::clocks::versions::Versions;
use super::interner::{LabelQuota, NO_SYMBOL, QuotaExceeded, Symbol, Symbols};
use super::output::{RejectedReason, RejectedRow};
use super::shard::event_builder::Row;
use super::shard::{Buffers, Context, Shard};
use crate::limits::{LABEL_SHARE, MAX_LABEL_BYTES, MAX_PRIORITIES, MAX_TICKET_ID_BYTES};
use crate::policy::Policy;
use crate::ticket::{Batch, EventKind, Labels, NO_LABEL, PerLabel, TicketLabel};
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

/// What the tickets of a command share.
struct TicketCommand<'a> {
    context: &'a Context<'a>,
    policy: &'a Policy,
    /// Number of the batch's first row among all rows.
    first_row: u64,
    buffers: Buffers,
    rows: Vec<Row>,
    /// Rows that their ticket has no place for.
    rejected: Vec<u32>,
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
            openings: self.batch.openings,
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
        let mut keys: Vec<u64> = Vec::with_capacity(part.len());
        let mut in_order = true;
        // Rows of tickets that have left; an id without a ticket has no slot to sort by.
        let mut of_gone: Vec<u32> = Vec::new();
        for &row in part {
            let (hash, id) = self.id(row);
            let is_gone = !shard.gone.is_empty() && shard.gone.find(hash, id).is_some();
            if is_gone && shard.tickets.find(hash, id).is_none() {
                of_gone.push(row);
                continue;
            }
            let slot = shard.tickets.find_or_insert(hash, id, first_row + u64::from(row));
            let key = u64::from(slot) << 32 | u64::from(row);
            in_order &= keys.last().is_none_or(|last| *last < key);
            keys.push(key);
        }
        if !in_order {
            keys.sort_unstable();
        }
        let mut command = TicketCommand {
            context,
            policy,
            first_row,
            buffers: Buffers::default(),
            rejected: Vec::new(),
            rows: Vec::new(),
        };
        for group in keys.chunk_by(|a, b| a >> 32 == b >> 32) {
            let slot = (group[0] >> 32) as u32;
            self.apply_ticket(shard, &mut command, Some(slot), group.iter().map(|&key| key as u32));
        }
        let id = |row: &u32| self.batch.ticket.get(*row as usize);
        of_gone.sort_by_key(|row| (id(row), *row));
        for group in of_gone.chunk_by(|a, b| id(a) == id(b)) {
            self.apply_ticket(shard, &mut command, None, group.iter().copied());
        }
        let reason = || RejectedReason::TooManyEvents { most: crate::limits::MAX_EVENTS_A_TICKET };
        command.rejected.into_iter().map(|row| RejectedRow { row: row as usize, reason: reason() }).collect()
    }

    /// Applies the rows of one ticket.
    fn apply_ticket(
        &self,
        shard: &mut Shard,
        command: &mut TicketCommand<'_>,
        mut slot: Option<u32>,
        numbers: impl Iterator<Item = u32>,
    ) {
        let TicketCommand { context, policy, first_row, buffers, rows, rejected } = command;
        rows.clear();
        rows.extend(numbers.map(|number| self.row(number)));
        if rows.len() > 1 {
            // Within one instant the opening comes first.
            rows.sort_by_key(|row| (row.at_ms, row.kind != EventKind::Opened));
        }
        let (hash, id) = self.id(rows[0].number);
        let mut rest = &rows[..];
        while let Some(first) = rest.first() {
            let left_ms = match slot {
                Some(slot) if !shard.tickets.records[slot].has_left_before() => None,
                _ => shard.gone.find(hash, id),
            };
            if let Some(left_ms) = left_ms
                && !first.changes_after(left_ms, slot.is_some())
            {
                if first.is_removal() {
                    shard.gone.set(hash, id, first.at_ms);
                } else {
                    shard.output.ignored.gone.add(first.number);
                }
                rest = &rest[1..];
                continue;
            }
            let here = slot.unwrap_or_else(|| {
                let here = shard.tickets.find_or_insert(hash, id, *first_row + u64::from(first.number));
                if left_ms.is_some() {
                    shard.tickets.records[here].set_left_before();
                }
                here
            });
            let was_live = shard.tickets.records[here].is_live();
            let next = &rest[..shard.next_rows(here, rest, context.now_ms)];
            let assign = |row: &Row| self.assign(row.number, policy);
            let used = shard.apply_rows(buffers, context, here, next, assign, rejected);
            let (done, left) = rest.split_at(used);
            self.describe(shard, context, here, done, was_live);
            rest = left;
            slot = shard.tickets.records[here].is_live().then_some(here);
            if let Some(removal) = done.last().filter(|row| row.is_removal()) {
                // An event before the opening counts at it.
                let reported_ms = shard.tickets.reported_opening_ms(here).unwrap_or(0);
                shard.gone.set(hash, id, removal.at_ms.max(reported_ms));
            }
        }
    }

    fn describe(&self, shard: &mut Shard, context: &Context<'_>, slot: u32, rows: &[Row], was_live: bool) {
        if !shard.tickets.records[slot].is_live() {
            return;
        }
        for row in rows {
            let mut labels = TicketLabel::DESCRIPTIVE.map(|label| (label, self.symbol(label, row.number)));
            let mut at_ms = row.at_ms;
            if was_live && row.restates() {
                // Current values without their time hold from now on.
                at_ms = at_ms.max(context.now_ms);
                let record = &shard.tickets.records[slot];
                let is_known = |label: TicketLabel, symbol: Symbol| record.label(context.versions, label) == symbol;
                for (_, symbol) in labels.iter_mut().filter(|(label, symbol)| is_known(*label, *symbol)) {
                    *symbol = NO_SYMBOL;
                }
            }
            shard.describe(context.versions, slot, labels, at_ms);
        }
    }

    fn id(&self, row: u32) -> (u64, &str) {
        (self.hashes[row as usize], self.batch.ticket.get(row as usize))
    }
}
