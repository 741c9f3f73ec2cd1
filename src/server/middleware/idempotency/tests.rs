use super::cache::Begun;
use super::*;
use crate::limits::{CACHED_RESPONSE_S, MAX_CACHED_RESPONSES};
use std::time::Duration;

fn cached() -> CachedResponse {
    CachedResponse {
        status: StatusCode::CREATED,
        headers: Vec::new(),
        bytes: Bytes::from_static(b"{}"),
        fingerprint: Some(7),
    }
}

#[test]
fn a_key_runs_once_and_its_answer_is_given_again() {
    let responses = ResponseCache::default();
    let now = Instant::now();
    let Begun::First(guard) = responses.begin(1, now) else { panic!("not the first") };
    assert!(matches!(responses.begin(1, now), Begun::Running));
    assert!(matches!(responses.begin(2, now), Begun::First(_)));
    guard.keep(cached());
    assert!(matches!(responses.begin(1, now), Begun::Done(cached) if cached.status == StatusCode::CREATED));
    let later = Instant::now() + Duration::from_secs(CACHED_RESPONSE_S);
    assert!(matches!(responses.begin(1, later), Begun::First(_)));
}

#[test]
fn a_request_that_was_given_up_or_refused_frees_its_key() {
    let responses = ResponseCache::default();
    drop(responses.begin(1, Instant::now()));
    assert!(matches!(responses.begin(1, Instant::now()), Begun::First(_)));
    assert_eq!(responses.len(), 0);
}

#[test]
fn the_oldest_answers_go_first() {
    let responses = ResponseCache::default();
    for key in 0..MAX_CACHED_RESPONSES as u128 + 10 {
        let Begun::First(guard) = responses.begin(key, Instant::now()) else { panic!("{key} is not the first") };
        guard.keep(cached());
    }
    assert_eq!(responses.len(), MAX_CACHED_RESPONSES);
    assert!(matches!(responses.begin(9, Instant::now()), Begun::First(_)));
    assert!(matches!(responses.begin(10, Instant::now()), Begun::Done(_)));
}
