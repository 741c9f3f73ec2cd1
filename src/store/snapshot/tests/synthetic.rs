//! Snapshots of synthetic tickets.

use crate::engine::{
    Apply, CatchUp, ClockColumns, ClockTally, Counters, EventColumns, FireColumns, Head, LabelLists, NO_SYMBOL,
    ShardState, Symbol, Tally, TicketColumns,
};
use crate::store::input::Origin;
use crate::store::record::{LabelKind, LabelTable, Note};
use crate::store::snapshot::{
    Acknowledgement, DayRow, Finish, Manifest, PolicyVersion, ServiceState, SnapshotError, SnapshotWriter, StartHead,
    StoredReply,
};
use crate::ticket::{EventKind, Openings, PerLabel, State, TicketLabel};
use crate::time::NEVER_MS;
use std::path::Path;
use std::sync::Arc;

/// Labels of each column.
pub const WORDS: u32 = 5;

pub const START: StartHead = StartHead { now_ms: 1_795_339_800_000, rows: 4_321 };

/// The fixtures have these labels too: do not change them.
pub fn labels() -> LabelLists {
    let list =
        |column: LabelKind| (0..WORDS).map(|number| Arc::from(format!("{} {number} æ", column.name()))).collect();
    LabelLists {
        clocks: list(LabelKind::Clock),
        of_tickets: PerLabel::from_fn(|label| list(label.into())),
        ..LabelLists::default()
    }
}

pub fn names(labels: &LabelLists) -> LabelTable {
    let names = LabelTable::default();
    LabelKind::ALL.into_iter().for_each(|column| names.extend(column, column.of(labels).iter()));
    names
}

/// A shard whose every value comes from `next`, which receives the number of values to choose from.
pub fn shard(number: u16, tickets: usize, next: &mut impl FnMut(u64) -> u64) -> ShardState {
    let mut shard = ShardState { number, ..ShardState::default() };
    for row in 0..tickets as u32 {
        ticket(&mut shard.tickets, number, next);
        for _ in 0..next(4) {
            clock(&mut shard.clocks, row, next);
        }
        for _ in 0..next(3) {
            event(&mut shard.events, row, next);
        }
        if next(3) == 0 {
            fire(&mut shard.fires, row, next);
        }
    }
    for row in 0..next(4) {
        shard.gone.id.push(&format!("GONE-{number}-{row} ø"));
        shard.gone.left_ms.push(time(next));
    }
    shard.counters = counters(next);
    shard
}

fn symbol(next: &mut impl FnMut(u64) -> u64) -> Symbol {
    match next(u64::from(WORDS) + 1) as u32 {
        WORDS => NO_SYMBOL,
        number => number,
    }
}

fn time(next: &mut impl FnMut(u64) -> u64) -> i64 {
    match next(8) {
        0 => 0,
        1 => NEVER_MS - 1,
        _ => 1_700_000_000_000 + next(1 << 36) as i64,
    }
}

fn ticket(tickets: &mut TicketColumns, shard: u16, next: &mut impl FnMut(u64) -> u64) {
    let row = tickets.ordinal.len();
    tickets.id.push(&format!("INC-{shard}-{row}-{}", ["", "ü", "very long indeed"][next(3) as usize]));
    tickets.ordinal.push(next(u64::MAX));
    tickets.opened_ms.push(time(next));
    tickets.state.push(State::ALL[next(5) as usize]);
    tickets.version.push(next(1 << 16) as u16);
    tickets.labels.iter_mut().for_each(|(_, symbols)| symbols.push(symbol(next)));
    tickets.revision.push(next(1 << 16) as u16);
    tickets.next_due_s.push(if next(3) == 0 { 0 } else { next(1 << 32) as u32 });
    tickets.has_events.push(next(2) == 0);
    tickets.described_ms.iter_mut().for_each(|times| times.push(time(next)));
}

fn clock(clocks: &mut ClockColumns, ticket: u32, next: &mut impl FnMut(u64) -> u64) {
    clocks.ticket.push(ticket);
    clocks.clock.push(next(u64::from(WORDS)) as u32);
    clocks.cycle.push(next(3) as u16);
    clocks.started_ms.push(time(next));
    clocks.segment_ms.push(time(next));
    clocks.spent_ms.push(next(1 << 42) as i64);
    clocks.is_open.push(next(2) == 0);
    clocks.is_running.push(next(2) == 0);
    clocks.is_held.push(next(2) == 0);
    clocks.is_broken.push(next(2) == 0);
    clocks.reached.push(next(1 << 14) as u16);
    clocks.fired.push(next(1 << 12) as u16);
    clocks.segments.push((0..next(3)).map(|_| (time(next), time(next))).collect());
    clocks.target_due_ms.push(if next(2) == 0 { NEVER_MS } else { time(next) });
}

fn event(events: &mut EventColumns, ticket: u32, next: &mut impl FnMut(u64) -> u64) {
    events.ticket.push(ticket);
    events.at_ms.push(time(next));
    events.kind.push(EventKind::ALL[next(16) as usize]);
    events.state.push(State::ALL.get(next(7) as usize).copied());
    events.priority.push(symbol(next));
    events.owner.push(symbol(next));
    events.team.push(symbol(next));
    events.is_implied.push(next(2) == 0);
    events.only_time.push(Openings::ALL.get(next(4) as usize).copied());
    events.is_report.push(next(2) == 0);
    events.is_stated.push(next(2) == 0);
}

fn fire(fires: &mut FireColumns, ticket: u32, next: &mut impl FnMut(u64) -> u64) {
    fires.ticket.push(ticket);
    fires.clock.push(next(u64::from(WORDS)) as u32);
    fires.cycle.push(next(1 << 16) as u16);
    fires.levels.push(next(1 << 12) as u16);
}

fn counters(next: &mut impl FnMut(u64) -> u64) -> Counters {
    // Totals of a shard may be negative.
    let mut count = || next(10).wrapping_sub(3);
    let mut tally = || Tally { open: count(), waiting: count(), at_risk: count(), breached: count(), done: count() };
    let all = tally();
    let mut by_label = PerLabel::<Vec<Tally>>::default();
    for (label, length) in TicketLabel::COUNTED.into_iter().zip([3, 0, 5, 1]) {
        by_label[label].extend((0..length).map(|_| tally()));
    }
    let mut fired = [0; crate::limits::MAX_LEVELS];
    fired.iter_mut().for_each(|fired| *fired = count());
    let clock = ClockTally {
        running: count(),
        paused: count(),
        at_risk: count(),
        breached: count(),
        met: count(),
        missed: count(),
        fired,
    };
    Counters { all, by_label, by_clock: vec![ClockTally::default(), clock] }
}

/// The fixtures have this too: do not change it.
pub fn service_state() -> ServiceState {
    let policy = |number: u64, apply: Apply, catch_up: CatchUp| PolicyVersion {
        number,
        since_ms: START.now_ms + number as i64,
        text: format!("default_priority = \"{number}\"\n").into(),
        files: (0..number).map(|file| (format!("{file}.ics"), Arc::from("BEGIN:VCALENDAR"))).collect(),
        apply,
        catch_up,
        actor: "æsa".into(),
        note: "why not".to_owned(),
    };
    let reply = |key: Option<u128>| StoredReply {
        origin: Origin { actor: "loader".into(), key, fingerprint: None },
        at_ms: START.now_ms,
        accepted: 1,
        rejected: u64::MAX,
        result: 7,
    };
    let note = Note { actor: "per".to_owned(), reason: String::new() };
    ServiceState {
        group: 99,
        next_escalation: 1_001,
        next_cycle: 2_002,
        policies: vec![
            policy(1, Apply::FromStart, CatchUp::All),
            policy(2, Apply::FromNow, CatchUp::Latest),
            policy(3, Apply::NewTickets, CatchUp::None),
        ],
        replies: vec![reply(None), reply(Some(u128::MAX - 5)), reply(Some(3))],
        days: vec![DayRow { day_ms: 1_795_305_600_000, clock: "resolution".into(), met: 1, missed: 2, fired: 3 }],
        acknowledgements: vec![Acknowledgement { sequence: 12, at_ms: 1, note }],
    }
}

/// Writes shards, each at a position of its own, as the snapshot of a number.
pub fn write(folder: &Path, number: u64, shards: &[ShardState]) -> Result<Manifest, SnapshotError> {
    let labels = labels();
    let names = names(&labels);
    let mut writer = SnapshotWriter::begin(folder, number)?;
    // In any order, not by number.
    for shard in shards.iter().rev() {
        writer.shard(position(shard.number), shard.clone(), &names)?;
    }
    let head = Head { now_ms: START.now_ms + 60_000, rows: 9_999, shards: shards.len() as u16, labels };
    writer.finish(Finish {
        first: START,
        head: &head,
        state: &service_state(),
        zone_data_version: "2026e",
        epoch: None,
    })
}

pub fn position(shard: u16) -> u64 {
    100 + u64::from(shard) * 3 % 7
}
