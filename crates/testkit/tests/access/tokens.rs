//! API tokens: scopes, life, rotation, and which door they open.

use super::support::*;
use bailiwick_app::access;
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn scopes_narrow_and_never_widen() {
    let app = TestApp::start().await;
    let (person, _) = with_role(&app, "admin@example.com", "admin").await;
    let mut reader = client(&app, &token(app.app(), &person, &["read"]).await);
    reader.get("/api/v1/roles").await.expect(200);
    let role = json!({"rank": 5, "permits": ["catalog.read"]});
    let refused = reader.put("/api/v1/roles/x", &role).await.expect(403);
    assert!(refused.at("/detail").as_str().unwrap().contains("only the scopes: read"), "{}", refused.text());
    let viewer = provisioned(&app, "viewer@example.com").await;
    let mut wide = client(&app, &token(app.app(), &viewer, &["admin"]).await);
    wide.put("/api/v1/roles/x", &role).await.expect(403);
    let mut single = client(&app, &token(app.app(), &person, &["role.manage", "catalog.read"]).await);
    single.put("/api/v1/roles/x", &role).await.expect(200);
    let more = json!({"rank": 5, "permits": ["catalog.edit"]});
    single.put("/api/v1/roles/x", &more).await.expect(403);
    single.get("/api/v1/roles").await.expect(403);
}

#[tokio::test]
async fn a_token_makes_no_wider_token() {
    let app = TestApp::start().await;
    let (person, _) = with_role(&app, "admin@example.com", "admin").await;
    let mut narrow = client(&app, &token(app.app(), &person, &["token.own", "catalog.read", "token.manage"]).await);
    let new = |scopes: Value| json!({"label": "x", "scopes": scopes});
    narrow.post("/api/v1/tokens", &new(json!(["catalog.read"]))).await.expect(201);
    narrow.post("/api/v1/tokens", &new(json!(["read"]))).await.expect(403);
    let service = json!({"service": "s", "role": "viewer", "label": "x", "scopes": ["catalog.read"]});
    // The role is beyond the token, though not beyond its holder.
    narrow.post("/api/v1/service-tokens", &service).await.expect(403);
}

#[tokio::test]
async fn personal_tokens_live_as_long_as_they_say() {
    let app = TestApp::start().await;
    let (person, mut me) = with_role(&app, "ann@example.com", "viewer").await;
    let body = json!({"label": "laptop", "scopes": ["read", "profile.own"], "expires_in_days": 7});
    let made = me.post("/api/v1/tokens", &body).await.expect(201);
    let text = made.at("/token").as_str().unwrap().to_owned();
    assert!(text.starts_with("bwp_") && app.files_holding(&text).is_empty());
    let mut client = client(&app, &text);
    client.get("/api/v1/roles").await.expect(200);
    app.app().flush().await;
    let listed = me.get("/api/v1/tokens").await.expect(200);
    let token =
        listed.at("/items").as_array().unwrap().iter().find(|token| token["label"] == "laptop").unwrap().clone();
    assert_eq!((&token["created_by"], &token["kind"]), (&json!(person), &json!("personal")));
    assert!(token["last_used_at"].is_string() && token.get("token").is_none(), "{token}");
    app.clock().advance(Duration::from_secs(7 * 86_400));
    assert_eq!(client.get("/api/v1/roles").await.expect(401).at("/code"), "token-expired");
    for days in [0, 367] {
        let body = json!({"label": "x", "scopes": ["read"], "expires_in_days": days});
        me.post("/api/v1/tokens", &body).await.expect(400);
    }
    for (label, scopes) in [("", json!(["read"])), ("x", json!([])), ("x", json!(["everything"]))] {
        me.post("/api/v1/tokens", &json!({"label": label, "scopes": scopes})).await.expect(400);
    }
}

#[tokio::test]
async fn tokens_are_revoked_by_their_person_or_an_admin() {
    let app = TestApp::start().await;
    let (ann, mut ann_client) = with_role(&app, "ann@example.com", "viewer").await;
    let (_, mut bob) = with_role(&app, "bob@example.com", "viewer").await;
    let (_, mut auditor) = with_role(&app, "cid@example.com", "auditor").await;
    let token = made(app.app(), &ann, &["read"]).await;
    let path = format!("/api/v1/tokens/{}", token.token.id);
    bob.delete(&path).await.expect(404);
    auditor.delete(&path).await.expect(403);
    let mut used = client(&app, &token.text);
    used.get("/api/v1/roles").await.expect(200);
    ann_client.delete(&path).await.expect(204);
    assert_eq!(used.get("/api/v1/roles").await.expect(401).at("/code"), "token-revoked");
    ann_client.delete(&path).await.expect(204);
    let second = made(app.app(), &ann, &["read"]).await;
    let (_, mut admin) = with_role(&app, "dan@example.com", "admin").await;
    admin.delete(&format!("/api/v1/tokens/{}", second.token.id)).await.expect(204);
    client(&app, &second.text).get("/api/v1/roles").await.expect(401);
    assert!(told(&app).await.contains(&"api-token:revoke".to_owned()));
}

#[tokio::test]
async fn a_rotated_token_lives_on_for_the_overlap() {
    let app = TestApp::start().await;
    let (person, mut me) = with_role(&app, "ann@example.com", "user").await;
    let old = made(app.app(), &person, &["read"]).await;
    let path = format!("/api/v1/tokens/{}/rotate", old.token.id);
    let new = me.post(&path, &json!({"overlap_hours": 2})).await.expect(201);
    assert_eq!(new.at("/scopes"), json!(["read"]));
    let (mut before, mut after) = (client(&app, &old.text), client(&app, new.at("/token").as_str().unwrap()));
    before.get("/api/v1/roles").await.expect(200);
    after.get("/api/v1/roles").await.expect(200);
    app.clock().advance(Duration::from_secs(2 * 3_600 + 1));
    before.get("/api/v1/roles").await.expect(401);
    after.get("/api/v1/roles").await.expect(200);
    me.post(&path, &json!({})).await.expect(400);
}

#[tokio::test]
async fn nobody_is_told_a_token_that_acts_as_somebody_else() {
    let app = TestApp::start().await;
    let (ann, mut ann_client) = with_role(&app, "ann@example.com", "admin").await;
    let (_, mut bob) = with_role(&app, "bob@example.com", "admin").await;
    let tokens = json!({"rank": 50, "permits": ["token.manage", "token.read", "catalog.read"]});
    bob.put("/api/v1/roles/tokens", &tokens).await.expect(200);
    let (_, mut cid) = with_role(&app, "cid@example.com", "tokens").await;
    let token = made(app.app(), &ann, &["admin"]).await;
    let path = format!("/api/v1/tokens/{}", token.token.id);
    for caller in [&mut bob, &mut cid] {
        let refused = caller.post(&format!("{path}/rotate"), &json!({})).await.expect(403);
        assert_eq!(refused.at("/code"), "forbidden");
        assert!(!refused.text().contains("bwp_"), "{}", refused.text());
    }
    client(&app, &token.text).get("/api/v1/roles").await.expect(200);
    assert!(!told(&app).await.contains(&"api-token:rotate".to_owned()));
    // To revoke it is another matter, and whose it is may rotate it.
    let new = ann_client.post(&format!("{path}/rotate"), &json!({})).await.expect(201);
    cid.delete(&format!("/api/v1/tokens/{}", new.at("/id").as_str().unwrap())).await.expect(204);
    client(&app, new.at("/token").as_str().unwrap()).get("/api/v1/roles").await.expect(401);
}

#[tokio::test]
async fn of_many_rotations_and_a_revocation_at_once_no_two_win() {
    let app = TestApp::start().await;
    let (ann, _) = with_role(&app, "ann@example.com", "user").await;
    for round in 0..10 {
        let old = made(app.app(), &ann, &["read"]).await.token.id;
        let host = access::Principal::host();
        let rotate = || access::rotate_api_token(app.app(), &host, &old, Duration::ZERO, None);
        let (one, two, revoked) = tokio::join!(rotate(), rotate(), access::revoke_api_token(app.app(), &host, &old));
        revoked.unwrap();
        assert!(one.is_err() || two.is_err(), "round {round}: two successors of one token");
        assert!(rotate().await.is_err(), "round {round}: it has ended");
    }
}

#[tokio::test]
async fn service_tokens_carry_their_role() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let body = json!({"service": "ci", "role": "auditor", "label": "nightly", "scopes": ["read"]});
    let made = admin.post("/api/v1/service-tokens", &body).await.expect(201);
    let mut service = client(&app, made.at("/token").as_str().unwrap());
    let me = service.get("/api/v1/session").await.expect(200);
    assert_eq!(
        (me.at("/kind"), me.at("/person"), me.at("/roles/0/name")),
        (json!("service"), json!(null), json!("auditor"))
    );
    service.get("/api/v1/service-tokens").await.expect(200);
    service.post("/api/v1/service-tokens", &body).await.expect(403);
    service.get("/api/v1/tokens").await.expect(403);
    service.delete("/api/v1/session").await.expect(404);
    assert_eq!(admin.get("/api/v1/service-tokens").await.expect(200).at("/items/0/service"), "ci");
}

#[tokio::test]
async fn each_token_opens_its_own_door() {
    let app = TestApp::start().await;
    let (person, _) = with_role(&app, "admin@example.com", "admin").await;
    let personal = token(app.app(), &person, &["admin"]).await;
    let refused = client(&app, &personal).get("/scim/v2/Users").await.expect(401);
    assert!(refused.at("/detail").as_str().unwrap().contains("for the API"), "{}", refused.text());
    let refused = client(&app, app.token()).get("/api/v1/roles").await.expect(401);
    assert_eq!(refused.at("/code"), "token-for-scim");
}
