//! Invitations.

use super::support::*;
use bailiwick_app::access::{self, Acceptance};
use bailiwick_testkit::{Answer, Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

fn api(app: &TestApp) -> Client {
    let mut client = app.anonymous();
    client.set_header("content-type", Some("application/json"));
    client
}

async fn invite(admin: &mut Client, body: Value) -> Answer {
    admin.post("/api/v1/invites", &body).await
}

fn accept(token: &Value, name: &str) -> Value {
    json!({"token": token, "user_name": name, "password": PASSWORD})
}

#[tokio::test]
async fn who_is_invited_makes_an_account_and_has_the_role() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let body = json!({"email": "zoe@example.org", "display": "Zoe", "role": "user"});
    let made = invite(&mut admin, body.clone()).await.expect(201);
    let token = made.at("/token");
    assert!(app.files_holding(token.as_str().unwrap()).is_empty());
    assert_eq!(admin.get("/api/v1/invites").await.expect(200).at("/items/0/email"), "zoe@example.org");
    let accepted = api(&app).post("/api/v1/invites/accept", &accept(&token, "zoe")).await.expect(200);
    assert_eq!((accepted.at("/person"), accepted.at("/display")), (made.at("/person"), json!("Zoe")));
    let session =
        api(&app).post("/api/v1/session", &json!({"user_name": "zoe", "password": PASSWORD})).await.expect(201);
    let me = client(&app, session.at("/token").as_str().unwrap()).get("/api/v1/session").await.expect(200);
    assert_eq!(me.at("/roles/0/name"), "user");
    let again = api(&app).post("/api/v1/invites/accept", &accept(&token, "zoe2")).await.expect(404);
    assert_eq!(again.at("/code"), "invite-ended");
    assert_eq!(admin.get("/api/v1/invites").await.expect(200).at("/items"), json!([]));
    invite(&mut admin, body).await.expect(409);
}

#[tokio::test]
async fn an_invited_admin_is_one_only_when_they_have_come() {
    let app = TestApp::start().await;
    let (person, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let made = invite(&mut admin, json!({"email": "zoe@example.org", "role": "admin"})).await.expect(201);
    let own = format!("/api/v1/people/{person}/roles/admin");
    assert_eq!(admin.delete(&own).await.expect(403).at("/code"), "last-admin");
    api(&app).post("/api/v1/invites/accept", &accept(&made.at("/token"), "zoe")).await.expect(200);
    admin.delete(&own).await.expect(204);
}

#[tokio::test]
async fn of_many_at_once_one_accepts() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let made = invite(&mut admin, json!({"email": "zoe@example.org"})).await.expect(201);
    let token = made.at("/token").as_str().unwrap().to_owned();
    let tries = (0..6).map(|number| {
        let (app, token) = (app.app().clone(), token.clone());
        let said =
            Acceptance { token, user_name: format!("zoe{number}"), password: PASSWORD.to_owned(), display: None };
        tokio::spawn(async move { access::accept_invite(&app, said).await })
    });
    let mut won = 0;
    for each in tries.collect::<Vec<_>>() {
        match each.await.unwrap() {
            Ok(_) => won += 1,
            Err(refusal) => assert_eq!(refusal.code, "invite-ended", "{refusal}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn an_invitation_ends() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let ended = |answer: Answer| assert_eq!(answer.expect(404).at("/code"), "invite-ended");
    let made = invite(&mut admin, json!({"email": "a@example.org"})).await.expect(201);
    admin.delete(&format!("/api/v1/invites/{}", made.at("/id").as_str().unwrap())).await.expect(204);
    ended(api(&app).post("/api/v1/invites/accept", &accept(&made.at("/token"), "a")).await);
    let person = made.at("/person").as_str().unwrap().to_owned();
    assert!(!app.app().store().person_by_id(&person).await.unwrap().unwrap().local);
    let again = invite(&mut admin, json!({"email": "a@example.org"})).await.expect(201);
    assert_eq!(again.at("/person"), made.at("/person"), "the person stays the same");
    app.clock().advance(Duration::from_secs(72 * 3_600 + 1));
    ended(api(&app).post("/api/v1/invites/accept", &accept(&again.at("/token"), "a")).await);
    ended(api(&app).post("/api/v1/invites/accept", &accept(&json!("nonsense"), "a")).await);
    ended(api(&app).post("/api/v1/invites/accept", &accept(&json!(app.token()), "a")).await);
}

#[tokio::test]
async fn bad_invitations_and_names_are_refused() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    invite(&mut admin, json!({"email": "nobody"})).await.expect(400);
    invite(&mut admin, json!({"email": "a@example.org", "role": "none-such"})).await.expect(404);
    invite(&mut admin, json!({"email": "admin@example.com"})).await.expect(409);
    let made = invite(&mut admin, json!({"email": "a@example.org"})).await.expect(201);
    let token = made.at("/token");
    api(&app).post("/api/v1/invites/accept", &accept(&token, "admin@example.com")).await.expect(409);
    api(&app).post("/api/v1/invites/accept", &accept(&token, " ")).await.expect(400);
    let short = json!({"token": token, "user_name": "a", "password": "short"});
    api(&app).post("/api/v1/invites/accept", &short).await.expect(400);
    api(&app).post("/api/v1/invites/accept", &accept(&token, "a")).await.expect(200);
}

#[tokio::test]
async fn nobody_becomes_somebody_stronger_by_inviting_them() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let hosts = json!({"rank": 50, "permits": ["person.edit", "person.read", "catalog.read", "team.read", "role.read",
        "handover.read", "profile.own", "token.own", "token.read"]});
    admin.put("/api/v1/roles/hosts", &hosts).await.expect(200);
    let (_, mut host) = with_role(&app, "host@example.com", "hosts").await;
    let known = async |admin: &mut Client, email: &str, role: &str| {
        let body = json!({"display": "Zoe", "email": email});
        let person = admin.post("/api/v1/people", &body).await.expect(201).at("/id").as_str().unwrap().to_owned();
        give(app.app(), &person, role).await;
        person
    };
    let zoe = known(&mut admin, "zoe@example.org", "admin").await;
    let refused = invite(&mut host, json!({"email": "zoe@example.org"})).await.expect(403);
    let detail = refused.at("/detail").as_str().unwrap().to_owned();
    assert!(detail.contains(&zoe) && detail.contains("holds the role \"admin\""), "{detail}");
    assert_eq!(host.get("/api/v1/invites").await.expect(200).at("/items"), json!([]));
    // Somebody who holds no more than the caller is invited, and an admin invites anybody.
    known(&mut admin, "yan@example.org", "viewer").await;
    invite(&mut host, json!({"email": "yan@example.org"})).await.expect(201);
    invite(&mut admin, json!({"email": "zoe@example.org"})).await.expect(201);
}
