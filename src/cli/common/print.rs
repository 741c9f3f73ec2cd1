//! Output to a pipe that may be closed.

use std::io::{self, Write};

/// Prints to the standard output; a closed pipe is not an error.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
