//! Custom roles, giving and taking, and that nobody gives more than they have.

use super::support::*;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

async fn set(client: &mut Client, name: &str, rank: u32, permits: &[&str]) -> bailiwick_testkit::Answer {
    client.put(&format!("/api/v1/roles/{name}"), &json!({"rank": rank, "permits": permits})).await
}

/// A second on: what was read of roles before is not used any more.
async fn a_second_later() {
    tokio::time::sleep(Duration::from_millis(1_050)).await;
}

#[tokio::test]
async fn a_role_of_ones_own_is_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let made = set(&mut admin, "on-call", 45, &["catalog.read", "catalog.edit:owned"]).await.expect(200);
    assert_eq!(made.at("/permits"), json!(["catalog.edit:owned", "catalog.read"]));
    let tag = made.header("etag").unwrap().to_owned();
    let (person, mut client) = with_role(&app, "ann@example.com", "on-call").await;
    client.get("/api/v1/roles").await.expect(403);
    let in_use = admin.delete("/api/v1/roles/on-call").await.expect(409);
    assert_eq!(in_use.at("/code"), "role-in-use");
    set(&mut admin, "on-call", 45, &["catalog.read", "role.read"]).await.expect(200);
    a_second_later().await;
    client.get("/api/v1/roles").await.expect(200);
    let body = json!({"rank": 1, "permits": ["role.read"]}).to_string();
    let stale = [("if-match", Some(tag.as_str()))];
    admin.send("PUT", "/api/v1/roles/on-call", &stale, Some(body.into())).await.expect(412);
    admin.delete(&format!("/api/v1/people/{person}/roles/on-call")).await.expect(204);
    admin.delete("/api/v1/roles/on-call").await.expect(204);
    admin.get("/api/v1/roles/on-call").await.expect(404);
    let told = told(&app).await;
    for kind in ["role:set", "role:give", "role:take", "role:delete"] {
        assert!(told.iter().any(|said| said == kind), "{kind}: {told:?}");
    }
}

#[tokio::test]
async fn bad_roles_are_refused_with_their_places() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let check = |answer: bailiwick_testkit::Answer, expect: Value| {
        let answer = answer.expect(400);
        let places: Vec<Value> =
            answer.at("/errors").as_array().unwrap().iter().map(|e| e["pointer"].clone()).collect();
        assert_eq!(Value::from(places), expect, "{}", answer.text());
    };
    check(set(&mut admin, "x", 100, &["catalog.read", "no.such"]).await, json!(["/rank", "/permits/1"]));
    check(set(&mut admin, "admin", 5, &["catalog.read"]).await, json!(["/name"]));
    check(set(&mut admin, "X", 5, &["catalog.read:owned"]).await, json!(["/name", "/permits/0"]));
    admin.delete("/api/v1/roles/admin").await.expect(400);
    admin.put("/api/v1/default-role", &json!({"role": "admin"})).await.expect(403);
    admin.put("/api/v1/default-role", &json!({"role": "none-such"})).await.expect(404);
}

#[tokio::test]
async fn nobody_gives_more_than_they_have() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    set(&mut admin, "steward", 50, &["role.manage", "role.read", "catalog.read", "token.manage"]).await.expect(200);
    set(&mut admin, "reader", 10, &["catalog.read"]).await.expect(200);
    let (me, mut steward) = with_role(&app, "steward@example.com", "steward").await;
    let other = provisioned(&app, "other@example.com").await;
    let of = |person: &str, role: &str| format!("/api/v1/people/{person}/roles/{role}");
    steward.put(&of(&other, "reader"), &json!({})).await.expect(400);
    steward.send("PUT", &of(&other, "reader"), &[], None).await.expect(204);
    for role in ["admin", "user", "viewer", "auditor"] {
        let refused = steward.send("PUT", &of(&other, role), &[], None).await.expect(403);
        assert_eq!(refused.at("/code"), "forbidden", "{role}");
    }
    steward.send("PUT", &of(&me, "reader"), &[], None).await.expect(403);
    steward.delete(&of(&me, "steward")).await.expect(403);
    set(&mut steward, "mine", 50, &["catalog.read"]).await.expect(200);
    set(&mut steward, "mine", 51, &["catalog.read"]).await.expect(403);
    set(&mut steward, "mine", 50, &["audit.read"]).await.expect(403);
    set(&mut steward, "steward", 50, &["catalog.read"]).await.expect(403);
    let service = |role: &str| json!({"service": "s", "role": role, "label": "x", "scopes": ["admin"]});
    steward.post("/api/v1/service-tokens", &service("reader")).await.expect(201);
    steward.post("/api/v1/service-tokens", &service("admin")).await.expect(403);
    admin.delete("/api/v1/roles/reader").await.expect(409);
}

#[tokio::test]
async fn the_strongest_role_wins_and_all_are_shown() {
    let app = TestApp::start().await;
    let (person, mut client) = with_role(&app, "ann@example.com", "viewer").await;
    give(app.app(), &person, "auditor").await;
    give(app.app(), &person, "user").await;
    let me = client.get("/api/v1/session").await.expect(200);
    let names: Vec<Value> = me.at("/roles").as_array().unwrap().iter().map(|role| role["name"].clone()).collect();
    assert_eq!(Value::from(names), json!(["user", "auditor", "viewer"]));
    let asked = json!({"person": person, "action": "audit.read"});
    let answer = client.post("/api/v1/decisions", &asked).await.expect(200);
    assert_eq!(answer.at("/permitted"), true);
    assert_eq!(answer.at("/reasons/0"), "the role auditor, held by hand, permits it on everything");
    let asked = json!({"person": person, "action": "role.manage"});
    let answer = client.post("/api/v1/decisions", &asked).await.expect(200);
    assert_eq!(
        (answer.at("/permitted"), answer.at("/reasons/0")),
        (json!(false), json!("it takes one of the roles: admin"))
    );
}

#[tokio::test]
async fn a_taken_role_ends_at_once_and_local_follows_it() {
    let app = TestApp::start().await;
    let (person, mut client) = with_role(&app, "ann@example.com", "auditor").await;
    let local = || async { app.app().store().person_by_id(&person).await.unwrap().unwrap().local };
    assert!(local().await, "who holds a role by hand is local");
    client.get("/api/v1/service-tokens").await.expect(200);
    bailiwick_app::access::take_role(app.app(), &bailiwick_app::access::Principal::host(), &person, "auditor")
        .await
        .unwrap();
    client.get("/api/v1/service-tokens").await.expect(403);
    assert!(!local().await);
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    admin.delete(&format!("/api/v1/people/{person}/roles/auditor")).await.expect(404);
}

#[tokio::test]
async fn the_default_role_can_be_none() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let person = provisioned(&app, "ann@example.com").await;
    let mut client = client(&app, &token(app.app(), &person, &["admin"]).await);
    client.get("/api/v1/roles").await.expect(200);
    admin.put("/api/v1/default-role", &json!({"role": "none"})).await.expect(200);
    client.get("/api/v1/roles").await.expect(403);
    let me = client.get("/api/v1/session").await.expect(200);
    assert_eq!(me.at("/roles"), json!([]));
    client.get(&format!("/api/v1/people/{person}/sessions")).await.expect(200);
}

#[tokio::test]
async fn rules_give_no_role_beyond_that_of_who_saves_them() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let rulers = json!({"rank": 50, "permits": ["rule.manage", "rule.read", "catalog.read", "team.read", "person.read",
        "role.read", "handover.read", "profile.own", "token.own"]});
    admin.put("/api/v1/roles/rulers", &rulers).await.expect(200);
    let (_, mut ruler) = with_role(&app, "ruler@example.com", "rulers").await;
    admin.post("/api/v1/teams", &json!({"name": "owners"})).await.expect(201);
    let file = |rules: &[(&str, &str, &str)]| {
        let rule = |(id, group, role): &(&str, &str, &str)| json!({"id": id, "owner": "owners", "when": {"group": group}, "then": [{"role": role}]});
        json!({"version": 1, "rules": rules.iter().map(rule).collect::<Vec<_>>()})
    };
    let restore = async |client: &mut Client| client.send("POST", "/api/v1/rules/versions/1/restore", &[], None).await;
    let refused = ruler.put("/api/v1/rules", &file(&[("a", "Mine", "admin")])).await.expect(403);
    assert_eq!(refused.at("/code"), "forbidden");
    assert!(refused.at("/detail").as_str().unwrap().contains("\"admin\""), "{}", refused.text());
    assert_eq!(ruler.get("/api/v1/rules").await.expect(200).at("/version"), 0);
    admin.put("/api/v1/rules", &file(&[("a", "Admins", "admin")])).await.expect(200);
    // What an admin's rule gives may stand beside one's own; its condition may not be changed.
    let beside = file(&[("a", "Admins", "admin"), ("b", "Mine", "viewer")]);
    ruler.put("/api/v1/rules", &beside).await.expect(200);
    ruler.put("/api/v1/rules", &file(&[("a", "Mine", "admin"), ("b", "Mine", "viewer")])).await.expect(403);
    ruler.put("/api/v1/rules", &file(&[("a", "Admins", "admin"), ("b", "Mine", "admin")])).await.expect(403);
    ruler.put("/api/v1/rules", &file(&[("b", "Mine", "viewer")])).await.expect(200);
    // An old version is no way around it.
    restore(&mut ruler).await.expect(403);
    assert_eq!(ruler.get("/api/v1/rules").await.expect(200).at("/version"), 3);
    restore(&mut admin).await.expect(200);
}

#[tokio::test]
async fn nobody_decides_about_the_sign_in_of_who_has_more() {
    let app = TestApp::start().await;
    let (_, mut admin) = with_role(&app, "admin@example.com", "admin").await;
    let by_hand = json!({"display": "By hand", "email": "strong@example.com"});
    let strong = admin.post("/api/v1/people", &by_hand).await.expect(201).at("/id").as_str().unwrap().to_owned();
    give(app.app(), &strong, "admin").await;
    let desk = json!({"rank": 50, "permits": ["person.edit", "person.read", "catalog.read", "team.read", "role.read",
        "profile.own", "token.own"]});
    admin.put("/api/v1/roles/desk", &desk).await.expect(200);
    let (_, mut desk) = with_role(&app, "desk@example.com", "desk").await;
    let path = format!("/api/v1/people/{strong}");
    let refused = desk.send("POST", &format!("{path}/deactivate"), &[], None).await;
    assert_eq!((refused.status, refused.at("/code")), (403, json!("forbidden")), "{}", refused.text());
    let refused = desk.patch(&path, &json!({"email": "desk2@example.com"})).await.expect(403);
    assert!(refused.at("/detail").as_str().unwrap().contains("\"admin\""), "{}", refused.text());
    // The name shown opens nothing.
    desk.patch(&path, &json!({"display": "Strong"})).await.expect(200);
    let plain = admin.post("/api/v1/people", &json!({"display": "Plain", "email": "plain@example.com"})).await;
    let plain = format!("/api/v1/people/{}", plain.expect(201).at("/id").as_str().unwrap());
    desk.patch(&plain, &json!({"email": "plainer@example.com"})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200).at("/email"), "strong@example.com");
    assert_eq!(admin.get(&path).await.expect(200).at("/state"), "active");
}
