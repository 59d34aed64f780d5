//! Every route about access, called with every role.

use super::support::*;
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};

const ROLES: [&str; 6] = ["admin", "standards-admin", "user", "team-member", "auditor", "viewer"];

/// Who may, by the first letters of the roles above: `a`dmin, `s`tandards-admin, `u`ser, `t`eam-member, audit`o`r,
/// `v`iewer.
const LETTERS: [char; 6] = ['a', 's', 'u', 't', 'o', 'v'];

#[tokio::test]
async fn each_route_lets_in_whom_the_policy_says() {
    let app = TestApp::start().await;
    let other = provisioned(&app, "other@example.com").await;
    let service = json!({"service": "ci", "role": "viewer", "label": "x", "scopes": ["read"]});
    let role = json!({"rank": 5, "permits": ["catalog.read"]});
    let own_token = json!({"label": "x", "scopes": ["metrics"]});
    let asked = json!({"person": other, "action": "catalog.edit"});
    let rows: Vec<(&str, String, Option<Value>, &str)> = vec![
        ("GET", "/session".into(), None, "asutov"),
        ("GET", "/actions".into(), None, "asutov"),
        ("GET", "/roles".into(), None, "asutov"),
        ("GET", "/roles/viewer".into(), None, "asutov"),
        ("PUT", "/roles/tiny".into(), Some(role), "a"),
        ("DELETE", "/roles/none-such".into(), None, "a"),
        ("GET", "/default-role".into(), None, "asutov"),
        ("PUT", "/default-role".into(), Some(json!({"role": "viewer"})), "a"),
        ("PUT", format!("/people/{other}/roles/viewer"), None, "a"),
        ("DELETE", format!("/people/{other}/roles/user"), None, "a"),
        ("GET", format!("/people/{other}/sessions"), None, "ao"),
        ("DELETE", format!("/people/{other}/sessions"), None, "a"),
        ("DELETE", format!("/people/{other}/sessions/ses_1"), None, "a"),
        ("POST", "/decisions".into(), Some(asked), "aso"),
        ("GET", "/tokens".into(), None, "asutv"),
        ("POST", "/tokens".into(), Some(own_token), "asutv"),
        ("GET", "/service-tokens".into(), None, "ao"),
        ("POST", "/service-tokens".into(), Some(service), "a"),
        ("GET", format!("/people/{other}/tokens"), None, "ao"),
        ("GET", "/invites".into(), None, "ao"),
        ("POST", "/invites".into(), Some(json!({"email": "no address"})), "a"),
        ("DELETE", "/invites/inv_1".into(), None, "a"),
    ];
    for (name, letter) in ROLES.into_iter().zip(LETTERS) {
        let (_, mut client) = with_role(&app, &format!("{name}@example.com"), name).await;
        for (method, path, body, may) in &rows {
            let body = body.as_ref().map(|body| body.to_string().into());
            let answer = client.send(method, &format!("/api/v1{path}"), &[], body).await;
            let let_in = answer.status != 403;
            assert_eq!(let_in, may.contains(letter), "{name}: {method} {path}: {} {}", answer.status, answer.text());
            if !let_in {
                assert_eq!(answer.at("/code"), "forbidden");
                assert!(answer.at("/detail").as_str().unwrap().contains("admin"), "{}", answer.text());
            }
            assert!(answer.status < 500 && answer.status != 401, "{name}: {method} {path}: {}", answer.text());
        }
    }
}

#[tokio::test]
async fn what_the_caller_may_do_is_shown() {
    let app = TestApp::start().await;
    let (person, mut client) = with_role(&app, "ann@example.com", "team-member").await;
    let me = client.get("/api/v1/session").await.expect(200);
    assert_eq!(me.at("/person/id"), person.as_str());
    assert_eq!(me.at("/roles/0/name"), "team-member");
    assert_eq!(me.at("/roles/0/origin"), "by hand");
    let may: Vec<String> = serde_json::from_value(me.at("/may")).unwrap();
    assert!(may.contains(&"catalog.edit".to_owned()) && !may.contains(&"role.manage".to_owned()), "{may:?}");
    let nobody = provisioned(&app, "bob@example.com").await;
    let token = token(app.app(), &nobody, &["read"]).await;
    let me = super::support::client(&app, &token).get("/api/v1/session").await.expect(200);
    assert_eq!((me.at("/roles/0/name"), me.at("/roles/0/origin")), (json!("viewer"), json!("by default")));
    assert_eq!(me.at("/scopes"), json!(["read"]));
}
