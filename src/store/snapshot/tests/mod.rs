//! Tests of snapshots.

mod damage;
mod fixture;
mod folders;
mod round_trip;
mod synthetic;
