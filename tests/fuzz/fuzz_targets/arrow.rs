//! The target `arrow` for cargo-fuzz. A panic inside of a library is turned into an error by its caller: it counts only where it gets
//! out, so the hook that would end the process at once is replaced.

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))),
    |bytes: &[u8]| targets::arrow(bytes)
);
