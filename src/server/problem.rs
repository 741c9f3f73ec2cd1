//! Every error of the API is a problem document (RFC 9457), including the framework's own errors.
//!
//! A handler returns [`ApiResult`]; an error is a [`Problem`]. The outermost middleware adds what a handler does not know (the path
//! and the request id) and converts the framework's own error responses to problem documents.

use super::middleware::NoMemory;
use crate::policy;
use crate::service::CommandError;
use actix_web::error::{JsonPayloadError, PathError, PayloadError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};
use std::{fmt, io};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// Seconds after which a client should retry when there is no memory for its body.
const BODY_RETRY_S: u64 = 2;

/// What a handler returns.
pub(crate) type ApiResult<T> = Result<T, Problem>;

/// The media type of a problem document.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a client should retry when the command queue is full.
const BUSY_RETRY_S: u64 = 1;

/// An error: a boxed [`Document`], so that results that are mostly `Ok` stay small.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Problem(Box<Document>);

/// An error, as defined by RFC 9457.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct Document {
    /// The kind of error. `about:blank`: the status alone identifies it.
    #[serde(rename = "type")]
    pub kind: String,
    /// A short title, constant for each kind.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// The cause of this error, with values.
    pub detail: String,
    /// The requested path.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instance: Option<String>,
    /// The request id, also in the header `X-Request-Id` and in the log.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// The individual errors.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// Headers of the response.
    #[serde(skip)]
    pub headers: Vec<(HeaderName, String)>,
}

/// One error in a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// What is wrong, with the field and its value.
    pub message: String,
    /// The file, when several were sent or named.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    /// The line, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<u64>,
    /// The column in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<u64>,
    /// The field, parameter or header at fault.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The value that was sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<String>,
    /// The expected value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expected: Option<String>,
    /// A suggested replacement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub instead: Option<String>,
    /// The part of the line around the error.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub excerpt: Option<String>,
}

impl FieldError {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    #[must_use]
    pub fn at_line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }
}

impl From<&policy::Problem> for FieldError {
    fn from(problem: &policy::Problem) -> Self {
        Self {
            message: problem.message.clone(),
            file: Some(problem.file.to_string()),
            line: Some(problem.line.into()),
            column: Some(problem.column.into()),
            instead: problem.instead.clone(),
            excerpt: Some(problem.excerpt.text.clone()).filter(|text| !text.is_empty()),
            ..Self::default()
        }
    }
}

impl Deref for Problem {
    type Target = Document;

    fn deref(&self) -> &Document {
        &self.0
    }
}

impl DerefMut for Problem {
    fn deref_mut(&mut self) -> &mut Document {
        &mut self.0
    }
}

impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Document::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Document::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Document::schemas(schemas);
    }
}

impl Problem {
    /// An error with this status; `detail` states the cause, with values.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Document {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            ..Document::default()
        }))
    }

    /// 400: malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 404.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 422: well-formed, but invalid.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 412.
    pub fn precondition_failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    /// 413.
    pub fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 415.
    pub fn unsupported(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 500.
    pub fn failed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
    }

    #[must_use]
    pub fn with_error(mut self, error: FieldError) -> Self {
        self.errors.push(error);
        self
    }

    #[must_use]
    pub fn with_errors(mut self, errors: impl IntoIterator<Item = FieldError>) -> Self {
        self.errors.extend(errors);
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sets `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after_s(self, seconds: u64) -> Self {
        self.with_header(header::RETRY_AFTER, seconds.to_string())
    }

    /// 422 for an invalid policy: one entry per error. Warnings are left out, because a client could take them for errors.
    pub fn of_policy(problems: &[policy::Problem]) -> Self {
        let errors = problems.iter().filter(|problem| problem.is_error()).count();
        let message =
            if errors == 1 { "the policy has an error".into() } else { format!("the policy has {errors} errors") };
        Self::invalid(message).with_errors(problems.iter().filter(|problem| problem.is_error()).map(FieldError::from))
    }

    fn status_or_500(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.status, self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.status_or_500()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_or_500());
        response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.append_header((name.clone(), value));
            }
        }
        let mut response = response.body(serde_json::to_vec(self).unwrap_or_default());
        // For the outermost middleware, which knows the path and the request id.
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<CommandError> for Problem {
    fn from(refusal: CommandError) -> Self {
        let message = refusal.to_string();
        match refusal {
            CommandError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after_s(BUSY_RETRY_S),
            CommandError::Stopping => Self::new(StatusCode::SERVICE_UNAVAILABLE, message),
            CommandError::NoSegment(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_after_s(BUSY_RETRY_S)
            }
            CommandError::DiskFull => Self::new(StatusCode::INSUFFICIENT_STORAGE, message),
            CommandError::Invalid(_) | CommandError::KeyReused => Self::invalid(message),
            CommandError::Policy(problems) => Self::of_policy(&problems),
            CommandError::Version { .. } => Self::precondition_failed(message),
            CommandError::Conflict(_) => Self::new(StatusCode::CONFLICT, message),
            CommandError::NotFound(_) => Self::not_found(message),
            CommandError::Failed(_) => Self::failed(message),
        }
    }
}

impl From<PayloadError> for Problem {
    fn from(error: PayloadError) -> Self {
        Self::from(&error)
    }
}

impl From<&PayloadError> for Problem {
    fn from(error: &PayloadError) -> Self {
        if let PayloadError::Io(error) = error
            && let Some(full) = NoMemory::of(error)
        {
            return full.into();
        }
        match error {
            PayloadError::Overflow => Self::too_large("the body is longer than this route accepts"),
            PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                Self::new(StatusCode::REQUEST_TIMEOUT, error.to_string())
            }
            PayloadError::EncodingCorrupted => Self::bad_request("the chunked encoding of the body is corrupt"),
            other => Self::bad_request(format!("the body ends early: {other}")),
        }
    }
}

impl From<JsonPayloadError> for Problem {
    fn from(error: JsonPayloadError) -> Self {
        match error {
            JsonPayloadError::OverflowKnownLength { length, limit } => {
                Self::too_large(format!("the body has {length} bytes, at most {limit} are accepted"))
            }
            JsonPayloadError::Overflow { limit } => {
                Self::too_large(format!("the body is longer than {limit} bytes, the maximum accepted"))
            }
            JsonPayloadError::ContentType => {
                Self::unsupported("the body must be JSON: send the header Content-Type: application/json")
            }
            JsonPayloadError::Payload(error) => error.into(),
            JsonPayloadError::Deserialize(error) => {
                let place = FieldError {
                    line: Some(error.line() as u64),
                    column: Some(error.column() as u64),
                    ..FieldError::new(error.to_string())
                };
                if error.is_data() {
                    Self::invalid("the body is JSON, but not what this route accepts").with_error(place)
                } else {
                    Self::bad_request("the body is not valid JSON").with_error(place)
                }
            }
            other => Self::bad_request(other.to_string()),
        }
    }
}

impl From<QueryPayloadError> for Problem {
    fn from(error: QueryPayloadError) -> Self {
        let message = match error {
            QueryPayloadError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        Self::bad_request("a query parameter is invalid").with_error(FieldError::new(message))
    }
}

impl From<PathError> for Problem {
    fn from(error: PathError) -> Self {
        let message = match error {
            PathError::Deserialize(error) => error.to_string(),
            other => other.to_string(),
        };
        Self::bad_request("a path parameter is invalid").with_error(FieldError::new(message))
    }
}

impl From<&NoMemory> for Problem {
    fn from(error: &NoMemory) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()).retry_after_s(BODY_RETRY_S)
    }
}
