//! A request body as a blocking reader.
//!
//! The connection's task sends pieces into a bounded channel. When the channel is full, the task reads no more from the socket, so
//! the sender is slowed to the rate at which rows are accepted. While the channel is empty, the body releases its slot. Only a
//! complete body ends the reader; a disconnected client and every other failure is an error ([`BodyError`]).

use super::slots::Slot;
use crate::limits::{BODY_PIECE_BYTES, BODY_PIECES};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::io::{self, Read};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::mpsc;

/// Why a body is incomplete.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum BodyError {
    #[error("the client went away before the end of the body")]
    Gone,
    #[error("the body cannot be read: {0}")]
    Broken(String),
    #[error("the body has more than {most} bytes")]
    TooLarge { most: u64 },
    /// A timeout, reported by the middleware that limits how slowly a body may arrive.
    #[error("{0}")]
    Slow(String),
}

impl BodyError {
    /// This error, if it is the cause of `error`.
    pub(super) fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

enum Piece {
    Bytes(Bytes),
    End,
    Failed(BodyError),
}

/// Both ends of a body's channel.
pub(super) fn channel(slot: Arc<Slot>) -> (Feeder, BodyReader) {
    let (pieces_in, pieces_out) = mpsc::channel(BODY_PIECES);
    (Feeder { pieces: pieces_in }, BodyReader { pieces: pieces_out, at_hand: Bytes::new(), ended: None, slot })
}

/// The connection's end.
pub(super) struct Feeder {
    pieces: mpsc::Sender<Piece>,
}

impl Feeder {
    /// Sends a body of at most `most` bytes, `head` first; ends early when the reader is dropped.
    pub(super) async fn feed<S>(self, head: Bytes, mut body: S, most: u64)
    where
        S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    {
        let mut total = 0;
        let mut pending = BytesMut::new();
        let mut next = Some(Ok(head));
        let last = loop {
            match next {
                None => break Piece::End,
                Some(Err(PayloadError::Incomplete(_))) => break Piece::Failed(BodyError::Gone),
                Some(Err(PayloadError::Io(error))) if error.kind() == io::ErrorKind::TimedOut => {
                    break Piece::Failed(BodyError::Slow(error.to_string()));
                }
                Some(Err(error)) => break Piece::Failed(BodyError::Broken(error.to_string())),
                Some(Ok(bytes)) => {
                    total += bytes.len() as u64;
                    if total > most {
                        break Piece::Failed(BodyError::TooLarge { most });
                    }
                    pending.extend_from_slice(&bytes);
                }
            }
            if pending.len() >= BODY_PIECE_BYTES && !self.send(Piece::Bytes(pending.split().freeze())).await {
                return;
            }
            next = body.next().await;
        };
        if !pending.is_empty() && !self.send(Piece::Bytes(pending.freeze())).await {
            return;
        }
        self.send(last).await;
    }

    /// Sends a piece; returns whether the reader still exists.
    async fn send(&self, piece: Piece) -> bool {
        self.pieces.send(piece).await.is_ok()
    }
}

/// The parser's end. Blocks: not for async threads.
pub(super) struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    at_hand: Bytes,
    ended: Option<Result<(), BodyError>>,
    /// Released while the reader waits for the sender.
    slot: Arc<Slot>,
}

impl BodyReader {
    fn next_piece(&mut self) -> Option<Piece> {
        let piece = match self.pieces.try_recv() {
            Ok(piece) => Some(piece),
            Err(_) => {
                self.slot.pause();
                self.pieces.blocking_recv()
            }
        };
        self.slot.begin();
        piece
    }
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at_hand.is_empty() {
            match &self.ended {
                Some(Ok(())) => return Ok(0),
                Some(Err(error)) => return Err(io::Error::other(error.clone())),
                None => {}
            }
            match self.next_piece() {
                Some(Piece::Bytes(bytes)) => self.at_hand = bytes,
                Some(Piece::End) => self.ended = Some(Ok(())),
                Some(Piece::Failed(error)) => self.ended = Some(Err(error)),
                // The request has been dropped, and its feeder with it.
                None => self.ended = Some(Err(BodyError::Gone)),
            }
        }
        let count = self.at_hand.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.at_hand.split_to(count));
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
