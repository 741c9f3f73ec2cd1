//! The journal, and the service on it, on a disk that loses power, fails, is full or is corrupt: see each file.

mod corruption;
mod crash;
mod format;
mod full_disk;
mod memory_disk;
mod recovery;
mod reused_numbers;
mod service;
mod state_machine;
mod stops;
#[path = "../support"]
mod support {
    pub mod config;
    pub mod environment;
    pub mod policies;
    pub mod random;
    pub mod requests;
    pub mod until;
}
mod wall_clock;
mod workload;
