//! Small inputs that expand to far more, or claim to.

use crate::support::tables::{arrow_stream, parquet};
use arrow::array::{
    Array, ArrayRef, BinaryArray, DictionaryArray, FixedSizeBinaryArray, Int8Array, Int32Array, Int64Array, ListArray,
    NullArray, RunArray, StringArray, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Schema};
use arrow::ipc::CompressionType;
use arrow::record_batch::RecordBatch;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use std::io::Write;
use std::sync::Arc;

/// Rows that each input may have.
const ROWS: usize = 100_000;

pub struct Bomb {
    pub name: String,
    pub bytes: Vec<u8>,
}

fn bomb(name: impl Into<String>, bytes: Vec<u8>) -> Bomb {
    Bomb { name: name.into(), bytes }
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

/// The same text in each row, stored once.
fn repeated(text: &str, rows: usize) -> ArrayRef {
    let values: ArrayRef = Arc::new(StringArray::from_iter_values([text]));
    Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from(vec![0; rows]), values).unwrap())
}

/// Valid columns of tickets, and one more column.
fn tickets(rows: usize, column: &str, values: ArrayRef) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
    table(vec![("id", ids), ("opened_at", repeated("2026-11-20T08:00:00Z", rows)), (column, values)])
}

/// One row group, with one page per column of any length.
fn one_page() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(1 << 30))
        .set_data_page_size_limit(1 << 30)
        .set_data_page_row_count_limit(1 << 30)
        .set_dictionary_page_size_limit(1 << 30)
}

pub fn codecs() -> [(&'static str, Compression); 6] {
    [
        ("plain", Compression::UNCOMPRESSED),
        ("snappy", Compression::SNAPPY),
        ("gzip", Compression::GZIP(GzipLevel::default())),
        ("zstd", Compression::ZSTD(ZstdLevel::default())),
        ("lz4", Compression::LZ4),
        ("lz4_raw", Compression::LZ4_RAW),
    ]
}

pub const TEXT_ENCODINGS: [Encoding; 3] =
    [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY];

pub fn bombs() -> Vec<Bomb> {
    let mut all = parquet_bombs();
    all.extend(footer_bombs());
    all.extend(arrow_bombs());
    all.extend(text_bombs());
    all
}

fn parquet_bombs() -> Vec<Bomb> {
    let mut all = Vec::new();
    let long = "x".repeat(40_000);
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        // 100,000 texts of 40,000 bytes, of which only the first is stored.
        let properties = one_page()
            .set_writer_version(version)
            .set_column_dictionary_enabled("subject".into(), false)
            .set_column_encoding("subject".into(), Encoding::DELTA_BYTE_ARRAY)
            .set_compression(Compression::ZSTD(ZstdLevel::default()));
        let batch = tickets(ROWS, "subject", repeated(&long, ROWS));
        all.push(bomb(format!("prefixes-{version:?}.parquet"), parquet(&batch, properties.build())));
    }
    for (name, codec) in codecs() {
        // A page with a repeated byte, 200 MB long.
        if name != "plain" {
            let texts: ArrayRef = Arc::new(StringArray::from_iter_values(["x".repeat(200_000_000)]));
            let properties = one_page().set_dictionary_enabled(false).set_compression(codec);
            all.push(bomb(format!("page-{name}.parquet"), parquet(&tickets(1, "subject", texts), properties.build())));
        }
    }
    for (name, codec) in [codecs()[0], codecs()[3]] {
        // The same text of a megabyte in each row.
        let rows = 20_000;
        let batch = tickets(rows, "subject", repeated(&"y".repeat(1 << 20), rows));
        let properties = one_page().set_compression(codec);
        all.push(bomb(format!("dictionary-{name}.parquet"), parquet(&batch, properties.build())));
    }
    let megabyte = vec![b'z'; 1 << 20];
    let fixed = FixedSizeBinaryArray::try_from_iter([&megabyte, &megabyte].into_iter()).unwrap();
    let binary = BinaryArray::from_iter_values([&megabyte, &megabyte]);
    for (name, values) in [("fixed", Arc::new(fixed) as ArrayRef), ("binary", Arc::new(binary))] {
        let keys = Int32Array::from(vec![0; 2_000]);
        let repeated = DictionaryArray::<Int32Type>::try_new(keys, values).unwrap();
        // The writer has no dictionaries of these types.
        let plain = arrow::compute::cast(&repeated, repeated.values().data_type());
        if let Ok(plain) = plain.map(|plain| plain.slice(0, 50)) {
            let batch = tickets(plain.len(), "subject", plain);
            all.push(bomb(format!("long-{name}.parquet"), parquet(&batch, one_page().build())));
        }
    }
    let inner = Arc::new(Field::new("name", DataType::Dictionary(DataType::Int32.into(), DataType::Utf8.into()), true));
    let texts = repeated(&"n".repeat(1 << 20), 20_000);
    let structure: ArrayRef = Arc::new(StructArray::from(vec![(inner, texts)]));
    all.push(bomb("structure.parquet", parquet(&tickets(20_000, "team", structure), one_page().build())));
    // Thirty million nulls in the list of one row.
    let values: ArrayRef = Arc::new(NullArray::new(30_000_000));
    let field = Arc::new(Field::new("item", DataType::Null, true));
    let lists = ListArray::new(field, OffsetBuffer::from_lengths([30_000_000]), values, None);
    all.push(bomb("lists.parquet", parquet(&tickets(1, "team", Arc::new(lists)), one_page().build())));
    // Rows of nulls.
    let nulls = NullBuffer::new_null(20_000_000);
    let ids: ArrayRef = Arc::new(Int64Array::new(vec![0; 20_000_000].into(), Some(nulls)));
    let properties = one_page().set_compression(Compression::ZSTD(ZstdLevel::default()));
    let batch = table(vec![("id", Arc::clone(&ids)), ("opened_at", Arc::clone(&ids))]);
    all.push(bomb("nulls.parquet", parquet(&batch, properties.build())));
    all
}

/// A number in the compact protocol of Thrift.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A Parquet file with a footer only.
fn with_footer(footer: &[u8]) -> Vec<u8> {
    let length = (footer.len() as u32).to_le_bytes();
    [b"PAR1".as_slice(), footer, &length, b"PAR1"].concat()
}

fn footer_bombs() -> Vec<Bomb> {
    let mut all = Vec::new();
    for count in [1 << 20, 1 << 28, u64::from(u32::MAX >> 1)] {
        // Version 1, and a schema that claims `count` fields and has none.
        let footer = [&[0x15, 2, 0x19, 0xfc][..], &varint(count), &[0; 1_000]].concat();
        all.push(bomb(format!("footer-of-{count}.parquet"), with_footer(&footer)));
        let empty = [0x48, 1, b'a', 0x15, 0, 0];
        let footer = [&[0x15, 2, 0x19, 0x1c][..], &empty, &[0x16, 0, 0x19, 0xfc], &varint(count), &[0; 1_000]].concat();
        all.push(bomb(format!("groups-of-{count}.parquet"), with_footer(&footer)));
    }
    // 20,000 nested fields.
    let mut footer = [&[0x15, 2, 0x19, 0xfc][..], &varint(20_000)].concat();
    (0..20_000).for_each(|_| footer.extend([0x48, 1, b'a', 0x15, 2, 0]));
    footer.push(0);
    all.push(bomb("nested.parquet", with_footer(&footer)));
    // Nested structures in an unknown field.
    let footer = [&[0x15, 2][..], &[0x1c; 100_000], &[0; 100_001]].concat();
    all.push(bomb("structures.parquet", with_footer(&footer)));
    all
}

fn arrow_bombs() -> Vec<Bomb> {
    let mut all = Vec::new();
    for (name, compression) in [("zstd", CompressionType::ZSTD), ("lz4", CompressionType::LZ4_FRAME)] {
        let batch = tickets(10, "subject", repeated(&"d".repeat(200_000_000), 10));
        all.push(bomb(format!("dictionary-{name}.arrow"), arrow_stream(&[batch], Some(compression))));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(["t".repeat(200_000_000)]));
        all.push(bomb(format!("text-{name}.arrow"), arrow_stream(&[tickets(1, "subject", texts)], Some(compression))));
        // Twelve dictionaries of 30 MB.
        let texts = "e".repeat(30_000_000);
        let columns = (0..12).map(|number| (format!("c{number}"), repeated(&texts, 2)));
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        all.push(bomb(format!("dictionaries-{name}.arrow"), arrow_stream(&[batch], Some(compression))));
    }
    let rows = 1 << 31;
    let empty =
        table(vec![("id", Arc::new(NullArray::new(rows)) as ArrayRef), ("opened_at", Arc::new(NullArray::new(rows)))]);
    all.push(bomb("nulls.arrow", arrow_stream(&[empty], None)));
    let long: ArrayRef = Arc::new(BinaryArray::from_iter_values([vec![b'b'; 1 << 20]]));
    let binaries = DictionaryArray::<Int8Type>::try_new(Int8Array::from(vec![0; ROWS]), long).unwrap();
    all.push(bomb("binaries.arrow", arrow_stream(&[tickets(ROWS, "team", Arc::new(binaries))], None)));
    let values = StringArray::from_iter_values(["r".repeat(1 << 20)]);
    let runs = RunArray::<Int32Type>::try_new(&Int32Array::from(vec![ROWS as i32]), &values).unwrap();
    let schema = Schema::new(vec![Field::new("id", runs.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(runs)]).unwrap();
    all.push(bomb("runs.arrow", arrow_stream(&[batch], None)));
    all
}

fn text_bombs() -> Vec<Bomb> {
    let mut all = Vec::new();
    for (name, line) in [("ndjson", "{}\n"), ("csv", "1,\n")] {
        let head = if name == "csv" { "id,opened_at\n" } else { "" };
        let chunk = line.repeat(100_000);
        let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 3).unwrap();
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for writer in [&mut zstd as &mut dyn Write, &mut gzip] {
            writer.write_all(head.as_bytes()).unwrap();
            (0..100).for_each(|_| writer.write_all(chunk.as_bytes()).unwrap());
        }
        all.push(bomb(format!("empty.{name}.zst"), zstd.finish().unwrap()));
        all.push(bomb(format!("empty.{name}.gz"), gzip.finish().unwrap()));
    }
    all.push(bomb(
        "columns.csv",
        [b"id,opened_at".as_slice(), &vec![b','; 4_000_000], b"\n1,2026-11-20T08:00:00Z\n"].concat(),
    ));
    all
}
