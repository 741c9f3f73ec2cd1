//! A client that sends exactly the bytes of a test, one by one if needed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Timeout, long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A response.
#[derive(Debug, Clone)]
pub struct ApiResult {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl ApiResult {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}\n{}", self.head, self.text()))
    }
}

/// A connection.
pub struct Client(pub TcpStream);

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        // A server that rejects the request may close the connection before it has read everything.
        let _ = self.0.write_all(bytes.as_ref());
    }

    /// Reads one response with a length.
    pub fn response(&mut self) -> ApiResult {
        self.try_response().unwrap()
    }

    pub fn try_response(&mut self) -> io::Result<ApiResult> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            if self.0.read(&mut byte)? == 0 {
                return Err(io::Error::other(format!("closed after {:?}", String::from_utf8_lossy(&head))));
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = ApiResult { status, head, body: Vec::new() };
        let length = response.header("content-length").map_or(0, |text| text.parse().unwrap());
        response.body = vec![0; length];
        self.0.read_exact(&mut response.body)?;
        Ok(response)
    }

    /// Whether the server closes the connection.
    pub fn is_closed(&mut self) -> bool {
        let _ = self.0.shutdown(Shutdown::Write);
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }
}

/// One request on its own connection; `head` has no blank line at its end.
pub fn ask(address: SocketAddr, head: &str, body: &str) -> ApiResult {
    let mut client = Client::connect(address);
    let head = head.trim().replace('\n', "\r\n");
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    client.send(format!("{head}\r\nhost: test\r\n{length}\r\n{body}"));
    client.response()
}

/// A GET without a token.
pub fn get(address: SocketAddr, path: &str) -> ApiResult {
    ask(address, &format!("GET {path} HTTP/1.1"), "")
}
