use super::*;
use bailiwick_domain::preset::Preset;
use bailiwick_server::{Auth, routes};

fn filled(path: &str) -> String {
    path.replace("{id}", "00000000-0000-4000-8000-000000000000").replace("{name}", "User").replace("{urn}", USER)
}

#[tokio::test]
async fn no_route_answers_without_a_token_but_the_open_ones() {
    let app = TestApp::start().await;
    let (mut anonymous, mut wrong) = (app.anonymous(), app.client());
    wrong.set_header("authorization", Some("Bearer bwk_0000000000000000000000000000000000000000000"));
    for route in routes().into_iter().filter(|route| !route.path.starts_with("/api/")) {
        let path = filled(&route.path);
        for (client, challenge) in [
            (&mut anonymous, r#"Bearer realm="bailiwick""#),
            (&mut wrong, r#"Bearer realm="bailiwick", error="invalid_token""#),
        ] {
            let answer = client.send(route.method, &path, &[], None).await;
            if route.auth == Auth::Open {
                assert_eq!(answer.status, 200, "{route:?}");
                continue;
            }
            assert_eq!(answer.status, 401, "{route:?}");
            assert_eq!(answer.header("www-authenticate"), Some(challenge), "{route:?}");
            is_scim_error(&answer);
        }
        let answer = app.client().send(route.method, &path, &[], None).await;
        assert!(answer.status != 401 && answer.status != 405 && answer.status != 500, "{route:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_is_not_listed_tells_nobody_anything() {
    let app = TestApp::start().await;
    let known = create(&app, "Users", &user("known")).await;
    for path in [
        "/scim/v1/Users",
        "/scim/v2/nothing",
        "/scim/v2/%55sers",
        "/scim/v2//Users",
        "/scim/v2/./Users",
        "/scim/v2/Users/../Users",
        "/scim/v2/ServiceProviderConfig/../Users",
        "/scim/v2/ServiceProviderConfig%2f..%2fUsers",
        "/scim/v2/ServiceProviderConfig;/Users",
        "/scim/%2e%2e/scim/v2/Users",
        &format!("/scim/v2/Users/{known}/x"),
    ] {
        let anonymous = app.anonymous().get(path).await.expect(401);
        is_scim_error(&anonymous);
        let answer = app.client().get(path).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        is_scim_error(&answer);
    }
    for path in ["//scim/v2/Users", "/%73cim/v2/Users", "/scim%2fv2%2fUsers", "/SCIM/v2/Users", "/./scim/v2/Users", "/"]
    {
        assert_eq!(app.client().get(path).await.status, 404, "{path}");
    }
    let answer = app.anonymous().send("POST", "/scim/v2/ServiceProviderConfig", &[], None).await;
    assert_eq!(answer.status, 401);
    let token = app.token().to_owned();
    app.anonymous().get(&format!("/scim/v2/Users?access_token={token}")).await.expect(401);
}

#[tokio::test]
async fn tokens_come_in_one_authorization_header() {
    let app = TestApp::start().await;
    let token = app.token().to_owned();
    let check = async |value: &str, status: u16| {
        let answer = app.anonymous().send("GET", "/scim/v2/Users", &[("authorization", Some(value))], None).await;
        assert_eq!(answer.status, status, "{value}");
    };
    check(&format!("Bearer {token}"), 200).await;
    check(&format!("bEARER  {token}"), 200).await;
    check(&format!("Basic {token}"), 401).await;
    check(&token, 401).await;
    check("Bearer ", 401).await;
    check("Bearer", 401).await;
}

#[tokio::test]
async fn methods_that_are_not_offered_are_refused() {
    let app = TestApp::start().await;
    let check = async |method: &str, path: &str, allow: &str| {
        let answer = app.client().send(method, path, &[], Some("{}".into())).await.expect(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        is_scim_error(&answer);
    };
    check("DELETE", "/scim/v2/Users", "GET, POST, HEAD").await;
    check("POST", "/scim/v2/Users/1", "GET, PUT, PATCH, DELETE, HEAD").await;
    check("GET", "/scim/v2/Bulk", "POST").await;
    check("PUT", "/scim/v2/Schemas", "GET, HEAD").await;
    check("BREW", "/scim/v2/ServiceProviderConfig", "GET, HEAD").await;
    let answer = app.client().get("/scim/v2/Me").await.expect(501);
    is_scim_error(&answer);
}

#[tokio::test]
async fn versions_and_bases() {
    let app = TestApp::start().await;
    let id = create(&app, "Users", &user("bases")).await;
    let expect = app.client().get(&format!("/scim/v2/Users/{id}")).await.expect(200).json();
    for path in [format!("/scim/Users/{id}"), format!("/scim/v2/Users/{id}/"), format!("/scim/Users/{id}/")] {
        assert_eq!(app.client().get(&path).await.expect(200).json(), expect, "{path}");
    }
    let other = app.client().get("/scim/v1/Users").await.expect(400);
    assert_eq!(other.at("/scimType"), "invalidVers");
}

#[tokio::test]
async fn discovery() {
    let app = TestApp::start().await;
    let mut client = app.client();
    let config = client.get("/scim/v2/ServiceProviderConfig?filter=x&count=a").await.expect(200);
    assert_eq!(config.header("content-type"), Some("application/scim+json"));
    assert_eq!(config.at("/bulk/supported"), true);
    for (path, total) in [("ResourceTypes", 2), ("Schemas", 3)] {
        let list = client.get(&format!("/scim/v2/{path}?startIndex=2&sortBy=x&count=0")).await.expect(200);
        assert_eq!(
            (list.at("/totalResults"), list.at("/Resources").as_array().map(Vec::len)),
            (json!(total), Some(total))
        );
        is_scim_error(&client.get(&format!("/scim/v2/{path}?filter=id%20eq%20%22x%22")).await.expect(403));
        is_scim_error(&client.get(&format!("/scim/v2/{path}/nothing")).await.expect(404));
    }
    let encoded = format!("/scim/v2/Schemas/{}", USER.replace(':', "%3A"));
    assert_eq!(client.get(&encoded).await.expect(200).at("/id"), USER);
    assert_eq!(client.get("/scim/ResourceTypes/Group").await.expect(200).at("/schema"), GROUP);
}

#[tokio::test]
async fn another_integration_sees_nothing() {
    let app = TestApp::start().await;
    let (_, token) = app.integration("other", Preset::Okta).await;
    let (person, team) = (create(&app, "Users", &user("p")).await, create(&app, "Groups", &group("t", &[])).await);
    let mut other = app.client();
    other.set_header("authorization", Some(&format!("Bearer {token}")));
    for (path, body) in [(format!("Users/{person}"), user("x")), (format!("Groups/{team}"), group("x", &[]))] {
        let unknown = filled(&format!("/scim/v2/{}/{{id}}", path.split('/').next().unwrap()));
        let path = format!("/scim/v2/{path}");
        let operation = patch(json!([{"op": "replace", "path": "displayName", "value": "x"}]));
        for (method, body) in [("GET", None), ("PUT", Some(&body)), ("PATCH", Some(&operation)), ("DELETE", None)] {
            let body = body.map(|body| bytes::Bytes::from(body.to_string()));
            let foreign = other.send(method, &path, &[], body.clone()).await.expect(404);
            let missing = other.send(method, &unknown, &[], body).await.expect(404);
            assert_eq!(foreign.body, missing.body, "{method} {path}");
        }
        app.client().get(&path).await.expect(200);
    }
    assert_eq!(other.get("/scim/v2/").await.expect(200).at("/totalResults"), 0);
}

#[tokio::test]
async fn every_call_is_a_use_of_its_token() {
    let app = TestApp::start().await;
    let (mut client, mut moment) = (app.client(), app.app().clock().now());
    for (method, path, body) in [
        ("POST", "/scim/v2/Users", Some(user("used").to_string())),
        ("GET", "/scim/v2/Users", None),
        ("PUT", "/scim/v2/Users/nobody", Some("{}".to_owned())),
    ] {
        app.clock().advance(std::time::Duration::from_secs(60));
        client.send(method, path, &[], body.map(Into::into)).await;
        app.app().flush().await;
        let used = bailiwick_app::manage::list_tokens(app.app(), None).await.unwrap()[0].0.last_used.unwrap();
        assert!(used > moment, "{method}");
        moment = used;
    }
}
