//! TLS, the metrics listener, addresses in use, and requests that run when the server stops.

use super::client::{Client, get};
use super::*;
use crate::server::ServerError;
use crate::server::auth::tls::{Tls, tests as pem};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

#[test]
fn requests_come_over_tls_and_nothing_is_answered_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, pem::CERTIFICATE).unwrap();
    pem::write_key(&key, pem::KEY);
    let fixture = Fixture::with(|config| config.tls = Some(Tls::read(&certificate, &key).unwrap()));

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pem::CERTIFICATE.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(fixture.address()).unwrap());
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK") && response.ends_with("{\"status\":\"ok\"}"), "{response}");

    let mut clear = Client::connect(fixture.address());
    clear.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(clear.try_response().is_err());
    fixture.handle.stop().unwrap();
}

#[test]
fn the_metrics_listener_has_health_and_nothing_else() {
    let fixture = Fixture::with(|config| config.metrics_listen = Some(SocketAddr::from(([127, 0, 0, 1], 0))));
    let address = fixture.handle.metrics_address.unwrap();
    assert_ne!(address, fixture.address());
    assert_eq!(get(address, "/healthz").status, 200);
    for path in ["/v1/things/1", "/openapi.json", "/docs/", "/"] {
        let status = get(address, path).status;
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
    fixture.handle.stop().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn an_address_that_is_taken_is_told() {
    let fixture = Fixture::new();
    let accepted = fixture.address();
    let mut config = Fixture::config();
    config.listen = accepted;
    let error = start_with(config, fixture.engine.service.clone(), dummies).err().unwrap();
    assert!(matches!(error, ServerError::Listen { address, .. } if address == accepted), "{error}");
    fixture.handle.stop().unwrap();
}

#[test]
fn a_request_that_runs_when_the_server_stops_is_answered() {
    let fixture = Fixture::new();
    let token = fixture.token(Role::Operator, None);
    let mut client = Client::connect(fixture.address());
    client.send(format!(
        "POST /v1/events HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\ncontent-length: 4\r\n\
         expect: 100-continue\r\n\r\n"
    ));
    // The interim response shows that the request is running.
    assert_eq!(client.response().status, 100);
    let address = fixture.address();
    let stopping = std::thread::spawn(move || fixture.handle.stop());
    // The server accepts no more connections: it is stopping.
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    client.send("done");
    let response = client.response();
    assert_eq!((response.status, response.text().as_str(), response.header("connection")), (200, "4", Some("close")));
    stopping.join().unwrap().unwrap();
}
