//! A server that requires tokens.

use super::policies::around_the_clock;
use super::server::{Settings, TestServer};
use overdue::server::auth::tokens::{Token, change};
use overdue::server::auth::{Role, wall_clock};
use overdue::service::{ClockChoice, Trust};

const RESOLUTION: &str = "target = \"8h\"\nlevels = [{ at = \"100%\", notify = [\"owner\"] }]";

/// Starts a server with tokens by name, role and expiry time in ms; returns their secrets in the same order.
pub fn start_with_tokens(tokens: &[(&str, Role, Option<i64>)]) -> (TestServer, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = Vec::new();
    change(folder.path(), |known| {
        for (name, role, expires_ms) in tokens {
            let (token, secret) = Token::make(name, *role, wall_clock::now_ms(), *expires_ms)?;
            known.push(token);
            secrets.push(secret);
        }
        Ok(())
    })
    .unwrap();
    let policy = around_the_clock(&[("resolution", RESOLUTION)]);
    let clock = ClockChoice::Wall(Trust::default());
    let settings = Settings { policy: &policy, clock, needs_token: true, bulk_body_bytes: 64 << 20 };
    (TestServer::start(folder, settings), secrets)
}
