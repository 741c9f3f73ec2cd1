//! `manifest.json`: the parts of a snapshot, with lengths and checksums. It is the last file written.
//!
//! Its last member is the checksum of everything before it, so that a flipped bit in it is detected as in any other file.
//! Members may be added; if older programs must not ignore them, [`SCHEMA_VERSION`] is raised.

use super::error::Damage;
use crate::limits;
use crate::store::checked_json;
use crate::store::epochs::Epoch;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::Path;

/// The version of the tables and of the manifest. Columns may be added without a new version; readers find them by name.
///
/// Version 2 adds `gone.parquet` and events that report what a ticket already has.
pub const SCHEMA_VERSION: u32 = 2;

/// The manifest's name in the folder of a snapshot.
pub const MANIFEST: &str = "manifest.json";

/// The parts of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub schema_version: u32,
    /// The version of the program that wrote it.
    pub program: String,
    pub zone_data_version: String,
    /// The snapshot's number, also the name of its folder.
    pub number: u64,
    /// The engine's time and its count of accepted rows at the least position of its shards.
    pub now_ms: i64,
    pub rows: u64,
    /// The last group that the service's own tables include, and the numbers of the next records then.
    pub group: u64,
    pub next_escalation: u64,
    pub next_cycle: u64,
    /// The epoch in which it was taken; missing in snapshots of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    pub files: Vec<FileEntry>,
    pub shards: Vec<ShardEntry>,
}

/// A file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub name: String,
    pub bytes: u64,
    /// Eight hexadecimal digits.
    #[serde(with = "hexadecimal")]
    pub crc32c: u32,
    pub rows: u64,
}

/// Location of a shard.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ShardEntry {
    pub number: u16,
    /// The last group that it includes.
    pub position: u64,
    pub tickets: Part,
    pub clocks: Part,
    pub events: Part,
    pub fires: Part,
    pub counters: Part,
    pub clock_counters: Part,
    /// None in version 1.
    #[serde(default)]
    pub gone: Part,
}

/// A shard's rows in a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Part {
    /// Row groups of the file with only these rows.
    pub row_groups: Range<usize>,
    pub rows: u64,
}

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
    program: String,
}

impl Manifest {
    /// The least position of a shard: continuing from the snapshot needs the groups after it.
    pub fn first_position(&self) -> u64 {
        self.shards.iter().map(|shard| shard.position).min().unwrap_or(self.group)
    }

    /// The highest position of a shard.
    pub fn last_position(&self) -> u64 {
        self.shards.iter().map(|shard| shard.position).max().unwrap_or(self.group)
    }

    /// Rows of a table; 0 where there is none.
    pub fn rows_of(&self, name: &str) -> u64 {
        self.files.iter().find(|file| file.name == name).map_or(0, |file| file.rows)
    }

    /// Bytes of all files but the manifest.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The manifest as text.
    pub(crate) fn to_text(&self) -> serde_json::Result<String> {
        checked_json::to_text(self)
    }

    /// Reads the manifest of a snapshot, and nothing else: its files may still be damaged.
    ///
    /// # Errors
    /// [`Damage`] when it differs from what was written, or was written by a newer program.
    pub fn of(snapshot: &Path) -> Result<Self, Damage> {
        let path = &snapshot.join(MANIFEST);
        let text = checked_json::read(path, limits::MAX_MANIFEST_BYTES).map_err(Damage::io(path))?;
        let rejected = |reason: String| Damage::Manifest { path: path.to_owned(), reason };
        checked_json::check(&text).map_err(rejected)?;
        let version: Version = serde_json::from_str(&text).map_err(|error| rejected(error.to_string()))?;
        if version.schema_version > SCHEMA_VERSION {
            let path = path.to_owned();
            return Err(Damage::Newer {
                path,
                found: version.schema_version,
                known: SCHEMA_VERSION,
                program: version.program,
            });
        }
        serde_json::from_str(&text).map_err(|error| rejected(error.to_string()))
    }
}

pub(crate) mod hexadecimal {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes every field by reference")]
    pub(crate) fn serialize<S: Serializer>(crc32c: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{crc32c:08x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
        u32::from_str_radix(&String::deserialize(from)?, 16).map_err(D::Error::custom)
    }
}
