//! JSON documents whose last member is the checksum of everything before it: a flipped bit is found, wherever it lies.

use serde::Serialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// A document as it is written.
///
/// # Errors
/// When it cannot be written as JSON.
pub fn to_text<T: Serialize>(document: &T) -> serde_json::Result<String> {
    let mut text = serde_json::to_string_pretty(document)?;
    // Room for one more member: the closing brace and its line go.
    text.truncate(text.strip_suffix("\n}").map_or(text.len(), str::len));
    text.push_str(",\n");
    text.push_str(&seal(&text));
    Ok(text)
}

/// Whether a text is as [`to_text`] made it.
///
/// # Errors
/// What is wrong with it.
pub fn check(text: &str) -> Result<(), String> {
    let sealed_at = text.len().checked_sub(seal("").len()).filter(|at| text.is_char_boundary(*at));
    let Some((body, found)) = sealed_at.map(|at| text.split_at(at)) else {
        return Err(format!("{} bytes are too few", text.len()));
    };
    if found == seal(body) { Ok(()) } else { Err("its checksum does not match: its contents have changed".to_owned()) }
}

/// Reads a text of at most so many bytes.
///
/// # Errors
/// What the file system says, and what is no text.
pub fn read(path: &Path, most_bytes: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most_bytes).read_to_string(&mut text)?;
    Ok(text)
}

/// The last lines of a document that begins so.
fn seal(body: &str) -> String {
    format!("  \"checksum\": \"{:08x}\"\n}}\n", crc32c::crc32c(body.as_bytes()))
}
