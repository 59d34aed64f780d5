//! The last active admin cannot go, by nothing and by no two things at once.

use super::support::*;
use bailiwick_app::access::{self, Principal};
use bailiwick_testkit::TestApp;
use serde_json::json;

async fn admins(app: &TestApp) -> usize {
    bailiwick_app::manage::list_admins(app.app()).await.unwrap().len()
}

#[tokio::test]
async fn the_last_admin_keeps_the_role() {
    let app = TestApp::start().await;
    let (first, mut client) = with_role(&app, "a@example.com", "admin").await;
    let own = format!("/api/v1/people/{first}/roles/admin");
    assert_eq!(client.delete(&own).await.expect(403).at("/code"), "last-admin");
    let (second, _) = with_role(&app, "b@example.com", "admin").await;
    client.delete(&own).await.expect(204);
    client.get("/api/v1/invites").await.expect(403);
    let refused = access::take_role(app.app(), &Principal::host(), &second, "admin").await.unwrap_err();
    assert_eq!(refused.code, "last-admin", "the host neither");
    assert_eq!(admins(&app).await, 1);
}

#[tokio::test]
async fn two_who_take_it_from_each_other_leave_one() {
    for round in 0..4 {
        let app = TestApp::start().await;
        let (first, mut one) = with_role(&app, "a@example.com", "admin").await;
        let (second, mut two) = with_role(&app, "b@example.com", "admin").await;
        let (from_second, from_first) =
            (format!("/api/v1/people/{second}/roles/admin"), format!("/api/v1/people/{first}/roles/admin"));
        let (left, right) = tokio::join!(one.delete(&from_second), two.delete(&from_first));
        let mut answers = [left.status, right.status];
        answers.sort_unstable();
        assert_eq!(answers, [204, 403], "{round}: {} {}", left.text(), right.text());
        assert_eq!(admins(&app).await, 1);
    }
}

#[tokio::test]
async fn a_deactivation_and_a_taken_role_leave_one() {
    for round in 0..4 {
        let app = TestApp::start().await;
        let made = user(&app, "a@example.com").await;
        let user = made["id"].as_str().unwrap().to_owned();
        let first = person_of(&app, &user).await;
        give(app.app(), &first, "admin").await;
        let (second, _) = with_role(&app, "b@example.com", "admin").await;
        let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "active", "value": false}]});
        let mut scim = app.client();
        let path = format!("/scim/v2/Users/{user}");
        let host = Principal::host();
        let (off, taken) =
            tokio::join!(scim.patch(&path, &body), access::take_role(app.app(), &host, &second, "admin"));
        assert_eq!(admins(&app).await, 1, "{round}: {} {taken:?}", off.text());
        assert_ne!(off.status == 200, taken.is_ok(), "{round}: one of the two is refused");
    }
}
