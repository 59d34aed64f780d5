//! Filling a server: users through Bulk, groups through PATCH.

use crate::load::{Client, Connection};
use serde_json::{Value, json};

const BULK: usize = 250;
const CONNECTIONS: usize = 8;

/// The body of the n-th user.
pub(crate) fn user(number: usize) -> Value {
    let name = user_name(number);
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": name,
        "externalId": format!("ext-{number:07}"),
        "active": true,
        "displayName": format!("Given{number} Family{number}"),
        "name": { "givenName": format!("Given{number}"), "familyName": format!("Family{number}"),
                  "formatted": format!("Given{number} Family{number}") },
        "emails": [{ "type": "work", "value": name, "primary": true }],
    })
}

/// The userName of the n-th user.
pub(crate) fn user_name(number: usize) -> String {
    format!("u{number:07}@bench.example")
}

/// Creates users `from..to` and returns their ids in order.
pub(crate) async fn users(client: &Client, from: usize, to: usize) -> Result<Vec<String>, String> {
    let mut tasks = Vec::new();
    let share = (to - from).div_ceil(CONNECTIONS).max(1);
    for start in (from..to).step_by(share) {
        let (client, end) = (client.clone(), (start + share).min(to));
        tasks.push(tokio::spawn(async move {
            let mut connection = Connection::open(&client.address).await?;
            let mut ids = Vec::new();
            for first in (start..end).step_by(BULK) {
                let last = (first + BULK).min(end);
                ids.extend(bulk(&client, &mut connection, first, last).await?);
            }
            Ok::<_, String>(ids)
        }));
    }
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.map_err(|error| error.to_string())??);
    }
    Ok(ids)
}

async fn bulk(client: &Client, connection: &mut Connection, first: usize, last: usize) -> Result<Vec<String>, String> {
    let operations: Vec<Value> = (first..last)
        .map(|number| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": user(number) }))
        .collect();
    let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    let request = client.request("POST", "/scim/v2/Bulk", Some(&body.to_string()), 200);
    let (status, body) = connection.exchange(&request.bytes).await?;
    let answer: Value = serde_json::from_slice(&body).map_err(|error| format!("bulk {status}: {error}"))?;
    let results = answer["Operations"].as_array().ok_or_else(|| format!("bulk {status}: {answer}"))?;
    results
        .iter()
        .map(|result| {
            let location = result["location"].as_str().ok_or_else(|| format!("bulk operation: {result}"))?;
            Ok(location.rsplit('/').next().unwrap_or_default().to_owned())
        })
        .collect()
}

/// Creates a group with these members and returns its id.
pub(crate) async fn group(client: &Client, name: &str, members: &[String]) -> Result<String, String> {
    let mut connection = Connection::open(&client.address).await?;
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let request = client.request("POST", "/scim/v2/Groups", Some(&body.to_string()), 201);
    let (status, body) = connection.exchange(&request.bytes).await?;
    let group: Value = serde_json::from_slice(&body).map_err(|error| format!("group {status}: {error}"))?;
    let id = group["id"].as_str().ok_or_else(|| format!("group {status}: {group}"))?.to_owned();
    for chunk in members.chunks(5_000) {
        let values: Vec<Value> = chunk.iter().map(|id| json!({ "value": id })).collect();
        let body = patch(json!({ "op": "add", "path": "members", "value": values }));
        let request = client.request("PATCH", &format!("/scim/v2/Groups/{id}"), Some(&body), 204);
        let (status, body) = connection.exchange(&request.bytes).await?;
        if status != 204 {
            return Err(format!("adding members: {status} {}", String::from_utf8_lossy(&body)));
        }
    }
    Ok(id)
}

/// A PATCH message of one operation.
pub(crate) fn patch(operation: Value) -> String {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] }).to_string()
}
