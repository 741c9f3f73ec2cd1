//! Encodings of the columns of a table.

use crate::limits;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

/// Encoding of texts that rarely repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Texts {
    /// Each text as its difference from the one before: smallest, for rows in order of the texts.
    Prefixed,
    /// One after the other: fastest to read.
    Plain,
}

/// Encodings of the columns of a table, by their types; `texts` selects the one for columns of texts.
///
/// # Errors
/// None that depends on the schema.
pub fn properties(schema: &Schema, texts: Texts) -> Result<WriterPropertiesBuilder, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_dictionary_page_size_limit(limits::DICTIONARY_BYTES)
        .set_max_row_group_row_count(Some(limits::ROW_GROUP_ROWS));
    for field in schema.fields() {
        properties = column(properties, ColumnPath::from(field.name().as_str()), field, texts);
    }
    Ok(properties)
}

fn column(
    properties: WriterPropertiesBuilder,
    path: ColumnPath,
    field: &Field,
    texts: Texts,
) -> WriterPropertiesBuilder {
    let encoding = match field.data_type() {
        DataType::Utf8 if texts == Texts::Prefixed => Encoding::DELTA_BYTE_ARRAY,
        DataType::Utf8 => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        DataType::Timestamp(..) | DataType::Int64 | DataType::UInt64 | DataType::UInt32 => {
            Encoding::DELTA_BINARY_PACKED
        }
        DataType::List(item) => {
            return column(properties, within(&path, &["list", item.name()]), item, texts);
        }
        DataType::Struct(fields) => {
            return fields.iter().fold(properties, |properties, field| {
                column(properties, within(&path, &[field.name()]), field, texts)
            });
        }
        _ => return properties,
    };
    properties.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
}

fn within(path: &ColumnPath, names: &[&str]) -> ColumnPath {
    let names = names.iter().map(|name| (*name).to_owned());
    ColumnPath::new(path.parts().iter().cloned().chain(names).collect())
}
