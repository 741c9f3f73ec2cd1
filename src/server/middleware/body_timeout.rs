//! Limits on request bodies: timeouts and memory.
//!
//! The framework's own timeout covers only the head: a client that sends a byte of its body now and then would hold its
//! connection, and everything its handler holds, for ever. So a body has an idle timeout and a total timeout, which grows with
//! the bytes received at a minimum rate. Only time spent waiting for the client counts: a bulk load that waits for the journal
//! (back-pressure) is not slow.
//!
//! A body stays in memory until its request is answered, so the bytes of all bodies are bounded, in total and per token
//! ([`Reservation`]). A body of known length reserves its memory before its first byte is read, any other as it arrives. While
//! there is no memory the sender waits; after a while it is rejected with `Retry-After`. Bulk bodies release their memory once they
//! are open: from then on the limit on open bulk bodies bounds their memory.

use super::body_memory::{NoMemory, Reservation};
use crate::limits::{LEAST_BODY_BYTES_A_MINUTE, LEAST_BODY_BYTES_A_SECOND, ROOM_STEP_BYTES};
use crate::server::quota::Share;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Timeouts of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the head of a request.
    pub head: Duration,
    /// Idle timeout of a request body, and of a response of which the client reads nothing.
    pub body_idle: Duration,
    /// Total time spent waiting for one body, plus one second per [`LEAST_BODY_BYTES_A_SECOND`] received. In each minute of waiting
    /// at least [`LEAST_BODY_BYTES_A_MINUTE`] must arrive.
    pub body_total: Duration,
    /// Idle time between two requests on a connection.
    pub keep_alive: Duration,
}

/// The same body, which fails with [`io::ErrorKind::TimedOut`] when it arrives too slowly and with [`NoMemory`] when there is no
/// memory for it. `length` is its length if it is known and the body is read whole.
pub(super) fn bounded(
    payload: Payload,
    timeouts: Timeouts,
    reservation: Rc<Reservation>,
    length: Option<u64>,
) -> Payload {
    if matches!(payload, Payload::None) {
        return payload;
    }
    let body = Bounded {
        payload,
        timeouts,
        waited: Duration::ZERO,
        bytes: 0,
        waiting: None,
        minute: Minute::default(),
        reservation,
        wanted: length.unwrap_or(0),
        taking: None,
        arrived: None,
    };
    Payload::Stream { payload: Box::pin(body) }
}

/// The last minute of waiting.
#[derive(Debug, Default)]
struct Minute {
    /// Time waited and bytes received when the minute began.
    waited: Duration,
    bytes: u64,
}

const A_MINUTE: Duration = Duration::from_secs(60);

/// A pending reservation.
type Taking = Pin<Box<dyn Future<Output = Result<Share, NoMemory>>>>;

struct Bounded {
    payload: Payload,
    timeouts: Timeouts,
    /// Total time waited so far.
    waited: Duration,
    /// Bytes received so far.
    bytes: u64,
    /// When the wait for the next piece began, and its timer.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    minute: Minute,
    reservation: Rc<Reservation>,
    /// Bytes to reserve in total.
    wanted: u64,
    taking: Option<Taking>,
    /// A piece that waits for its reservation.
    arrived: Option<Bytes>,
}

impl Stream for Bounded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Err(error) = std::task::ready!(this.poll_reservation(context)) {
                return Poll::Ready(Some(Err(PayloadError::Io(io::Error::other(error)))));
            }
            if let Some(piece) = this.arrived.take() {
                return Poll::Ready(Some(Ok(piece)));
            }
            match std::task::ready!(this.poll_payload(context)) {
                Some(Ok(piece)) => {
                    if this.wanted < this.bytes {
                        this.wanted = this.bytes.next_multiple_of(ROOM_STEP_BYTES as u64);
                    }
                    this.arrived = Some(piece);
                }
                end => return Poll::Ready(end),
            }
        }
    }
}

impl Bounded {
    /// Waits until `wanted` bytes are reserved.
    fn poll_reservation(&mut self, context: &mut Context<'_>) -> Poll<Result<(), NoMemory>> {
        if self.taking.is_none() {
            self.taking = self.reservation.take_up_to(self.wanted);
        }
        let Some(taking) = &mut self.taking else { return Poll::Ready(Ok(())) };
        let accepted = std::task::ready!(taking.as_mut().poll(context));
        self.taking = None;
        Poll::Ready(accepted.map(|share| self.reservation.add(share)))
    }

    fn poll_payload(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        let this = self;
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
        if this.bytes - this.minute.bytes >= LEAST_BODY_BYTES_A_MINUTE {
            this.minute = Minute { waited: this.waited, bytes: this.bytes };
        }
        let left_of_minute = (this.minute.waited + A_MINUTE).saturating_sub(this.waited);
        let (_, alarm) = this.waiting.get_or_insert_with(|| {
            let now = tokio::time::Instant::now();
            (now, Box::pin(sleep_until(now + timeouts.body_idle.min(left).min(left_of_minute))))
        });
        match alarm.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                this.waiting = None;
                let message = if left < timeouts.body_idle.min(left_of_minute) {
                    format!("the body took longer than {} s", allowed.as_secs_f64())
                } else if left_of_minute < timeouts.body_idle {
                    let came = this.bytes - this.minute.bytes;
                    format!("{came} bytes of the body came in a minute, expected at least {LEAST_BODY_BYTES_A_MINUTE}")
                } else {
                    format!("nothing more of the body came for {} s", timeouts.body_idle.as_secs_f64())
                };
                Poll::Ready(Some(Err(PayloadError::Io(io::Error::new(io::ErrorKind::TimedOut, message)))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
