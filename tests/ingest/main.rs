//! Ingest: formats, real exports, invalid input. Its memory is tested in `ingest_memory.rs`.

mod exports;
mod formats;
mod invalid_input;
mod rows;
#[path = "../support"]
mod support {
    pub mod shared_data;
    pub mod shipped;
    pub mod tables;
}
