//! The target `icalendar` for cargo-fuzz.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::icalendar(bytes));
