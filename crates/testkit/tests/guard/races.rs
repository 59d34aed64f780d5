//! Changes of which each leaves somebody in a team, and which would empty it together.

use super::support::*;
use bailiwick_app::mapping::{self, Apply};
use bailiwick_store::query::EventQuery;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

const BY_GROUP: &str = "  - {id: pair, owner: owners, when: {group: Pair}, then: [{team: pair}]}\n";

/// The file with which the first user is in the team by their name, too, or not.
fn file(by_name: bool) -> String {
    let lone =
        r#"  - {id: lone, owner: owners, when: {user: 'userName eq "user0@corp.example"'}, then: [{team: pair}]}"#;
    format!("version: 1\nrules:\n{BY_GROUP}{}\n", if by_name { lone } else { "" })
}

/// Thirty people and a team of two: one is in it by a rule, the other by a group.
async fn world() -> (TestApp, Client, String, String) {
    let test = TestApp::start().await;
    let ids = company(&test, 30).await;
    let mut client = test.client();
    let pair = team(&test, "pair").await;
    team(&test, "owners").await;
    let group = group(&mut client, "Pair", &ids[1..2]).await;
    save(&test, &file(true)).await.unwrap();
    settle(&test).await;
    assert_eq!(size(&test, &pair).await, 2);
    (test, client, pair, group)
}

/// Rules without a look at what they would do.
async fn save(test: &TestApp, text: &str) -> Result<(), String> {
    let saved = mapping::apply_rules(test.app(), &host(), text, &Apply::default()).await;
    saved.map(drop).map_err(|refused| format!("{refused:?}"))
}

async fn patch(client: &mut Client, group: &str, body: &Value) {
    let answer = client.patch(&format!("/scim/v2/Groups/{group}"), body).await;
    assert!(matches!(answer.status, 200 | 204), "{}", answer.text());
}

fn nobody() -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "members", "value": [] }] })
}

#[tokio::test]
async fn a_group_that_shrinks_after_a_rule_went_leaves_somebody() {
    let (test, mut client, pair, group) = world().await;
    save(&test, &file(false)).await.unwrap();
    // Nobody has been evaluated since.
    patch(&mut client, &group, &nobody()).await;
    settle(&test).await;
    assert_eq!(size(&test, &pair).await, 1);
    assert_eq!(hold(&test).await.waiting, 1);
}

#[tokio::test]
async fn a_rule_that_goes_after_a_group_shrank_is_refused() {
    let (test, mut client, pair, group) = world().await;
    patch(&mut client, &group, &nobody()).await;
    assert!(save(&test, &file(false)).await.unwrap_err().contains("Dangers"));
    settle(&test).await;
    assert_eq!(size(&test, &pair).await, 1);
}

#[tokio::test]
async fn a_rule_that_goes_while_a_group_shrinks_leaves_somebody() {
    for round in 0..6 {
        let (test, mut client, pair, group) = world().await;
        let (path, body, text) = (format!("/scim/v2/Groups/{group}"), nobody(), file(false));
        let (saved, patched) = tokio::join!(save(&test, &text), client.patch(&path, &body));
        settle(&test).await;
        assert_eq!(size(&test, &pair).await, 1, "{round}: {saved:?} {}", patched.status);
    }
}

#[tokio::test]
async fn newcomers_who_go_one_by_one_do_not_empty_a_team() {
    let test = TestApp::start().await;
    let ids = hire(&test, 0, 2).await;
    let mut client = test.client();
    let crew = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let group = group(&mut client, "Crew", &ids).await;
    settle(&test).await;
    assert_eq!(size(&test, &crew).await, 2);
    for id in &ids {
        let path = format!("members[value eq \"{id}\"]");
        let body = json!({ "schemas": [PATCH], "Operations": [{ "op": "remove", "path": path }] });
        patch(&mut client, &group, &body).await;
        settle(&test).await;
    }
    assert_eq!(size(&test, &crew).await, 1);
    assert_eq!(hold(&test).await.waiting, 1);
}

#[tokio::test]
async fn many_removals_at_once_are_all_carried_out() {
    let test = TestApp::start().await;
    let ids = company(&test, 300).await;
    let crew = team(&test, "crew").await;
    rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
    let group = group(&mut test.client(), "Crew", &ids).await;
    settle(&test).await;
    // Fewer than a tenth, each by a call of its own.
    let removals = ids[..24].iter().map(|id| {
        let mut client = test.client();
        let path = format!("members[value eq \"{id}\"]");
        let body = json!({ "schemas": [PATCH], "Operations": [{ "op": "remove", "path": path }] });
        let address = format!("/scim/v2/Groups/{group}");
        tokio::spawn(async move { client.patch(&address, &body).await.status })
    });
    for status in removals.collect::<Vec<_>>() {
        assert!(matches!(status.await.unwrap(), 200 | 204));
    }
    settle(&test).await;
    assert_eq!(size(&test, &crew).await, 276);
}

/// How often an approval and a save race.
const ROUNDS: u32 = 5;
/// How much later the approval comes each time.
const STEP: Duration = Duration::from_millis(15);

/// What approvals closed and opened after the rules were saved for the last time: by person.
async fn approved_after_the_rules(test: &TestApp) -> Vec<Value> {
    let query = EventQuery { limit: 5_000, payloads: true, ..EventQuery::default() };
    // The newest first.
    let events = test.app().store().events(query).await.unwrap();
    let later = events.into_iter().take_while(|event| event.kind != "rules:save");
    let changes = later.filter(|event| event.kind == "grant:change").filter_map(|event| event.payload);
    changes.filter(|payload| payload["why"] == "approved").collect()
}

#[tokio::test]
async fn an_approval_takes_nothing_that_rules_saved_meanwhile_give() {
    let named = r#"{user: 'userName co "corp.example"'}"#;
    let text = format!("version: 1\nrules:\n  - {{id: named, owner: owners, when: {named}, then: [{{team: crew}}]}}\n");
    for round in 0..=ROUNDS {
        let test = TestApp::start().await;
        let ids = company(&test, 120).await;
        let crew = team(&test, "crew").await;
        rules(&test, &[("crew", "{group: Crew}", "[{team: crew}]")]).await;
        let mut client = test.client();
        let group = group(&mut client, "Crew", &ids).await;
        settle(&test).await;
        patch(&mut client, &group, &nobody()).await;
        settle(&test).await;
        let held = hold(&test).await;
        assert_eq!((held.waiting, size(&test, &crew).await), (120, 120));
        // The hold is approved while rules are saved that give everybody the same team by their name, each time a bit
        // later; the first time afterwards.
        if round == 0 {
            save(&test, &text).await.unwrap();
            approve(&test, &held.hold.id).await;
        } else {
            let late = async {
                tokio::time::sleep(STEP * (round - 1)).await;
                approve(&test, &held.hold.id).await;
            };
            let (saved, ()) = tokio::join!(save(&test, &text), late);
            saved.unwrap();
        }
        for change in approved_after_the_rules(&test).await {
            let blind = change["opened"].as_array().is_some_and(Vec::is_empty) && change.get("moved").is_none();
            assert!(!blind, "{round}: evaluated with rules that were no longer in force: {change}");
        }
        settle(&test).await;
        assert_eq!((size(&test, &crew).await, open(&test).await.len()), (120, 0), "{round}");
    }
}
