//! Feed readers.

use crate::support::server::TestServer;
use crate::support::tokens::start_with_tokens;
use crate::{Connection, begin};
use overdue::limits::MAX_FEED_READERS_OF_A_TOKEN;
use overdue::server::auth::tokens::change;
use overdue::server::auth::{Role, wall_clock};
use std::io::Read;
use std::time::Duration;

/// Delay of a busy machine, in addition to the second within which a feed must end.
const SLACK: Duration = Duration::from_millis(700);

fn follow(server: &TestServer, secret: &str) -> Connection {
    begin(server, "GET /v1/escalations/feed?after=0", secret, "")
}

/// Reads a feed to its last chunk.
fn read_to_end(mut feed: Connection) {
    let mut read = Vec::new();
    let mut byte = [0];
    while !read.ends_with(b"0\r\n\r\n") {
        feed.0.read_exact(&mut byte).unwrap();
        read.push(byte[0]);
    }
}

#[test]
fn feed_readers_of_one_token_leave_places_to_other_tokens() {
    let (server, secrets) = start_with_tokens(&[("many", Role::Viewer, None), ("other", Role::Viewer, None)]);
    let mut readers: Vec<Connection> = (0..MAX_FEED_READERS_OF_A_TOKEN).map(|_| follow(&server, &secrets[0])).collect();
    assert!(readers.iter_mut().all(|reader| reader.head().0 == 200));
    let (status, head) = follow(&server, &secrets[0]).head();
    assert!(status == 503 && head.contains("\r\nretry-after: 10\r\n"), "{head}");
    assert_eq!(follow(&server, &secrets[1]).head().0, 200);
    server.stop();
}

#[test]
fn a_feed_ends_when_its_token_is_revoked_or_expires() {
    let expires_ms = wall_clock::now_ms() + 3_000;
    let (server, secrets) = start_with_tokens(&[
        ("revoked", Role::Viewer, None),
        ("brief", Role::Viewer, Some(expires_ms)),
        ("stays", Role::Viewer, None),
    ]);
    let mut feeds: Vec<Connection> = secrets.iter().map(|secret| follow(&server, secret)).collect();
    assert!(feeds.iter_mut().all(|feed| feed.head().0 == 200));
    let mut feeds = feeds.into_iter();
    let (revoked, brief, mut stays) = (feeds.next().unwrap(), feeds.next().unwrap(), feeds.next().unwrap());

    change(server.folder.path(), |tokens| {
        tokens.retain(|token| token.name != "revoked");
        Ok(())
    })
    .unwrap();
    let began = wall_clock::now_ms();
    read_to_end(revoked);
    let took = Duration::from_millis((wall_clock::now_ms() - began) as u64);
    assert!(took < Duration::from_secs(1) + SLACK, "{took:?} after its token was revoked");

    read_to_end(brief);
    let late = Duration::from_millis((wall_clock::now_ms() - expires_ms).max(0) as u64);
    assert!(
        wall_clock::now_ms() >= expires_ms && late < Duration::from_secs(1) + SLACK,
        "{late:?} after its token expired"
    );
    assert_eq!(follow(&server, &secrets[1]).head().0, 401);

    stays.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(stays.0.read(&mut [0; 64]).is_err(), "the third feed continues");
    server.stop();
}
