//! `tickets.parquet`: a row per ticket.

use super::columns::{Checked, Columns, Table};
use crate::engine::ShardState;
use crate::store::record::LabelKind;
use crate::table::Texts;
use crate::ticket::{State, TicketLabel};
use crate::time::{NEVER_MS, SECOND_MS};
use arrow::datatypes::{UInt16Type, UInt64Type};

pub(super) const TICKETS: Table<ShardState> = Table { name: "tickets.parquet", texts: Texts::Plain, columns };

fn columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let tickets = &mut shard.tickets;
    let due_ms = |due_s: &u32| if *due_s == 0 { NEVER_MS } else { i64::from(*due_s) * SECOND_MS };
    let mut next_due_ms: Vec<i64> = tickets.next_due_s.iter().map(due_ms).collect();
    table.texts("ticket", &mut tickets.id)?;
    table.times("opened_at", &mut tickets.opened_ms)?;
    table.choices("state", &State::ALL, State::name, &mut tickets.state)?;
    table.symbols(LabelKind::Priority, &mut tickets.labels[TicketLabel::Priority])?;
    table.numbers::<UInt16Type>("priority_version", &mut tickets.version)?;
    for label in TicketLabel::INTRODUCED {
        table.symbols(label.into(), &mut tickets.labels[label])?;
    }
    table.numbers::<UInt16Type>("revision", &mut tickets.revision)?;
    table.times_or_never("next_due_at", &mut next_due_ms)?;
    table.numbers::<UInt64Type>("first_seen", &mut tickets.ordinal)?;
    table.flags("has_events", &mut tickets.has_events)?;
    for (label, times) in TicketLabel::DESCRIPTIVE.into_iter().zip(&mut tickets.described_ms) {
        let name = format!("{}_at", label.name());
        if table.has(&name) {
            table.times(&name, times)?;
        } else {
            times.clone_from(&tickets.opened_ms);
        }
    }
    let due_s = |due_ms: &i64| if *due_ms == NEVER_MS { 0 } else { (*due_ms / SECOND_MS) as u32 };
    tickets.next_due_s = next_due_ms.iter().map(due_s).collect();
    Ok(())
}
