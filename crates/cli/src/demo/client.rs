//! A small HTTP client: one connection, one request at a time, as a provisioning service sends them.

use crate::out::{Failure, refused};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::fmt::Display;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// Headers that a provider sends with every request.
pub(super) type Headers = &'static [(&'static str, &'static str)];

pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    bearer: String,
    headers: Headers,
    /// Requests made.
    pub(super) calls: usize,
}

fn failed(error: impl Display) -> Failure {
    Failure::Refused(format!("the demo cannot be loaded: {error}"))
}

impl Client {
    pub(super) async fn open(address: SocketAddr, token: &str, headers: Headers) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(failed)?;
        tokio::spawn(connection);
        Ok(Self { sender, host: address.to_string(), bearer: format!("Bearer {token}"), headers, calls: 0 })
    }

    /// Sends a request that must be answered with that status, and gives the answer's body.
    pub(super) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: Option<Value>,
        expect: u16,
    ) -> Result<Value, Failure> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2{path}"))
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.bearer);
        for (name, value) in self.headers {
            if body.is_some() || *name != "Content-Type" {
                request = request.header(*name, *value);
            }
        }
        let bytes = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let request = request.body(Full::new(bytes)).map_err(failed)?;
        self.sender.ready().await.map_err(failed)?;
        let response = self.sender.send_request(request).await.map_err(failed)?;
        self.calls += 1;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(failed)?.to_bytes();
        if status != expect {
            let answer = String::from_utf8_lossy(&bytes);
            return refused(format!("the demo cannot be loaded: {method} {path} was answered {status} {answer}"));
        }
        if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(failed) }
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.send("GET", path, None, 200).await
    }

    /// Creates a resource and gives its id.
    pub(super) async fn create(&mut self, path: &str, body: Value) -> Result<String, Failure> {
        let made = self.send("POST", path, Some(body), 201).await?;
        let id = made.get("id").and_then(Value::as_str);
        id.map(str::to_owned).ok_or_else(|| failed(format!("POST {path} gave no id")))
    }

    /// Sends PATCH operations.
    pub(super) async fn patch(&mut self, path: &str, operations: Value, expect: u16) -> Result<Value, Failure> {
        let body = serde_json::json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.send("PATCH", path, Some(body), expect).await
    }
}

/// Percent-encodes a value for a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn values_are_encoded() {
        assert_eq!(super::encoded("Åse & Co@x.example"), "%C3%85se%20%26%20Co%40x.example");
    }
}
