//! What one client may take from the others: places for bulk loads and for feed readers, against a live server with tokens.

mod feed;
mod loads;
#[path = "../support"]
mod support {
    mod config;
    mod policies;
    pub mod server;
    pub mod tokens;
}

use std::io::{Read, Write};
use std::net::TcpStream;
use support::server::{TIMEOUT, TestServer};

/// Opens a connection and sends the head of a request.
fn begin(server: &TestServer, request: &str, secret: &str, headers: &str) -> Connection {
    let mut stream = TcpStream::connect(server.handle.address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let head = format!("{request} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {secret}\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    Connection(stream)
}

struct Connection(TcpStream);

impl Connection {
    /// Reads the status and the head of the response, in lower case.
    fn head(&mut self) -> (u16, String) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            let read = self.0.read(&mut byte).unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), head)
    }

    /// Reads the status and the body of a response with a length.
    fn reply(&mut self) -> (u16, String) {
        let (status, head) = self.head();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
}
