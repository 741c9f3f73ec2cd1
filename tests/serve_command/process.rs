//! Resources of the process and access to what it writes: file descriptors, idle connections, file modes, certificates.

use super::{Folders, client, folders, greeting, line, overdue, piped, run, send_signal, serve, stop, until};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// `overdue serve` in a process with a limit of file descriptors.
fn limited(folders: &Folders, descriptors: u64, more: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_overdue")]);
    command.args(["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", "127.0.0.1:0"]);
    command.args(["--no-auth", "--workers", "2"]).args(more);
    command.env_remove("OVERDUE_CONFIG");
    command
}

#[test]
fn a_start_without_descriptors_for_its_connections_fails() {
    let folders = folders();
    for (descriptors, more, part) in [
        (
            64,
            [].as_slice(),
            "the process may have 64 file descriptors, expected at least 240 (for 2 workers with 16 connections",
        ),
        (
            1_024,
            ["--connections", "4096"].as_slice(),
            "2 workers with 4096 connections each need 8400 file descriptors, and the process may have 1024: raise the limit",
        ),
    ] {
        let output = limited(&folders, descriptors, more).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(part) && error.contains("ulimit -n"), "{error}");
    }
}

#[test]
fn idle_connections_leave_descriptors_to_the_store_and_are_closed_after_the_timeout() {
    let folders = folders();
    let mut child = piped(limited(&folders, 1_024, &["--head-timeout", "5s"]));
    let printed = greeting(&mut child);
    let address = line(&printed, "url").trim_start_matches("http://").to_owned();
    let descriptors = Path::new("/proc").join(child.id().to_string()).join("fd");
    let open = || fs::read_dir(&descriptors).unwrap().count();
    let before = open();
    let idle: Vec<TcpStream> = (0..1_010).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // The server accepts up to its limit; the others wait in the backlog.
    until("400 connections are open", || open() >= before + 400);
    assert!(open() <= 1_024 - 150, "{} descriptors are open", open());
    for mut connection in idle {
        connection.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut rest = Vec::new();
        // The server responds with 408 or just closes the connection.
        let _ = connection.read_to_end(&mut rest);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    }
    until("the connections are closed", || open() <= before + 8);
    let response = client().get(format!("http://{address}/readyz")).send().unwrap();
    assert_eq!(response.status(), 200);
    let log = stop(child);
    assert!(log.contains("each worker takes 408 connections instead of 4096"), "{log}");
}

#[test]
fn files_are_readable_by_the_user_of_the_service_only() {
    let folders = folders();
    let (child, url) = serve(&folders, &[]);
    let row = "{\"id\":\"T\",\"opened_at\":\"2026-11-20T08:00:00Z\"}\n";
    let request = client().post(format!("{url}/v1/tickets")).header("content-type", "application/x-ndjson");
    assert_eq!(request.body(row).send().unwrap().status(), 200);
    assert_eq!(client().post(format!("{url}/v1/snapshots")).send().unwrap().status(), 200);
    let token = run(&["token", "create", "--data-dir", &folders.data, "--name", "a", "--role", "viewer"]);
    assert_eq!(token.code, Some(0), "{}", token.stderr);
    let mut folders_to_check = vec![Path::new(&folders.data).to_owned()];
    let mut files = 0;
    while let Some(folder) = folders_to_check.pop() {
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders_to_check.push(path);
            } else {
                assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 10, "{files} files");
    assert!(!stop(child).contains("chmod"));
    // The mode of an existing folder is not changed; the log recommends the right one.
    fs::set_permissions(&folders.data, fs::Permissions::from_mode(0o755)).unwrap();
    let log = stop(serve(&folders, &[]).0);
    assert!(log.contains("(mode 755): chmod 700"), "{log}");
}

/// A certificate or key of the fixtures.
fn pem(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls").join(name)).unwrap()
}

/// The status line that a client gets which trusts only this certificate.
fn status_over_tls(address: &str, certificate: &str) -> Result<String, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(address)?);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut response = String::new();
    stream.read_to_string(&mut response)?;
    Ok(response.lines().next().unwrap_or_default().to_owned())
}

#[test]
fn sighup_reloads_the_certificate_and_closes_nothing() {
    let folders = folders();
    let [certificate, key] = ["tls.pem", "tls.key"].map(|name| Path::new(&folders.policy).with_file_name(name));
    let install = |name: &str| {
        fs::write(&certificate, pem(&format!("{name}.pem"))).unwrap();
        fs::write(&key, pem(&format!("{name}.key"))).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    };
    install("first");
    let [certificate_flag, key_flag] = [&certificate, &key].map(|path| path.display().to_string());
    let (child, url) = serve(&folders, &["--tls-certificate", &certificate_flag, "--tls-key", &key_flag]);
    let address = url.trim_start_matches("https://").to_owned();
    let (first, second) = (pem("first.pem"), pem("second.pem"));
    assert_eq!(status_over_tls(&address, &first).unwrap(), "HTTP/1.1 200 OK");
    assert!(status_over_tls(&address, &second).is_err());

    // A key of another certificate changes nothing.
    fs::write(&key, pem("second.key")).unwrap();
    send_signal(&child, "HUP");
    assert_eq!(status_over_tls(&address, &first).unwrap(), "HTTP/1.1 200 OK");

    install("second");
    send_signal(&child, "HUP");
    until("the new certificate is in use", || {
        status_over_tls(&address, &second).is_ok_and(|status| status == "HTTP/1.1 200 OK")
    });
    assert!(status_over_tls(&address, &first).is_err());
    let log = stop(child);
    assert!(log.contains("SIGHUP: certificate, key and tokens are reloaded"), "{log}");
    assert!(log.contains("SIGHUP: the certificate is unchanged") || !log.contains("ERROR"), "{log}");

    let (child, _) = serve(&folders, &[]);
    send_signal(&child, "HUP");
    assert!(stop(child).contains("stopped"));
}

#[test]
fn a_public_address_without_tls_is_logged_as_a_warning() {
    let folders = folders();
    for (address, is_public) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let arguments = ["serve", "--data-dir", &folders.data, "--policy", &folders.policy, "--listen", address];
        let mut child = piped(overdue(&arguments));
        greeting(&mut child);
        let log = stop(child);
        assert_eq!(log.contains("without TLS: tokens and tickets can be read on the way"), is_public, "{log}");
    }
}
