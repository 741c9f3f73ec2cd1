use super::cache::Begun;
use super::*;
use crate::limits::{KEPT_ANSWER_S, MAX_KEPT_ANSWERS};
use std::time::Duration;

fn kept() -> Kept {
    Kept { status: StatusCode::CREATED, headers: Vec::new(), bytes: Bytes::from_static(b"{}"), fingerprint: Some(7) }
}

#[test]
fn a_key_runs_once_and_its_answer_is_given_again() {
    let answers = ResponseCache::default();
    let now = Instant::now();
    let Begun::First(guard) = answers.begin(1, now) else { panic!("not the first") };
    assert!(matches!(answers.begin(1, now), Begun::Running));
    assert!(matches!(answers.begin(2, now), Begun::First(_)));
    guard.keep(kept());
    assert!(matches!(answers.begin(1, now), Begun::Done(kept) if kept.status == StatusCode::CREATED));
    let later = Instant::now() + Duration::from_secs(KEPT_ANSWER_S);
    assert!(matches!(answers.begin(1, later), Begun::First(_)));
}

#[test]
fn a_request_that_was_given_up_or_refused_frees_its_key() {
    let answers = ResponseCache::default();
    drop(answers.begin(1, Instant::now()));
    assert!(matches!(answers.begin(1, Instant::now()), Begun::First(_)));
    assert_eq!(answers.len(), 0);
}

#[test]
fn the_oldest_answers_go_first() {
    let answers = ResponseCache::default();
    for key in 0..MAX_KEPT_ANSWERS as u128 + 10 {
        let Begun::First(guard) = answers.begin(key, Instant::now()) else { panic!("{key} is not the first") };
        guard.keep(kept());
    }
    assert_eq!(answers.len(), MAX_KEPT_ANSWERS);
    assert!(matches!(answers.begin(9, Instant::now()), Begun::First(_)));
    assert!(matches!(answers.begin(10, Instant::now()), Begun::Done(_)));
}
