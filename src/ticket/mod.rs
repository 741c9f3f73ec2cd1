//! Tickets: the events that happen to them, their states, and the columns in which events arrive.

mod batch;
mod event;
mod label;

pub use batch::{Batch, Column, Label, Labels, NO_LABEL, Openings, Texts};
pub use event::{EventKind, State, StateSet};
pub use label::{PerLabel, TicketLabel};
