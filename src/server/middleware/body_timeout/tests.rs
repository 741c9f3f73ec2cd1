use super::*;
use crate::server::middleware::BodyMemory;
use futures_util::{StreamExt, stream};
use std::sync::Arc;

const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(10),
    body_idle: Duration::from_secs(20),
    body_total: Duration::from_secs(600),
    keep_alive: Duration::from_secs(30),
};

/// Reads pieces that arrive at this interval until the body ends. Returns their number, the duration and the error.
fn read(pieces: usize, piece_bytes: usize, apart: Duration) -> (usize, Duration, Option<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async move {
        let piece = Bytes::from(vec![b'x'; piece_bytes]);
        let source = stream::unfold(0, move |count| async move {
            tokio::time::sleep(apart).await;
            (count < pieces).then_some((count, count + 1))
        });
        let source = source.map(move |_| Ok(piece.clone()));
        let reservation = Rc::new(Reservation::new(Arc::new(BodyMemory::new(0)), "token".into()));
        let mut body = bounded(Payload::Stream { payload: Box::pin(source) }, TIMEOUTS, reservation, None);
        let began = Instant::now();
        let mut count = 0;
        let error = loop {
            match body.next().await {
                Some(Ok(_)) => count += 1,
                Some(Err(error)) => break Some(error.to_string()),
                None => break None,
            }
        };
        (count, began.elapsed(), error)
    })
}

#[test]
fn a_body_that_hardly_moves_is_given_up_after_a_minute() {
    let (count, took, error) = read(1_000, 1, Duration::from_secs(11));
    assert_eq!((count, took), (5, A_MINUTE));
    assert!(error.is_some_and(|message| message.contains("5 bytes of the body came in a minute")));
    // Regardless of how much came before.
    let (count, took, error) = read(50, 30_000, Duration::from_secs(10));
    assert_eq!((count, error), (50, None));
    assert_eq!(took, Duration::from_secs(510));
}

#[test]
fn silence_is_given_up_sooner() {
    let (count, took, error) = read(9, 1 << 20, Duration::from_secs(21));
    assert_eq!((count, took), (0, TIMEOUTS.body_idle));
    assert!(error.is_some_and(|message| message.contains("nothing more of the body came for 20 s")));
}
