//! What a replay leaves behind.

mod sink;
mod words;
