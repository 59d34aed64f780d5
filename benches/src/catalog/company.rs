//! Filling a server with groups through SCIM, and with teams and entities through `bailiwick import`.

use crate::load::{Client, Connection};
use crate::process::{Place, bailiwick};
use crate::seed;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Teams of the company.
pub(crate) const TEAMS: usize = 200;
/// Descriptors in one file.
const IN_A_FILE: usize = 500;
/// Connections that make groups.
const CONNECTIONS: usize = 8;
/// Tags by which rules give ownership.
pub(crate) const TAGS: usize = 50;

/// displayName of the n-th group.
pub(crate) fn group_name(number: usize) -> String {
    format!("group {number:04}")
}

/// Name of the n-th team.
pub(crate) fn team_name(number: usize) -> String {
    format!("team-{number:03}")
}

/// Creates groups in which every user is once, and returns their ids in order.
pub(crate) async fn groups(client: &Client, users: &[String], count: usize) -> Result<Vec<String>, String> {
    let size = users.len().div_ceil(count).max(1);
    let mut tasks = Vec::new();
    let share = count.div_ceil(CONNECTIONS).max(1);
    for first in (0..count).step_by(share) {
        let client = client.clone();
        let bodies: Vec<Value> = (first..(first + share).min(count))
            .map(|number| {
                let members = users.iter().skip(number * size).take(size).map(|id| json!({ "value": id }));
                json!({
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                    "displayName": group_name(number),
                    "members": members.collect::<Value>(),
                })
            })
            .collect();
        tasks.push(tokio::spawn(async move {
            let mut connection = Connection::open(&client.address).await?;
            let mut ids = Vec::new();
            for body in bodies {
                let request = client.request("POST", "/scim/v2/Groups", Some(&body.to_string()), 201);
                let (status, body) = connection.exchange(&request.bytes).await?;
                let made: Value = serde_json::from_slice(&body).map_err(|error| format!("group {status}: {error}"))?;
                ids.push(made["id"].as_str().ok_or_else(|| format!("group {status}: {made}"))?.to_owned());
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

/// Writes descriptors of all teams and of so many components into a folder.
pub(crate) fn describe(folder: &Path, entities: usize) -> Result<(), String> {
    let teams = (0..TEAMS).map(|number| {
        let name = team_name(number);
        format!("---\napiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata:\n  name: {name}\nspec:\n  type: team\n  children: []\n")
    });
    write(folder, "teams", &teams.collect::<Vec<_>>())?;
    let components: Vec<String> = (0..entities)
        .map(|number| {
            let (tag, team) = (number % TAGS, team_name(number % TEAMS));
            format!(
                "---\napiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: service-{number:05}\n  tags: \
                 [tag{tag:02}]\nspec:\n  type: service\n  lifecycle: production\n  owner: {team}\n"
            )
        })
        .collect();
    components
        .chunks(IN_A_FILE)
        .enumerate()
        .try_for_each(|(number, part)| write(folder, &format!("c{number:03}"), part))
}

fn write(folder: &Path, name: &str, documents: &[String]) -> Result<(), String> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut text = String::new();
    documents.iter().for_each(|document| {
        let _ = text.write_str(document);
    });
    std::fs::write(folder.join("catalog-info.yaml"), text).map_err(|error| error.to_string())
}

/// Imports the folder, beside the running server.
pub(crate) fn import(binary: &Path, place: &Place, folder: &Path) -> Result<(), String> {
    bailiwick(binary, place, &["import", &folder.to_string_lossy(), "--source", "bench", "--json"]).map(drop)
}

/// Fails unless the server knows so many items.
pub(crate) async fn expect(admin: &Client, entities: usize) -> Result<(), String> {
    let mut connection = Connection::open(&admin.address).await?;
    let request = admin.api("GET", "/entities?limit=1&total=true", None, 200);
    let (status, body) = connection.exchange(&request.bytes).await?;
    let page: Value = serde_json::from_slice(&body).map_err(|error| format!("entities {status}: {error}"))?;
    match page["total"].as_u64() {
        Some(total) if total as usize == entities => Ok(()),
        _ => Err(format!("{entities} entities were imported, and the server has {}", page["total"])),
    }
}

/// A PATCH that adds or removes one member.
pub(crate) fn member(client: &Client, group: &str, member: &str, add: bool) -> crate::load::Request {
    let op = if add { "Add" } else { "Remove" };
    let body = seed::patch(json!({ "op": op, "path": "members", "value": [{ "value": member }] }));
    client.request("PATCH", &format!("/scim/v2/Groups/{group}"), Some(&body), 204)
}
