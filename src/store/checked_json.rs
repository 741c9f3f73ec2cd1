//! JSON documents whose last member is the checksum of everything before it: any flipped bit is detected.

use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A document as text, with its checksum.
///
/// # Errors
/// When it cannot be serialized as JSON.
pub(super) fn to_text<T: Serialize>(document: &T) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    // Makes place for one more member: removes the closing brace and its line.
    text.truncate(text.strip_suffix("\n}").map_or(text.len(), str::len));
    text.push_str(",\n");
    text.push_str(&seal(&text));
    Ok(text)
}

/// Checks that a text is unchanged since [`to_text`].
///
/// # Errors
/// A description of what is wrong.
pub(super) fn check(text: &str) -> Result<(), String> {
    let sealed_at = text.len().checked_sub(seal("").len()).filter(|at| text.is_char_boundary(*at));
    let Some((body, found)) = sealed_at.map(|at| text.split_at(at)) else {
        return Err(format!("{} bytes are too few", text.len()));
    };
    if found == seal(body) { Ok(()) } else { Err("its checksum does not match: its contents have changed".to_owned()) }
}

/// Reads a text of at most `most_bytes` bytes.
///
/// # Errors
/// Errors of the file system, and a file that is not text.
pub(super) fn read(path: &Path, most_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most_bytes).read_to_string(&mut text)?;
    Ok(text)
}

/// The last lines of a document with this beginning.
fn seal(body: &str) -> String {
    format!("  \"checksum\": \"{:08x}\"\n}}\n", crc32c::crc32c(body.as_bytes()))
}
