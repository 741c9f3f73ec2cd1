use super::*;
use clap::Parser;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    server: ServerArguments,
}

fn client(message: &[&str]) -> Result<Client, String> {
    let line = Line::try_parse_from(["overdue"].iter().chain(message)).map_err(|error| error.to_string())?;
    Client::new(&line.server).map_err(|error| format!("{error:#}"))
}

#[test]
fn a_token_goes_over_plain_http_to_this_machine_only() {
    for address in ["http://127.0.0.1:8080", "http://[::1]:8080/base", "http://localhost"] {
        assert!(client(&["--url", address, "--token", "t"]).unwrap().is_local(), "{address}");
    }
    let said = client(&["--url", "http://sla.example.org", "--token", "t"]).err().unwrap();
    assert!(said.contains("--insecure-http"), "{said}");
    assert!(client(&["--url", "http://sla.example.org", "--token", "t", "--insecure-http"]).is_ok());
    assert!(client(&["--url", "http://localhost.example.org", "--token", "t"]).is_err());
    assert!(client(&["--url", "ftp://localhost"]).is_err());
    assert!(client(&["--url", "sla.example.org"]).is_err());
    assert!(client(&["--url", "http://localhost", "--token", "a\nb"]).err().unwrap().contains("characters"));
}

#[test]
fn paths_are_below_the_address() {
    let client = client(&["--url", "http://127.0.0.1:1/sla"]).unwrap();
    assert_eq!(client.address("v1/metrics?a=b").unwrap().as_str(), "http://127.0.0.1:1/sla/v1/metrics?a=b");
}

#[test]
fn retry_after_is_seconds_or_a_date_of_the_services_clock() {
    let headers = |after: &str, date: &str| {
        let pairs = [(RETRY_AFTER, after), (DATE, date)].into_iter().filter(|(_, text)| !text.is_empty());
        pairs.map(|(name, text)| (name, HeaderValue::from_str(text).unwrap())).collect::<HeaderMap>()
    };
    assert_eq!(retry_after(&headers("3", "")), Some(Duration::from_secs(3)));
    let (soon, now) = ("Wed, 21 Oct 2026 07:28:30 GMT", "Wed, 21 Oct 2026 07:28:00 GMT");
    assert_eq!(retry_after(&headers(soon, now)), Some(Duration::from_secs(30)));
    assert_eq!(retry_after(&headers(now, soon)), None);
    assert_eq!(retry_after(&headers(soon, "")), None);
    assert_eq!(retry_after(&headers("soon", now)), None);
    assert_eq!(retry_after(&headers("", now)), None);
}

#[test]
fn nobody_listening_is_a_passing_failure_with_its_cause() {
    // Port 1 of this machine: nothing of ours listens there.
    let client = client(&["--url", "http://127.0.0.1:1"]).unwrap();
    let failure = client.get::<serde_json::Value>("healthz", Duration::from_secs(5)).unwrap_err();
    assert!(failure.is_passing() && failure.to_string().contains("refused"), "{failure}");
    let rejected = |status| Failure::Rejected { status, message: String::new(), retry_after: None, errors: Vec::new() };
    assert!([408, 429, 502, 503, 504].into_iter().all(|status| rejected(status).is_passing()));
    assert!(![400, 401, 403, 409, 413, 422, 500, 507].into_iter().any(|status| rejected(status).is_passing()));
}
