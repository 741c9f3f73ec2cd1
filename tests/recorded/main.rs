//! Recorded results of real systems, reproduced: see each file. Where the recordings are not there, the tests say so and pass.

mod boston;
mod live_day;
#[path = "../crash/process.rs"]
mod process;
mod servicenow;
mod support;
