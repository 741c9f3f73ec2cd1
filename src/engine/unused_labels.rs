//! Frees labels that no ticket has, so that symbols used up by a wrong mapping become available again.
//!
//! The remaining labels are renumbered, in their order. That changes every symbol that a reader may have kept, so it is a
//! command of its own, for the caller to run while no reader walks the engine shard by shard.

use super::commands::Engine;
use super::interner::{NO_SYMBOL, Symbol, Symbols};
use super::shard::Shard;
use super::shard::totals::{Counters, Tally};
use crate::limits::{LABEL_SLACK, MAX_CHANNELS, MAX_SHORT_LABELS};
use rayon::prelude::*;

/// A value for each kind of label that tickets introduce.
#[derive(Debug, Clone, Default)]
struct PerKind<T> {
    owners: T,
    teams: T,
    channels: T,
    categories: T,
    customers: T,
}

/// Which labels are in use, by symbol.
type Used = PerKind<Vec<bool>>;

/// The totals by label of a kind.
type TotalsOf = fn(&Counters) -> &[Tally];

/// The new symbol of each label; [`NO_SYMBOL`] for a removed one.
type Renumbered = PerKind<Vec<Symbol>>;

impl<T> PerKind<T> {
    fn all_mut(&mut self) -> [&mut T; 5] {
        [&mut self.owners, &mut self.teams, &mut self.channels, &mut self.categories, &mut self.customers]
    }

    fn all(&self) -> [&T; 5] {
        [&self.owners, &self.teams, &self.channels, &self.categories, &self.customers]
    }
}

impl Engine {
    /// Labels of owners, teams, channels, categories and customers that neither a ticket nor a kept event has, if there are
    /// enough of them to justify freeing: a quarter of the symbols of a kind, or any once a kind has no symbol left. Walks over
    /// all tickets, but only if the totals show that there may be enough.
    pub fn labels_to_free(&self) -> usize {
        if !self.may_have_unused_labels() {
            return 0;
        }
        let used = self.used_labels();
        let tables = self.label_tables();
        let unused = |used: &[bool]| used.iter().filter(|is_used| !**is_used).count();
        let counts = used.all().map(|used| unused(used));
        let is_worth = counts.iter().zip(tables).any(|(&unused, (symbols, most))| {
            unused >= slack(most, symbols.len()) || unused > 0 && symbols.len() >= most
        });
        if is_worth { counts.iter().sum() } else { 0 }
    }

    /// Frees the labels that no ticket has; returns how many. All symbols known before become invalid.
    pub fn free_labels(&mut self) -> usize {
        self.reap();
        let used = self.used_labels();
        let labels = &mut self.labels;
        let mut renumbered = Renumbered::default();
        let mut freed = 0;
        let tables = [
            &mut labels.owners,
            &mut labels.teams,
            &mut labels.channels,
            &mut labels.categories,
            &mut labels.customers,
        ];
        for ((symbols, used), renumbered) in tables.into_iter().zip(used.all()).zip(renumbered.all_mut()) {
            let before = symbols.len();
            *renumbered = symbols.retain(used);
            freed += before - symbols.len();
        }
        self.shards.par_iter_mut().for_each(|shard| shard.renumber(&renumbered));
        freed
    }

    fn label_tables(&self) -> [(&Symbols, usize); 5] {
        let labels = &self.labels;
        [
            (&labels.owners, NO_SYMBOL as usize),
            (&labels.teams, MAX_SHORT_LABELS),
            (&labels.channels, MAX_CHANNELS),
            (&labels.categories, MAX_SHORT_LABELS),
            (&labels.customers, NO_SYMBOL as usize),
        ]
    }

    /// Whether enough labels may be unused, by a cheap estimate: labels without tickets in the totals, and more owners or
    /// customers than there are tickets.
    fn may_have_unused_labels(&self) -> bool {
        let tickets = self.len();
        let counted: [Option<TotalsOf>; 5] = [
            None,
            Some(|counters| &counters.by_team),
            Some(|counters| &counters.by_channel),
            Some(|counters| &counters.by_category),
            None,
        ];
        self.label_tables().into_iter().zip(counted).any(|((symbols, most), counted)| {
            let least_slack = slack(most, symbols.len());
            let with_tickets = match counted {
                Some(list) => {
                    let mut has_tickets = vec![false; symbols.len()];
                    for shard in &self.shards {
                        for (has, tally) in has_tickets.iter_mut().zip(list(&shard.counters)) {
                            *has |= *tally != Tally::default();
                        }
                    }
                    has_tickets.into_iter().filter(|has| *has).count()
                }
                None => tickets,
            };
            let unused = symbols.len().saturating_sub(with_tickets);
            unused >= least_slack || unused > 0 && symbols.len() >= most
        })
    }

    fn used_labels(&self) -> Used {
        let none = || {
            let mut used = Used::default();
            for (used, (symbols, _)) in used.all_mut().into_iter().zip(self.label_tables()) {
                *used = vec![false; symbols.len()];
            }
            used
        };
        self.shards
            .par_iter()
            .fold(none, |mut used, shard| {
                shard.mark_labels(&mut used);
                used
            })
            .reduce(none, |mut used, other| {
                for (used, other) in used.all_mut().into_iter().zip(other.all()) {
                    used.iter_mut().zip(other).for_each(|(used, other)| *used |= other);
                }
                used
            })
    }
}

/// Number of unused labels of a kind from which they are freed.
fn slack(most: usize, known: usize) -> usize {
    // Owners and customers have an unbounded number of symbols: their cost is memory.
    if most == NO_SYMBOL as usize { (known / 2).max(LABEL_SLACK) } else { most / 4 }
}

impl Shard {
    fn mark_labels(&self, used: &mut Used) {
        let mark = |used: &mut Vec<bool>, symbol: Symbol| {
            if let Some(used) = used.get_mut(symbol as usize) {
                *used = true;
            }
        };
        for slot in self.tickets.live() {
            let record = &self.tickets.records[slot];
            mark(&mut used.owners, record.owner);
            mark(&mut used.teams, record.team());
            mark(&mut used.channels, record.channel());
            mark(&mut used.categories, record.category());
            mark(&mut used.customers, record.customer);
            for entry in self.tickets.history(slot).into_iter().flat_map(|history| &history.entries) {
                mark(&mut used.owners, entry.owner);
                mark(&mut used.teams, entry.team);
            }
        }
    }

    fn renumber(&mut self, renumbered: &Renumbered) {
        let new = |list: &[Symbol], symbol: Symbol| list.get(symbol as usize).copied().unwrap_or(NO_SYMBOL);
        let slots: Vec<u32> = self.tickets.live().collect();
        for slot in slots {
            let record = &mut self.tickets.records[slot];
            record.owner = new(&renumbered.owners, record.owner);
            record.customer = new(&renumbered.customers, record.customer);
            record.set_team(new(&renumbered.teams, record.team()));
            record.set_channel(new(&renumbered.channels, record.channel()));
            record.set_category(new(&renumbered.categories, record.category()));
            for entry in self.tickets.entries_mut(slot) {
                entry.owner = new(&renumbered.owners, entry.owner);
                entry.team = new(&renumbered.teams, entry.team);
            }
        }
        for (list, renumbered) in [
            (&mut self.counters.by_team, &renumbered.teams),
            (&mut self.counters.by_channel, &renumbered.channels),
            (&mut self.counters.by_category, &renumbered.categories),
        ] {
            let mut moved = Vec::new();
            for (old, tally) in list.iter().enumerate() {
                let symbol = new(renumbered, old as Symbol) as usize;
                if symbol != NO_SYMBOL as usize && *tally != Tally::default() {
                    moved.resize(moved.len().max(symbol + 1), Tally::default());
                    moved[symbol] = *tally;
                }
            }
            *list = moved;
        }
    }
}
