//! Output that somebody may stop reading.

use std::io::{self, Write};

/// Prints to the standard output; whoever reads it may stop reading.
pub fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
