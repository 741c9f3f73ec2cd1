//! Tests with synthetic certificates, whose keys protect nothing.

use super::*;
use std::fs;

pub const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBkzCCATigAwIBAgIUUJdh6fD3Fn5/4qDCgV2iM3hAlr0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjE4Mjg0N1oYDzIxMjYxMDI5
MTgyODQ3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASgYXTYgJO2EKtRmBv9y+NcbybVgIOE6GfZdgUXj/wKyvlqakr5CBnV
K7m0UQ1a9JHjAoQq+PWdxlxBJyYi21f4o2YwZDAdBgNVHQ4EFgQUmOhO0BMeOuTY
2T/hyStvHpuDRqYwHwYDVR0jBBgwFoAUmOhO0BMeOuTY2T/hyStvHpuDRqYwFAYD
VR0RBA0wC4IJbG9jYWxob3N0MAwGA1UdEwEB/wQCMAAwCgYIKoZIzj0EAwIDSQAw
RgIhAM4Yk7+q232N0zeZC/NX7eqpOyBAiJNuAe6+dsDNYG4wAiEAtNS7Z6PcOK1z
bGcKryPByGsajctlp+624x85SkTHgzs=
-----END CERTIFICATE-----
";

pub const KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguB99KHObNKQjFXd3
sIJiy9/IiNzBXPlwwNM0Qdbt0BOhRANCAASgYXTYgJO2EKtRmBv9y+NcbybVgIOE
6GfZdgUXj/wKyvlqakr5CBnVK7m0UQ1a9JHjAoQq+PWdxlxBJyYi21f4
-----END PRIVATE KEY-----
";

const OTHER_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgwYA9B+mydfQ8To5H
PiCBLQpE1HSSJKXZj0OQt0VNvQ2hRANCAATi4vBNsNLfpv+8H4sF20QM8g4h6/Nt
FcTV4CUJmy9BjlIb7uLV2esQjUMSFPcqHyCOGTU5YwSin6I4uWyjDATP
-----END PRIVATE KEY-----
";

fn read_as(certificate: &str, key: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(&first, certificate).unwrap();
    write_key(&second, key);
    Tls::read(&first, &second).map(|_| ()).map_err(|error| error.to_string())
}

/// Writes a key that only its owner can read.
pub fn write_key(path: &Path, key: &str) {
    fs::write(path, key).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_key_that_every_user_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, CERTIFICATE).unwrap();
    write_key(&key, KEY);
    for (mode, is_rejected) in [(0o400, false), (0o640, false), (0o644, true), (0o604, true), (0o602, true)] {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        let read = Tls::read(&certificate, &key);
        assert_eq!(read.is_err(), is_rejected, "{mode:o}");
        if let Err(error) = read {
            let message = error.to_string();
            assert!(message.contains(&format!("mode {mode:o}")) && message.contains("chmod 600"), "{message}");
        }
    }
}

#[test]
fn a_reload_that_fails_keeps_what_was_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, CERTIFICATE).unwrap();
    write_key(&key, KEY);
    let tls = Tls::read(&certificate, &key).unwrap();
    let shown = || Arc::clone(&tls.current.0.read());
    let first = shown();
    fs::write(&key, OTHER_KEY).unwrap();
    assert!(tls.reload().is_err());
    assert!(Arc::ptr_eq(&first, &shown()));
    fs::write(&key, KEY).unwrap();
    tls.reload().unwrap();
    assert!(!Arc::ptr_eq(&first, &shown()));
}

#[test]
fn a_certificate_and_its_key_are_read() {
    assert_eq!(read_as(CERTIFICATE, KEY), Ok(()));
}

#[test]
fn what_cannot_work_is_refused_before_anything_starts() {
    let says = |certificate: &str, key: &str, message: &str| {
        let said = read_as(certificate, key).unwrap_err();
        assert!(said.contains(message), "{said}");
    };
    says("", KEY, "certificate.pem is not a PEM file of certificates: it contains none");
    says(CERTIFICATE, "rubbish", "key.pem is not a PEM file of a private key");
    says(CERTIFICATE, OTHER_KEY, "cannot be used together");
    assert!(Tls::read(Path::new("nowhere.pem"), Path::new("nowhere.pem")).is_err());
}
