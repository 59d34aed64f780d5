//! A running Bailiwick with teams, Users and groups, and short words for what the tests do with it.

use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::mapping::{self, Apply, NotTaken, Saved};
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::PersonRow;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

pub(crate) fn host() -> Principal {
    Principal::host()
}

pub(crate) async fn team(test: &TestApp, name: &str) -> String {
    let document = json!({ "kind": "team", "name": name });
    let item = catalog::create_item(test.app(), &host(), document.as_object().unwrap(), Author::Hand).await.unwrap();
    item.row.id
}

/// The file of rules made of `id: {when} -> [then]` lines.
pub(crate) fn file(rules: &[(&str, &str, &str)]) -> String {
    let mut text = "version: 1\nrules:\n".to_owned();
    for (id, when, then) in rules {
        text.push_str(&format!("  - id: {id}\n    owner: owners\n    when: {when}\n    then: {then}\n"));
    }
    if rules.is_empty() {
        text = "version: 1\nrules: []\n".to_owned();
    }
    text
}

/// Applies rules whatever they do, and waits until everybody is evaluated.
pub(crate) async fn apply(test: &TestApp, rules: &[(&str, &str, &str)]) -> Saved {
    let text = file(rules);
    let saved = force(test, &text).await.unwrap_or_else(|not| panic!("{text}: {not:?}"));
    mapping::settle_everybody(test.app()).await.unwrap();
    saved
}

/// Previews and applies, dangers accepted.
pub(crate) async fn force(test: &TestApp, text: &str) -> Result<Saved, NotTaken> {
    for _ in 0..50 {
        let preview = mapping::preview(test.app(), &host(), text).await?;
        let how = Apply { basis: Some(preview.basis), accept_dangers: true, ..Apply::default() };
        match mapping::apply_rules(test.app(), &host(), text, &how).await {
            Err(NotTaken::Refused(refusal)) if refusal.code == "preview-stale" => {}
            done => return done,
        }
    }
    panic!("the store never held still");
}

/// Approves whatever the removal guard holds, and waits until everybody is evaluated.
pub(crate) async fn approve_all(test: &TestApp) {
    mapping::settle_everybody(test.app()).await.unwrap();
    for hold in bailiwick_app::holds::list_holds(test.app(), &host(), &bailiwick_app::holds::HoldQuery::open(), 100)
        .await
        .unwrap()
    {
        if hold.waiting > 0 {
            bailiwick_app::holds::approve_hold(test.app(), &host(), &hold.hold.id, None).await.unwrap();
        }
    }
    mapping::settle_everybody(test.app()).await.unwrap();
}

pub(crate) async fn user(client: &mut Client, name: &str, more: Value) -> String {
    let mut body = json!({ "schemas": [USER, ENTERPRISE], "userName": name });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let answer = client.post("/scim/v2/Users", &body).await.expect(201);
    answer.at("/id").as_str().unwrap().to_owned()
}

pub(crate) async fn group(client: &mut Client, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let answer = client.post("/scim/v2/Groups", &body).await.expect(201);
    answer.at("/id").as_str().unwrap().to_owned()
}

pub(crate) fn operation(op: &str, path: &str, value: &Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": op, "path": path, "value": value }] })
}

pub(crate) async fn add(client: &mut Client, group: &str, member: &str) {
    let body = operation("add", "members", &json!([{ "value": member }]));
    assert!(client.patch(&format!("/scim/v2/Groups/{group}"), &body).await.status < 300);
}

pub(crate) async fn remove(client: &mut Client, group: &str, member: &str) {
    let path = format!("members[value eq \"{member}\"]");
    let body = json!({ "schemas": [PATCH], "Operations": [{ "op": "remove", "path": path }] });
    assert!(client.patch(&format!("/scim/v2/Groups/{group}"), &body).await.status < 300);
}

pub(crate) async fn set_user(client: &mut Client, id: &str, path: &str, value: Value) {
    let body = operation("replace", path, &value);
    client.patch(&format!("/scim/v2/Users/{id}"), &body).await.expect(200);
}

pub(crate) async fn persons(test: &TestApp) -> Vec<PersonRow> {
    let query = PersonQuery { limit: 10_000, ..PersonQuery::default() };
    bailiwick_app::manage::list_persons(test.app(), query).await.unwrap()
}

pub(crate) async fn person(test: &TestApp, user_name: &str) -> PersonRow {
    let found = persons(test).await.into_iter().find(|person| person.user_name.as_deref() == Some(user_name));
    found.unwrap_or_else(|| panic!("no {user_name}"))
}

/// What somebody holds, as `kind object value origin`, in order. It is read without settling anything.
pub(crate) async fn holds(test: &TestApp, user_name: &str) -> Vec<String> {
    let row = person(test, user_name).await;
    let grants = test.app().store().grants_of(row.seq, true).await.unwrap();
    let line = |grant: bailiwick_store::rows::GrantRow| {
        format!("{} {} {} {}", grant.kind.as_str(), grant.object, grant.value, grant.origin)
    };
    let mut lines: Vec<String> = grants.into_iter().map(line).collect();
    lines.sort();
    lines
}
