//! Bodies: how large, how slow, of what type.

use super::Failure;
use crate::limits;
use axum::body::Body;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_scim::{Code, Error};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, EXPECT};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout, timeout_at};

/// The body of a request, as far as it was not read yet.
pub(crate) struct Entity {
    body: Option<Body>,
    /// The client waits for a word before it sends the body.
    expects: bool,
}

impl Entity {
    pub(crate) fn new(body: Body, headers: &HeaderMap) -> Self {
        Self { body: Some(body), expects: headers.contains_key(EXPECT) }
    }

    /// Reads all of it.
    pub(crate) async fn read(&mut self, limit: usize) -> Result<Bytes, Failure> {
        let Some(body) = &mut self.body else { return Ok(Bytes::new()) };
        let read = read(body, limit).await?;
        self.body = None;
        Ok(read)
    }

    /// Reads what a refused request still sends and throws it away, so that the client comes to read the answer
    /// instead of finding the connection reset. A client that waits for a word is not encouraged.
    pub(crate) fn linger(self) {
        let Some(mut body) = self.body.filter(|body| !self.expects && !body.is_end_stream()) else { return };
        tokio::spawn(timeout(limits::LINGER, async move {
            let mut left = limits::LINGER_BYTES;
            while let Some(Ok(frame)) = body.frame().await {
                let read = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(read) {
                    Some(rest) => left = rest,
                    None => return,
                }
            }
        }));
    }
}

async fn read(body: &mut Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = body.size_hint().lower();
    if announced > limit as u64 {
        return Err(too_large(limit));
    }
    let deadline = Instant::now() + limits::BODY;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let patience = deadline.min(Instant::now() + limits::BODY_STALL);
        let frame = match timeout_at(patience, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(
                    Failure::from(Error::new(Code::JsonSyntax, "The body did not arrive completely.")).and_close()
                );
            }
            Err(_) => {
                let detail = "The body did not arrive in time.";
                return Err(Failure::from(failure::error(ProductCode::RequestTimeout, detail)).and_close());
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        if first.is_empty() && rest.is_empty() {
            // Most bodies arrive in one piece and need no copy.
            first = data;
            continue;
        }
        if rest.is_empty() {
            let announced = usize::try_from(announced).unwrap_or(0);
            rest.reserve(announced.clamp(first.len() + data.len(), 4 * limits::HEAD_BYTES));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("The body is larger than the {limit} bytes that this endpoint takes.");
    Failure::from(Error::new(Code::BodyTooLarge, detail)).and_close()
}

/// JSON and nothing else. A missing type is taken as JSON; parameters and letter case do not matter.
pub(crate) fn check_media(headers: &HeaderMap) -> Result<(), Error> {
    let identity = |value: &http::HeaderValue| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers.get_all(CONTENT_ENCODING).iter().all(identity) {
        return Err(Error::new(Code::UnsupportedMediaType, "Compressed bodies are not read. Send the JSON as it is."));
    }
    let json = |value: &http::HeaderValue| {
        let essence = value.as_bytes().split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        essence.eq_ignore_ascii_case(b"application/scim+json") || essence.eq_ignore_ascii_case(b"application/json")
    };
    if !headers.get_all(CONTENT_TYPE).iter().all(json) {
        return Err(Error::new(Code::UnsupportedMediaType, "The body must be application/scim+json."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use std::convert::Infallible;

    #[test]
    fn media_types() {
        let check = |headers: &[(HeaderName, &str)], fits: bool| {
            let headers: HeaderMap =
                headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect();
            assert_eq!(check_media(&headers).is_ok(), fits, "{headers:?}");
        };
        check(&[], true);
        for fits in
            ["application/scim+json", "application/json", "Application/SCIM+JSON; charset=utf-8", "application/json ;q"]
        {
            check(&[(CONTENT_TYPE, fits)], true);
        }
        for bad in
            ["text/plain", "application/xml", "", "application/jsonx", "application/x-www-form-urlencoded", "*/*"]
        {
            check(&[(CONTENT_TYPE, bad)], false);
        }
        check(&[(CONTENT_ENCODING, "identity")], true);
        check(&[(CONTENT_ENCODING, "gzip")], false);
    }

    /// A body that comes in pieces, one after each pause.
    struct Dripping {
        pieces: Vec<&'static [u8]>,
        every: std::time::Duration,
        pause: std::pin::Pin<Box<tokio::time::Sleep>>,
    }

    impl hyper::body::Body for Dripping {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
            std::task::ready!(self.pause.as_mut().poll(cx));
            let next = Instant::now() + self.every;
            self.pause.as_mut().reset(next);
            let piece = self.pieces.pop();
            std::task::Poll::Ready(piece.map(|piece| Ok(hyper::body::Frame::data(Bytes::from_static(piece)))))
        }
    }

    fn dripping(pieces: &[&'static [u8]], every: std::time::Duration) -> Body {
        let pieces = pieces.iter().rev().copied().collect();
        Body::new(Dripping { pieces, every, pause: Box::pin(tokio::time::sleep(every)) })
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_are_bounded_in_size_and_time() {
        async fn status(body: Body, limit: usize) -> Result<Bytes, u16> {
            let mut body = body;
            read(&mut body, limit).await.map_err(|failure| failure.refusal.status)
        }
        let second = std::time::Duration::from_secs(1);
        assert_eq!(status(Body::from("abc"), 3).await, Ok(Bytes::from("abc")));
        assert_eq!(status(Body::from("abcd"), 3).await, Err(413));
        assert_eq!(status(Body::empty(), 3).await, Ok(Bytes::new()));
        assert_eq!(status(dripping(&[b"a", b"b", b"c"], second), 3).await, Ok(Bytes::from("abc")));
        assert_eq!(status(dripping(&[b"a", b"b", b"cd"], second), 3).await, Err(413));
        assert_eq!(status(dripping(&[b"a", b"b"], limits::BODY_STALL * 2), 3).await, Err(408));
        let begun = Instant::now();
        assert_eq!(status(dripping(&[b"a".as_slice(); 100], second), 1_000).await, Err(408));
        assert_eq!(begun.elapsed(), limits::BODY);
    }
}
