//! Bodies of answers: pieces of text that are sent as they were written, never built twice.

use crate::limits;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use hyper::body::{Frame, SizeHint};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Some tools compare the type letter by letter, so it carries no parameters.
pub(super) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Text that grows without being copied when it becomes long.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    done: VecDeque<Bytes>,
    /// Where to write.
    pub(super) text: String,
}

impl Pieces {
    /// Puts what was written aside when it has become long. To be called between parts of a long answer.
    pub(super) fn spill(&mut self) {
        if self.text.len() >= limits::PIECE_BYTES {
            let next = String::with_capacity(limits::PIECE_BYTES + limits::PIECE_BYTES / 8);
            self.done.push_back(Bytes::from(std::mem::replace(&mut self.text, next)));
        }
    }

    fn into_body(mut self) -> Body {
        if self.done.is_empty() {
            return Body::from(self.text);
        }
        self.done.push_back(Bytes::from(self.text));
        let left = self.done.iter().map(|piece| piece.len() as u64).sum();
        Body::new(Sending { pieces: self.done, left })
    }
}

/// Sends pieces one by one; the length is known, and what was sent is freed.
struct Sending {
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = self.pieces.pop_front();
        self.left -= next.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// An answer with a body.
pub(super) fn pieces(status: StatusCode, pieces: Pieces) -> Response {
    with_body(status, pieces.into_body())
}

/// An answer with a body.
pub(super) fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    with_body(status, body.into())
}

fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = bare(status, body);
    response.headers_mut().insert(CONTENT_TYPE, SCIM_JSON);
    response
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    bare(status, Body::empty())
}

fn bare(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    // Answers are personal data of one integration.
    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use hyper::body::Body as _;

    #[tokio::test]
    async fn long_answers_come_in_pieces_of_a_known_length() {
        for words in [0, 1, 10, 100_000] {
            let mut out = Pieces::default();
            for word in 0..words {
                out.text.push_str(&format!("word {word} "));
                out.spill();
            }
            let expect: String = (0..words).map(|word| format!("word {word} ")).collect();
            let response = pieces(StatusCode::OK, out);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json");
            let body = response.into_body();
            assert_eq!(body.size_hint().exact(), Some(expect.len() as u64));
            assert!(body.collect().await.unwrap().to_bytes() == expect);
        }
    }
}
