//! Signals to a child process.

use std::process::{Child, Command};

/// Sends a signal by its name without `SIG`.
pub fn send_signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name}: {status}");
}
