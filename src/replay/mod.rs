//! Replays history: every event of the inputs, in order of time, through the engine on a simulated clock.
//!
//! [`sort`] sorts the events in bounded memory, [`run()`] drives the engine, [`Outputs`] writes the results, and the
//! [`Summary`] summarizes them. The caller reads the inputs and pushes the batches to the sorter.

mod output;
pub mod run;
pub mod sort;
mod summary;

#[cfg(test)]
mod tests;

pub use output::{OutputError, Outputs};
pub use run::{Listener, Options, RejectedEvent, ReplayError, run};
pub use summary::{CycleCounts, Cycles, Duration, Input, Level, Percentiles, Summary, grouped, show};
