//! An HTTP/1.1 client that sends what it is told and nothing else.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer may take longer; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; `Null` when there is none.
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the body has at this JSON pointer; `Null` when nothing.
    #[must_use]
    pub fn at(&self, pointer: &str) -> Value {
        self.json().pointer(pointer).cloned().unwrap_or_default()
    }

    /// Panics with the whole answer unless it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}

/// One caller with one connection that is kept alive and opened again when the server closed it.
#[derive(Debug)]
pub struct Client {
    address: SocketAddr,
    headers: HeaderMap,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A caller with this token.
    #[must_use]
    pub fn new(address: SocketAddr, token: &str) -> Self {
        let mut client = Self::anonymous(address);
        client.set_header("authorization", Some(&format!("Bearer {token}")));
        client
    }

    /// A caller without a token.
    #[must_use]
    pub fn anonymous(address: SocketAddr) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, value(&address.to_string()));
        Self { address, headers, connection: None }
    }

    /// Sets or removes a header of every request from now on.
    pub fn set_header(&mut self, header: &str, content: Option<&str>) {
        let name = name(header);
        match content {
            Some(content) => drop(self.headers.insert(name, value(content))),
            None => drop(self.headers.remove(name)),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &[], None).await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[], Some(body.to_string().into())).await
    }

    pub async fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[], Some(body.to_string().into())).await
    }

    pub async fn patch(&mut self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", path, &[], Some(body.to_string().into())).await
    }

    /// Sends one request. A header given here replaces the one of the same name; `None` removes it. A body comes with
    /// the content type of SCIM unless another is given.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, Option<&str>)],
        body: Option<Bytes>,
    ) -> Answer {
        let mut all = self.headers.clone();
        if body.is_some() && !all.contains_key(CONTENT_TYPE) {
            all.insert(CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
        }
        for (header, content) in headers {
            match content {
                Some(content) => drop(all.insert(name(header), value(content))),
                None => drop(all.remove(name(header))),
            }
        }
        if body.is_none() {
            all.remove(CONTENT_TYPE);
        }
        let method: Method = method.parse().unwrap_or_else(|_| panic!("{method} is no method"));
        let body = body.unwrap_or_default();
        match tokio::time::timeout(PATIENCE, self.exchange(&method, path, &all, &body)).await {
            Ok(answer) => answer,
            Err(_) => panic!("{method} {path}: no answer within {} s", PATIENCE.as_secs()),
        }
    }

    async fn exchange(&mut self, method: &Method, path: &str, headers: &HeaderMap, body: &Bytes) -> Answer {
        // A server may close a connection that is idle; the second attempt is on a fresh one.
        for fresh in [false, true] {
            let mut request = Request::new(Full::new(body.clone()));
            *request.method_mut() = method.clone();
            *request.uri_mut() = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
            *request.headers_mut() = headers.clone();
            let mut connection = match self.connection.take().filter(|held| !fresh && !held.is_closed()) {
                Some(held) => held,
                None => self.connect().await,
            };
            connection.ready().await.ok();
            match connection.send_request(request).await {
                Ok(answer) => {
                    let (head, body) = answer.into_parts();
                    let body = body.collect().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
                    self.connection = Some(connection);
                    return Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() };
                }
                Err(error) if fresh => panic!("{method} {path}: {error}"),
                Err(_) => {}
            }
        }
        unreachable!("the second attempt answers or panics")
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(self.address).await.unwrap_or_else(|error| panic!("{}: {error}", self.address));
        stream.set_nodelay(true).ok();
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.unwrap_or_else(|error| panic!("{}: {error}", self.address));
        tokio::spawn(connection);
        sender
    }

    /// Whether a token is sent.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.headers.contains_key(AUTHORIZATION)
    }
}

fn name(text: &str) -> HeaderName {
    text.parse().unwrap_or_else(|_| panic!("{text} is no header"))
}

fn value(text: &str) -> HeaderValue {
    text.parse().unwrap_or_else(|_| panic!("{text} is no header value"))
}

/// Sends these bytes on a connection of their own and returns all that comes back until the server closes it or the
/// time is over.
pub async fn raw(address: SocketAddr, bytes: &[u8], limit: Duration) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
    let mut answer = Vec::new();
    let exchange = async {
        let (mut reading, mut writing) = stream.split();
        // The server may refuse and close before it has read everything: what it said still counts.
        let (_, _) = tokio::join!(writing.write_all(bytes), async {
            let mut buffer = [0; 16 * 1024];
            while let Ok(read @ 1..) = reading.read(&mut buffer).await {
                answer.extend_from_slice(&buffer[..read]);
            }
        });
    };
    tokio::time::timeout(limit, exchange).await.ok();
    answer
}
