//! One request by a known caller, and how it is concluded.

use super::{Scim, query};
use crate::intake::Failure;
use crate::limits;
use crate::router;
use axum::response::Response;
use bailiwick_app::{Call, Caller, journal};
use http::header::{HeaderName, HeaderValue, USER_AGENT};
use http::request::Parts;
use std::sync::Arc;
use std::time::Duration;

pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// One request by a known caller.
pub(super) struct Exchange {
    pub(super) scim: Arc<Scim>,
    pub(super) call: Call,
    /// The line of the route table, for the log: never what the client wrote.
    pub(super) route: &'static str,
    /// The query string as sent.
    pub(super) query: Option<String>,
}

impl Exchange {
    pub(super) fn new(scim: Arc<Scim>, caller: Caller, method: &'static str, parts: &Parts, started: Duration) -> Self {
        let below = router::below_base(parts.uri.path());
        let mut target = String::with_capacity(below.len() + 1);
        target.push('/');
        target.extend(below.chars().take(limits::TARGET_CHARS));
        let query = parts.uri.query().map(str::to_owned);
        // The record of a write is made while it is carried out; that of a read only if it fails.
        if let Some(query) = &query
            && !matches!(method, "GET" | "HEAD")
        {
            target.push_str(&query::redacted(scim.app.registry(), query));
        }
        let agent = parts.headers.get(USER_AGENT).map_or("".into(), |agent| String::from_utf8_lossy(agent.as_bytes()));
        let call = Call::new(&scim.app, caller, method, target, &agent, started);
        Self { scim, call, route: "unknown", query }
    }

    /// Ends a stage of the work.
    pub(super) fn mark(&mut self, stage: &'static str) {
        self.call.stages.mark(stage, self.scim.app.clock());
    }

    /// Whether it only reads.
    fn reads(&self) -> bool {
        matches!(self.call.method, "GET" | "HEAD") || self.route.ends_with(".search")
    }

    /// Turns the outcome into the answer: refusals are recorded, successful reads counted, and both are logged.
    pub(super) async fn conclude(mut self, outcome: Result<Response, Failure>) -> Response {
        let mut response = match outcome {
            Ok(response) => {
                if self.reads() {
                    self.scim.app.count_read(&self.call.caller, self.call.method, response.status().as_u16());
                } else {
                    self.scim.app.count_use(&self.call.caller);
                }
                response
            }
            Err(failure) => {
                if matches!(self.call.method, "GET" | "HEAD")
                    && let Some(query) = &self.query
                {
                    self.call.target.push_str(&query::redacted(self.scim.app.registry(), query));
                }
                if failure.recorded {
                    journal::record_refusal(&self.scim.app, &self.call, &failure.refusal).await;
                }
                super::error::answer(&failure, &self.call.request)
            }
        };
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::from_str(&self.call.request) {
            headers.insert(REQUEST_ID, id);
        }
        self.mark("answer");
        if let Ok(timing) = HeaderValue::from_str(&self.call.stages.header()) {
            headers.insert(SERVER_TIMING, timing);
        }
        self.log(response.status().as_u16());
        response
    }

    /// One line per request. No header, body or query value ever stands in it.
    fn log(&self, status: u16) {
        let Self { call, route, .. } = self;
        let duration = self.scim.app.clock().monotonic().saturating_sub(call.started);
        let (us, integration) =
            (u64::try_from(duration.as_micros()).unwrap_or(u64::MAX), &*call.caller.integration.name);
        if status >= 400 {
            tracing::info!(method = call.method, route, status, us, request = call.request, integration, "call");
        } else {
            tracing::debug!(method = call.method, route, status, us, request = call.request, integration, "call");
        }
    }
}
