//! Transport and authentication (RFC 7644 sections 1.3, 2, 3.8, 3.12, 3.13 and 7).

use crate::support::*;
use bailiwick_app::manage;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::Client;
use serde_json::{Value, json};
use std::time::Duration;

/// RFC 7644 sections 2 and 3.12.
#[tokio::test]
async fn without_a_good_token_every_call_is_401_and_names_the_scheme() {
    let mut world = World::new().await;
    let good = format!("Bearer {}", world.test.token());
    let mut anonymous = world.test.anonymous();
    let cut = &good[..good.len() - 1];
    let headers: [&[(&str, Option<&str>)]; 8] = [
        &[],
        &[("authorization", Some("Bearer wrong"))],
        &[("authorization", Some("Bearer "))],
        &[("authorization", Some("Basic dXNlcjpwYXNz"))],
        &[("authorization", Some("Token x"))],
        &[("authorization", Some(cut))],
        &[("authorization", Some("Bearer a b"))],
        &[("x-forwarded-user", Some("root"))],
    ];
    let body = user("ada", json!({})).to_string();
    for header in headers {
        for (method, path) in [("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("GET", "/nothing")] {
            let body = (method == "POST").then(|| body.clone().into());
            let answer = anonymous.send(method, &format!("/scim/v2{path}"), header, body).await;
            refusal(&answer, 401, "");
            let scheme = answer.header("www-authenticate").unwrap_or_default();
            assert!(scheme.starts_with("Bearer"), "{header:?}: {scheme}");
        }
    }
    assert_eq!(world.read("/Users").await["totalResults"], 0);
    let mixed = good.replace("Bearer", "bEARER");
    anonymous.send("GET", "/scim/v2/Users", &[("authorization", Some(&mixed))], None).await.expect(200);
}

/// Who guesses locks nobody out: neither the address they share with others nor a token that is good.
#[tokio::test]
async fn failed_log_ins_do_not_slow_a_good_token() {
    let mut world = World::new().await;
    let mut guessing = Client::new(world.test.address(), "blw_guess");
    for _ in 0..60 {
        refusal(&guessing.get("/scim/v2/Users").await, 401, "");
    }
    world.read("/Users").await;
}

/// RFC 7643 section 5, RFC 7644 section 7.6: nothing else is for the public, and nobody registers by themselves.
#[tokio::test]
async fn only_the_configuration_is_read_without_a_token() {
    let world = World::new().await;
    let mut anonymous = world.test.anonymous();
    let config = anonymous.get("/scim/v2/ServiceProviderConfig").await.expect(200);
    assert!(config.at("/authenticationSchemes/0/type").is_string());
    for path in ["/Me", "/Users", "/Groups", "/ResourceTypes", "/Schemas", "", "/Bulk", "/.search"] {
        refusal(&anonymous.get(&format!("/scim/v2{path}")).await, 401, "");
        refusal(&anonymous.post(&format!("/scim/v2{path}"), &user("ada", json!({}))).await, 401, "");
    }
    refusal(&anonymous.post("/scim/v2/ServiceProviderConfig", &json!({})).await, 401, "");
}

/// RFC 7644 section 2: the token decides on whose behalf a call is made, and nothing else does.
#[tokio::test]
async fn a_token_stands_for_its_integration_alone() {
    let mut world = World::new().await;
    let (_, token) = world.test.integration("second", Preset::Generic).await;
    let mut second = Client::new(world.test.address(), &token);
    let id = world.user("ada", json!({})).await;
    refusal(&second.get(&format!("/scim/v2/Users/{id}")).await, 404, "");
    refusal(&second.delete(&format!("/scim/v2/Users/{id}")).await, 404, "");
    assert_eq!(second.get("/scim/v2/Users").await.expect(200).at("/totalResults"), 0);
    manage::pause_integration(world.test.app(), "second").await.unwrap();
    assert!(matches!(second.get("/scim/v2/Users").await.status, 401 | 403));
    world.read(&format!("/Users/{id}")).await;
}

/// RFC 7644 section 7.4, RFC 6750.
#[tokio::test]
async fn tokens_live_for_a_limited_time_and_are_not_kept_in_the_clear() {
    let mut world = World::new().await;
    let app = world.test.app().clone();
    let short = manage::create_token(&app, "first", "short", Some(Duration::from_secs(60))).await.unwrap();
    let revoked = manage::create_token(&app, "first", "revoked", None).await.unwrap();
    let mut short_client = Client::new(world.test.address(), &short.token);
    let mut revoked_client = Client::new(world.test.address(), &revoked.token);
    short_client.get("/scim/v2/Users").await.expect(200);
    revoked_client.get("/scim/v2/Users").await.expect(200);
    manage::revoke_token(&app, "first", &revoked.id.to_string()).await.unwrap();
    refusal(&revoked_client.get("/scim/v2/Users").await, 401, "");
    world.test.clock().advance(Duration::from_secs(61));
    refusal(&short_client.get("/scim/v2/Users").await, 401, "");
    world.read("/Users").await;
    for token in [world.test.token(), &short.token, &revoked.token] {
        assert_eq!(world.test.files_holding(token), Vec::<String>::new());
    }
}

/// RFC 7644 section 1.3.
#[tokio::test]
async fn addresses_have_no_query() {
    let mut world = World::new().await;
    let created = world.client.post("/scim/v2/Users?attributes=meta", &user("ada", json!({}))).await.expect(201);
    let location = created.header("location").unwrap().to_owned();
    assert_eq!(location, format!("{BASE}/Users/{}", created.id()));
    assert_eq!(created.at("/meta/location"), json!(location));
}

/// RFC 7644 section 7.5.2: whatever can be asked for in an address can be asked for in a body.
#[tokio::test]
async fn no_query_needs_personal_data_in_an_address() {
    let mut world = World::new().await;
    let id = world.user("ada@x.example", json!({ "emails": [{ "value": "ada@x.example" }] })).await;
    world.group("Crew", &[&id]).await;
    for (path, filter, total) in [
        ("/Users", "userName eq \"ada@x.example\"", 1),
        ("/Users", "emails.value eq \"ada@x.example\"", 1),
        ("/Groups", "displayName eq \"crew\"", 1),
        ("", "userName eq \"ada@x.example\" or displayName eq \"Crew\"", 2),
    ] {
        let answer = world.search(path, json!({ "filter": filter, "attributes": ["id"] })).await.expect(200);
        assert_eq!(answer.at("/totalResults"), total, "{path} {filter}");
    }
}

/// RFC 7644 sections 3.8 and 8.1, RFC 9110 section 8.3.1.
#[tokio::test]
async fn json_comes_in_under_both_names_whatever_the_parameters_and_case() {
    let mut world = World::new().await;
    let types = [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/SCIM+JSON",
        "APPLICATION/JSON ; charset=\"utf-8\"; x=y",
    ];
    for (number, media) in types.iter().enumerate() {
        let body = user(&format!("zoë{number}"), json!({ "displayName": "Zoë 木 \u{1F600}" }));
        let answer = world.with_headers("POST", "/Users", &[("content-type", media)], body).await.expect(201);
        assert_eq!(answer.at("/displayName"), "Zoë 木 \u{1F600}", "{media}");
        assert_eq!(answer.header("content-type"), Some("application/scim+json"));
    }
    for media in ["text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "json"] {
        let answer = world.with_headers("POST", "/Users", &[("content-type", media)], user("never", json!({}))).await;
        refusal(&answer, 415, "");
    }
    let packed = world.with_headers("POST", "/Users", &[("content-encoding", "gzip")], user("never", json!({}))).await;
    refusal(&packed, 415, "");
    assert_eq!(world.read("/Users").await["totalResults"], types.len());
}

/// RFC 7644 section 3.8.
#[tokio::test]
async fn answers_are_scim_json_whatever_is_accepted() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    for accept in ["application/scim+json", "application/json", "*/*", "application/*", "application/json;q=0.5"] {
        for path in [path.as_str(), "/Users", "/Schemas", "/ServiceProviderConfig", "/Users/nobody"] {
            let answer = world.with_headers("GET", path, &[("accept", accept)], Value::Null).await;
            assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{accept} {path}");
            assert_eq!(answer.status == 404, path == "/Users/nobody");
            assert!(answer.json().is_object());
        }
    }
}

/// RFC 7644 section 3.4.2.
#[tokio::test]
async fn unknown_query_parameters_are_ignored() {
    for mut world in [World::new().await, World::strict().await] {
        let path = world.someone(json!({})).await;
        for below in ["/Users", &path, "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", ""] {
            world.get(&format!("{below}?unheard=1&aadOptscim062020&x=%26")).await.expect(200);
        }
        world.post("/Users?unheard=1", &user("ada", json!({}))).await.expect(201);
        world
            .patch(&format!("{path}?unheard=1"), json!([{ "op": "add", "path": "title", "value": "x" }]))
            .await
            .expect(200);
        world.delete(&format!("{path}?unheard=1")).await.expect(204);
    }
}

/// RFC 7644 section 3.13, RFC 7643 section 2.4: with and without the version it is the same resource.
#[tokio::test]
async fn the_version_in_the_path_is_served_or_refused() {
    let mut world = World::new().await;
    let user = world.someone(json!({})).await;
    let id = user.trim_start_matches("/Users/").to_owned();
    let group = world.group("Crew", &[&id]).await;
    for path in [&user, &format!("/Groups/{group}"), "/Users", "/Schemas", "/Users/"] {
        let with = world.client.get(&format!("/scim/v2{path}")).await.expect(200);
        let without = world.client.get(&format!("/scim{path}")).await.expect(200);
        assert_eq!(with.body, without.body, "{path}");
    }
    let reference = text(&world.read(&format!("/Groups/{group}")).await["members"][0]["$ref"]);
    assert_eq!(reference, format!("{BASE}{user}"));
    for version in ["v1", "v3", "v2.1"] {
        refusal(&world.client.get(&format!("/scim/{version}/Users")).await, 400, "invalidVers");
    }
}

/// RFC 9110: paths are compared as they are sent, so no second spelling leads past a check.
#[tokio::test]
async fn unknown_paths_are_404_with_a_body() {
    let mut world = World::new().await;
    for path in ["/Nothing", "/Users/1/members", "/users", "//Users", "/Users//", "/%55sers", "/Users/../Groups"] {
        refusal(&world.get(path).await, 404, "");
    }
}
