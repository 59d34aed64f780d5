//! The one place where a refusal becomes an answer of the REST API (RFC 9457).

use super::answer::NO_STORE;
use crate::intake::{Failure, Fault};
use axum::body::Body;
use axum::response::Response;
use bailiwick_domain::failure;
use bailiwick_domain::preset::Preset;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

pub(super) const PROBLEM: &str = "application/problem+json";

/// An error (RFC 9457).
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Problem {
    /// Where the code is explained; below the address of this server.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, in a sentence that is the same whenever the code is.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// What happened this time.
    detail: String,
    /// Stable code, as in the journal.
    code: &'static str,
    /// What to do.
    remedy: &'static str,
    /// Id of the request, as in the journal and the log of the server.
    request_id: String,
    /// The places that are wrong, where there are several or a place has a name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<ProblemPlace>,
}

/// One place that is wrong.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ProblemPlace {
    /// JSON pointer into the body (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// Line of a text, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// Column of a text, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// What is wrong there.
    detail: String,
}

/// The answer to a refusal.
pub(super) fn answer(refused: &Failure, request: &str) -> Response {
    let (title, remedy) = failure::explain(refused.refusal.code, Preset::Generic);
    let place = |fault: &Fault| ProblemPlace {
        pointer: fault.pointer.clone(),
        line: fault.line,
        column: fault.column,
        detail: fault.detail.clone(),
    };
    let problem = Problem {
        kind: format!("/docs/errors/{}", refused.refusal.code),
        title,
        status: refused.refusal.status,
        detail: refused.refusal.detail.clone(),
        code: refused.refusal.code,
        remedy,
        request_id: request.to_owned(),
        errors: refused.faults.iter().map(place).collect(),
    };
    // Texts and numbers always serialise.
    let mut response = Response::new(Body::from(serde_json::to_vec(&problem).unwrap_or_default()));
    *response.status_mut() = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.insert(CACHE_CONTROL, NO_STORE);
    if matches!(problem.status, 503 | 507) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    for (name, value) in &refused.headers {
        headers.insert(name.clone(), value.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_scim::{Code, Error};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    #[tokio::test]
    async fn a_problem_says_what_and_where() {
        let fault = Fault { pointer: Some("/name".to_owned()), detail: "It is taken.".to_owned(), ..Fault::default() };
        let refused = Failure::from(Error::new(Code::Uniqueness, "The name is taken.")).at(vec![fault]);
        let response = answer(&refused, "req_1");
        assert_eq!(response.status().as_u16(), 409);
        assert_eq!(response.headers()[CONTENT_TYPE], PROBLEM);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["type"], "/docs/errors/uniqueness");
        assert_eq!((&body["code"], &body["status"]), (&json!("uniqueness"), &json!(409)));
        assert_eq!(body["errors"], json!([{"pointer": "/name", "detail": "It is taken."}]));
        assert!(body["title"].as_str().unwrap().ends_with('.') && body["remedy"].as_str().unwrap().ends_with('.'));
    }
}
