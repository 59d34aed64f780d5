//! Access comes and goes with the answer to the call that brings it about.

use super::support::*;
use bailiwick_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_membership_gives_and_takes_with_its_own_commit() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let (team, _) = (team(&test, "payments").await, team(&test, "owners").await);
    let ann = user(&mut client, "ann", json!({})).await;
    let pay = group(&mut client, "Payments", &[]).await;
    apply(&test, &[("pay", "{group: Payments}", "[{team: payments, role: manager}, {role: auditor}]")]).await;
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());

    add(&mut client, &pay, &ann).await;
    let both = [format!("role auditor  rule:pay:{pay}"), format!("team {team} manager rule:pay:{pay}")];
    assert_eq!(holds(&test, "ann").await, both);
    let row = person(&test, "ann").await;
    let grants = test.app().store().grants_of(row.seq, true).await.unwrap();
    let events = client_events(&test, &row.id).await;
    // The grants began with the very commit of the call.
    let call = events.iter().find(|(kind, _)| kind == "prov:patch:full" || kind == "grant:change").unwrap();
    assert!(grants.iter().all(|grant| grant.from.0 > 0 && grant.began <= call.1), "{grants:?} {events:?}");
    assert_eq!(test.app().store().dirty_count().await.unwrap(), 0);

    remove(&mut client, &pay, &ann).await;
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    let all = test.app().store().grants_of(row.seq, false).await.unwrap();
    assert!(all.len() == 2 && all.iter().all(|grant| grant.until.is_some()), "closed, never deleted: {all:?}");
    assert_eq!(test.app().store().dirty_count().await.unwrap(), 0);
}

async fn client_events(test: &TestApp, person: &str) -> Vec<(String, i64)> {
    let query = bailiwick_store::query::EventQuery {
        person: Some(person.to_owned()),
        limit: 100,
        ..bailiwick_store::query::EventQuery::default()
    };
    let events = test.app().store().events(query).await.unwrap();
    events.into_iter().map(|event| (event.kind, event.seq)).collect()
}

#[tokio::test]
async fn nesting_renames_attributes_and_deletions_count_at_once() {
    let test = TestApp::start().await;
    let mut client = test.client();
    for name in ["payments", "owners"] {
        team(&test, name).await;
    }
    apply(
        &test,
        &[
            ("all", "{group: Everybody}", "[{role: auditor}]"),
            ("dept", "{user: 'title eq \"Engineer\"'}", "[{property: {name: x, value: 1}}]"),
            ("unit", "{unit: /Acme}", "[{role: viewer}]"),
        ][..1],
    )
    .await;
    let ann = user(&mut client, "ann", json!({})).await;
    let inner = group(&mut client, "Inner", &[&ann]).await;
    let outer = group(&mut client, "Everybody", &[&inner]).await;
    assert_eq!(holds(&test, "ann").await, [format!("role auditor  rule:all:{outer}")]);

    // Out of the nested group, and in again.
    remove(&mut client, &outer, &inner).await;
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    add(&mut client, &outer, &inner).await;
    assert_eq!(holds(&test, "ann").await.len(), 1);

    // The group is called something else.
    let rename = |name: &str| operation("replace", "displayName", &json!(name));
    client.patch(&format!("/scim/v2/Groups/{outer}"), &rename("Others")).await;
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    client.patch(&format!("/scim/v2/Groups/{outer}"), &rename("EVERYBODY")).await;
    assert_eq!(holds(&test, "ann").await.len(), 1);

    // The nested group is deleted.
    client.delete(&format!("/scim/v2/Groups/{inner}")).await.expect(204);
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());

    apply(
        &test,
        &[
            ("dept", "{user: 'title eq \"Engineer\"'}", "[{role: auditor}]"),
            ("unit", "{unit: /Acme}", "[{role: viewer}]"),
        ],
    )
    .await;
    set_user(&mut client, &ann, "title", json!("engineer")).await;
    assert_eq!(holds(&test, "ann").await, [format!("role auditor  rule:dept:{ann}")]);
    set_user(&mut client, &ann, &format!("{ENTERPRISE}:organization"), json!("ACME")).await;
    assert_eq!(holds(&test, "ann").await.len(), 2);
    set_user(&mut client, &ann, "title", json!("Cook")).await;
    assert_eq!(holds(&test, "ann").await, [format!("role viewer  rule:unit:{ann}")]);

    // Who is switched off keeps what waits for a return; who is deleted holds nothing.
    set_user(&mut client, &ann, "active", json!(false)).await;
    assert_eq!(holds(&test, "ann").await.len(), 1);
    let row = person(&test, "ann").await;
    client.delete(&format!("/scim/v2/Users/{ann}")).await.expect(204);
    assert!(test.app().store().grants_of(row.seq, true).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_new_user_has_what_the_rules_give_when_the_answer_comes() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    apply(
        &test,
        &[("all", "{integration: first}", "[{role: viewer}]"), ("dom", "{domain: x.example}", "[{role: user}]")],
    )
    .await;
    user(&mut client, "ann@x.example", json!({})).await;
    let held = holds(&test, "ann@x.example").await;
    assert_eq!(held.len(), 2, "{held:?}");
    user(&mut client, "bob@y.example", json!({})).await;
    assert_eq!(holds(&test, "bob@y.example").await.len(), 1);
}

#[tokio::test]
async fn a_rule_with_a_capture_gives_a_team_that_is_made_later() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "team-search", &[&ann]).await;
    apply(&test, &[("by-name", "{group: {pattern: 'team-*'}}", "[{team: '{1}'}]")]).await;
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    let search = team(&test, "search").await;
    bailiwick_app::mapping::settle_everybody(test.app()).await.unwrap();
    let held = holds(&test, "ann").await;
    assert!(held.len() == 1 && held[0].starts_with(&format!("team {search} contributor")), "{held:?}");
}

#[tokio::test]
async fn without_rules_nothing_is_marked() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let ann = user(&mut client, "ann", json!({})).await;
    let group = group(&mut client, "G", &[&ann]).await;
    remove(&mut client, &group, &ann).await;
    assert_eq!(test.app().store().dirty_count().await.unwrap(), 0);
    assert_eq!(test.app().store().guard("mapping").await.unwrap(), 0);
}
