//! The server over real sockets.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answers;
mod api;
mod bodies;
mod life;
mod routes;
mod wire;

use bailiwick_testkit::{Answer, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const BASE: &str = "https://bailiwick.example.com/scim/v2";

fn user(name: &str) -> Value {
    json!({"schemas": [USER], "userName": name})
}

fn group(name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
    json!({"schemas": [GROUP], "displayName": name, "members": members})
}

fn patch(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// Creates a resource and returns its id.
async fn create(app: &TestApp, endpoint: &str, body: &Value) -> String {
    let answer = app.client().post(&format!("/scim/v2/{endpoint}"), body).await.expect(201);
    answer.at("/id").as_str().unwrap_or_default().to_owned()
}

/// The answer is a SCIM error of its own status.
#[track_caller]
fn is_scim_error(answer: &Answer) {
    assert_eq!(answer.header("content-type"), Some("application/scim+json"), "{}", answer.text());
    assert_eq!(answer.at("/schemas"), json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
    assert_eq!(answer.at("/status"), json!(answer.status.to_string()));
    assert!(answer.at("/detail").is_string());
}
