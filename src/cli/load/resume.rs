//! Acknowledged chunks, on disk: a second run resumes where the first one stopped.
//!
//! One JSON object a line. The first line identifies the load; each other line is a chunk that the service has acknowledged,
//! with the SHA-256 of its bytes. A chunk counts as done only if its bytes are still the same, so a change of an input,
//! mapping or program is detected chunk by chunk, and what differs is sent. A line truncated by a crash does not count; its
//! chunk is sent again under the same key, and the service executes it once.

use crate::limits::MAX_RESUME_BYTES;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Version of the file format.
const FORM: u32 = 1;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Identity of a load: another load must not resume with its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct About {
    pub url: String,
    #[serde(alias = "levels")]
    pub catch_up: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    overdue_load: u32,
    /// Random prefix of all keys of this load.
    run: String,
    #[serde(flatten)]
    about: About,
}

/// A chunk that the service has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    /// The input's name and size as the command saw them, for readers of the file.
    pub input: String,
    pub input_bytes: Option<u64>,
    pub chunk: u64,
    pub sha256: String,
    /// Files of release 0.1 call them `accepted` and `rejected`.
    #[serde(alias = "taken")]
    pub accepted: u64,
    #[serde(alias = "refused")]
    pub rejected: u64,
}

/// The state of a load; without a file it is lost at the end.
#[derive(Debug)]
pub(super) struct Resume {
    run: String,
    done: Map<(String, u64), Done>,
    file: Option<(PathBuf, File)>,
}

impl Resume {
    /// Opens the file of an earlier run or creates one.
    ///
    /// # Errors
    /// A file that cannot be read or written, is not a resume file, or belongs to a load with another address or catch-up.
    pub(super) fn open(path: Option<&Path>, about: &About) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { run: random_word()?, done: Map::default(), file: None }) };
        let cannot = || format!("--resume {}", path.display());
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).with_context(cannot)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_RESUME_BYTES + 1).read_to_end(&mut bytes).with_context(cannot)?;
        if bytes.len() as u64 > MAX_RESUME_BYTES {
            bail!("--resume {}: has more than {MAX_RESUME_BYTES} bytes", path.display());
        }
        // What follows the last line break was truncated by a crash.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole]).with_context(cannot)?;
        let mut lines = text.lines();
        let Some(first) = lines.next() else {
            if !bytes.is_empty() && !bytes.starts_with(b"{\"overdue_load\"") {
                bail!("--resume {}: is not a file of `overdue load`", path.display());
            }
            file.set_len(0).with_context(cannot)?;
            let head = Head { overdue_load: FORM, run: random_word()?, about: about.clone() };
            append(&mut file, &head).with_context(cannot)?;
            return Ok(Self { run: head.run, done: Map::default(), file: Some((path.to_owned(), file)) });
        };
        let head: Head = serde_json::from_str(first)
            .with_context(|| format!("--resume {}: is not a file of `overdue load`", path.display()))?;
        if head.overdue_load != FORM {
            bail!("--resume {}: has form {}, expected {FORM}", path.display(), head.overdue_load);
        }
        if head.about != *about {
            let About { url, catch_up } = head.about;
            bail!(
                "--resume {}: belongs to a load to {url} with --catch-up {catch_up}; name another file",
                path.display()
            );
        }
        let mut done = Map::default();
        for (index, line) in lines.enumerate() {
            let line: Done =
                serde_json::from_str(line).with_context(|| format!("--resume {}:{}", path.display(), index + 2))?;
            done.insert((line.input.clone(), line.chunk), line);
        }
        file.set_len(whole as u64).with_context(cannot)?;
        Ok(Self { run: head.run, done, file: Some((path.to_owned(), file)) })
    }

    /// The prefix of all keys of this load.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The earlier response to a chunk with these bytes.
    pub(super) fn done(&self, input: &str, chunk: u64, sha256: &str) -> Option<&Done> {
        self.done.get(&(input.to_owned(), chunk)).filter(|done| done.sha256 == sha256)
    }

    /// Records a chunk.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn record(&mut self, done: &Done) -> io::Result<()> {
        match &mut self.file {
            Some((_, file)) => append(file, done),
            None => Ok(()),
        }
    }

    /// Removes the file: the load is complete, and the next one with this file starts from the beginning.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) fn complete(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |(path, _)| fs::remove_file(path))
    }
}

/// One write a line, so that a killed run leaves complete lines, except perhaps the last.
fn append(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

/// SHA-256 in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system provides no random numbers")?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
