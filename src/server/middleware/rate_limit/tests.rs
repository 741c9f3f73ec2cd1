use super::*;

fn rate(per_second: u32, burst: u32) -> Rate {
    Rate { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

#[test]
fn each_token_has_its_own_count() {
    // One per second, so that the bursts below do not refill, however slow the test runs.
    let limits = RateLimits::new(Rates { token: rate(1, 5), anonymous: rate(1, 1) });
    let (busy, calm): (Arc<str>, Arc<str>) = ("busy".into(), "calm".into());
    let admitted = (0..100).filter(|_| limits.admit(&busy).is_ok()).count();
    assert!((5..50).contains(&admitted), "{admitted}");
    let rejected = limits.admit(&busy).unwrap_err();
    assert_eq!(rejected.status, 429);
    assert!(rejected.headers.iter().any(|(name, value)| name == "retry-after" && value == "1"), "{rejected:?}");
    assert!(limits.admit(&calm).is_ok());
}

#[test]
fn addresses_of_one_v6_network_share_a_count_and_many_addresses_are_bounded() {
    let limits = RateLimits::new(Rates { token: rate(1, 1), anonymous: rate(1, 3) });
    let of = |text: &str| Some(text.parse::<IpAddr>().unwrap());
    let addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"];
    assert!(addresses.iter().any(|text| limits.admit_anonymous(of(text)).is_err()));
    assert!(limits.admit_anonymous(of("192.0.2.1")).is_ok());
    for number in 0..(2 * MAX_COUNTED_PEERS as u32) {
        let _ = limits.admit_anonymous(Some(IpAddr::from(number.to_be_bytes())));
    }
    assert!(limits.anonymous.len() <= MAX_COUNTED_PEERS + 1, "{}", limits.anonymous.len());
}
