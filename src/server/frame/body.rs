//! Bodies that come too slowly.
//!
//! The framework's own timeout ends with the head: a client that sends a byte of its body now and then would hold its connection,
//! and whatever its handler holds, for ever. So a body must go on within some seconds, and end within some minutes and the time
//! that its bytes take at a modest pace. Only the time for which the client keeps us waiting counts: a bulk load that waits for
//! the journal (back-pressure) is not slow.

use crate::limits::LEAST_BODY_BYTES_A_SECOND;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a client may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the head of a request.
    pub head: Duration,
    /// From one piece of a body to the next.
    pub body_idle: Duration,
    /// For all waiting for one body, beside a second for every [`LEAST_BODY_BYTES_A_SECOND`].
    pub body_total: Duration,
    /// Between two requests on a connection.
    pub keep_alive: Duration,
}

/// The same body, with an error of the kind [`io::ErrorKind::TimedOut`] when it comes too slowly.
pub fn timed(payload: Payload, timeouts: Timeouts) -> Payload {
    if matches!(payload, Payload::None) {
        return payload;
    }
    Payload::Stream { payload: Box::pin(Timed { payload, timeouts, waited: Duration::ZERO, bytes: 0, waiting: None }) }
}

struct Timed {
    payload: Payload,
    timeouts: Timeouts,
    /// All waiting so far.
    waited: Duration,
    /// Bytes so far.
    bytes: u64,
    /// Since when we wait for the next piece, and the alarm.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Stream for Timed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Poll::Ready(piece) = Pin::new(&mut this.payload).poll_next(context) {
            if let Some((since, _)) = this.waiting.take() {
                this.waited += since.elapsed();
            }
            if let Some(Ok(piece)) = &piece {
                this.bytes += piece.len() as u64;
            }
            return Poll::Ready(piece);
        }
        let timeouts = this.timeouts;
        let allowed = timeouts.body_total + Duration::from_secs(this.bytes / LEAST_BODY_BYTES_A_SECOND);
        let left = allowed.saturating_sub(this.waited);
        let (_, alarm) = this.waiting.get_or_insert_with(|| {
            let now = tokio::time::Instant::now();
            (now, Box::pin(sleep_until(now + timeouts.body_idle.min(left))))
        });
        match alarm.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                this.waiting = None;
                let words = if left < timeouts.body_idle {
                    format!("the body took longer than {} s", allowed.as_secs_f64())
                } else {
                    format!("nothing more of the body came for {} s", timeouts.body_idle.as_secs_f64())
                };
                Poll::Ready(Some(Err(PayloadError::Io(io::Error::new(io::ErrorKind::TimedOut, words)))))
            }
        }
    }
}
