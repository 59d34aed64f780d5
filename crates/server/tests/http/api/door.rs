//! Who comes in, and what is refused before a handler runs.

use super::*;
use bailiwick_domain::policy::{Role, builtin};
use bailiwick_testkit::Client;

fn permits(role: &Role, route: &RouteInfo) -> bool {
    match route.auth {
        Auth::Principal(Some(action)) => role.reach(action).is_some(),
        _ => true,
    }
}

/// Calls every route but the one that never ends and those that end the caller.
async fn each_route(app: &TestApp, role: &str, check: impl Fn(&RouteInfo, &Role, &Answer)) {
    let held = builtin(role).unwrap();
    let mut client = app.service(role).await;
    for route in api_routes() {
        if route.path == "/api/v1/events/stream" && permits(&held, &route) {
            continue;
        }
        let answer = client.send(route.method, &filled(&route.path), &[], None).await;
        check(&route, &held, &answer);
    }
}

#[tokio::test]
async fn every_route_asks_the_policy() {
    let app = TestApp::start().await;
    for role in ["viewer", "auditor", "user", "admin"] {
        each_route(&app, role, |route, held, answer| {
            let told = format!("{role} {} {}: {} {}", route.method, route.path, answer.status, answer.text());
            if !permits(held, route) {
                assert_eq!(answer.status, 403, "{told}");
                is_problem(answer, "forbidden");
                return;
            }
            assert!(!matches!(answer.status, 405 | 500..), "{told}");
            if route.auth != Auth::Open {
                assert_ne!(answer.status, 401, "{told}");
            }
            if answer.status >= 400 {
                is_problem(answer, answer.at("/code").as_str().unwrap_or_default());
            }
        })
        .await;
    }
}

#[tokio::test]
async fn methods_and_paths() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    for (method, path, allow) in [
        ("DELETE", "/api/v1/integrations", "GET, POST, HEAD"),
        ("POST", "/api/v1/integrations/first", "GET, PATCH, DELETE, HEAD"),
        ("BREW", "/api/v1/openapi.json", "GET, HEAD"),
        ("OPTIONS", "/api/v1/integrations", "GET, POST, HEAD"),
    ] {
        let answer = admin.send(method, path, &[], None).await.expect(405);
        is_problem(&answer, "method-not-allowed");
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
    for path in ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/integrations/", "/api/v1//integrations"] {
        is_problem(&admin.get(path).await.expect(404), "not-found");
    }
    is_problem(&admin.get("/api/v1/integrations/first%2Ftokens").await.expect(404), "not-found");
    let head = admin.send("HEAD", "/api/v1/integrations/first", &[], None).await.expect(200);
    assert!(head.body.is_empty() && head.header("etag").is_some() && head.header("server-timing").is_some());
    let document = admin.get("/api/v1/openapi.json").await.expect(200);
    assert_eq!(document.at("/openapi"), "3.1.0");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_its_place() {
    let app = TestApp::start().await;
    let mut admin = app.service("admin").await;
    let path = "/api/v1/integrations";
    for (query, code) in [
        ("limit=0", "parameter-invalid"),
        ("limit=1001", "parameter-invalid"),
        ("limit=x", "parameter-invalid"),
        ("limit=1&limit=1", "parameter-invalid"),
        ("nothing=1", "parameter-invalid"),
        ("total=yes", "parameter-invalid"),
        ("cursor=x", "cursor-invalid"),
        ("cursor=IjAi.AAAA", "cursor-invalid"),
        ("limit=%ff", "parameter-invalid"),
    ] {
        is_problem(&admin.get(&format!("{path}?{query}")).await.expect(400), code);
    }
    let accept = [("accept", Some("text/html"))];
    is_problem(&admin.send("GET", path, &accept, None).await.expect(406), "not-acceptable");
    for fine in ["*/*", "application/*", "text/html, application/json;q=0.1", "application/problem+json, */*;q=0.5"] {
        admin.send("GET", path, &[("accept", Some(fine))], None).await.expect(200);
    }
    let send = async |client: &mut Client, media: &str, body: &str| {
        client.send("POST", path, &[("content-type", Some(media))], Some(body.to_owned().into())).await
    };
    is_problem(&send(&mut admin, "text/plain", "{}").await.expect(415), "unsupported-media-type");
    for (body, code) in [
        ("", "json-syntax"),
        ("{", "json-syntax"),
        (r#"{"name": "a", "name": "b"}"#, "duplicate-key"),
        (&format!("{}1{}", "[".repeat(40), "]".repeat(40)), "json-too-deep"),
    ] {
        is_problem(&send(&mut admin, "application/json", body).await.expect(400), code);
    }
    for (body, pointer) in [
        (r#"{"name": 1}"#, "/name"),
        (r#"{"name": "a", "nothing": 1}"#, "/nothing"),
        (r#"{"preset": "okta"}"#, ""),
        (r#"{"name": "a", "preset": "other"}"#, "/preset"),
        (r#"{"name": "a", "rate_limit": -1}"#, "/rate_limit"),
        ("[]", ""),
    ] {
        let answer = send(&mut admin, "application/json", body).await.expect(400);
        is_problem(&answer, "value-invalid");
        assert_eq!(answer.at("/errors/0/pointer"), pointer, "{body}");
    }
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(1024 * 1024));
    is_problem(&send(&mut admin, "application/json", &large).await.expect(413), "body-too-large");
    let with_body = admin.send("DELETE", "/api/v1/integrations/first", &[], Some("{}".into())).await.expect(400);
    is_problem(&with_body, "json-syntax");
    admin.get("/api/v1/integrations/first").await.expect(200);
}

#[tokio::test]
async fn what_is_refused_stands_in_the_journal() {
    let app = TestApp::start().await;
    let mut viewer = app.service("viewer").await;
    let refused = viewer.post("/api/v1/integrations", &json!({"name": "x"})).await.expect(403);
    let id = refused.header("x-request-id").unwrap().to_owned();
    let mut admin = app.service("admin").await;
    let found = admin.get(&format!("/api/v1/events?request={id}")).await.expect(200);
    let event = found.at("/items/0");
    assert_eq!((&event["kind"], &event["call"]["code"]), (&json!("api:refused"), &json!("forbidden")));
    assert_eq!((&event["details"]["operation"], &event["call"]["status"]), (&json!("createIntegration"), &json!(403)));
    assert!(event["actor"].as_str().unwrap().starts_with("crd_"), "{event}");
    // What was carried out is told by its own event, with the same actor.
    let made = admin.post("/api/v1/integrations", &json!({"name": "made"})).await.expect(201);
    let id = made.header("x-request-id").unwrap().to_owned();
    let found = admin.get(&format!("/api/v1/events?request={id}")).await.expect(200);
    let kinds: Vec<Value> = found.at("/items").as_array().unwrap().iter().map(|event| event["kind"].clone()).collect();
    assert_eq!(kinds, [json!("token:create"), json!("integration:create")]);
    assert!(found.at("/items/0/actor").as_str().unwrap().starts_with("crd_"));
}
