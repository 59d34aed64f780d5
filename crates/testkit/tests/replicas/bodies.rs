//! What clients send.

use bailiwick_testkit::Client;
use serde_json::{Value, json};

/// A User.
pub(crate) fn user(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name })
}

/// A Group without members.
pub(crate) fn group(name: &str) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name })
}

/// A PATCH of one operation.
pub(crate) fn patch(operation: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] })
}

/// Adds one member.
pub(crate) fn add(member: &str) -> Value {
    patch(json!({ "op": "add", "path": "members", "value": [{ "value": member }] }))
}

/// Removes one member.
pub(crate) fn remove(member: &str) -> Value {
    patch(json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") }))
}

/// Sets one attribute.
pub(crate) fn set(path: &str, value: impl Into<Value>) -> Value {
    patch(json!({ "op": "replace", "path": path, "value": value.into() }))
}

/// Creates something that must succeed; gives its id.
pub(crate) async fn create(client: &mut Client, path: &str, body: &Value) -> String {
    client.post(path, body).await.expect(201).at("/id").as_str().unwrap().to_owned()
}

/// The ids of a group's members, sorted.
pub(crate) fn members(group: &Value) -> Vec<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect();
    ids.sort();
    ids
}
