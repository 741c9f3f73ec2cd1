//! `backup.json`: the files of a backup, with lengths and checksums.

use super::error::BackupError;
use crate::limits::MAX_MANIFEST_BYTES;
use crate::store::checked_json;
use crate::store::epochs::Epoch;
use crate::store::snapshot::hexadecimal;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The manifest's name in the folder of a backup.
pub const MANIFEST: &str = "backup.json";

/// The version of the manifest. Members may be added without a new version.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// The contents of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema_version: u32,
    /// The version of the program that made it.
    pub program: String,
    pub number: u64,
    /// When it was created (RFC 3339).
    pub created_at: String,
    /// The identity of the journal.
    pub journal: String,
    pub epoch: Option<Epoch>,
    /// Its snapshot, and the last group of the journal, with the engine's time then.
    pub snapshot: Option<u64>,
    pub group: u64,
    pub now_ms: i64,
    pub files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Relative to the folder of the backup and to its data folder.
    pub path: String,
    pub bytes: u64,
    /// Eight hexadecimal digits.
    #[serde(with = "hexadecimal")]
    pub crc32c: u32,
    /// The last group of a segment of the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_group: Option<u64>,
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
    program: String,
}

impl Manifest {
    /// Reads the manifest of a backup, and nothing else: its files may still be damaged.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn of(backup: &Path) -> Result<Self, BackupError> {
        let path = backup.join(MANIFEST);
        let damaged = |reason| BackupError::Damaged { path: path.clone(), reason };
        let text = match checked_json::read(&path, MAX_MANIFEST_BYTES) {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => return Err(damaged(error.to_string())),
            text => text.map_err(BackupError::io(&path))?,
        };
        checked_json::check(&text).map_err(damaged)?;
        let version: Version = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if version.schema_version > SCHEMA_VERSION {
            let Version { schema_version: found, program } = version;
            return Err(damaged(format!(
                "it has the schema version {found} (overdue {program}), this program reads up to {SCHEMA_VERSION}"
            )));
        }
        serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))
    }

    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.files.iter().find(|entry| entry.path == path)
    }

    /// Bytes of all files but the manifest.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.bytes).sum()
    }
}
