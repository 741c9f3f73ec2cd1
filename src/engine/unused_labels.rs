//! Frees labels that no ticket has, so that symbols used up by a wrong mapping become available again.
//!
//! The remaining labels are renumbered, in their order. That changes every symbol that a reader may have kept, so it is a
//! command of its own, for the caller to run while no reader walks the engine shard by shard.

use super::clocks::versions::Versions;
use super::commands::Engine;
use super::interner::{NO_SYMBOL, Symbol};
use super::shard::Shard;
use super::shard::totals::Tally;
use crate::limits::LABEL_SLACK;
use crate::ticket::{PerLabel, TicketLabel};
use rayon::prelude::*;

/// Which labels are in use, by symbol. Those of the policy are not looked at: they stay.
type Used = PerLabel<Vec<bool>>;

/// The new symbol of each label that sources introduced; [`NO_SYMBOL`] for a removed one.
type Renumbered = PerLabel<Vec<Symbol>>;

impl Engine {
    /// Labels of owners, teams, channels, categories and customers that neither a ticket nor a kept event has, if there are
    /// enough of them to justify freeing: a quarter of the symbols of a kind, or any once a kind has no symbol left. Walks over
    /// all tickets, but only if the totals show that there may be enough.
    pub fn labels_to_free(&self) -> usize {
        if !self.may_have_unused_labels() {
            return 0;
        }
        let used = self.used_labels();
        let unused = TicketLabel::INTRODUCED.map(|label| (label, used[label].iter().filter(|used| !**used).count()));
        let is_worth = unused.iter().any(|&(label, unused)| is_worth_freeing(label, used[label].len(), unused));
        if is_worth { unused.iter().map(|(_, unused)| unused).sum() } else { 0 }
    }

    /// Frees the labels that no ticket has; returns how many. All symbols known before become invalid.
    pub fn free_labels(&mut self) -> usize {
        self.reap();
        let used = self.used_labels();
        let mut renumbered = Renumbered::default();
        let mut freed = 0;
        for label in TicketLabel::INTRODUCED {
            let symbols = &mut self.labels.symbols[label];
            let before = symbols.len();
            renumbered[label] = symbols.retain(&used[label]);
            freed += before - symbols.len();
        }
        self.shards.par_iter_mut().for_each(|shard| shard.renumber(&self.versions, &renumbered));
        freed
    }

    /// Whether enough labels may be unused, by a cheap estimate: labels without tickets in the totals, and more owners or
    /// customers than there are tickets.
    fn may_have_unused_labels(&self) -> bool {
        TicketLabel::INTRODUCED.into_iter().any(|label| {
            let known = self.labels.symbols[label].len();
            let with_tickets = if TicketLabel::COUNTED.contains(&label) {
                let mut has_tickets = vec![false; known];
                for shard in &self.shards {
                    for (has, tally) in has_tickets.iter_mut().zip(&shard.counters.by_label[label]) {
                        *has |= *tally != Tally::default();
                    }
                }
                has_tickets.into_iter().filter(|has| *has).count()
            } else {
                self.len()
            };
            is_worth_freeing(label, known, known.saturating_sub(with_tickets))
        })
    }

    fn used_labels(&self) -> Used {
        let none = || Used::from_fn(|label| vec![false; self.labels.symbols[label].len()]);
        self.shards
            .par_iter()
            .fold(none, |mut used, shard| {
                shard.mark_labels(&self.versions, &mut used);
                used
            })
            .reduce(none, |mut used, other| {
                for (label, used) in used.iter_mut() {
                    used.iter_mut().zip(&other[label]).for_each(|(used, other)| *used |= other);
                }
                used
            })
    }
}

/// Whether the known labels of a kind have enough unused ones among them.
fn is_worth_freeing(label: TicketLabel, known: usize, unused: usize) -> bool {
    match label.most() {
        Some(most) => unused >= most / 4 || unused > 0 && known >= most,
        // Their cost is memory.
        None => unused >= (known / 2).max(LABEL_SLACK),
    }
}

impl Shard {
    fn mark_labels(&self, versions: &Versions, used: &mut Used) {
        let mark = |used: &mut Vec<bool>, symbol: Symbol| {
            if let Some(used) = used.get_mut(symbol as usize) {
                *used = true;
            }
        };
        for slot in self.tickets.live() {
            let record = &self.tickets.records[slot];
            for label in TicketLabel::INTRODUCED {
                mark(&mut used[label], record.label(versions, label));
            }
            for entry in self.tickets.history(slot).into_iter().flat_map(|history| &history.entries) {
                mark(&mut used[TicketLabel::Owner], entry.owner);
                mark(&mut used[TicketLabel::Team], entry.team);
            }
        }
    }

    fn renumber(&mut self, versions: &Versions, renumbered: &Renumbered) {
        let new = |list: &[Symbol], symbol: Symbol| list.get(symbol as usize).copied().unwrap_or(NO_SYMBOL);
        let slots: Vec<u32> = self.tickets.live().collect();
        for slot in slots {
            let record = &mut self.tickets.records[slot];
            for label in TicketLabel::INTRODUCED {
                record.set_label(label, new(&renumbered[label], record.label(versions, label)));
            }
            for entry in self.tickets.entries_mut(slot) {
                entry.owner = new(&renumbered[TicketLabel::Owner], entry.owner);
                entry.team = new(&renumbered[TicketLabel::Team], entry.team);
            }
        }
        for label in TicketLabel::INTRODUCED {
            let list = &mut self.counters.by_label[label];
            let mut moved = Vec::new();
            for (old, tally) in list.iter().enumerate() {
                let symbol = new(&renumbered[label], old as Symbol) as usize;
                if symbol != NO_SYMBOL as usize && *tally != Tally::default() {
                    moved.resize(moved.len().max(symbol + 1), Tally::default());
                    moved[symbol] = *tally;
                }
            }
            *list = moved;
        }
    }
}
