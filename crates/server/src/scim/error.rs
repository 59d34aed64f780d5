//! The one place where a refusal becomes an answer (RFC 7644 section 3.12).

use super::exchange::REQUEST_ID;
use super::internal;
use super::response::{NO_STORE, SCIM_JSON};
use axum::body::Body;
use axum::response::Response;
use bailiwick_app::Refusal;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_scim::{Code, Error};
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// A refusal with what the answer carries besides its body.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) refusal: Refusal,
    /// Whether the journal gets a record of it.
    pub(super) recorded: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, recorded: true, headers: Vec::new() }
    }
}

impl Failure {
    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A fault of ours.
    pub(super) fn internal() -> Self {
        internal().into()
    }

    /// No valid token (RFC 6750 section 3).
    pub(super) fn unauthenticated(refusal: Refusal, given: bool) -> Self {
        if refusal.status != 401 {
            return refusal.into();
        }
        let challenge = if given {
            HeaderValue::from_static(r#"Bearer realm="bailiwick", error="invalid_token""#)
        } else {
            HeaderValue::from_static(r#"Bearer realm="bailiwick""#)
        };
        Self::from(refusal).with(WWW_AUTHENTICATE, challenge)
    }

    /// A method that the endpoint does not offer.
    pub(super) fn method(methods: &[&str]) -> Self {
        let mut allow = methods.join(", ");
        if methods.contains(&"GET") {
            allow.push_str(", HEAD");
        }
        let failure =
            Self::from(Error::new(Code::MethodNotAllowed, format!("This endpoint offers {allow} and nothing else.")));
        match HeaderValue::from_str(&allow) {
            Ok(allow) => failure.with(ALLOW, allow),
            Err(_) => failure,
        }
    }

    /// Too many calls. Only some of them are recorded, so that refusing stays cheap.
    pub(super) fn too_many_calls(seconds: u64, recorded: bool) -> Self {
        let detail = "The integration makes more calls than its limit allows. Nothing was done; try again later.";
        let mut failure = Self::from(failure::error(ProductCode::RateLimited, detail));
        failure.recorded = recorded;
        failure.with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// The connection cannot be used any further.
    pub(super) fn and_close(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }

    /// The answer.
    pub(super) fn response(&self, request: &str) -> Response {
        let mut response = Response::new(Body::from(self.refusal.body().to_string()));
        *response.status_mut() = StatusCode::from_u16(self.refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, SCIM_JSON);
        headers.insert(CACHE_CONTROL, NO_STORE);
        if let (false, Ok(id)) = (request.is_empty(), HeaderValue::from_str(request)) {
            headers.insert(REQUEST_ID, id);
        }
        // Trouble that passes: every provider tries again after this.
        if matches!(self.refusal.status, 503 | 507) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        for (name, value) in &self.headers {
            headers.insert(name.clone(), value.clone());
        }
        response
    }
}

/// Refuses a request whose framing or host is in doubt, and the connection with it.
pub(crate) fn refuse_connection((code, why): (ProductCode, &'static str)) -> Response {
    Failure::from(failure::error(code, why)).and_close().response("")
}

/// Runs a future; `None` when it panicked. The panic itself is reported by the hook of the process.
pub(super) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut work = std::pin::pin!(work);
    let outcome = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(outcome)) => Poll::Ready(Some(outcome)),
        Err(_) => Poll::Ready(None),
    })
    .await;
    if outcome.is_none() {
        tracing::error!("a request made the server panic");
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_carry_what_their_status_asks_for() {
        let check = |failure: Failure, status: u16, name: HeaderName, expect: &str| {
            let response = failure.response("req_1");
            assert_eq!(response.status().as_u16(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/scim+json");
            assert_eq!(response.headers()[&REQUEST_ID], "req_1");
            assert_eq!(response.headers()[name], expect);
        };
        check(Failure::method(&["GET", "PUT"]), 405, ALLOW, "GET, PUT, HEAD");
        check(Failure::method(&["POST"]), 405, ALLOW, "POST");
        check(Failure::too_many_calls(3, true), 429, RETRY_AFTER, "3");
        check(failure::error(ProductCode::StoreBusy, "x").into(), 503, RETRY_AFTER, "1");
        check(failure::error(ProductCode::StoreFull, "x").into(), 507, RETRY_AFTER, "1");
        check(Failure::internal().and_close(), 500, CONNECTION, "close");
        let missing = failure::error(ProductCode::TokenMissing, "x");
        check(Failure::unauthenticated(missing.clone(), false), 401, WWW_AUTHENTICATE, r#"Bearer realm="bailiwick""#);
        let given = r#"Bearer realm="bailiwick", error="invalid_token""#;
        check(Failure::unauthenticated(missing, true), 401, WWW_AUTHENTICATE, given);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        assert_eq!(caught(async { 1 }).await, Some(1));
        let panics = async {
            tokio::task::yield_now().await;
            if std::env::args().count() > 0 {
                panic!("on purpose");
            }
        };
        assert_eq!(caught(panics).await, None);
    }
}
