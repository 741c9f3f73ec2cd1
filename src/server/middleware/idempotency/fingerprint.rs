//! What a request sent, as a number: a hash of its query and body, computed as the body passes by. Nothing is kept of the body.
//!
//! The hash is XXH3 with 128 bits: its values are written to the journal, so they must be the same in every release. It need not
//! withstand forgery: who makes two bodies with one fingerprint deceives nobody but themselves.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use twox_hash::xxhash3_128::Hasher;

/// What has been read of a request.
pub(crate) struct Sent {
    hash: RefCell<Hasher>,
    is_whole: Cell<bool>,
}

impl Sent {
    /// Nothing but the query, so far.
    pub fn new(query: &str) -> Self {
        let mut hash = Hasher::new();
        hash.write(query.as_bytes());
        hash.write(b"\n");
        Self { hash: RefCell::new(hash), is_whole: Cell::new(false) }
    }

    /// The fingerprint; none of a body that was not read to its end.
    pub fn fingerprint(&self) -> Option<u128> {
        self.is_whole.get().then(|| self.hash.borrow().finish_128())
    }
}

/// The same body, hashed as it is read.
pub(crate) fn hashed(payload: Payload, sent: Rc<Sent>) -> Payload {
    if matches!(payload, Payload::None) {
        sent.is_whole.set(true);
        return payload;
    }
    Payload::Stream { payload: Box::pin(Hashed { payload, sent }) }
}

struct Hashed {
    payload: Payload,
    sent: Rc<Sent>,
}

impl Stream for Hashed {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let piece = Pin::new(&mut this.payload).poll_next(context);
        match &piece {
            Poll::Ready(Some(Ok(bytes))) => this.sent.hash.borrow_mut().write(bytes),
            Poll::Ready(None) => this.sent.is_whole.set(true),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        piece
    }
}
