//! Tests of the history.

mod damage;
mod queries;
mod synthetic;

use crate::store::history::files::HistoryFile;
use crate::store::table::writer::TableFile;
use crate::table::Texts;
use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of a folder of records, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap().map(|file| file.unwrap().path()))
        .collect();
    files.sort();
    files
}

/// Writes the files of escalations again with another label in a column; returns the number of rows that had it.
fn rename_label(history: &Path, column: &str, from: &str, to: &str) -> usize {
    let mut renamed = 0;
    for path in files(&history.join("escalations")) {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let schema = Arc::clone(reader.schema());
        let place = schema.index_of(column).unwrap();
        let partial = path.with_extension("partial");
        let mut table =
            TableFile::begin(File::create(&partial).unwrap(), &partial, Arc::clone(&schema), Texts::Prefixed).unwrap();
        for rows in reader.build().unwrap() {
            let mut columns = rows.unwrap().columns().to_vec();
            let labels = cast(&columns[place], &DataType::Utf8).unwrap();
            let labels = labels.as_string::<i32>().iter().map(|label| {
                renamed += usize::from(label == Some(from));
                label.map(|label| if label == from { to } else { label })
            });
            columns[place] = cast(&labels.collect::<StringArray>(), schema.field(place).data_type()).unwrap();
            table.add(&RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()).unwrap();
        }
        let crc32c = table.finish().unwrap().crc32c;
        let name = path.file_name().unwrap().to_str().unwrap();
        let (first, rest) = name.split_once('-').unwrap();
        let last = rest.split_once('.').unwrap().0;
        let name = HistoryFile::name(first.parse().unwrap(), last.parse().unwrap(), crc32c, None);
        fs::remove_file(&path).unwrap();
        fs::rename(partial, path.with_file_name(name)).unwrap();
    }
    renamed
}
