//! Waiting for what a service does on its own threads.

use std::time::Duration;

/// Waits until the condition holds; fails after a minute.
#[expect(clippy::disallowed_methods, reason = "the service acts on its own threads; the test polls its state")]
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what}: not reached within a minute");
}
