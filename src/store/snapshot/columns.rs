//! Tables of a snapshot: each lists its columns once, for writing and for reading.
//!
//! A method of [`Columns`] is a type of column. Writing takes the values out of the cells that it is given, reading puts them there.

use super::error::{Damage, SnapshotError};
use crate::engine::{LabelKind, NO_SYMBOL, Symbol};
use crate::store::record::LabelTable;
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{ColumnWriter, Labels, dictionary_field, encoding, labels_of_codes};
use crate::ticket::Texts;
use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Int64Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int64Type, SchemaRef, UInt32Type};
use arrow::record_batch::RecordBatch;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// A table whose rows come from a part of `T`, and go there.
pub(super) struct Table<T> {
    pub name: &'static str,
    pub texts: encoding::Texts,
    pub columns: fn(&mut T, &mut Columns<'_>) -> Checked,
}

impl<T: Default> Table<T> {
    /// Takes the rows out of `from`.
    pub(super) fn write(&self, from: &mut T, names: &LabelTable) -> Result<RecordBatch, SnapshotError> {
        let labels = |kind, symbol| names.label(kind, symbol);
        let (to, _) = self.written(from, &labels).map_err(Damage::from)?;
        Ok(to.finish()?)
    }

    /// Puts the rows into `to`, which has none.
    pub(super) fn read(&self, rows: Rows<'_>, symbols: &SymbolNumbers, to: &mut T) -> Result<(), SchemaMismatch> {
        (self.columns)(to, &mut Columns::Read { rows, symbols })
    }

    pub(super) fn schema(&self) -> Result<SchemaRef, SnapshotError> {
        Ok(self.write(&mut T::default(), &LabelTable::default())?.schema())
    }

    /// The columns that are not read.
    pub(super) fn derived(&self) -> Result<Vec<String>, SchemaMismatch> {
        self.written(&mut T::default(), &|_, _| None).map(|(_, derived)| derived)
    }

    fn written<'a>(
        &self,
        from: &mut T,
        labels: &'a Labels<'a>,
    ) -> Result<(ColumnWriter<'a>, Vec<String>), SchemaMismatch> {
        let mut columns = Columns::Write { to: ColumnWriter::new(labels), derived: Vec::new() };
        (self.columns)(from, &mut columns)?;
        Ok(match columns {
            Columns::Write { to, derived } => (to, derived),
            Columns::Read { .. } => (ColumnWriter::new(labels), Vec::new()),
        })
    }
}

/// Whether a table has the columns that it should have.
pub(super) type Checked = Result<(), SchemaMismatch>;

/// The columns of a table that is written or read.
pub(super) enum Columns<'a> {
    Write { to: ColumnWriter<'a>, derived: Vec<String> },
    Read { rows: Rows<'a>, symbols: &'a SymbolNumbers },
}

impl Columns<'_> {
    pub(super) fn numbers<T: ArrowPrimitiveType>(&mut self, name: &str, mut cells: impl Cells<T::Native>) -> Checked {
        match self {
            Self::Write { to, .. } => to.numbers::<T>(name, cells.take()),
            Self::Read { rows, .. } => cells.put(rows.numbers::<T>(name)?),
        }
        Ok(())
    }

    /// Counts, whose parts may be negative although their sum is not.
    pub(super) fn counts(&mut self, name: &str, mut cells: impl Cells<u64>) -> Checked {
        let mut signed: Vec<i64> = cells.take().into_iter().map(|count| count as i64).collect();
        self.numbers::<Int64Type>(name, &mut signed)?;
        cells.put(signed.into_iter().map(|count| count as u64).collect());
        Ok(())
    }

    /// Instants, one in every row.
    pub(super) fn times(&mut self, name: &str, mut cells: impl Cells<i64>) -> Checked {
        match self {
            Self::Write { to, .. } => to.times(name, cells.take()),
            Self::Read { rows, .. } => cells.put(rows.times(name)?),
        }
        Ok(())
    }

    /// Instants; [`NEVER_MS`](crate::time::NEVER_MS) for none.
    pub(super) fn times_or_never(&mut self, name: &str, mut cells: impl Cells<i64>) -> Checked {
        match self {
            Self::Write { to, .. } => to.times_or_never(name, cells.take().into_iter()),
            Self::Read { rows, .. } => cells.put(rows.times_or_never(name)?),
        }
        Ok(())
    }

    pub(super) fn flags(&mut self, name: &str, mut cells: impl Cells<bool>) -> Checked {
        match self {
            Self::Write { to, .. } => {
                let array = BooleanArray::from(cells.take());
                to.add(Field::new(name, DataType::Boolean, false), Arc::new(array));
            }
            Self::Read { rows, .. } => cells.put(rows.flags(name)?),
        }
        Ok(())
    }

    pub(super) fn texts(&mut self, name: &str, texts: &mut Texts) -> Checked {
        match self {
            Self::Write { to, .. } => to.texts(name, texts.iter()),
            Self::Read { rows, .. } => *texts = rows.texts(name)?,
        }
        Ok(())
    }

    pub(super) fn strings<S: AsRef<str> + for<'s> From<&'s str>>(
        &mut self,
        name: &str,
        mut cells: impl Cells<S>,
    ) -> Checked {
        match self {
            Self::Write { to, .. } => to.texts(name, cells.take().iter()),
            Self::Read { rows, .. } => cells.put(rows.strings(name)?.iter().flatten().map(S::from).collect()),
        }
        Ok(())
    }

    pub(super) fn strings_or_none<S: AsRef<str> + for<'s> From<&'s str>>(
        &mut self,
        name: &str,
        mut cells: impl Cells<Option<S>>,
    ) -> Checked {
        match self {
            Self::Write { to, .. } => {
                let array: StringArray = cells.take().iter().map(|text| text.as_ref().map(S::as_ref)).collect();
                to.add(Field::new(name, DataType::Utf8, true), Arc::new(array));
            }
            Self::Read { rows, .. } => {
                cells.put(rows.optional_strings(name)?.iter().map(|text| text.map(S::from)).collect());
            }
        }
        Ok(())
    }

    /// Hashes as 32 hexadecimal digits.
    pub(super) fn hashes(&mut self, name: &str, mut cells: impl Cells<Option<u128>>) -> Checked {
        let mut digits: Vec<Option<String>> =
            cells.take().into_iter().map(|hash| hash.map(|hash| format!("{hash:032x}"))).collect();
        self.strings_or_none(name, &mut digits)?;
        let number = |text: &String| {
            u128::from_str_radix(text, 16)
                .map_err(|_| self.mismatch(name, &format!("{text:?} is not a hexadecimal number")))
        };
        cells.put(digits.iter().map(|text| text.as_ref().map(number).transpose()).collect::<Result<_, _>>()?);
        Ok(())
    }

    /// One of a list in every row, by its name.
    pub(super) fn choices<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        list: &[T],
        name_of: fn(T) -> &'static str,
        mut cells: impl Cells<T>,
    ) -> Checked {
        let mut choices: Vec<Option<T>> = cells.take().into_iter().map(Some).collect();
        self.choices_or_none(name, list, name_of, &mut choices)?;
        let choices = choices.into_iter().collect::<Option<Vec<T>>>();
        cells.put(choices.ok_or_else(|| self.mismatch(name, "has empty rows"))?);
        Ok(())
    }

    pub(super) fn choices_or_none<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        list: &[T],
        name_of: fn(T) -> &'static str,
        mut cells: impl Cells<Option<T>>,
    ) -> Checked {
        match self {
            Self::Write { to, .. } => {
                let place = |choice: T| list.iter().position(|other| *other == choice).map(|place| place as u32);
                let places = cells.take().into_iter().map(|choice| choice.and_then(place));
                let array = labels_of_codes(places, |place| name_of(list[place as usize]));
                to.add(dictionary_field(name), array);
            }
            Self::Read { rows, .. } => {
                let known = |label: &str| list.iter().find(|choice| name_of(**choice) == label).copied().map(Some);
                cells.put(rows.labels_or(name, None, known)?);
            }
        }
        Ok(())
    }

    /// Symbols as their labels, in the column of their kind. Every row has a clock.
    pub(super) fn symbols(&mut self, kind: LabelKind, mut cells: impl Cells<Symbol>) -> Checked {
        match self {
            Self::Write { to, .. } => to.symbols(kind, cells.take().into_iter()),
            Self::Read { rows, symbols } => {
                let read = rows.symbols(kind.name(), |label| symbols.of(kind, label))?;
                if kind == LabelKind::Clock && read.contains(&NO_SYMBOL) {
                    return Err(rows.mismatch(kind.name(), "has empty rows"));
                }
                cells.put(read);
            }
        }
        Ok(())
    }

    /// The ticket of each row: its id, for readers of the snapshot, and its place among the tickets of its shard.
    pub(super) fn tickets(&mut self, places: &mut Vec<u32>, ids: &Texts) -> Checked {
        self.derived(Field::new("ticket", DataType::Utf8, false), |_| {
            Arc::new(StringArray::from_iter_values(places.iter().map(|place| ids.get(*place as usize))))
        });
        self.numbers::<UInt32Type>("ticket_row", places)
    }

    /// Lists of numbers, one in every row.
    pub(super) fn lists(&mut self, name: &str, item: &str, mut cells: impl Cells<Vec<i64>>) -> Checked {
        match self {
            Self::Write { to, .. } => {
                let lists = cells.take();
                let item = Arc::new(Field::new(item, DataType::Int64, false));
                let numbers = Int64Array::from_iter_values(lists.iter().flatten().copied());
                let lengths = OffsetBuffer::from_lengths(lists.iter().map(Vec::len));
                let array = ListArray::new(Arc::clone(&item), lengths, Arc::new(numbers), None);
                to.add(Field::new(name, DataType::List(item), false), Arc::new(array));
            }
            Self::Read { rows, .. } => {
                let lists = rows.lists(name)?;
                let numbers = |list: Option<ArrayRef>| Some(list?.as_primitive_opt::<Int64Type>()?.values().to_vec());
                let numbers: Option<Vec<Vec<i64>>> = lists.iter().map(numbers).collect();
                cells.put(numbers.ok_or_else(|| rows.mismatch(name, "is not a column of lists of numbers"))?);
            }
        }
        Ok(())
    }

    /// A column that is written for readers of the snapshot only.
    pub(super) fn derived(&mut self, field: Field, values: impl FnOnce(&mut ColumnWriter<'_>) -> ArrayRef) {
        if let Self::Write { to, derived } = self {
            derived.push(field.name().clone());
            let array = values(to);
            to.add(field, array);
        }
    }

    /// Makes as many rows as there are to be read.
    pub(super) fn rows<R: Default + Clone>(&self, to: &mut Vec<R>) {
        if let Self::Read { rows, .. } = self {
            to.resize(rows.len(), R::default());
        }
    }

    /// Whether rows are read, not written.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Read { .. })
    }

    /// Whether there is such a column: files of earlier releases lack the newer ones.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::Write { .. } => true,
            Self::Read { rows, .. } => rows.has(name),
        }
    }

    /// An error about a column.
    pub(super) fn mismatch(&self, name: &str, reason: &str) -> SchemaMismatch {
        match self {
            Self::Write { .. } => SchemaMismatch::new("".as_ref(), format!("column {name}: {reason}")),
            Self::Read { rows, .. } => rows.mismatch(name, reason),
        }
    }
}

/// The values of a column: a list, or a [`field`] of rows.
pub(super) trait Cells<V> {
    fn take(&mut self) -> Vec<V>;
    fn put(&mut self, values: Vec<V>);
}

impl<V> Cells<V> for &mut Vec<V> {
    fn take(&mut self) -> Vec<V> {
        std::mem::take(self)
    }

    fn put(&mut self, values: Vec<V>) {
        **self = values;
    }
}

/// A field of rows as a column. The rows keep what is written.
pub(super) fn field<R, V: Clone>(rows: &mut [R], of: fn(&mut R) -> &mut V) -> impl Cells<V> {
    FieldOf { rows, of }
}

struct FieldOf<'a, R, V> {
    rows: &'a mut [R],
    of: fn(&mut R) -> &mut V,
}

impl<R, V: Clone> Cells<V> for FieldOf<'_, R, V> {
    fn take(&mut self) -> Vec<V> {
        self.rows.iter_mut().map(|row| (self.of)(row).clone()).collect()
    }

    fn put(&mut self, values: Vec<V>) {
        self.rows.iter_mut().zip(values).for_each(|(row, value)| *(self.of)(row) = value);
    }
}

/// The symbols of labels.
#[derive(Debug, Default)]
pub(super) struct SymbolNumbers([HashMap<Arc<str>, Symbol, FixedState>; LabelKind::ALL.len()]);

impl SymbolNumbers {
    pub(super) fn of(&self, kind: LabelKind, label: &str) -> Option<Symbol> {
        self.0[kind as usize].get(label).copied()
    }

    /// Adds a label; whether it is new.
    pub(super) fn add(&mut self, kind: LabelKind, label: &Arc<str>, symbol: Symbol) -> bool {
        self.0[kind as usize].insert(Arc::clone(label), symbol).is_none()
    }
}
