//! One log line per request, written when its response has been sent or abandoned.

use super::admission::RequestId;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::web::Bytes;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;

/// Data of a running request. Logged when the request ends or is dropped because its client disconnected.
pub(super) struct Record {
    id: String,
    method: Method,
    /// The route's pattern. The path is not logged because it names tickets, nor the query, which may name customers.
    route: Option<String>,
    began: Instant,
    pub caller: Option<Arc<str>>,
    is_written: bool,
}

impl Record {
    pub(super) fn of(request: &ServiceRequest, id: &RequestId) -> Self {
        Self {
            id: id.text().to_owned(),
            method: request.method().clone(),
            route: request.match_pattern(),
            began: Instant::now(),
            caller: None,
            is_written: false,
        }
    }

    pub(super) fn route(&self) -> Option<&str> {
        self.route.as_deref()
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes the log line, once.
    pub(super) fn end(&mut self, status: u16, bytes: u64) {
        if std::mem::replace(&mut self.is_written, true) {
            return;
        }
        tracing::info!(
            target: "overdue::request",
            request_id = self.id,
            method = self.method.as_str(),
            route = self.route.as_deref().unwrap_or("none"),
            status,
            duration_ms = self.began.elapsed().as_micros() as f64 / 1_000.0,
            bytes,
            token = self.caller.as_deref().unwrap_or("none"),
            "request"
        );
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // 499: the client disconnected before the response (nginx's code).
        self.end(499, 0);
    }
}

/// A response body that counts its bytes and ends the request's record when dropped.
pub(super) struct Logged {
    body: BoxBody,
    record: Record,
    status: u16,
    bytes: u64,
}

impl Logged {
    pub(super) fn new(body: BoxBody, record: Record, status: u16) -> Self {
        Self { body, record, status, bytes: 0 }
    }
}

impl MessageBody for Logged {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.get_mut();
        let piece = Pin::new(&mut this.body).poll_next(context);
        if let Poll::Ready(Some(Ok(piece))) = &piece {
            this.bytes += piece.len() as u64;
        }
        piece
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        self.record.end(self.status, self.bytes);
    }
}
