//! What reads bytes of strangers, as functions of bytes. Each panics where a reader panics or where a property does not hold.
//!
//! cargo-fuzz runs them with coverage, `cargo test` over the stored corpus and mutations of it.

mod documents;
mod ingest;

pub use documents::{codec, icalendar, manifest, mapping, policy, tokens};
pub use ingest::{arrow, csv, json, ndjson, parquet};

/// A target by the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

pub const ALL: [Target; 11] = [
    ("codec", codec),
    ("icalendar", icalendar),
    ("mapping", mapping),
    ("policy", policy),
    ("ndjson", ndjson),
    ("json", json),
    ("csv", csv),
    ("parquet", parquet),
    ("arrow", arrow),
    ("tokens", tokens),
    ("manifest", manifest),
];
