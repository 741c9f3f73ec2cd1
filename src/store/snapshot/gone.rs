//! `gone.parquet`: a row per ticket that has left, so that it stays gone.

use super::columns::{Checked, Columns, Table};
use crate::engine::ShardState;
use crate::table::Texts;

pub(super) const GONE: Table<ShardState> = Table { name: "gone.parquet", texts: Texts::Plain, columns };

fn columns(shard: &mut ShardState, table: &mut Columns<'_>) -> Checked {
    let gone = &mut shard.gone;
    table.texts("ticket", &mut gone.id)?;
    table.times("left_at", &mut gone.left_ms)
}
