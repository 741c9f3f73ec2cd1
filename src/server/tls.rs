//! TLS: a certificate chain and its key from PEM files, checked before anything starts.

#[cfg(test)]
pub(in crate::server) mod tests;

use crate::limits::MAX_CONFIG_BYTES;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use thiserror::Error;

/// What is wrong with a certificate or key.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("{path}: {error}")]
    Io { path: PathBuf, error: io::Error },
    #[error("{path} is no PEM file of {expected}: {message}")]
    Pem { path: PathBuf, expected: &'static str, message: String },
    #[error("the certificate and the key cannot be used together: {0}")]
    Unusable(String),
}

/// Reads the chain (the server's own certificate first) and the key, and checks that they belong together.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let pem = |path: &Path, expected, message: String| TlsError::Pem { path: path.to_owned(), expected, message };
    let bytes = read(certificate)?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| pem(certificate, "certificates", error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "certificates", "there is none in it".to_owned()));
    }
    let bytes = read(key)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| pem(key, "a private key", error.to_string()))?;
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| TlsError::Unusable(error.to_string()))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let io = |error| TlsError::Io { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(MAX_CONFIG_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}
