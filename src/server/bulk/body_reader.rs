//! A request's body as something that a thread can read.
//!
//! The connection's task feeds pieces into a bounded channel; when it is full it takes no more from the socket, so a sender
//! goes as fast as the rows are taken. While the channel is empty the body's turn to be worked on is given back. The reader tells the end of the body from a client that went away: only a body that
//! came whole ends; everything else is an error of the reader, told as what it is ([`BodyError`]).

use super::slots::Slot;
use crate::limits::{BODY_PIECE_BYTES, BODY_PIECES};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::io::{self, Read};
use std::sync::Arc;
use thiserror::Error;
use tokio::sync::mpsc;

/// Why a body ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    #[error("the client went away before the end of the body")]
    Gone,
    #[error("the body cannot be read: {0}")]
    Broken(String),
    #[error("the body has more than {most} bytes")]
    TooLarge { most: u64 },
    /// The frame around every request watches how fast a body comes.
    #[error("{0}")]
    Slow(String),
}

impl BodyError {
    /// The error that a reader of the body met, if it is one of these.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

enum Piece {
    Bytes(Bytes),
    End,
    Failed(BodyError),
}

/// A body and a reader of it.
pub fn channel(slot: Arc<Slot>) -> (Feeder, BodyReader) {
    let (pieces_in, pieces_out) = mpsc::channel(BODY_PIECES);
    (Feeder { pieces: pieces_in }, BodyReader { pieces: pieces_out, at_hand: Bytes::new(), ended: None, slot })
}

/// The connection's end.
pub struct Feeder {
    pieces: mpsc::Sender<Piece>,
}

impl Feeder {
    /// Hands on a body of at most `most` bytes, `head` first; ends early when nobody reads any more.
    pub async fn feed<S>(self, head: Bytes, mut body: S, most: u64)
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

    /// Whether somebody still reads.
    async fn send(&self, piece: Piece) -> bool {
        self.pieces.send(piece).await.is_ok()
    }
}

/// The parser's end. Blocks: not for async threads.
pub struct BodyReader {
    pieces: mpsc::Receiver<Piece>,
    at_hand: Bytes,
    ended: Option<Result<(), BodyError>>,
    /// Given back while the sender is waited for.
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
                // The request was dropped with its feeder.
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
