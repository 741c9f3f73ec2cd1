use super::*;

const PATIENCE: Duration = Duration::from_secs(20);

fn enter(readers: &Arc<Readers>, token: &str, count: usize, now: Instant) -> Vec<Result<Place, Full>> {
    (0..count).map(|_| readers.enter(&token.into(), now)).collect()
}

fn entered(places: &[Result<Place, Full>]) -> usize {
    places.iter().filter(|place| place.is_ok()).count()
}

#[test]
fn one_token_has_a_share_and_the_last_places_are_for_who_has_none() {
    let readers = Arc::new(Readers::new(PATIENCE));
    let now = Instant::now();
    let first = enter(&readers, "token 0", MAX_FEED_READERS, now);
    assert_eq!(entered(&first), MAX_FEED_READERS_OF_A_TOKEN);
    assert_eq!(first[MAX_FEED_READERS_OF_A_TOKEN].as_ref().unwrap_err(), &Full::Token);
    // Many tokens, each with as many readers as it gets.
    let greedy: Vec<_> =
        (1..9).map(|token| enter(&readers, &format!("token {token}"), MAX_FEED_READERS, now)).collect();
    let all: usize = entered(&first) + greedy.iter().map(|places| entered(places)).sum::<usize>();
    assert!(all < MAX_FEED_READERS, "{all}");
    let others: Vec<_> =
        (0..MAX_FEED_READERS - all).map(|token| enter(&readers, &format!("other {token}"), 2, now)).collect();
    assert!(others.iter().all(|places| places[0].is_ok()));
    assert_eq!(others[0][1].as_ref().unwrap_err(), &Full::All);
    assert_eq!(readers.enter(&"late".into(), now).unwrap_err(), Full::All);
    drop(first);
    assert!(readers.enter(&"late".into(), now).is_ok());
}

#[test]
fn who_takes_nothing_loses_the_place_and_who_waits_for_news_does_not() {
    let readers = Arc::new(Readers::new(PATIENCE));
    let began = Instant::now();
    let places = enter(&readers, "token", MAX_FEED_READERS_OF_A_TOKEN, began);
    let place = |number: usize| places[number].as_ref().unwrap();
    place(0).offer(began);
    place(1).offer(began);
    assert!(place(1).has_taken());
    assert_eq!(readers.enter(&"token".into(), began + PATIENCE / 2).unwrap_err(), Full::Token);
    let next = readers.enter(&"token".into(), began + PATIENCE).unwrap();
    assert!(!place(0).has_taken(), "it has lost its place");
    assert!(place(1).has_taken() && place(2).has_taken() && next.has_taken());
    assert_eq!(readers.enter(&"token".into(), began + PATIENCE).unwrap_err(), Full::Token);
}
