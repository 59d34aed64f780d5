//! The door of the REST API: what every route has in common.

mod access;
mod door;
mod feed;
mod imports;
mod resources;
mod said;
mod webhooks;

use super::*;
use bailiwick_server::{Auth, RouteInfo, openapi, routes};
use std::path::Path;

/// The routes of the REST API.
fn api_routes() -> Vec<RouteInfo> {
    routes().into_iter().filter(|route| route.path.starts_with("/api/v1")).collect()
}

/// The path with something in its braces that names nothing.
fn filled(path: &str) -> String {
    path.split('/').map(|segment| if segment.starts_with('{') { "none" } else { segment }).collect::<Vec<_>>().join("/")
}

/// The answer is a problem of its own status with this code.
#[track_caller]
fn is_problem(answer: &Answer, code: &str) {
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", answer.text());
    assert_eq!(answer.at("/code"), code, "{}", answer.text());
    assert_eq!(answer.at("/status"), answer.status);
    assert_eq!(answer.at("/type"), format!("/docs/errors/{code}"));
    assert_eq!(answer.at("/request_id").as_str(), answer.header("x-request-id"));
    assert!(["/title", "/detail", "/remedy"].iter().all(|field| answer.at(field).is_string()), "{}", answer.text());
}

#[tokio::test]
async fn no_route_answers_nobody() {
    let app = TestApp::start().await;
    let (mut anonymous, mut scim) = (app.anonymous(), app.client());
    for route in api_routes().iter().filter(|route| route.auth != Auth::Open) {
        let path = filled(&route.path);
        let answer = anonymous.send(route.method, &path, &[], None).await.expect(401);
        is_problem(&answer, "token-missing");
        assert_eq!(answer.header("www-authenticate"), Some(r#"Bearer realm="bailiwick""#), "{route:?}");
        let wrong = [("authorization", Some("Bearer nonsense"))];
        is_problem(&anonymous.send(route.method, &path, &wrong, None).await.expect(401), "token-malformed");
        let answer = scim.send(route.method, &path, &[], None).await.expect(401);
        is_problem(&answer, "token-for-scim");
        let challenge = r#"Bearer realm="bailiwick", error="invalid_token""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{route:?}");
    }
}

#[tokio::test]
async fn what_is_not_listed_tells_nobody_anything() {
    let app = TestApp::start().await;
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/integrations/", "/api/v1//integrations"] {
        is_problem(&app.anonymous().get(path).await.expect(401), "token-missing");
    }
    for path in ["/api", "/api/", "/api/v2", "/api/v1x", "/API/v1/integrations", "/%61pi/v1/integrations"] {
        app.anonymous().get(path).await.expect(404);
    }
}

#[tokio::test]
async fn every_code_has_its_page() {
    let app = TestApp::start().await;
    let page = app.anonymous().get("/docs/errors/token-missing").await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/markdown; charset=utf-8"));
    assert!(page.text().contains("# token-missing"));
    app.anonymous().get("/docs/errors/nothing").await.expect(404);
    app.anonymous().get("/docs/errors/..%2Fcli").await.expect(404);
}

#[test]
fn the_document_describes_every_route_and_nothing_else() {
    let document = openapi();
    let mut described: Vec<String> = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            described.push(format!("{} /api/v1{path}", method.to_uppercase()));
            let summary = operation["summary"].as_str().unwrap();
            assert!(summary.ends_with('.') && summary.len() > 10, "{method} {path}: {summary:?} is no sentence");
            let braces = path.split('/').filter(|segment| segment.starts_with('{')).count();
            let parameters = operation["parameters"]
                .as_array()
                .map_or(0, |all| all.iter().filter(|parameter| parameter["in"] == "path").count());
            assert_eq!(braces, parameters, "{method} {path}");
        }
    }
    let mut served: Vec<String> = api_routes().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
    described.sort();
    served.sort();
    assert_eq!(described, served);
    let operations: std::collections::HashSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|methods| methods.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(operations.len(), served.len(), "an operation id stands for one operation");
}

/// What a reference names is there.
#[test]
fn the_document_is_closed() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads elsewhere"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn the_document_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let expect = serde_json::to_string_pretty(&openapi()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expect).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expect, "docs/reference/openapi.json is stale: cargo xtask gen");
}
