//! The one place where a refusal becomes an answer (RFC 7644 section 3.12).

use super::exchange::REQUEST_ID;
use super::response::{NO_STORE, SCIM_JSON};
use crate::intake::Failure;
use axum::body::Body;
use axum::response::Response;
use bailiwick_domain::failure::{self, ProductCode};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

/// The answer.
pub(super) fn answer(failure: &Failure, request: &str) -> Response {
    let mut response = Response::new(Body::from(failure.refusal.body().to_string()));
    *response.status_mut() = StatusCode::from_u16(failure.refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, SCIM_JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    if let (false, Ok(id)) = (request.is_empty(), HeaderValue::from_str(request)) {
        headers.insert(REQUEST_ID, id);
    }
    // Trouble that passes: every provider tries again after this.
    if matches!(failure.refusal.status, 503 | 507) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    for (name, value) in &failure.headers {
        headers.insert(name.clone(), value.clone());
    }
    response
}

/// Refuses a request whose framing or host is in doubt, and the connection with it.
pub(crate) fn refuse_connection((code, why): (ProductCode, &'static str)) -> Response {
    answer(&Failure::from(failure::error(code, why)).and_close(), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;
    use http::header::{ALLOW, CONNECTION, WWW_AUTHENTICATE};

    #[test]
    fn answers_carry_what_their_status_asks_for() {
        let check = |failure: Failure, status: u16, name: HeaderName, expect: &str| {
            let response = answer(&failure, "req_1");
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
}
