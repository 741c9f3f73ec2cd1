//! Recorded results of real systems, reproduced: see each file. Without the recordings the tests are skipped.

mod boston;
mod live_day;
mod replay;
mod servicenow;
#[path = "../support"]
mod support {
    mod command;
    pub mod files;
    pub mod http;
    pub mod process;
    pub mod shared_data;
    pub mod shipped;
    pub mod signal;
}
