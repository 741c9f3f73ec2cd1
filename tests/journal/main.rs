//! The journal, and the service on it, on a disk that loses power, fails, is full or is damaged: see each file.

#[path = "../storage/mod.rs"]
mod storage;

mod again;
mod crash;
mod damage;
mod format;
mod full;
mod machine;
mod recovery;
mod service;
mod stops;
mod wall_clock;
mod workload;
