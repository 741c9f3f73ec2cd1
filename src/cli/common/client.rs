//! HTTP client for a running service, shared by `load`, `top` and `demo`.
//!
//! [`Failure`] classifies errors: transient ones ([`Failure::is_passing`]: no connection, an overloaded or restarting service)
//! and permanent ones (an unknown token, an invalid request). A token is never sent over an unencrypted connection to another
//! machine unless the user insists, and never to another address by a redirect.

use crate::limits;
use crate::server::problem::{Document, FieldError};
use anyhow::{Context, bail};
use reqwest::blocking::{RequestBuilder, Response};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Url, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::env;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use thiserror::Error;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Connection timeout.
const CONNECT: Duration = Duration::from_secs(10);

/// Address and credentials.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerArguments {
    /// Address of the service, such as <https://sla.example.org> or <http://127.0.0.1:8080>
    #[arg(long, value_name = "URL")]
    url: Url,
    /// Token; other users of this machine can see it in the process list: prefer --token-file or `OVERDUE_TOKEN`
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    token: Option<String>,
    /// File with the token
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) of a private authority; only these are trusted then
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Send the token over plain http to another machine, where it can be intercepted
    #[arg(long)]
    insecure_http: bool,
}

/// A connection to a service. Cheap to clone; usable from several threads at once.
#[derive(Clone)]
pub(crate) struct Client {
    base: Url,
    authorization: Option<HeaderValue>,
    http: reqwest::blocking::Client,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// No connection, or it broke: whether the request was executed is unknown.
    #[error("{0}")]
    Unreachable(String),
    /// The service's error response.
    #[error("{status}: {message}")]
    Rejected { status: u16, message: String, retry_after: Option<Duration>, errors: Vec<FieldError> },
    #[error("the response cannot be read: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Whether the same request may succeed later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            // The same request is still in progress.
            Self::Rejected { status: 409, retry_after, .. } => retry_after.is_some(),
            Self::Rejected { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::Unreadable(_) => false,
        }
    }

    /// How long the service asks the client to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Rejected { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// Errors of a problem document that are shown.
const ERRORS_SHOWN: usize = 5;

/// What a response may be.
pub(crate) trait Wire: Default + Serialize + DeserializeOwned {}

impl<T: Default + Serialize + DeserializeOwned> Wire for T {}

impl Client {
    /// A client for the service of the command line.
    ///
    /// # Errors
    /// An unusable address or token, and a token that would go over plain http to another machine.
    pub(crate) fn new(arguments: &ServerArguments) -> anyhow::Result<Self> {
        let token = token(arguments)?;
        let url = &arguments.url;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            bail!("--url {url}: expected an address that begins with https:// or http://");
        }
        if token.is_some() && url.scheme() == "http" && !is_loopback(url) && !arguments.insecure_http {
            bail!("--url {url}: a token over plain http can be read on the way: use https, or say --insecure-http");
        }
        let authorities = arguments.ca.as_deref().map(certificates).transpose()?;
        Self::build(url.clone(), token.as_deref(), authorities)
    }

    /// A client for a service on this machine that requires no token.
    ///
    /// # Errors
    /// The client cannot be set up.
    pub(crate) fn local(url: Url) -> anyhow::Result<Self> {
        Self::build(url, None, None)
    }

    fn build(mut base: Url, token: Option<&str>, authorities: Option<Vec<Certificate>>) -> anyhow::Result<Self> {
        // A second call finds it installed: the first call applies to the whole process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::blocking::Client::builder()
            .user_agent(concat!("overdue/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT)
            .redirect(redirect::Policy::none());
        if is_loopback(&base) {
            // The proxy of the environment is for remote hosts only.
            http = http.no_proxy();
        }
        // Without a private authority the system's are read; plain http needs none, and a minimal machine has none.
        let unused = (base.scheme() == "http").then(Vec::new);
        if let Some(only) = authorities.or(unused) {
            http = http.tls_certs_only(only);
        }
        let authorization = token.map(|token| HeaderValue::from_str(&format!("Bearer {token}"))).transpose();
        let mut authorization = authorization.context("the token contains invalid characters")?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { base, authorization, http: http.build().context("cannot set up the http client")? })
    }

    /// The address of the service.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Whether the service is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Sends a GET request; `path` has no leading slash and includes the query.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn get<T: Wire>(&self, path: &str, time: Duration) -> Result<T, Failure> {
        self.ask(self.http.get(self.address(path)?).timeout(time))
    }

    /// Sends a body; a repeat with the same key is executed once.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn post<T: Wire>(
        &self,
        path: &str,
        content_type: &'static str,
        key: &str,
        body: bytes::Bytes,
        time: Duration,
    ) -> Result<T, Failure> {
        let request = self.http.post(self.address(path)?).timeout(time).body(body);
        self.ask(request.header(CONTENT_TYPE, content_type).header(IDEMPOTENCY_KEY, key))
    }

    fn address(&self, path: &str) -> Result<Url, Failure> {
        self.base.join(path).map_err(|error| Failure::Unreadable(format!("{path}: {error}")))
    }

    fn ask<T: Wire>(&self, mut request: RequestBuilder) -> Result<T, Failure> {
        request = request.header(ACCEPT, "application/json, application/problem+json");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().map_err(|error| Failure::Unreachable(whole_story(&error)))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = read_body(response)?;
        if status.is_success() {
            return read(&body).map_err(|error| Failure::Unreadable(error.to_string()));
        }
        let problem: Document = read(&body).unwrap_or_default();
        let mut message = match (problem.title.as_str(), problem.detail.as_str()) {
            ("", "") => status.canonical_reason().unwrap_or("no reason given").to_owned(),
            (title, "") => title.to_owned(),
            ("", detail) => detail.to_owned(),
            (title, detail) => format!("{title}: {detail}"),
        };
        for error in problem.errors.iter().take(ERRORS_SHOWN) {
            message = format!("{message}; {}", error.message);
        }
        let retry_after = retry_after(&headers);
        Err(Failure::Rejected { status: status.as_u16(), message, retry_after, errors: problem.errors })
    }
}

/// A response, as the service's own type. What a service of another version leaves out counts as nothing, what it adds is passed
/// over: so it is shown as far as it goes.
///
/// # Errors
/// When the body is not valid JSON, or a member has another type.
pub(crate) fn read<T: Wire>(body: &[u8]) -> serde_json::Result<T> {
    let mut whole = serde_json::to_value(T::default())?;
    overlay(&mut whole, serde_json::from_slice(body)?);
    serde_json::from_value(whole)
}

fn overlay(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (name, value) in over {
                overlay(under.entry(name).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn read_body(response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = response.take(limits::MAX_RESPONSE_BYTES + 1).read_to_end(&mut body);
    read.map_err(|error| Failure::Unreachable(format!("the response is incomplete: {error}")))?;
    if body.len() as u64 > limits::MAX_RESPONSE_BYTES {
        return Err(Failure::Unreadable(format!("it is longer than {} bytes", limits::MAX_RESPONSE_BYTES)));
    }
    Ok(body)
}

/// An error with its causes: reqwest's own text only says that the request failed.
fn whole_story(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// `Retry-After`, in seconds or as a date; a date is relative to the response's own `Date`, independent of this machine's clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date_ms = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond());
    let wait_ms = date_ms(text)? - date_ms(headers.get(DATE)?.to_str().ok()?)?;
    u64::try_from(wait_ms).ok().map(Duration::from_millis)
}

fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn token(arguments: &ServerArguments) -> anyhow::Result<Option<String>> {
    let text = match (&arguments.token, &arguments.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(path)) => {
            let bytes = read_bounded(path, limits::MAX_TOKEN_FILE_BYTES)?;
            Some(String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8 text", path.display()))?)
        }
        (None, None) => env::var("OVERDUE_TOKEN").ok(),
    };
    Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn certificates(path: &Path) -> anyhow::Result<Vec<Certificate>> {
    let pem = read_bounded(path, limits::MAX_CERTIFICATES_BYTES)?;
    let found = Certificate::from_pem_bundle(&pem).with_context(|| format!("{} is not PEM", path.display()))?;
    if found.is_empty() {
        bail!("{} contains no certificate", path.display());
    }
    Ok(found)
}

fn read_bounded(path: &Path, most: u64) -> anyhow::Result<Vec<u8>> {
    let cannot_read = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    File::open(path).with_context(cannot_read)?.take(most + 1).read_to_end(&mut bytes).with_context(cannot_read)?;
    if bytes.len() as u64 > most {
        bail!("{} is longer than {most} bytes", path.display());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
