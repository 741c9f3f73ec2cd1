//! `events.parquet`: a row per event of a ticket's history. `fires.parquet`: a row per ended cycle in which levels fired.

use super::columns::{Checked, Columns, Table};
use crate::engine::ShardState;
use crate::store::record::LabelKind;
use crate::table::Texts;
use crate::ticket::{EventKind, Openings, State};
use arrow::datatypes::UInt16Type;

pub(super) const EVENTS: Table<ShardState> =
    Table { name: "events.parquet", texts: Texts::Prefixed, columns: event_columns };
pub(super) const FIRES: Table<ShardState> =
    Table { name: "fires.parquet", texts: Texts::Prefixed, columns: fire_columns };

fn event_columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let events = &mut shard.events;
    table.tickets(&mut events.ticket, &shard.tickets.id)?;
    table.times("at", &mut events.at_ms)?;
    table.choices("kind", &EventKind::ALL, EventKind::name, &mut events.kind)?;
    table.choices_or_none("state", &State::ALL, State::name, &mut events.state)?;
    table.symbols(LabelKind::Priority, &mut events.priority)?;
    table.symbols(LabelKind::Owner, &mut events.owner)?;
    table.symbols(LabelKind::Team, &mut events.team)?;
    // Set for an opening without an `opened` event.
    table.flags("is_implied", &mut events.is_implied)?;
    if !table.has("is_report") {
        let rows = events.ticket.len();
        events.only_time = vec![None; rows];
        events.is_report = vec![false; rows];
        events.is_stated = vec![false; rows];
        return Ok(());
    }
    // Set for an opening whose `opened` event reported only the time.
    table.choices_or_none("only_time", &Openings::ALL, Openings::name, &mut events.only_time)?;
    // Set for an assignment that only reports who has the ticket.
    table.flags("is_report", &mut events.is_report)?;
    // Set for a value that an export reported without a time of its own.
    table.flags("is_stated", &mut events.is_stated)
}

fn fire_columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let fires = &mut shard.fires;
    table.tickets(&mut fires.ticket, &shard.tickets.id)?;
    table.symbols(LabelKind::Clock, &mut fires.clock)?;
    table.numbers::<UInt16Type>("cycle", &mut fires.cycle)?;
    // A bit per level, the first one lowest.
    table.numbers::<UInt16Type>("levels_fired", &mut fires.levels)
}
