//! What was acknowledged, on disk: so that a second run goes on where the first one stopped.
//!
//! One JSON object a line. The first line says what the load is; each other one is a chunk that the service has answered for,
//! with the SHA-256 of what was sent. A chunk counts as done only if it still has the same bytes, so an input, mapping or
//! program that has changed in the meantime is noticed chunk by chunk, and what is different is sent. A line that a crash
//! cut short does not count; its chunk is sent again under the same key, and the service does it once.

use crate::limits::MAX_RESUME_BYTES;
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// The form of the file.
const FORM: u32 = 1;

type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// What a load is: another one must not go on with its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub url: String,
    #[serde(alias = "levels")]
    pub catch_up: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    overdue_load: u32,
    /// A random word that all keys of this load begin with.
    run: String,
    #[serde(flatten)]
    about: About,
}

/// A chunk that the service has answered for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The input's name and size as the command saw them, for whoever reads the file.
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

/// The memory of a load; without a file it forgets everything at the end.
#[derive(Debug)]
pub struct Resume {
    run: String,
    done: Map<(String, u64), Done>,
    file: Option<(PathBuf, File)>,
}

impl Resume {
    /// Opens the file of an earlier run or begins one.
    ///
    /// # Errors
    /// A file that cannot be read or written, is none of ours, or belongs to a load with another address or choice of levels that fire.
    pub fn open(path: Option<&Path>, about: &About) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self { run: random_word()?, done: Map::default(), file: None }) };
        let cannot = || format!("--resume {}", path.display());
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).with_context(cannot)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_RESUME_BYTES + 1).read_to_end(&mut bytes).with_context(cannot)?;
        if bytes.len() as u64 > MAX_RESUME_BYTES {
            bail!("--resume {}: has more than {MAX_RESUME_BYTES} bytes", path.display());
        }
        // What follows the last line's end was cut short by a crash.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = std::str::from_utf8(&bytes[..whole]).with_context(cannot)?;
        let mut lines = text.lines();
        let Some(first) = lines.next() else {
            if !bytes.is_empty() && !bytes.starts_with(b"{\"overdue_load\"") {
                bail!("--resume {}: is no file of `overdue load`", path.display());
            }
            file.set_len(0).with_context(cannot)?;
            let head = Head { overdue_load: FORM, run: random_word()?, about: about.clone() };
            append(&mut file, &head).with_context(cannot)?;
            return Ok(Self { run: head.run, done: Map::default(), file: Some((path.to_owned(), file)) });
        };
        let head: Head = serde_json::from_str(first)
            .with_context(|| format!("--resume {}: is no file of `overdue load`", path.display()))?;
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

    /// What all keys of this load begin with.
    pub fn run(&self) -> &str {
        &self.run
    }

    /// What the service said of this very chunk before.
    pub fn done(&self, input: &str, chunk: u64, sha256: &str) -> Option<&Done> {
        self.done.get(&(input.to_owned(), chunk)).filter(|done| done.sha256 == sha256)
    }

    /// Remembers a chunk.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self, done: &Done) -> io::Result<()> {
        match &mut self.file {
            Some((_, file)) => append(file, done),
            None => Ok(()),
        }
    }

    /// Forgets everything: the load is complete, and the next one with this file begins anew.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn complete(&mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), |(path, _)| fs::remove_file(path))
    }
}

/// One write a line, so that lines of a run that is killed stay whole or are the last.
fn append(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn random_word() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
