//! Events happen to a ticket of a shard: its history grows, and its clocks go on or are told again.

use super::emit::Emitter;
use super::event_builder::{EventLogBuilder, Row};
use super::{Context, Shard};
use crate::engine::clocks::TicketClocks;
use crate::engine::clocks::event::{PastFires, StoredEvent};
use crate::engine::clocks::versions::Versions;
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::engine::output::{CatchUp, Escalation, EscalationKind};
use crate::limits::MAX_EVENTS_A_TICKET;
use crate::ticket::EventKind;
use crate::time::NEVER_MS;

impl Shard {
    /// Applies rows of one ticket, in order of time. Returns how many were used: a ticket that leaves leaves the rest over.
    pub(crate) fn apply_rows(
        &mut self,
        scene: &Context<'_>,
        slot: u32,
        rows: &[Row],
        mut assign: impl FnMut(&Row) -> Symbol,
        refused: &mut Vec<u32>,
    ) -> usize {
        let versions = scene.versions;
        let is_live = self.tickets.records[slot].is_live();
        let priority = if is_live { versions.get(self.tickets.records[slot].version()).priority } else { 0 };
        let spare = std::mem::take(&mut self.spare);
        let mut growing = EventLogBuilder::new(self.tickets.take_entries(slot, priority, spare));
        let mut leaves_ms = None;
        let mut used = 0;
        for row in rows {
            used += 1;
            if matches!(row.kind, EventKind::Deleted | EventKind::Merged) {
                leaves_ms = Some(row.at_ms);
                break;
            }
            if growing.entries.len() + 3 > MAX_EVENTS_A_TICKET {
                refused.push(row.number);
                continue;
            }
            growing.add(row, || assign(row));
        }
        let known = growing.known();
        let changed = growing.before.is_some() || growing.entries.len() > known;
        if changed || is_live && leaves_ms.is_some() {
            self.report_manual(slot, &growing);
            // Gone by now: nobody is to be told of what would have passed since.
            let is_gone = leaves_ms.is_some_and(|leaves_ms| leaves_ms <= scene.now_ms);
            let scene = &Context { catch_up: if is_gone { CatchUp::None } else { scene.catch_up }, ..*scene };
            if !is_live {
                // Counted with its team at once.
                self.tickets.records[slot].set_team(growing.standing().team);
            }
            let late = growing.before.is_some() || self.is_late(scene, slot, &growing.entries, known);
            if is_live && late {
                self.refold(scene, slot, &growing);
            } else {
                self.go_on(scene, slot, &growing, leaves_ms);
            }
            let standing = growing.standing();
            let record = &mut self.tickets.records[slot];
            record.set_opened_ms(growing.entries[0].at_ms());
            record.owner = standing.owner;
            let before = self.place(versions, slot);
            self.tickets.records[slot].set_team(standing.team);
            let after = self.place(versions, slot);
            self.counters.move_ticket(Some(before), Some(after));
        }
        self.spare = if self.tickets.records[slot].is_live() {
            self.tickets.put_entries(slot, growing.entries)
        } else {
            growing.entries
        };
        if let Some(leaves_ms) = leaves_ms {
            if leaves_ms <= scene.now_ms && self.tickets.records[slot].is_live() {
                self.withdraw_after(scene, slot, leaves_ms);
            }
            self.leave(versions, slot);
        }
        used
    }

    /// Whether a row says something of a ticket that is not so.
    pub(crate) fn is_news(&self, versions: &Versions, slot: u32, row: &Row) -> bool {
        let record = &self.tickets.records[slot];
        let differs = |told: Symbol, has: Symbol| told != NO_SYMBOL && told != has;
        row.state.is_some_and(|state| state != record.state())
            || differs(row.priority, versions.get(record.version()).priority)
            || differs(row.owner, record.owner)
            || differs(row.team, record.team())
    }

    /// Reports escalations by hand.
    fn report_manual(&mut self, slot: u32, growing: &EventLogBuilder) {
        let ticket = self.ticket_ref(slot);
        let count = growing.entries.iter().filter(|entry| entry.kind() == EventKind::Escalated).count();
        for (index, (at_ms, row)) in growing.manual.iter().enumerate() {
            let number = count - growing.manual.len() + index + 1;
            self.told.escalations.push(Escalation {
                kind: EscalationKind::Manual,
                due_ms: *at_ms,
                fired_ms: *at_ms,
                ticket,
                clock: 0,
                cycle: number.min(usize::from(u16::MAX)) as u16,
                level: 0,
                version: 0,
                row: *row,
            });
        }
    }

    /// How many of a ticket's rows, in order of time, are taken at once before the others: those up to the engine's time and
    /// those that are late. A new ticket takes all.
    pub(crate) fn taken_at_once(&self, slot: u32, rows: &[Row], now_ms: i64) -> usize {
        if !self.tickets.records[slot].is_live() {
            return rows.len();
        }
        let last_ms = self.tickets.last_ms(slot);
        rows.partition_point(|row| row.at_ms <= now_ms || row.at_ms < last_ms)
    }

    /// Whether the first new event lies before something that the ticket has told already.
    fn is_late(&self, scene: &Context<'_>, slot: u32, entries: &[StoredEvent], known: usize) -> bool {
        let record = &self.tickets.records[slot];
        if !record.is_live() {
            return false;
        }
        let Some(first) = entries.get(known) else { return false };
        let at_ms = first.not_before(entries[0].at_ms()).at_ms();
        let version = scene.versions.get(record.version());
        if at_ms <= scene.versions.last_edit_ms(version.priority) {
            return true;
        }
        at_ms <= scene.now_ms
            && version.meters.iter().zip(self.tickets.clocks(slot, version.meters.len())).any(|(meter, clock)| {
                let state = clock.unpack();
                state.running
                    && state.done != 0
                    && (0..u16::BITS as usize)
                        .filter(|mark| state.done & (1 << mark) != 0)
                        .any(|mark| (at_ms..NEVER_MS).contains(&meter.due_of(&state, mark)))
            })
    }

    /// New events after all that the ticket has told: they happen one after the other.
    fn go_on(&mut self, scene: &Context<'_>, slot: u32, growing: &EventLogBuilder, leaves_ms: Option<i64>) {
        let versions = scene.versions;
        let entries = &growing.entries;
        let known = growing.known();
        let ticket = self.ticket_ref(slot);
        let is_live = self.tickets.records[slot].is_live();
        let counted = is_live.then(|| self.counted(versions, slot));
        let mut fold = self.take_fold();
        match &counted {
            None => {
                let priority = entries[0].priority().unwrap_or(0);
                fold.begin(versions, versions.at_opening(priority, entries[0].at_ms()));
            }
            Some(counted) => {
                let changes = entries[known..].iter().any(|entry| entry.kind() == EventKind::PriorityChanged);
                if changes || counted.clocks.iter().any(|state| state.broken) {
                    self.rebuild(versions, slot, &entries[..known], scene.now_ms, &mut fold);
                } else {
                    self.unpack(versions, slot, &mut fold);
                }
            }
        }
        let first = if is_live { known } else { 0 };
        let mut told = std::mem::take(&mut self.told);
        let mut counters = std::mem::take(&mut self.counters);
        let (now_ms, cycles_told) = (scene.now_ms, told.cycles.len());
        let mut live = Emitter::new(&mut told, &mut counters, ticket, fold.version, scene.catch_up, now_ms, now_ms);
        live.revision = self.next_revision(slot);
        let mut caught_up = false;
        for (index, &entry) in entries.iter().enumerate().skip(first) {
            let before = &entries[..index];
            let entry = entry.not_before(entries[0].at_ms());
            if entry.at_ms() > scene.now_ms && !caught_up {
                caught_up = true;
                catch_up(scene, &mut fold, before, &mut live);
            }
            fold.edits_until(versions, entry.at_ms(), before, &mut live);
            fold.settle(versions, entry.at_ms(), &mut live);
            live.version = fold.version;
            fold.step(versions, entry, before, &mut live);
            live.version = fold.version;
            if caught_up {
                live.choose(versions, &mut fold);
            }
        }
        if !caught_up {
            catch_up(scene, &mut fold, entries, &mut live);
        }
        if let Some(leaves_ms) = leaves_ms {
            fold.settle(versions, leaves_ms, &mut live);
        }
        let next_ms = fold.settle(versions, scene.now_ms + 1, &mut live);
        let has_told = told.cycles.len() > cycles_told;
        self.told = told;
        self.counters = counters;
        self.keep_past_fires(versions, slot, &fold);
        self.keep_revision(slot, has_told);
        self.store(versions, slot, &fold, counted, next_ms);
        self.put_fold(fold);
    }

    /// The revision of what is told next: higher than all that was told of the ticket once something was revised.
    pub(crate) fn next_revision(&self, slot: u32) -> u16 {
        let told = self.tickets.history(slot).map_or(0, |history| history.revision);
        told.saturating_add(u16::from(told > 0))
    }

    /// Remembers that cycles were told with [`Shard::next_revision`].
    pub(crate) fn keep_revision(&mut self, slot: u32, has_told: bool) {
        let revision = self.next_revision(slot);
        if has_told && revision > 0 {
            self.tickets.history_mut(slot, 0).revision = revision;
        }
    }

    /// Puts aside the levels that fired in cycles that have ended.
    pub(crate) fn keep_past_fires(&mut self, versions: &Versions, slot: u32, fold: &TicketClocks) {
        if !self.told.past_fires.is_empty() {
            let fires: Vec<PastFires> = std::mem::take(&mut self.told.past_fires);
            let priority = versions.get(fold.version).priority;
            self.tickets.history_mut(slot, priority).past_fires.extend(fires);
        }
    }

    /// Takes a ticket out of the index; one that never opened was only a name.
    fn leave(&mut self, versions: &Versions, slot: u32) {
        if self.tickets.records[slot].is_live() {
            let counted = self.counted(versions, slot);
            let version = versions.get(counted.version);
            for (meter, state) in version.meters.iter().zip(&counted.clocks) {
                self.counters.count_run(meter.clock, state, false);
            }
            self.before = counted.clocks;
            self.counters.move_ticket(Some(counted.place), None);
            self.arm(slot, 0);
            self.tickets.remove(slot, version.meters.len());
        } else {
            self.tickets.remove(slot, 0);
        }
    }
}

/// The events of a ticket up to the engine's time are in: what is due until then, and the choice among what had passed.
fn catch_up(scene: &Context<'_>, fold: &mut TicketClocks, before: &[StoredEvent], live: &mut Emitter<'_>) {
    fold.edits_until(scene.versions, scene.now_ms + 1, before, live);
    live.version = fold.version;
    fold.settle(scene.versions, scene.now_ms + 1, live);
    live.choose(scene.versions, fold);
}
