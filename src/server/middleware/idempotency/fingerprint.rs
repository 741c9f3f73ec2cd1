//! Fingerprint of a request: a hash of its query and body, computed while the body is read. The body is not stored.
//!
//! The hash is XXH3 with 128 bits. Its values are written to the journal, so they must be the same in every release. It need not
//! resist forgery: a client that creates two bodies with the same fingerprint affects only its own requests.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::Stream;
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use twox_hash::xxhash3_128::Hasher;

/// Hash of what has been read of a request.
pub(crate) struct Sent {
    hash: RefCell<Hasher>,
    is_whole: Cell<bool>,
}

impl Sent {
    /// Starts with the query.
    pub(super) fn new(query: &str) -> Self {
        let mut hash = Hasher::new();
        hash.write(query.as_bytes());
        hash.write(b"\n");
        Self { hash: RefCell::new(hash), is_whole: Cell::new(false) }
    }

    /// The fingerprint; `None` if the body has not been read to the end.
    pub(super) fn fingerprint(&self) -> Option<u128> {
        self.is_whole.get().then(|| self.hash.borrow().finish_128())
    }
}

/// The same body, hashed while it is read.
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
