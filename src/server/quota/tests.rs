use super::*;

const NO_WAIT: Duration = Duration::from_millis(1);

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

#[test]
fn one_token_cannot_have_what_is_left_for_others() {
    let shares = Shares::new(10, 6);
    let (mine, yours): (Arc<str>, Arc<str>) = ("mine".into(), "yours".into());
    let mut held = shares.try_take(&mine, 4).unwrap();
    held.add(shares.try_take(&mine, 2).unwrap());
    assert!(shares.try_take(&mine, 1).is_none());
    assert_eq!(wait(shares.take(&mine, 1, NO_WAIT)).unwrap_err(), Full::Token);
    let other = shares.try_take(&yours, 4).unwrap();
    assert_eq!(wait(shares.take(&yours, 1, NO_WAIT)).unwrap_err(), Full::All);
    assert_eq!(shares.free(), 0);
    drop(held);
    assert_eq!(shares.free(), 6);
    assert!(wait(shares.take(&mine, 6, NO_WAIT)).is_ok());
    drop(other);
    assert_eq!(shares.free(), 10);
}

#[test]
fn who_waits_gets_what_is_given_back() {
    let shares = Shares::new(4, 4);
    let token: Arc<str> = "token".into();
    let held = shares.try_take(&token, 4).unwrap();
    let accepted = wait(async {
        let waiting = shares.take(&token, 2, Duration::from_secs(60));
        let (accepted, ()) = futures_util::future::join(waiting, async { drop(held) }).await;
        accepted
    });
    assert!(accepted.is_ok());
    assert_eq!(shares.free(), 2);
}

#[test]
fn counts_of_tokens_that_are_gone_do_not_pile_up() {
    let shares = Shares::new(10, 5);
    let cached: Arc<str> = "kept".into();
    let held = shares.try_take(&cached, 5).unwrap();
    for number in 0..3 * MAX_TOKENS {
        shares.try_take(&format!("token {number}").into(), 1).unwrap();
    }
    assert!(shares.by_token.lock().len() <= MAX_TOKENS + 1);
    assert!(shares.try_take(&cached, 1).is_none(), "its count is still known");
    drop(held);
}
