//! `tokens.json`: bounded when read, replaced atomically when written, readable by its owner only.

use super::Role;
use crate::limits::{MAX_TOKENS, MAX_TOKENS_BYTES};
use crate::time::format_rfc3339;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::NamedTempFile;
use thiserror::Error;

/// The prefix of tokens, so that people and secret scanners recognize them.
pub const PREFIX: &str = "ovd_";

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// One token's entry. The token itself is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub name: String,
    pub role: Role,
    /// SHA-256 of the whole token, as 64 hexadecimal digits.
    pub sha256: String,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339; absent if the token does not expire.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<String>,
}

impl Token {
    /// Creates a token: the entry to store, and the secret, which is not stored.
    ///
    /// # Errors
    /// When the operating system provides no random numbers.
    pub fn make(name: &str, role: Role, now_ms: i64, expires_ms: Option<i64>) -> Result<(Self, String), TokensError> {
        let mut random = [0; TOKEN_BYTES];
        getrandom::fill(&mut random).map_err(|error| TokensError::Random(error.to_string()))?;
        let secret = format!("{PREFIX}{}", hex(&random));
        let token = Self {
            name: name.to_owned(),
            role,
            sha256: hex(&Sha256::digest(secret.as_bytes())),
            created_at: format_rfc3339(now_ms),
            expires_at: expires_ms.map(format_rfc3339),
        };
        Ok((token, secret))
    }
}

/// Invalid or unreadable tokens of a data folder.
#[derive(Debug, Error)]
pub enum TokensError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{path}: line {line}, column {column}: {message}")]
    Syntax { path: PathBuf, line: usize, column: usize, message: String },
    #[error("token {name:?}: {field} is {value:?}, expected {expected}")]
    Field { name: String, field: &'static str, value: String, expected: &'static str },
    #[error("{path} is longer than {MAX_TOKENS_BYTES} bytes, or has more than {MAX_TOKENS} tokens")]
    TooMany { path: PathBuf },
    #[error("the operating system provides no random numbers: {0}")]
    Random(String),
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    tokens: Vec<Token>,
}

pub(crate) fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("tokens.json")
}

/// The tokens of a data folder; none if it has no such file.
///
/// # Errors
/// [`TokensError`].
pub fn read(data_dir: &Path) -> Result<Vec<Token>, TokensError> {
    read_at(&path(data_dir))
}

pub(crate) fn read_at(path: &Path) -> Result<Vec<Token>, TokensError> {
    let io = |error| TokensError::Io { path: path.to_owned(), error };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut bytes = Vec::new();
    file.take(MAX_TOKENS_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_TOKENS_BYTES {
        return Err(TokensError::TooMany { path: path.to_owned() });
    }
    let content: Content = serde_json::from_slice(&bytes).map_err(|error| TokensError::Syntax {
        path: path.to_owned(),
        line: error.line(),
        column: error.column(),
        message: error.to_string(),
    })?;
    if content.tokens.len() > MAX_TOKENS {
        return Err(TokensError::TooMany { path: path.to_owned() });
    }
    Ok(content.tokens)
}

/// Changes the tokens of a data folder. One process at a time; the file is replaced atomically and readable by its owner only.
///
/// # Errors
/// [`TokensError`], or the error of `edit`; the file is then unchanged.
pub fn change<T>(data_dir: &Path, edit: impl FnOnce(&mut Vec<Token>) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let path = path(data_dir);
    let io = |error| TokensError::Io { path: path.clone(), error };
    let guard = OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join("tokens.lock"));
    let guard = guard.map_err(io)?;
    guard.lock().map_err(io)?;
    let mut tokens = read_at(&path)?;
    let response = edit(&mut tokens)?;
    if tokens.len() > MAX_TOKENS {
        return Err(TokensError::TooMany { path }.into());
    }
    let text = serde_json::to_string_pretty(&Content { tokens })?;
    // `tempfile` creates files with mode 0600.
    let mut staged = NamedTempFile::new_in(data_dir).map_err(io)?;
    staged.write_all(text.as_bytes()).map_err(io)?;
    staged.write_all(b"\n").map_err(io)?;
    staged.as_file().sync_all().map_err(io)?;
    staged.persist(&path).map_err(|error| io(error.error))?;
    File::open(data_dir).map_err(io)?.sync_all().map_err(io)?;
    Ok(response)
}

/// Distinguishes versions of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    inode: u64,
}

impl Stamp {
    /// `None` when there is no file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), bytes: metadata.len(), inode: metadata.ino() })
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
