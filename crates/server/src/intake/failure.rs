//! A refusal on its way to the answer, whichever door it was met at.

use bailiwick_app::Refusal;
use bailiwick_domain::failure::{self, ProductCode};
use bailiwick_scim::{Code, Error};
use http::header::{ALLOW, CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

/// A refusal with what the answer carries besides its body.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) refusal: Refusal,
    /// Whether the journal gets a record of it.
    pub(crate) recorded: bool,
    /// Headers of the answer.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Where exactly, when there are several places or the place has a name.
    pub(crate) faults: Vec<Fault>,
}

/// One place that is wrong, and what is wrong there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    /// JSON pointer into the body (RFC 6901).
    pub(crate) pointer: Option<String>,
    /// Line of a text, counted from 1.
    pub(crate) line: Option<u32>,
    /// Column of a text, counted from 1.
    pub(crate) column: Option<u32>,
    /// A sentence.
    pub(crate) detail: String,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self { refusal, recorded: true, headers: Vec::new(), faults: Vec::new() }
    }
}

impl Failure {
    /// With one more header.
    pub(crate) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A fault of ours.
    pub(crate) fn internal() -> Self {
        internal().into()
    }

    /// No valid token (RFC 6750 section 3).
    pub(crate) fn unauthenticated(refusal: Refusal, given: bool) -> Self {
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
    pub(crate) fn method(methods: &[&str]) -> Self {
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
    pub(crate) fn too_many_calls(seconds: u64, recorded: bool) -> Self {
        let detail = "More calls come than the limit allows. Nothing was done; try again later.";
        let mut failure = Self::from(failure::error(ProductCode::RateLimited, detail));
        failure.recorded = recorded;
        failure.with(RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// With the places that are wrong.
    pub(crate) fn at(mut self, faults: Vec<Fault>) -> Self {
        self.faults = faults;
        self
    }

    /// The connection cannot be used any further.
    pub(crate) fn and_close(self) -> Self {
        self.with(CONNECTION, HeaderValue::from_static("close"))
    }
}

/// Runs a future; `None` when it panicked. The panic itself is reported by the hook of the process.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Option<T> {
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

/// A fault of ours.
pub(crate) fn internal() -> Error {
    failure::error(ProductCode::Internal, "The server failed. The request id leads to the cause in its log.")
}

#[cfg(test)]
mod tests {
    use super::*;

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
