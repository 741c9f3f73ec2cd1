//! The words of a ticket: the events that happen to it, the states it is in, and the columns in which events arrive.

mod batch;
mod event;

pub use batch::{Batch, Column, Label, Labels, NO_LABEL, Texts};
pub use event::{EventKind, State, StateSet};
