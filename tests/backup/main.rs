//! Backups, copies and restored folders: what was made from a running service starts whole, or is refused with a reason, and
//! never forgets or gives a number twice.

mod copies;
mod deleted;
mod followers;
mod gaps;
mod parts;
mod process;
mod store;
mod support;
