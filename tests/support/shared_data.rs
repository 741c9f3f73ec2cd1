//! Recordings of real systems and results that other implementations computed: data outside of this repository.

use std::path::{Path, PathBuf};

/// A file of the shared folder, `OVERDUE_SHARED` or `../shared`. `None`, with a message, if it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("OVERDUE_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let file = folder.join(path);
    if file.exists() {
        return Some(file);
    }
    eprintln!("skipped: {} is missing", file.display());
    None
}
