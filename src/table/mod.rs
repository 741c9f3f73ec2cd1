//! The tables that we write: Parquet with readable columns, the same ones for the same content everywhere.
//!
//! Times are timestamps in UTC, labels are texts (as dictionaries, so that they cost little), nothing is a blob. Ids, times and
//! amounts rarely repeat: they are delta-encoded, which with zstd level 1 writes about twice and reads about three times as
//! fast as the default and takes a sixth less space.
//!
//! [`escalations`] and [`cycles`] are the tables of a replay and, numbered, of a service's history.

mod columns;
pub mod cycles;
mod dictionary;
pub mod encoding;
pub mod escalations;

pub use columns::{ColumnWriter, ColumnsError, Labels, time_field, times};
pub use dictionary::{dictionary_field, labels_of_codes};
pub use encoding::{Texts, properties};
