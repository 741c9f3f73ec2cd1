//! The commands that are clients of a service, against a stub and against the service: what they send, retry, store and print.

mod demo;
mod load;
mod stub;
#[path = "../support"]
mod support {
    pub mod command;
    pub mod folder;
    pub mod run;
    pub mod signal;
}
