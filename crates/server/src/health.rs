//! Whether the process answers, whether it can serve, and the answer to paths that lead nowhere.

use crate::scim::Scim;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, StatusCode};
use serde_json::json;
use std::sync::Arc;

/// 200 as soon as the process answers. Touches nothing that could wait.
pub(crate) async fn healthz() -> Response {
    line(StatusCode::OK, r#"{"status":"ok"}"#.to_owned())
}

/// 200 when the store can be written and everything announced before the start is loaded, else 503.
pub(crate) async fn readyz(State(scim): State<Arc<Scim>>) -> Response {
    let ready = if scim.gate.open() { scim.app.ready().await } else { Err(scim.gate.why().to_owned()) };
    match ready {
        Ok(()) => line(StatusCode::OK, r#"{"status":"ready"}"#.to_owned()),
        Err(reason) => {
            line(StatusCode::SERVICE_UNAVAILABLE, json!({"status": "not ready", "reason": reason}).to_string())
        }
    }
}

/// No such page.
pub(crate) async fn not_found(method: Method) -> Response {
    if method == Method::CONNECT || method == Method::TRACE {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD, POST, PUT, PATCH, DELETE")]).into_response();
    }
    line(StatusCode::NOT_FOUND, r#"{"status":"not found"}"#.to_owned())
}

/// The page that explains a stable code: where the `type` of a problem leads.
pub(crate) async fn error_page(Path(code): Path<String>) -> Response {
    match bailiwick_domain::failure::page(&code) {
        Some(page) => (StatusCode::OK, [(CONTENT_TYPE, "text/markdown; charset=utf-8")], page).into_response(),
        None => line(StatusCode::NOT_FOUND, r#"{"status":"not found"}"#.to_owned()),
    }
}

fn line(status: StatusCode, mut body: String) -> Response {
    body.push('\n');
    (status, [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")], body).into_response()
}
