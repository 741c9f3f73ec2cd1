//! Replays history: every event of the inputs, in order of time, through the engine on a simulated clock.

//!
//! [`sort`] puts the events in order in bounded memory, [`run()`] drives the engine, [`Outputs`] writes what comes out, and the
//! [`Summary`] says what it comes to. Reading the inputs is the caller's, who hands the batches to the sorter.

mod output;
pub mod run;
pub mod sort;
mod summary;

#[cfg(test)]
mod tests;

pub use output::{OutputError, Outputs};
pub use run::{Listener, Options, RejectedEvent, ReplayError, run};
pub use summary::{CycleCounts, Cycles, Duration, Input, Level, Percentiles, Summary, grouped, show};
