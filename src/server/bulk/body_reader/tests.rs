use super::*;
use crate::server::bulk::slots::Slots;
use futures_util::stream;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

type Item = Result<Bytes, PayloadError>;

fn channel() -> (Feeder, BodyReader) {
    super::channel(Arc::new(Arc::new(Slots::new(1)).of("token".into())))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
}

/// Feeds a body and reads it on its own thread.
fn read_all(items: Vec<Item>, most: u64) -> io::Result<Vec<u8>> {
    let (feeder, mut reader) = channel();
    let thread = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map(|_| bytes)
    });
    runtime().block_on(feeder.feed(Bytes::from_static(b"head "), stream::iter(items), most));
    thread.join().expect("the reader ends")
}

fn reported(result: io::Result<Vec<u8>>) -> BodyError {
    BodyError::of(&result.expect_err("an error")).expect("one of ours").clone()
}

#[test]
fn a_body_comes_out_as_it_went_in() {
    let items = (0..200).map(|piece: u8| Ok(Bytes::from(vec![piece; 5_000]))).collect();
    let expected: Vec<u8> = b"head ".iter().copied().chain((0..200).flat_map(|piece: u8| vec![piece; 5_000])).collect();
    assert_eq!(read_all(items, u64::MAX).expect("whole"), expected);
}

#[test]
fn what_ends_early_is_an_error_and_not_an_end() {
    let row = || Ok(Bytes::from_static(b"row"));
    assert_eq!(reported(read_all(vec![row(), Err(PayloadError::Incomplete(None)), row()], 100)), BodyError::Gone);
    assert!(matches!(reported(read_all(vec![row(), Err(PayloadError::EncodingCorrupted)], 100)), BodyError::Broken(_)));
    assert_eq!(reported(read_all(vec![row(), row(), row()], 10)), BodyError::TooLarge { most: 10 });
    // The request is dropped, and its feeder with it.
    let (feeder, mut reader) = channel();
    drop(feeder);
    assert_eq!(reported(reader.read_to_end(&mut Vec::new()).map(|_| Vec::new())), BodyError::Gone);
}

#[test]
fn a_slow_sender_is_told_as_that() {
    let slow = || Err(PayloadError::Io(io::Error::new(io::ErrorKind::TimedOut, "nothing more came")));
    assert_eq!(reported(read_all(vec![slow()], 100)), BodyError::Slow("nothing more came".into()));
}

#[test]
fn a_slow_reader_holds_the_sender_back() {
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let endless = stream::repeat_with(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Item::Ok(Bytes::from(vec![b'x'; BODY_PIECE_BYTES]))
    });
    let runtime = runtime();
    let _inside = runtime.enter();
    let (feeder, mut reader) = channel();
    let mut feeding = pin!(feeder.feed(Bytes::new(), endless, u64::MAX));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(feeding.as_mut().poll(&mut context), Poll::Pending);
    // The pieces in the channel, and the one that waits for capacity.
    assert_eq!(accepted.load(Ordering::Relaxed), BODY_PIECES + 1);
    assert_eq!(feeding.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(accepted.load(Ordering::Relaxed), BODY_PIECES + 1, "nothing is accepted without a reader");
    let mut piece = vec![0; BODY_PIECE_BYTES];
    reader.read_exact(&mut piece).expect("a piece");
    assert_eq!(feeding.as_mut().poll(&mut context), Poll::Pending);
    assert_eq!(accepted.load(Ordering::Relaxed), BODY_PIECES + 2, "one was read, one is accepted");
    drop(reader);
    assert_eq!(feeding.as_mut().poll(&mut context), Poll::Ready(()), "without a reader the sender is released");
}
