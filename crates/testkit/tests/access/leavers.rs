//! Access ends in the commit that ends it.

use super::support::*;
use bailiwick_app::access;
use bailiwick_testkit::{Client, TestApp};
use serde_json::json;

#[tokio::test]
async fn a_deactivation_ends_every_token_at_once() {
    let app = TestApp::start().await;
    let made = user(&app, "ann@example.com").await;
    let id = made["id"].as_str().unwrap();
    let person = person_of(&app, id).await;
    give(app.app(), &person, "user").await;
    let text = token(app.app(), &person, &["admin"]).await;
    let mut client = client(&app, &text);
    let beside = app.beside(9).await;
    client.get("/api/v1/roles").await.expect(200);
    assert!(access::identify_api(&beside, Some(&text)).await.is_ok());
    set_active(&app, id, false).await;
    client.get("/api/v1/roles").await.expect(401);
    let refused = access::identify_api(&beside, Some(&text)).await.unwrap_err();
    assert_eq!(refused.refusal.status, 401, "a second process looks at the person, too");
    set_active(&app, id, true).await;
    client.get("/api/v1/roles").await.expect(401);
    let grants = app.app().store().person_by_id(&person).await.unwrap().unwrap();
    assert!(grants.local, "the role is kept for a return");
    let fresh = token(app.app(), &person, &["admin"]).await;
    let me = super::support::client(&app, &fresh).get("/api/v1/session").await.expect(200);
    assert_eq!(me.at("/roles/0/name"), "user");
}

#[tokio::test]
async fn a_hundred_tokens_end_in_one_commit_and_more_are_refused() {
    let app = TestApp::start().await;
    let made = user(&app, "ann@example.com").await;
    let id = made["id"].as_str().unwrap();
    let person = person_of(&app, id).await;
    let mut texts = Vec::new();
    for _ in 0..100 {
        texts.push(token(app.app(), &person, &["read"]).await);
    }
    let principal = access::Principal::host();
    let scopes = access::Scopes::parse(&["read"]).unwrap();
    let one_more = access::NewApiToken { label: "x".to_owned(), scopes, life: None };
    let refused = access::create_personal_token(app.app(), &principal, &person, one_more).await.unwrap_err();
    assert!(refused.detail.contains("100 live tokens"), "{refused}");
    set_active(&app, id, false).await;
    for text in &texts {
        assert!(access::identify_api(app.app(), Some(text)).await.is_err());
    }
}

#[tokio::test]
async fn a_token_is_not_made_for_who_left_meanwhile() {
    let app = TestApp::start().await;
    let made_user = user(&app, "ann@example.com").await;
    let id = made_user["id"].as_str().unwrap().to_owned();
    let person = person_of(&app, &id).await;
    let makers = (0..8).map(|_| {
        let (app, person) = (app.app().clone(), person.clone());
        tokio::spawn(async move {
            let scopes = access::Scopes::parse(&["read"]).unwrap();
            let new = access::NewApiToken { label: "x".to_owned(), scopes, life: None };
            access::create_personal_token(&app, &access::Principal::host(), &person, new).await
        })
    });
    let makers: Vec<_> = makers.collect();
    set_active(&app, &id, false).await;
    for maker in makers {
        if let Ok(made) = maker.await.unwrap() {
            assert!(access::identify_api(app.app(), Some(&made.text)).await.is_err(), "made before, and ended");
        }
    }
    let seq = app.app().store().person_by_id(&person).await.unwrap().unwrap().seq;
    assert!(app.app().store().credentials(seq).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_invitation_ends_with_its_person() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let invite = admin.post("/api/v1/invites", &json!({"email": "zoe@example.org"})).await.expect(201);
    let id = invite.at("/person").as_str().unwrap().to_owned();
    let store = app.app().store();
    let row = store.person_by_id(&id).await.unwrap().unwrap();
    access::deactivate_person(app.app(), &access::Principal::host(), &id).await.unwrap();
    assert!(store.credentials(row.seq).await.unwrap().is_empty());
    let mut nobody = app.anonymous();
    nobody.set_header("content-type", Some("application/json"));
    let said = json!({"token": invite.at("/token"), "user_name": "zoe", "password": PASSWORD});
    nobody.post("/api/v1/invites/accept", &said).await.expect(404);
}

async fn turn(admin: &mut Client, person: &str, verb: &str) {
    admin.send("POST", &format!("/api/v1/people/{person}/{verb}"), &[], None).await.expect(204);
}

#[tokio::test]
async fn who_is_switched_off_here_leaves_tasks_and_takes_them_back_on_return() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let made = admin.post("/api/v1/people", &json!({"display": "Zoe", "email": "zoe@example.org"})).await.expect(201);
    let id = made.at("/id").as_str().unwrap().to_owned();
    let component = json!({"kind": "component", "name": "cart", "owner": id});
    admin.post("/api/v1/entities", &component).await.expect(201);
    let tasks = format!("/api/v1/handovers?person={id}");
    turn(&mut admin, &id, "deactivate").await;
    let open = admin.get(&tasks).await.expect(200);
    assert_eq!(
        (open.at("/items/0/state"), open.at("/items/0/item/reference")),
        (json!("open"), json!("component:default/cart"))
    );
    let report = admin.get(&format!("/api/v1/people/{id}/leaver")).await.expect(200);
    assert!(report.text().contains("cart"), "{}", report.text());
    assert!(told(&app).await.iter().any(|kind| kind == "person:leave"), "{:?}", told(&app).await);
    // Once more changes nothing: there is one task.
    turn(&mut admin, &id, "deactivate").await;
    turn(&mut admin, &id, "activate").await;
    let returned = admin.get(&tasks).await.expect(200);
    assert_eq!((returned.at("/items/0/state"), returned.at("/items/1")), (json!("returned"), json!(null)));
}
