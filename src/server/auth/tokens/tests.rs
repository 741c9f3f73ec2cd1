use super::*;
use crate::server::auth::Role;
use std::os::unix::fs::PermissionsExt;

const NOW_MS: i64 = 1_795_339_800_000;

fn add(folder: &Path, name: &str, role: Role, expires_ms: Option<i64>) -> String {
    let (token, secret) = Token::make(name, role, NOW_MS, expires_ms).unwrap();
    change(folder, |tokens| {
        tokens.push(token);
        Ok(())
    })
    .unwrap();
    secret
}

#[test]
fn a_token_is_random_and_only_its_hash_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let first = add(folder.path(), "first", Role::Viewer, None);
    let second = add(folder.path(), "second", Role::Admin, None);
    assert_ne!(first, second);
    assert!(first.starts_with(PREFIX) && first.len() == PREFIX.len() + 64, "{first}");
    let text = std::fs::read_to_string(folder.path().join("tokens.json")).unwrap();
    assert!(!text.contains(&first[PREFIX.len()..]) && !text.contains(&second[PREFIX.len()..]), "{text}");
    let mode = std::fs::metadata(folder.path().join("tokens.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn the_hash_is_sha_256_of_the_whole_token() {
    // Computed with sha256sum.
    let folder = tempfile::tempdir().unwrap();
    let text = r#"{"tokens":[{"name":"known","role":"operator","created_at":"2026-11-22T09:30:00Z",
        "sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}"#;
    std::fs::write(folder.path().join("tokens.json"), text).unwrap();
    let book = TokenBook::open(folder.path(), NOW_MS).unwrap();
    let caller = book.look_up("abc", NOW_MS).unwrap();
    assert_eq!((&*caller.name, caller.role), ("known", Role::Operator));
    assert_eq!(book.look_up("abd", NOW_MS), Err(Denied::Unknown));
    assert_eq!(book.look_up("", NOW_MS), Err(Denied::Unknown));
}

#[test]
fn an_expired_token_says_so_to_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let secret = add(folder.path(), "brief", Role::Viewer, Some(NOW_MS + 1_000));
    let book = TokenBook::open(folder.path(), NOW_MS).unwrap();
    assert!(book.look_up(&secret, NOW_MS + 999).is_ok());
    let hash = book.look_up(&secret, NOW_MS).unwrap().token_hash.unwrap();
    assert!(book.still_admits(&hash, NOW_MS + 999) && !book.still_admits(&hash, NOW_MS + 1_000));
    let denied = book.look_up(&secret, NOW_MS + 1_000).unwrap_err();
    assert_eq!(denied.to_string(), "the token \"brief\" has expired at 2026-11-22T09:30:01Z");
}

#[test]
fn changes_are_seen_soon_and_a_broken_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cached = add(folder.path(), "kept", Role::Viewer, None);
    let book = TokenBook::open(folder.path(), NOW_MS).unwrap();
    let late = add(folder.path(), "late", Role::Admin, None);
    assert_eq!(book.look_up(&late, NOW_MS + TOKENS_CHECK_MS - 1), Err(Denied::Unknown));
    let hash = book.look_up(&late, NOW_MS + TOKENS_CHECK_MS).unwrap().token_hash.unwrap();

    change(folder.path(), |tokens| {
        tokens.retain(|token| token.name != "late");
        Ok(())
    })
    .unwrap();
    assert!(book.still_admits(&hash, NOW_MS + 2 * TOKENS_CHECK_MS - 1), "not checked yet");
    assert!(!book.still_admits(&hash, NOW_MS + 3 * TOKENS_CHECK_MS));
    assert_eq!(book.look_up(&late, NOW_MS + 3 * TOKENS_CHECK_MS), Err(Denied::Unknown));

    std::fs::write(folder.path().join("tokens.json"), "{").unwrap();
    assert!(book.look_up(&cached, NOW_MS + 5 * TOKENS_CHECK_MS).is_ok());
    assert!(TokenBook::open(folder.path(), NOW_MS).is_err());
    std::fs::remove_file(folder.path().join("tokens.json")).unwrap();
    assert_eq!(book.look_up(&cached, NOW_MS + 7 * TOKENS_CHECK_MS), Err(Denied::Unknown));
}

#[test]
fn names_are_short_and_plain() {
    assert!(is_token_name("crm-import.2026_x@office"));
    for wrong in ["", "two words", "näme", "a\nb", &"x".repeat(65)] {
        assert!(!is_token_name(wrong), "{wrong:?}");
    }
}
