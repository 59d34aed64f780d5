//! Teams and entities over the REST API: what is kept, who answers for it, who belongs to it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod entities;
mod members;
mod orphans;
mod ownership;
mod races;
mod rights;
mod standards;
mod teams;

use bailiwick_app::access::{self, NewApiToken, Principal, Scope, Scopes};
use bailiwick_testkit::{Answer, Client, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// A Bailiwick and a service with the role of an admin.
async fn start() -> (TestApp, Client) {
    let test = TestApp::start().await;
    let client = service(&test, "admin").await;
    (test, client)
}

/// A client with the token of a service with that role.
async fn service(test: &TestApp, role: &str) -> Client {
    let new = NewApiToken { label: role.to_owned(), scopes: Scopes::of(vec![Scope::Admin]), life: None };
    let made = access::create_service_token(test.app(), &Principal::host(), role, role, new).await.unwrap();
    api_client(test, &made.text)
}

/// A client with the token of a person.
async fn acting_as(test: &TestApp, person: &str) -> Client {
    let new = NewApiToken { label: "test".to_owned(), scopes: Scopes::of(vec![Scope::Admin]), life: None };
    let made = access::create_personal_token(test.app(), &Principal::host(), person, new).await.unwrap();
    api_client(test, &made.text)
}

fn api_client(test: &TestApp, token: &str) -> Client {
    let mut client = Client::new(test.address(), token);
    client.set_header("content-type", Some("application/json"));
    client
}

async fn make(client: &mut Client, path: &str, body: Value) -> Value {
    client.post(&format!("/api/v1/{path}"), &body).await.expect(201).json()
}

async fn team(client: &mut Client, name: &str) -> Value {
    make(client, "teams", json!({ "name": name })).await
}

async fn get(client: &mut Client, path: &str) -> Value {
    client.get(&format!("/api/v1/{path}")).await.expect(200).json()
}

/// Provisions a User and gives the id of the resource and of the person.
async fn provision(test: &TestApp, name: &str) -> (String, String) {
    let body = json!({ "schemas": [USER], "userName": name, "displayName": name });
    let user = test.client().post("/scim/v2/Users", &body).await.expect(201).at("/id");
    let user = user.as_str().unwrap().to_owned();
    (user, person(test, name).await)
}

async fn person(test: &TestApp, name: &str) -> String {
    bailiwick_app::catalog::find_person(test.app(), name).await.unwrap().id
}

async fn group(test: &TestApp, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    let made = test.client().post("/scim/v2/Groups", &body).await.expect(201);
    made.at("/id").as_str().unwrap().to_owned()
}

/// The refusal names this place for this reason.
#[track_caller]
fn is_fault(answer: &Answer, pointer: &str, part: &str) {
    let errors = answer.at("/errors");
    let found = errors.as_array().is_some_and(|all| {
        all.iter().any(|one| one["pointer"] == pointer && one["detail"].as_str().unwrap_or_default().contains(part))
    });
    assert!(found, "{pointer} {part}: {}", answer.text());
}

/// The texts at a pointer into every item of a page.
fn each(page: &Value, pointer: &str) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()).collect()
}

/// Everything that waits to be evaluated is evaluated.
async fn settle(test: &TestApp) {
    bailiwick_app::mapping::settle_everybody(test.app()).await.unwrap();
}
