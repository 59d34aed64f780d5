//! A company that was provisioned two days ago, and short words for what the tests do with it.

use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::holds::{self, HoldSummary};
use bailiwick_app::mapping::{self, Apply};
use bailiwick_domain::person::State;
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::PersonRow;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

pub(crate) fn host() -> Principal {
    Principal::host()
}

/// So many Users, provisioned long enough ago to count.
pub(crate) async fn company(test: &TestApp, people: usize) -> Vec<String> {
    let ids = hire(test, 0, people).await;
    test.clock().advance(Duration::from_secs(48 * 60 * 60));
    ids
}

/// Users with the numbers from that one on.
pub(crate) async fn hire(test: &TestApp, from: usize, people: usize) -> Vec<String> {
    let mut client = test.client();
    let mut ids = Vec::with_capacity(people);
    for part in (from..from + people).collect::<Vec<_>>().chunks(500) {
        let post = |number: &usize| {
            json!({
                "method": "POST", "path": "/Users", "bulkId": number.to_string(),
                "data": { "schemas": [USER], "userName": name(*number) },
            })
        };
        let body = json!({ "schemas": [BULK], "Operations": part.iter().map(post).collect::<Value>() });
        let answer = client.post("/scim/v2/Bulk", &body).await.expect(200);
        for result in answer.at("/Operations").as_array().unwrap() {
            assert_eq!(result["status"], "201", "{result}");
            ids.push(result["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned());
        }
    }
    ids
}

pub(crate) fn name(number: usize) -> String {
    format!("user{number}@corp.example")
}

pub(crate) fn active(active: bool) -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "active", "value": active }] })
}

/// Switches a User off; SCIM answers as always.
pub(crate) async fn switch(client: &mut Client, id: &str, on: bool) {
    let answer = client.patch(&format!("/scim/v2/Users/{id}"), &active(on)).await.expect(200);
    assert_eq!(answer.at("/active"), on);
}

pub(crate) async fn group(client: &mut Client, name: &str, members: &[String]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    client.post("/scim/v2/Groups", &body).await.expect(201).at("/id").as_str().unwrap().to_owned()
}

/// A team that is given to a group of that name.
pub(crate) async fn team(test: &TestApp, name: &str) -> String {
    let document = json!({ "kind": "team", "name": name });
    let item = catalog::create_item(test.app(), &host(), document.as_object().unwrap(), Author::Hand).await.unwrap();
    item.row.id
}

/// Applies a rule file.
pub(crate) async fn rules(test: &TestApp, rules: &[(&str, &str, &str)]) {
    if test.app().store().item_by_alias("team:default", "owners").await.unwrap().is_none() {
        team(test, "owners").await;
    }
    let mut text = "version: 1\nrules:\n".to_owned();
    for (id, when, then) in rules {
        text.push_str(&format!("  - id: {id}\n    owner: owners\n    when: {when}\n    then: {then}\n"));
    }
    let preview = mapping::preview(test.app(), &host(), &text).await.unwrap();
    let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
    mapping::apply_rules(test.app(), &host(), &text, &how).await.unwrap();
    settle(test).await;
}

/// Waits until everybody is evaluated.
pub(crate) async fn settle(test: &TestApp) {
    mapping::settle_everybody(test.app()).await.unwrap();
}

pub(crate) async fn persons(test: &TestApp) -> Vec<PersonRow> {
    let query = PersonQuery { limit: 10_000, ..PersonQuery::default() };
    bailiwick_app::manage::list_persons(test.app(), query).await.unwrap()
}

/// How many persons stand so.
pub(crate) async fn standing(test: &TestApp, state: State) -> usize {
    persons(test).await.iter().filter(|person| person.state == state).count()
}

pub(crate) async fn person(test: &TestApp, number: usize) -> PersonRow {
    let found = persons(test).await.into_iter().find(|person| person.user_name == Some(name(number)));
    found.unwrap_or_else(|| panic!("no person {number}"))
}

/// How many active people are in a team.
pub(crate) async fn size(test: &TestApp, team: &str) -> u64 {
    let sizes = test.app().store().team_sizes(Some(&[team.to_owned()])).await.unwrap();
    sizes.first().map_or(0, |(_, size)| *size)
}

/// The open holds.
pub(crate) async fn open(test: &TestApp) -> Vec<HoldSummary> {
    holds::list_holds(test.app(), &host(), &holds::HoldQuery::open(), 100).await.unwrap()
}

/// The one open hold.
pub(crate) async fn hold(test: &TestApp) -> HoldSummary {
    let mut open = open(test).await;
    assert_eq!(open.len(), 1, "{open:?}");
    open.remove(0)
}

pub(crate) async fn approve(test: &TestApp, id: &str) {
    holds::approve_hold(test.app(), &host(), id, None).await.unwrap();
}
