//! Replays history: every event of the inputs, in order of time, through the engine on a simulated clock.

mod output;
pub mod publish;
pub mod sort;
