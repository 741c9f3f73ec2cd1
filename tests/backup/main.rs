//! Backups, copies and restored folders: what was made from a running service starts complete, or fails with a reason; it never
//! loses a record and never assigns a number twice.

mod copies;
mod deleted;
mod followers;
mod gaps;
mod mixed_folders;
mod process;
mod running;
mod store;
#[path = "../support"]
mod support {
    mod command;
    pub mod config;
    pub mod environment;
    pub mod files;
    pub mod http;
    pub mod policies;
    pub mod process;
    pub mod requests;
    pub mod run;
    pub mod until;
}
