//! Tests of the history.

mod damage;
mod queries;
mod synthetic;
