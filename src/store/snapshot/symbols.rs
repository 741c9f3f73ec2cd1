//! `words.parquet`: every label of the engine with its symbol, so that a restored engine uses the same symbols.

use super::columns::{Checked, Columns, SymbolNumbers, Table};
use crate::engine::{LabelLists, Symbol};
use crate::store::record::LabelKind;
use crate::table::Texts;
use crate::ticket::PerLabel;
use arrow::datatypes::UInt32Type;
use std::sync::Arc;

pub(super) const SYMBOLS: Table<Labels> = Table { name: "words.parquet", texts: Texts::Plain, columns };

/// The labels of an engine, and when read, the lookup from labels to symbols.
#[derive(Debug, Default)]
pub(super) struct Labels {
    pub lists: LabelLists,
    pub symbols: SymbolNumbers,
}

fn columns(labels: &mut Labels, table: &mut Columns<'_>) -> Checked {
    let Labels { lists, symbols } = labels;
    let (mut kinds, mut numbers, mut texts, mut introducers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for kind in LabelKind::ALL {
        let list = kind.of(lists);
        numbers.extend(0..list.len() as Symbol);
        texts.extend(list.iter().cloned());
        kinds.resize(texts.len(), kind);
        if let Some(known) = introducers_of(&mut lists.introduced_by, kind) {
            introducers.append(known);
        }
        introducers.resize(texts.len(), None);
    }
    table.choices("column", &LabelKind::ALL, LabelKind::name, &mut kinds)?;
    table.numbers::<UInt32Type>("number", &mut numbers)?;
    table.strings::<Arc<str>>("word", &mut texts)?;
    // The client that introduced it, where that is counted. Earlier tables lack the column.
    if table.has("introduced_by") {
        table.strings_or_none::<Arc<str>>("introduced_by", &mut introducers)?;
    }

    let mut read: [Vec<Arc<str>>; LabelKind::ALL.len()] = Default::default();
    for (row, ((kind, number), label)) in kinds.into_iter().zip(numbers).zip(texts).enumerate() {
        let list = &mut read[kind as usize];
        let is_new = symbols.add(kind, &label, number);
        if number as usize != list.len() || !is_new {
            return Err(table.mismatch("number", &format!("{} {label:?} has the number {number}", kind.name())));
        }
        list.push(label);
        if let Some(known) = introducers_of(&mut lists.introduced_by, kind) {
            known.push(introducers.get(row).cloned().flatten());
        }
    }
    // Exported like this by an engine that does not know who introduced its labels.
    for kind in LabelKind::ALL {
        if let Some(known) =
            introducers_of(&mut lists.introduced_by, kind).filter(|known| known.iter().all(Option::is_none))
        {
            known.clear();
        }
    }
    let introduced_by = std::mem::take(&mut lists.introduced_by);
    let clocks = std::mem::take(&mut read[LabelKind::Clock as usize]);
    let of_tickets = PerLabel::from_fn(|label| std::mem::take(&mut read[LabelKind::from(label) as usize]));
    *lists = LabelLists { clocks, of_tickets, introduced_by };
    Ok(())
}

fn introducers_of(all: &mut PerLabel<Vec<Option<Arc<str>>>>, kind: LabelKind) -> Option<&mut Vec<Option<Arc<str>>>> {
    let label = kind.of_tickets().filter(|label| label.most().is_some())?;
    Some(&mut all[label])
}
