//! People with roles and what they sign in with.

use bailiwick_app::App;
use bailiwick_app::access::{self, NewApiToken, Principal, Scopes};
use bailiwick_app::manage::{self, Admin, NewAdmin};
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A person that the first integration provisions: their id.
pub(crate) async fn provisioned(app: &TestApp, name: &str) -> String {
    let made = user(app, name).await;
    let id = made["id"].as_str().unwrap().to_owned();
    person_of(app, &id).await
}

/// A User of the first integration, as it was answered.
pub(crate) async fn user(app: &TestApp, name: &str) -> Value {
    let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name, "active": true});
    app.client().post("/scim/v2/Users", &body).await.expect(201).json()
}

pub(crate) async fn person_of(app: &TestApp, user: &str) -> String {
    let store = app.app().store();
    let kind = bailiwick_domain::ids::Kind::User;
    let row = store.resource(app.integration_id(), kind, user, false).await.unwrap().unwrap();
    row.person.unwrap().id
}

/// Switches a User off or on.
pub(crate) async fn set_active(app: &TestApp, user: &str, active: bool) {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "active", "value": active}]});
    app.client().patch(&format!("/scim/v2/Users/{user}"), &body).await.expect(200);
}

/// Gives a person a role from the host.
pub(crate) async fn give(app: &App, person: &str, role: &str) {
    access::give_role(app, &Principal::host(), person, role).await.unwrap();
}

/// A token of a person with these scopes: its text.
pub(crate) async fn token(app: &App, person: &str, scopes: &[&str]) -> String {
    made(app, person, scopes).await.text
}

pub(crate) async fn made(app: &App, person: &str, scopes: &[&str]) -> access::ApiTokenMade {
    let new = NewApiToken { label: "test".to_owned(), scopes: Scopes::parse(scopes).unwrap(), life: None };
    access::create_personal_token(app, &Principal::host(), person, new).await.unwrap()
}

/// A caller of the API.
pub(crate) fn client(app: &TestApp, token: &str) -> Client {
    let mut client = Client::new(app.address(), token);
    client.set_header("content-type", Some("application/json"));
    client
}

/// A provisioned person with one role, and a client that may use all of it.
pub(crate) async fn with_role(app: &TestApp, name: &str, role: &str) -> (String, Client) {
    let person = provisioned(app, name).await;
    give(app.app(), &person, role).await;
    let token = token(app.app(), &person, &["admin"]).await;
    (person, client(app, &token))
}

/// A break-glass admin with [`PASSWORD`].
pub(crate) async fn break_glass(app: &TestApp, name: &str) -> Admin {
    let new =
        NewAdmin { user_name: name.to_owned(), display: String::new(), email: None, password: PASSWORD.to_owned() };
    manage::create_admin(app.app(), new).await.unwrap()
}

/// Kinds of the latest events, the newest first.
pub(crate) async fn told(app: &TestApp) -> Vec<String> {
    let query = bailiwick_store::query::EventQuery { limit: 50, ..Default::default() };
    app.app().store().events(query).await.unwrap().into_iter().map(|event| event.kind).collect()
}
