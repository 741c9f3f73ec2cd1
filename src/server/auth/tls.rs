//! TLS: a certificate chain and its key from PEM files, checked before the server starts and reloaded on request.

#[cfg(test)]
pub(crate) mod tests;

use crate::limits::MAX_CONFIG_BYTES;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// An invalid certificate or key.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{path} is not a PEM file of {expected}: {message}")]
    Pem { path: PathBuf, expected: &'static str, message: String },
    #[error("the certificate and the key cannot be used together: {0}")]
    Unusable(String),
    #[error(
        "{path} can be read by every user of this machine (mode {mode:03o}), expected its owner only: chmod 600 {path}"
    )]
    Exposed { path: PathBuf, mode: u32 },
}

/// Permission bits of users who are neither the file's owner nor in its group.
const OTHERS: u32 = 0o007;

/// A certificate chain with its key, in files that may be replaced while the server runs.
#[derive(Debug, Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: Arc<Current>,
}

/// The chain and key for new connections.
#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl Tls {
    /// Reads the chain (the server's own certificate first) and the key, and checks that they belong together.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = Arc::new(Current(RwLock::new(Arc::new(certified_key(certificate, key)?))));
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reloads both files. New connections use the new chain; open connections are not affected.
    ///
    /// # Errors
    /// [`TlsError`]; the previous chain and key stay in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = Arc::new(certified_key(&self.certificate, &self.key)?);
        *self.current.0.write() = new;
        Ok(())
    }

    /// The path of the certificate chain.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The configuration of a listener. It follows [`Tls::reload`].
    ///
    /// # Errors
    /// [`TlsError::Unusable`].
    pub fn server_config(&self) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::clone(&self.current) as _;
        Ok(builder.with_no_client_auth().with_cert_resolver(resolver))
    }
}

fn certified_key(certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let pem = |path: &Path, expected, message: String| TlsError::Pem { path: path.to_owned(), expected, message };
    let bytes = read(certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| pem(certificate, "certificates", error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "certificates", "it contains none".to_owned()));
    }
    let mode =
        std::fs::metadata(key).map_err(|error| TlsError::Io { path: key.to_owned(), error })?.permissions().mode();
    if mode & OTHERS != 0 {
        return Err(TlsError::Exposed { path: key.to_owned(), mode: mode & 0o777 });
    }
    let bytes = read(key)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| pem(key, "a private key", error.to_string()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider()).map_err(|error| TlsError::Unusable(error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let io = |error| TlsError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_CONFIG_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
