//! Signing in with a local account.

use super::support::*;
use bailiwick_app::access::{self, Secret, SignIn};
use bailiwick_testkit::TestApp;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

fn said(name: &str, password: &str) -> serde_json::Value {
    json!({"user_name": name, "password": password})
}

fn from(address: &str, name: &str, password: &str) -> SignIn {
    let address: IpAddr = address.parse().unwrap();
    SignIn { user_name: name.to_owned(), secret: Secret::Password(password.to_owned()), address, agent: String::new() }
}

fn api(app: &TestApp) -> bailiwick_testkit::Client {
    let mut client = app.anonymous();
    client.set_header("content-type", Some("application/json"));
    client
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let app = TestApp::start().await;
    let admin = break_glass(&app, "root").await;
    let made = api(&app).post("/api/v1/session", &said("ROOT", PASSWORD)).await.expect(201);
    let token = made.at("/token").as_str().unwrap().to_owned();
    assert!(token.starts_with("bwl_") && app.files_holding(&token).is_empty());
    let mut client = client(&app, &token);
    let me = client.get("/api/v1/session").await.expect(200);
    assert_eq!((me.at("/person/id"), me.at("/scopes")), (json!(admin.person), json!(null)));
    let sessions = client.get(&format!("/api/v1/people/{}/sessions", admin.person)).await.expect(200);
    assert_eq!((sessions.at("/items/0/id"), sessions.at("/items/0/current")), (made.at("/id"), json!(true)));
    client.delete("/api/v1/session").await.expect(204);
    assert_eq!(client.get("/api/v1/session").await.expect(401).at("/code"), "token-revoked");
    let told = told(&app).await;
    assert!(told.contains(&"session:begin".to_owned()) && told.contains(&"session:end".to_owned()));
    app.clock().advance(Duration::from_secs(12 * 3_600 + 1));
}

#[tokio::test]
async fn a_session_ends_after_twelve_hours() {
    let app = TestApp::start().await;
    break_glass(&app, "root").await;
    let made = api(&app).post("/api/v1/session", &said("root", PASSWORD)).await.expect(201);
    let mut client = client(&app, made.at("/token").as_str().unwrap());
    client.get("/api/v1/session").await.expect(200);
    app.clock().advance(Duration::from_secs(12 * 3_600 + 1));
    assert_eq!(client.get("/api/v1/session").await.expect(401).at("/code"), "token-expired");
}

#[tokio::test]
async fn what_is_wrong_is_not_told() {
    let app = TestApp::start().await;
    break_glass(&app, "root").await;
    provisioned(&app, "ann@example.com").await;
    let mut details = Vec::new();
    for (name, password) in
        [("root", "wrong horse battery"), ("nobody", PASSWORD), ("ann@example.com", PASSWORD), ("", ""), ("root", "")]
    {
        let refused = api(&app).post("/api/v1/session", &said(name, password)).await.expect(401);
        assert_eq!(refused.at("/code"), "sign-in-refused", "{name}");
        details.push(refused.at("/detail"));
    }
    details.dedup();
    assert_eq!(details.len(), 1);
    api(&app).post("/api/v1/session", &json!({"user_name": "root"})).await.expect(400);
    let both = json!({"user_name": "root", "password": PASSWORD, "recovery_code": "x"});
    api(&app).post("/api/v1/session", &both).await.expect(400);
}

#[tokio::test]
async fn failures_lock_nobody_else_out() {
    let app = TestApp::start().await;
    break_glass(&app, "root").await;
    break_glass(&app, "second").await;
    for _ in 0..10 {
        api(&app).post("/api/v1/session", &said("root", "wrong horse battery")).await.expect(401);
    }
    let locked = api(&app).post("/api/v1/session", &said("root", PASSWORD)).await.expect(429);
    assert_eq!(locked.at("/code"), "sign-in-locked");
    assert!(locked.header("retry-after").unwrap().parse::<u64>().unwrap() <= 60);
    api(&app).post("/api/v1/session", &said("second", PASSWORD)).await.expect(201);
    access::sign_in(app.app(), from("192.0.2.9", "root", PASSWORD)).await.unwrap();
    assert!(told(&app).await.contains(&"session:refuse".to_owned()));
}

#[tokio::test]
async fn many_guesses_at_once_are_as_many() {
    let app = TestApp::start().await;
    break_glass(&app, "root").await;
    let guesses = (0..40).map(|_| {
        let app = app.app().clone();
        tokio::spawn(async move { access::sign_in(&app, from("192.0.2.1", "root", "wrong horse battery")).await })
    });
    let mut judged = 0;
    for guess in guesses.collect::<Vec<_>>() {
        judged += usize::from(guess.await.unwrap().unwrap_err().refusal.code == "sign-in-refused");
    }
    assert_eq!(judged, 10);
}

#[tokio::test]
async fn a_recovery_code_is_good_once() {
    let app = TestApp::start().await;
    let admin = break_glass(&app, "root").await;
    let code = admin.recovery_codes[0].clone();
    let tries = (0..32_u8).map(|number| {
        let (app, code) = (app.app().clone(), code.clone());
        tokio::spawn(async move {
            let said = SignIn {
                user_name: "root".to_owned(),
                secret: Secret::RecoveryCode(code.to_lowercase()),
                address: IpAddr::from([192, 0, 2, number]),
                agent: String::new(),
            };
            access::sign_in(&app, said).await
        })
    });
    let mut won = 0;
    for each in tries.collect::<Vec<_>>() {
        match each.await.unwrap() {
            Ok(_) => won += 1,
            Err(refused) => assert_eq!(refused.refusal.code, "sign-in-refused", "{}", refused.refusal),
        }
    }
    assert_eq!(won, 1);
    let told = told(&app).await;
    assert_eq!(told.iter().filter(|kind| *kind == "break-glass:use").count(), 1);
    let other = break_glass(&app, "second").await;
    let body = json!({"user_name": "root", "recovery_code": other.recovery_codes[0]});
    api(&app).post("/api/v1/session", &body).await.expect(401);
}

#[tokio::test]
async fn sessions_of_others_are_ended_by_who_manages_tokens() {
    let app = TestApp::start().await;
    let root = break_glass(&app, "root").await;
    let made = api(&app).post("/api/v1/session", &said("root", PASSWORD)).await.expect(201);
    let mut root_client = client(&app, made.at("/token").as_str().unwrap());
    let path = format!("/api/v1/people/{}/sessions", root.person);
    let (_, mut viewer) = with_role(&app, "ann@example.com", "viewer").await;
    viewer.get(&path).await.expect(403);
    viewer.delete(&path).await.expect(403);
    let (_, mut auditor) = with_role(&app, "bob@example.com", "auditor").await;
    assert_eq!(auditor.get(&path).await.expect(200).at("/items/0/id"), made.at("/id"));
    auditor.delete(&path).await.expect(403);
    let (_, mut admin) = with_role(&app, "cid@example.com", "admin").await;
    root_client.get("/api/v1/session").await.expect(200);
    admin.delete(&path).await.expect(204);
    root_client.get("/api/v1/session").await.expect(401);
}
