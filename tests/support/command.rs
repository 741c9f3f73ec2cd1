//! The binary under test.

use std::process::{Command, Stdio};

/// The binary with these arguments, in the folder of Cargo.toml, without settings or a token from the environment.
pub fn overdue(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_overdue"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.env_remove("OVERDUE_CONFIG").env_remove("OVERDUE_TOKEN");
    command
}
