//! Content type and content encoding of a bulk body.

use crate::ingest::Format;
use crate::server::problem::{FieldError, Problem};
use actix_web::HttpRequest;
use actix_web::http::header;
use actix_web::http::header::{HeaderMap, HeaderName};

const TYPES: &str = "application/x-ndjson, application/json, text/csv, application/vnd.apache.parquet, \
                     application/vnd.apache.arrow.stream or application/octet-stream (detected from its first bytes)";

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// Not declared by the sender; compression is detected from the first bytes.
    Unsaid,
    Gzip,
    Zstd,
}

impl Packing {
    /// Whether a body with this head can have this compression.
    pub(super) fn fits(self, head: &[u8]) -> bool {
        match self {
            Self::Unsaid => true,
            Self::Gzip => head.starts_with(&[0x1f, 0x8b]),
            Self::Zstd => {
                head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
            }
        }
    }
}

/// Whether a body is text that can be parsed directly: neither compressed nor a table.
pub(super) fn is_plain_text(head: &[u8]) -> bool {
    !Packing::Gzip.fits(head)
        && !Packing::Zstd.fits(head)
        && !head.starts_with(b"PAR1")
        && !head.starts_with(b"ARROW1")
        && !head.starts_with(&[0xff; 4])
}

/// The format that the headers name (`None`: detect it from the first bytes), and the compression.
///
/// # Errors
/// 415 for other types and encodings, with those that are accepted.
pub(super) fn said(request: &HttpRequest) -> Result<(Option<Format>, Packing), Problem> {
    Ok((format(request.headers())?, packing(request.headers())?))
}

fn format(headers: &HeaderMap) -> Result<Option<Format>, Problem> {
    let Some(text) = text(headers, &header::CONTENT_TYPE)? else { return Ok(None) };
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/x-ndjson" | "application/ndjson" | "application/jsonl" => Ok(Some(Format::Ndjson)),
        "application/json" => Ok(Some(Format::Json)),
        "text/csv" => Ok(Some(Format::Csv)),
        "application/vnd.apache.parquet" => Ok(Some(Format::Parquet)),
        "application/vnd.apache.arrow.stream" | "application/vnd.apache.arrow.file" => Ok(Some(Format::Arrow)),
        "application/octet-stream" | "" => Ok(None),
        _ => Err(rejected("content-type", text, TYPES)),
    }
}

fn packing(headers: &HeaderMap) -> Result<Packing, Problem> {
    let Some(text) = text(headers, &header::CONTENT_ENCODING)? else { return Ok(Packing::Unsaid) };
    match text.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Packing::Unsaid),
        "gzip" | "x-gzip" => Ok(Packing::Gzip),
        "zstd" => Ok(Packing::Zstd),
        _ => Err(rejected("content-encoding", text, "gzip, zstd or identity")),
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let readable = value.to_str().map_err(|_| Problem::unsupported(format!("the header {name} is not text")))?;
    Ok(Some(readable))
}

fn rejected(header: &str, value: &str, expected: &str) -> Problem {
    let message = format!("{header} is {value:?}, which this route does not accept");
    Problem::unsupported(&message)
        .with_error(FieldError::new(message).field(header).value(value).expected(expected.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn of(kind: &str, packing: &str) -> Result<(Option<Format>, Packing), u16> {
        let request = TestRequest::post()
            .insert_header((header::CONTENT_TYPE, kind))
            .insert_header((header::CONTENT_ENCODING, packing))
            .to_http_request();
        said(&request).map_err(|problem| problem.status)
    }

    #[test]
    fn headers_name_format_and_packing() {
        assert_eq!(of("application/x-ndjson", "zstd"), Ok((Some(Format::Ndjson), Packing::Zstd)));
        assert_eq!(of("Application/JSON; charset=utf-8", "identity"), Ok((Some(Format::Json), Packing::Unsaid)));
        assert_eq!(of("application/octet-stream", "gzip"), Ok((None, Packing::Gzip)));
        assert_eq!(of("text/html", "gzip"), Err(415));
        assert_eq!(of("text/csv", "br"), Err(415));
        assert_eq!(of("text/csv", "gzip, zstd"), Err(415));
        assert_eq!(said(&TestRequest::post().to_http_request()).ok(), Some((None, Packing::Unsaid)));
    }
}
