//! Escalation records for readers: the newest in memory, older ones in the history.
//!
//! Blocks are shared with the history thread; a block leaves memory once it is in the history and
//! [`FEED_RECORDS`](crate::limits::FEED_RECORDS) newer records exist.

use super::command::CommandError;
use crate::engine::{NO_SYMBOL, Symbol};
use crate::limits::{FEED_RECORDS, MAX_RECORDS_A_PAGE};
use crate::store::history::{History, Page};
use crate::store::record::{EscalationBlock, EscalationFilter, LabelKind, LabelTable};
use crate::ticket::PerLabel;
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::watch;

/// The escalation records.
#[derive(Debug)]
pub(super) struct Feed {
    history: Arc<History>,
    recent: RwLock<Recent>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Recent {
    /// Contiguous; the first begins at most one record after the end of the history.
    blocks: VecDeque<Arc<EscalationBlock>>,
    records: usize,
}

impl Feed {
    /// A feed whose records up to `last` are in the history.
    pub(super) fn new(history: Arc<History>, last: u64) -> Self {
        Self { history, recent: RwLock::default(), last: watch::Sender::new(last) }
    }

    /// Adds the records of a group.
    pub(super) fn push(&self, block: &Arc<EscalationBlock>) {
        if block.is_empty() {
            return;
        }
        {
            let mut recent = self.recent.write();
            recent.records += block.len();
            recent.blocks.push_back(Arc::clone(block));
            let written = self.history.last_escalation();
            while recent.records > FEED_RECORDS
                && recent.blocks.len() > 1
                && recent.blocks.front().is_some_and(|oldest| oldest.end() <= written + 1)
            {
                let gone = recent.blocks.pop_front().map_or(0, |block| block.len());
                recent.records -= gone;
            }
            // Before readers can see the records: a reader never looks beyond the last.
            self.last.send_replace(block.end() - 1);
        }
    }

    pub(super) fn last(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Records after a number, oldest first, the number to continue from, and the gaps of the history.
    ///
    /// # Errors
    /// When the disk cannot be read.
    pub(super) fn after(&self, after: u64, filter: &EscalationFilter, limit: usize) -> Result<Page, CommandError> {
        let blocks: Vec<Arc<EscalationBlock>> = {
            let recent = self.recent.read();
            let from = recent.blocks.partition_point(|block| block.end() <= after + 1);
            recent.blocks.range(from..).cloned().collect()
        };
        let in_memory_from = blocks.first().map_or(u64::MAX, |block| block.first_sequence);
        if after + 1 < in_memory_from && after < self.history.last_escalation() {
            return self
                .history
                .escalations_after(after, filter, limit)
                .map_err(|error| CommandError::Failed(error.to_string()));
        }
        let mut wanted: Option<Wanted<'_>> = None;
        let mut found = Vec::new();
        let mut scanned = 0;
        let mut reached = after;
        for block in blocks {
            // Most blocks have the same label table as the one before.
            let wanted = match &wanted {
                Some(known) if Arc::ptr_eq(&known.names, &block.names) => known,
                _ => wanted.insert(Wanted::new(filter, &block.names)),
            };
            let skip = (after + 1).saturating_sub(block.first_sequence) as usize;
            for row in skip..block.len() {
                if found.len() >= limit || scanned >= MAX_RECORDS_A_PAGE {
                    return Ok(Page { records: found, up_to: reached, gaps: Vec::new() });
                }
                reached = block.first_sequence + row as u64;
                scanned += 1;
                if wanted.admits(&block, row) {
                    found.push(block.record(row));
                }
            }
        }
        Ok(Page { records: found, up_to: reached, gaps: Vec::new() })
    }
}

/// A filter with its labels looked up: only the ticket is compared as text.
struct Wanted<'a> {
    filter: &'a EscalationFilter,
    names: Arc<LabelTable>,
    /// `None` for any; [`NO_SYMBOL`] for a label that no record has.
    clock: Option<Symbol>,
    labels: PerLabel<Option<Symbol>>,
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a EscalationFilter, names: &Arc<LabelTable>) -> Self {
        let find =
            |column, label: &Option<String>| label.as_ref().map(|label| names.find(column, label).unwrap_or(NO_SYMBOL));
        Self {
            filter,
            names: Arc::clone(names),
            clock: find(LabelKind::Clock, &filter.clock),
            labels: PerLabel::from_fn(|label| find(label.into(), &filter.labels[label])),
        }
    }

    fn admits(&self, block: &EscalationBlock, row: usize) -> bool {
        let it = &block.rows[row];
        let same =
            |wanted: Option<Symbol>, has: Symbol| wanted.is_none_or(|symbol| symbol != NO_SYMBOL && symbol == has);
        same(self.clock, it.clock)
            && self.labels.iter().all(|(label, wanted)| same(*wanted, it.labels[label]))
            && self.filter.kind.is_none_or(|kind| kind == it.kind)
            && self.filter.level.is_none_or(|level| level == it.level)
            && self.filter.since_ms.is_none_or(|since_ms| block.recorded_at_ms(row) >= since_ms)
            && self.filter.until_ms.is_none_or(|until_ms| block.recorded_at_ms(row) < until_ms)
            && self.filter.ticket.as_deref().is_none_or(|ticket| block.tickets.get(row) == ticket)
    }
}
