//! The tables that we write: Parquet with readable columns, the same ones for the same content everywhere.
//!
//! Times are timestamps in UTC, labels are texts (as dictionaries, so that they cost little), nothing is a blob. Ids, times and
//! amounts rarely repeat: they are delta-encoded, which with zstd level 1 writes about twice and reads about three times as
//! fast as the default and takes a sixth less space.

mod dictionary;
pub mod encoding;
mod timestamps;

pub use dictionary::{Dictionary, DictionaryColumn, dictionary_field};
pub use encoding::{Texts, properties};
pub use timestamps::Times;
