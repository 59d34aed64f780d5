//! A client that keeps its connection, as identity providers do, and tries nothing twice.

use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One client with at most one connection.
pub(super) struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

/// What the head of an answer says.
#[derive(Default)]
struct Head {
    status: u16,
    length: Option<usize>,
    chunked: bool,
    close: bool,
}

impl Connection {
    pub(super) fn to(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    /// Sends a request and reads its answer. A connection that the answer does not close is used again.
    pub(super) fn call(
        &mut self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> io::Result<(u16, Value)> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut head =
            format!("{method} {path} HTTP/1.1\r\nHost: bailiwick.example.com\r\nAuthorization: Bearer {token}\r\n");
        if !body.is_empty() {
            head.push_str(&format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n", body.len()));
        }
        stream.get_mut().write_all(format!("{head}\r\n{body}").as_bytes())?;
        let head = read_head(&mut stream)?;
        let body = read_body(&mut stream, &head)?;
        if !head.close {
            self.stream = Some(stream);
        }
        let value =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).map_err(io::Error::other)? };
        Ok((head.status, value))
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(BufReader::new(stream))
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection was closed before the answer"));
    }
    Ok(line.trim_end().to_owned())
}

fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Head> {
    let broken = || io::Error::other("not an HTTP answer");
    let first = line(stream)?;
    let status = first.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let mut head = Head { status, ..Head::default() };
    loop {
        let line = line(stream)?.to_ascii_lowercase();
        match line.split_once(':').map(|(name, value)| (name, value.trim())) {
            None if line.is_empty() => return Ok(head),
            None => return Err(broken()),
            Some(("content-length", length)) => head.length = Some(length.parse().map_err(io::Error::other)?),
            Some(("transfer-encoding", "chunked")) => head.chunked = true,
            Some(("connection", "close")) => head.close = true,
            Some(_) => {}
        }
    }
}

fn read_body(stream: &mut BufReader<TcpStream>, head: &Head) -> io::Result<Vec<u8>> {
    let mut body = vec![0; head.length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    if !head.chunked {
        return Ok(body);
    }
    loop {
        let size = usize::from_str_radix(&line(stream)?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk)?;
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
