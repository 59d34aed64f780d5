//! Who has what and through what, now and then.

use super::support::*;
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::mapping;
use bailiwick_domain::ids::Millis;
use bailiwick_testkit::TestApp;
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn every_way_is_told_now_and_at_a_past_moment() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let payments = team(&test, "payments").await;
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({ "displayName": "Ann" })).await;
    let inner = group(&mut client, "Payments", &[&ann]).await;
    let outer = group(&mut client, "Engineering", &[&inner]).await;
    apply(
        &test,
        &[
            ("pay", "{group: Payments}", "[{team: payments}]"),
            ("eng", "{group: Engineering}", "[{team: payments, role: manager}, {role: viewer}, {role: auditor}]"),
        ],
    )
    .await;
    let row = person(&test, "ann").await;
    let now = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    assert!(now.effective);
    assert_eq!(
        now.roles.iter().map(|role| (role.object.as_str(), role.strongest)).collect::<Vec<_>>(),
        [("auditor", true), ("viewer", false)]
    );
    let team = &now.teams[0];
    assert_eq!((team.object.as_str(), team.name.as_str(), team.value.as_str()), (&*payments, "payments", "manager"));
    let mut words: Vec<&str> = team.ways.iter().map(|way| way.words.as_str()).collect();
    words.sort_unstable();
    assert_eq!(
        words,
        ["User ann in group Payments by rule pay", "User ann in group Payments in group Engineering by rule eng"]
    );
    assert!(team.ways.iter().any(|way| way.origin == format!("rule:eng:{outer}")));

    let then = test.app().clock().now();
    test.clock().advance(Duration::from_secs(3_600));
    remove(&mut client, &inner, &ann).await;
    set_user(&mut client, &ann, "active", json!(false)).await;
    let later = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    assert!(later.teams.is_empty() && later.roles.is_empty() && !later.effective);
    let past = mapping::explain(test.app(), &host(), &row.id, Some(then)).await.unwrap();
    assert!(past.effective && past.teams.len() == 1 && past.roles.len() == 2, "{past:?}");
    assert!(past.teams[0].ways.iter().all(|way| way.until.is_some()));
    let before = mapping::explain(test.app(), &host(), &row.id, Some(Millis(1))).await.unwrap();
    assert!(before.state.is_none() && before.teams.is_empty());

    let lines = mapping::access(test.app(), &host(), Some(then), 0, 100).await.unwrap();
    assert_eq!(lines.len(), 4);
    let csv = mapping::access_csv(&lines);
    assert!(csv.lines().count() == 4 && csv.contains("User ann in group Payments by rule pay"), "{csv}");
    assert!(mapping::access(test.app(), &host(), None, 0, 100).await.unwrap().is_empty());
    assert_eq!(mapping::count_access(test.app(), &host(), Some(then)).await.unwrap(), 4);
}

#[tokio::test]
async fn one_person_can_be_tried() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    let row = person(&test, "ann").await;
    let text = file(&[("g", "{group: G}", "[{role: viewer}]")]);
    let tried = mapping::try_person(test.app(), &host(), Some(&text), &row.id).await.unwrap();
    assert_eq!((tried.grants.len(), tried.effects.gained.count), (1, 1));
    assert_eq!(holds(&test, "ann").await, Vec::<String>::new());
    assert!(mapping::try_person(test.app(), &host(), Some(&text), "per_x").await.is_err());
    assert!(mapping::try_person(test.app(), &host(), None, &row.id).await.unwrap().grants.is_empty());
}

#[tokio::test]
async fn what_a_rule_makes_theirs_by_a_property_is_told() {
    let test = TestApp::start().await;
    let mut client = test.client();
    team(&test, "owners").await;
    let definition = json!({"schema": {"type": "string"}});
    catalog::put_property(test.app(), &host(), "cost-center", definition.as_object().unwrap(), None).await.unwrap();
    for (name, center) in [("cart", "42"), ("prices", "43")] {
        let document = json!({"kind": "component", "name": name, "properties": {"cost-center": center}});
        catalog::create_item(test.app(), &host(), document.as_object().unwrap(), Author::Hand).await.unwrap();
    }
    let ann = user(&mut client, "ann", json!({})).await;
    group(&mut client, "G", &[&ann]).await;
    apply(&test, &[("mine", "{group: G}", "[{own: 'properties.cost-center eq \"42\"'}]")]).await;
    let row = person(&test, "ann").await;
    let explained = mapping::explain(test.app(), &host(), &row.id, None).await.unwrap();
    let owns: Vec<&str> = explained.owns.iter().map(|own| own.title.as_str()).collect();
    assert_eq!((owns, explained.owns_total), (vec!["cart"], 1), "{explained:?}");
    assert!(explained.owns[0].through.contains("rule:mine"), "{}", explained.owns[0].through);
}
