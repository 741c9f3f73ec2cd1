//! The tokens of a data folder: who may call the service.
//!
//! A token is 256 random bits, so a plain SHA-256 is as secure as a slow password hash and costs almost nothing per request. Only
//! that hash is stored, in `tokens.json` of the data folder; the token itself is shown once. The server reloads the file when it
//! changes, so a revoked token becomes invalid within a second, without a restart.
//!
//! Every look-up compares the presented hash with all tokens, each in constant time, so its duration does not reveal how close a
//! guess was.

#[cfg(test)]
mod tests;

use super::token_file::hex;
pub use super::token_file::{PREFIX, Token, TokensError, change, read};

use super::token_file::Stamp;
use super::{Caller, TokenHash};
use crate::limits::{MAX_TOKEN_NAME_BYTES, TOKENS_CHECK_MS};
use crate::time::{format_rfc3339, parse_rfc3339};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use subtle::{Choice, ConstantTimeEq};
use thiserror::Error;

/// Why a token is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    #[error("the token is not known: it was never created for this service, or it has been revoked")]
    Unknown,
    #[error("the token {name:?} has expired at {at}")]
    Expired { name: String, at: String },
}

/// Whether a name is valid for a token. Names appear in logs, in the journal and in responses.
pub fn is_token_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'@');
    (1..=MAX_TOKEN_NAME_BYTES).contains(&name.len()) && name.bytes().all(allowed)
}

/// The tokens that the server has loaded.
#[derive(Debug)]
pub struct TokenBook {
    path: PathBuf,
    known: RwLock<Known>,
    /// When the file was last checked, in milliseconds since 1970.
    checked_ms: AtomicI64,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Option<Stamp>,
    tokens: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    sha256: TokenHash,
    caller: Caller,
    expires_ms: Option<i64>,
}

impl TokenBook {
    /// Reads the tokens of a data folder; without a file there are none.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn open(data_dir: &Path, now_ms: i64) -> Result<Self, TokensError> {
        let path = super::token_file::path(data_dir);
        let known = Known::read(&path)?;
        Ok(Self { path, known: RwLock::new(known), checked_ms: AtomicI64::new(now_ms) })
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.known.read().tokens.len()
    }

    /// Whether there are none, so that every caller is rejected.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The caller with this token.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn look_up(&self, secret: &str, now_ms: i64) -> Result<Caller, Denied> {
        self.refresh(now_ms);
        let presented = hex(&Sha256::digest(secret.as_bytes()));
        let known = self.known.read();
        let mut found: Option<&Entry> = None;
        for entry in &known.tokens {
            let equal: Choice = entry.sha256[..].ct_eq(presented.as_bytes());
            if bool::from(equal) {
                found = Some(entry);
            }
        }
        let entry = found.ok_or(Denied::Unknown)?;
        match entry.expires_ms {
            Some(expires_ms) if expires_ms <= now_ms => {
                Err(Denied::Expired { name: entry.caller.name.to_string(), at: format_rfc3339(expires_ms) })
            }
            _ => Ok(entry.caller.clone()),
        }
    }

    /// Whether a token that was accepted before has since been neither revoked nor expired.
    pub fn still_admits(&self, token: &TokenHash, now_ms: i64) -> bool {
        self.refresh(now_ms);
        let known = self.known.read();
        let entry = known.tokens.iter().find(|entry| entry.sha256 == *token);
        entry.is_some_and(|entry| entry.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms))
    }

    /// Checks the file at most every [`TOKENS_CHECK_MS`]. If it cannot be read, logs an error and keeps the loaded tokens.
    fn refresh(&self, now_ms: i64) {
        let checked_ms = self.checked_ms.load(Ordering::Relaxed);
        if (now_ms - checked_ms).abs() < TOKENS_CHECK_MS
            || self.checked_ms.compare_exchange(checked_ms, now_ms, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        if Stamp::of(&self.path) != self.known.read().stamp {
            self.reload();
        }
    }

    pub(crate) fn reload(&self) {
        match Known::read(&self.path) {
            Ok(known) => {
                tracing::info!(tokens = known.tokens.len(), "reloaded the tokens, which have changed");
                *self.known.write() = known;
            }
            Err(error) => tracing::error!(%error, "cannot reload the changed tokens: the previous ones stay valid"),
        }
    }
}

impl Known {
    fn read(path: &Path) -> Result<Self, TokensError> {
        // The stamp first: a later change is then detected at the next check.
        let stamp = Stamp::of(path);
        let tokens = super::token_file::read_at(path)?;
        let entries = tokens.into_iter().map(|token| Entry::new(&token)).collect::<Result<_, _>>()?;
        Ok(Self { stamp, tokens: entries })
    }
}

impl Entry {
    fn new(token: &Token) -> Result<Self, TokensError> {
        let wrong = |field: &'static str, value: &str, expected: &'static str| TokensError::Field {
            name: token.name.clone(),
            field,
            value: value.to_owned(),
            expected,
        };
        if !is_token_name(&token.name) {
            return Err(wrong("name", &token.name, "1 to 64 letters, digits, '.', '-', '_' or '@'"));
        }
        let lower = token.sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let sha256 = token.sha256.as_bytes().try_into().ok().filter(|_| lower);
        let sha256 = sha256.ok_or_else(|| wrong("sha256", &token.sha256, "64 hexadecimal digits"))?;
        let expires_ms = match &token.expires_at {
            None => None,
            Some(text) => Some(parse_rfc3339(text).map_err(|_| wrong("expires_at", text, "an RFC 3339 time"))?),
        };
        let sha256 = Arc::new(sha256);
        let token_hash = Some(Arc::clone(&sha256));
        let caller = Caller { name: Arc::from(token.name.as_str()), role: token.role, token_hash };
        Ok(Self { sha256, caller, expires_ms })
    }
}
