//! What a handler answers.

use super::request::Request;
use crate::intake::{Failure, internal};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LINK, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

pub(crate) const JSON: &str = "application/json";
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// An answer: what went well.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Content {
    /// Known as a whole: it can be kept for a repetition of the request.
    Whole(Bytes),
    /// Sent as it comes.
    Stream(Body),
}

impl Answer {
    /// 204.
    pub(crate) fn empty() -> Self {
        Self { status: 204, headers: Vec::new(), body: Content::Whole(Bytes::new()) }
    }

    /// JSON with 200.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, which is a fault of ours.
    pub(crate) fn json<T: Serialize>(value: &T) -> Result<Self, Failure> {
        let body = serde_json::to_vec(value).map_err(|_| internal())?;
        Ok(Self::text(JSON, body))
    }

    /// JSON with 201 and the place of what was made, a path below `/api/v1` whose segments are encoded.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub(crate) fn made<T: Serialize>(request: &Request, path: &str, value: &T) -> Result<Self, Failure> {
        let location = format!("{}/api/v1{path}", request.app.public_url());
        Ok(Self { status: 201, ..Self::json(value)? }.header(LOCATION, &location))
    }

    /// Text of a media type with 200.
    pub(crate) fn text(media: &'static str, body: impl Into<Bytes>) -> Self {
        // A browser must not guess that it is something else.
        let headers = vec![
            (CONTENT_TYPE, HeaderValue::from_static(media)),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        Self { status: 200, headers, body: Content::Whole(body.into()) }
    }

    /// Something that is sent as it comes.
    pub(crate) fn stream(media: &'static str, body: Body) -> Self {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(media))];
        Self { status: 200, headers, body: Content::Stream(body) }
    }

    /// With another status.
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// A page: its items and, when there are more, the place behind the last of them.
    ///
    /// # Errors
    /// As [`Answer::json`].
    pub(crate) fn page<T: Serialize, K: Serialize>(
        request: &Request,
        items: &[T],
        next: Option<&K>,
        total: Option<u64>,
    ) -> Result<Self, Failure> {
        let next = next.map(|next| request.cursor_behind(next));
        let mut page = Map::new();
        page.insert("items".to_owned(), serde_json::to_value(items).map_err(|_| internal())?);
        page.insert("next_cursor".to_owned(), next.as_deref().map_or(Value::Null, Value::from));
        if let Some(total) = total {
            page.insert("total".to_owned(), Value::from(total));
        }
        let answer = Self::json(&page)?;
        Ok(match next {
            Some(next) => answer.header(LINK, &request.next_link(&next)),
            None => answer,
        })
    }

    /// With the version of the resource: the door compares it with If-None-Match.
    pub(crate) fn versioned(self, tag: &str) -> Self {
        self.header(ETAG, tag)
    }

    /// With one more header. A value that cannot be one is left out.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The version, if it says one.
    pub(crate) fn tag(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| *name == ETAG).and_then(|(_, value)| value.to_str().ok())
    }

    pub(crate) fn into_response(self) -> Response {
        let body = match self.body {
            Content::Whole(bytes) => Body::from(bytes),
            Content::Stream(body) => body,
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, NO_STORE);
        for (name, value) in self.headers {
            headers.insert(name, value);
        }
        response
    }
}
