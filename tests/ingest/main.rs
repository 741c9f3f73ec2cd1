//! Ingest as a whole: formats, real exports, rubbish. (What it does to memory is in `ingest_memory.rs`.)

mod exports;
mod formats;
mod rubbish;
mod support;
