//! Rule mistakes and shrunken groups never leave Bailiwick without an admin.

use super::support::*;
use bailiwick_app::mapping;
use bailiwick_testkit::TestApp;
use serde_json::json;

const ADMINS: (&str, &str, &str) = ("admins", "{group: Admins}", "[{role: admin}]");

#[tokio::test]
async fn the_last_admin_by_a_rule_stays_one() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let (ann, bob) = (user(&mut client, "ann", json!({})).await, user(&mut client, "bob", json!({})).await);
    let admins = group(&mut client, "Admins", &[&ann, &bob]).await;
    apply(&test, &[ADMINS]).await;
    assert_eq!((holds(&test, "ann").await.len(), holds(&test, "bob").await.len()), (1, 1));

    // Of two the one may go, the other stays, by whatever it would have gone.
    remove(&mut client, &admins, &ann).await;
    assert_eq!((holds(&test, "ann").await.len(), holds(&test, "bob").await.len()), (0, 1));
    remove(&mut client, &admins, &bob).await;
    assert_eq!(holds(&test, "bob").await, [format!("role admin  rule:admins:{admins}")]);
    apply(&test, &[]).await;
    assert_eq!(holds(&test, "bob").await.len(), 1);
    let refused = client.patch(&format!("/scim/v2/Users/{bob}"), &operation("replace", "active", &json!(false))).await;
    assert_eq!(refused.status, 403);
    assert_eq!(client.delete(&format!("/scim/v2/Users/{bob}")).await.status, 403);
    let query = bailiwick_store::query::EventQuery {
        person: Some(person(&test, "bob").await.id),
        limit: 100,
        ..bailiwick_store::query::EventQuery::default()
    };
    let events = test.app().store().events(query).await.unwrap();
    assert!(events.iter().any(|event| event.kind == "hold:open"), "{events:?}");
    // Approved or not, nobody else would be one.
    approve_all(&test).await;
    assert_eq!(holds(&test, "bob").await.len(), 1);

    // With another admin it takes what no rule gives.
    add(&mut client, &admins, &ann).await;
    apply(&test, &[ADMINS]).await;
    approve_all(&test).await;
    assert_eq!((holds(&test, "ann").await.len(), holds(&test, "bob").await.len()), (1, 0));
}

#[tokio::test]
async fn deleting_the_group_of_all_admins_leaves_one() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(user(&mut client, name, json!({})).await);
    }
    let members: Vec<&str> = ids.iter().map(String::as_str).collect();
    let admins = group(&mut client, "Admins", &members).await;
    apply(&test, &[ADMINS]).await;
    client.delete(&format!("/scim/v2/Groups/{admins}")).await.expect(204);
    mapping::settle_everybody(test.app()).await.unwrap();
    // The guard holds it, and approval leaves one.
    assert_eq!(holds(&test, "a").await.len(), 1);
    approve_all(&test).await;
    let mut left = 0;
    for name in ["a", "b", "c"] {
        left += holds(&test, name).await.len();
    }
    assert_eq!(left, 1);
}
