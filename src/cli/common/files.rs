//! Reads policies, mappings and other configuration files, with a size limit.

use crate::file_kind;
use crate::ingest::Mapping;
use crate::limits::MAX_CONFIG_BYTES;
use crate::policy::{self, Checked};
use anyhow::Context;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads a policy file and the files that it names, relative to its folder.
///
/// # Errors
/// A file that cannot be read, is too long or is not text. Errors in its contents are problems of the result.
pub(crate) fn read_policy(path: &Path) -> anyhow::Result<Checked> {
    let text = read_text(path)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut read = |file: &str| read_named(folder, file);
    Ok(policy::check(&text, &path.display().to_string(), &mut read))
}

/// Reads a file that a policy names, such as a holiday file, which may be in another encoding: with a byte-order mark it is
/// UTF-8 or UTF-16, else UTF-8, else Windows-1252 (a superset of Latin-1).
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_named(folder: &Path, file: &str) -> Result<String, String> {
    let bytes = read_bytes(&folder.join(file)).map_err(|error| format!("{error:#}"))?;
    if let Some((encoding, _)) = encoding_rs::Encoding::for_bom(&bytes) {
        return Ok(encoding.decode_with_bom_removal(&bytes).0.into_owned());
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| encoding_rs::WINDOWS_1252.decode(error.as_bytes()).0.into_owned()))
}

pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    let bytes = read_bytes(path)?;
    if let Some(kind) = file_kind::foreign(&bytes) {
        anyhow::bail!("{} is {kind}, expected text", path.display());
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count();
        anyhow::anyhow!("{} is not UTF-8 text: line {line}, byte {valid} of the file", path.display())
    })
}

fn read_bytes(path: &Path) -> anyhow::Result<Vec<u8>> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut bytes = Vec::new();
    file.take(MAX_CONFIG_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > MAX_CONFIG_BYTES {
        anyhow::bail!("{} is longer than {MAX_CONFIG_BYTES} bytes, the limit for such a file", path.display());
    }
    Ok(bytes)
}

/// Reads a mapping file.
///
/// # Errors
/// A file that cannot be read, and every error in it.
pub(crate) fn read_mapping(path: &Path) -> anyhow::Result<Mapping> {
    Mapping::parse(&read_text(path)?, &path.display().to_string()).map_err(Into::into)
}
