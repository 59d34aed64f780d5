//! What Entra ID says in its default dialect: a GUID as probe, capitalised operations, "True" and "False", groups without
//! their members, managers in a second pass, members removed by value.

use super::client::{Client, Headers, encoded};
use super::company::{Directory, Human};
use crate::out::Failure;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) const HEADERS: Headers = &[
    ("ADSCIMVersion", "5.0"),
    ("Accept", "application/scim+json"),
    ("Content-Type", "application/scim+json; charset=utf-8"),
];

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const AD_GROUP: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
const PROBE: &str = "8d1c0d6e-2f0a-4c62-9c55-0b8a6f1f3a77";

type Ids = HashMap<String, String>;

pub(super) async fn play(client: &mut Client, directory: &Directory) -> Result<(), Failure> {
    find(client, "Users", "userName", PROBE).await?;
    find(client, "Groups", "displayName", PROBE).await?;
    client.get("/Schemas").await?;
    let people = create_users(client, directory).await?;
    let groups = create_groups(client, directory).await?;
    references(client, directory, &people, &groups).await?;
    next_cycle(client, &people, &groups).await?;
    wrong_mapping(client).await
}

async fn find(client: &mut Client, kind: &str, attribute: &str, value: &str) -> Result<Value, Failure> {
    let without = if kind == "Groups" { "excludedAttributes=members&" } else { "" };
    client.get(&format!("/{kind}?{without}filter={attribute}+eq+%22{}%22", encoded(value))).await
}

fn user(directory: &Directory, human: &Human, user_name: &str) -> Value {
    let email = human.email.clone().unwrap_or_else(|| format!("{}@{}", human.key, directory.domain));
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": human.key,
        "userName": user_name,
        "active": true,
        "displayName": human.name(),
        "title": human.title,
        "preferredLanguage": null,
        "phoneNumbers": null,
        "emails": [{"primary": true, "type": "work", "value": email}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": human.name(), "familyName": human.family, "givenName": human.given},
        "roles": [],
        ENTERPRISE: {"department": human.department, "employeeNumber": null},
    })
}

async fn create_users(client: &mut Client, directory: &Directory) -> Result<Ids, Failure> {
    let mut ids = Ids::new();
    for human in &directory.people {
        let user_name = format!("{}@{}", human.key, directory.domain);
        find(client, "Users", "userName", &user_name).await?;
        let id = client.create("/Users", user(directory, human, &user_name)).await?;
        ids.insert(human.key.clone(), id);
    }
    Ok(ids)
}

async fn create_groups(client: &mut Client, directory: &Directory) -> Result<Ids, Failure> {
    let mut ids = Ids::new();
    for (number, group) in directory.groups.iter().enumerate() {
        find(client, "Groups", "displayName", &group.name).await?;
        let body = json!({
            "schemas": [GROUP, AD_GROUP],
            "externalId": format!("2f5d3c1b-9a40-4f0e-8d11-{number:012}"),
            "displayName": group.name,
            "meta": {"resourceType": "Group"},
        });
        ids.insert(group.name.clone(), client.create("/Groups", body).await?);
    }
    Ok(ids)
}

fn id<'a>(ids: &'a Ids, name: &str) -> &'a str {
    ids.get(name).map_or("", String::as_str)
}

/// The second pass: managers and members, groups among them.
async fn references(client: &mut Client, directory: &Directory, people: &Ids, groups: &Ids) -> Result<(), Failure> {
    for human in &directory.people {
        if let Some(manager) = &human.manager {
            let path = format!("{ENTERPRISE}:manager");
            let add = json!([{"op": "Add", "path": path, "value": id(people, manager)}]);
            client.patch(&format!("/Users/{}", id(people, &human.key)), add, 200).await?;
        }
    }
    for group in &directory.groups {
        let users = group.members.iter().map(|key| json!({"value": id(people, key)}));
        let nested = group.groups.iter().map(|name| json!({"value": id(groups, name)}));
        let members: Vec<Value> = users.chain(nested).collect();
        let add = json!([{"op": "Add", "path": "members", "value": members}]);
        client.patch(&format!("/Groups/{}", id(groups, &group.name)), add, 204).await?;
    }
    Ok(())
}

/// Forty minutes later: new titles, a contract that ended, another deleted for good, a move between groups.
async fn next_cycle(client: &mut Client, people: &Ids, groups: &Ids) -> Result<(), Failure> {
    let promoted = format!("/Users/{}", id(people, "tomasz.zielinski"));
    let title = json!([
        {"op": "Replace", "path": "title", "value": "Lead consultant"},
        {"op": "Add", "path": "phoneNumbers[type eq \"work\"].value", "value": "+48 58 555 0142"},
    ]);
    client.patch(&promoted, title, 200).await?;
    let leaver = format!("/Users/{}", id(people, "petra.novak"));
    client.patch(&leaver, json!([{"op": "Replace", "path": "active", "value": "False"}]), 200).await?;
    let moved = id(people, "elina.korhonen");
    let removed = json!([{"op": "Remove", "path": "members", "value": [{"value": moved}]}]);
    client.patch(&format!("/Groups/{}", id(groups, "Contractors Tallinn")), removed, 204).await?;
    let added = json!([{"op": "Add", "path": "members", "value": [{"value": moved}]}]);
    client.patch(&format!("/Groups/{}", id(groups, "Contractors Gdańsk")), added, 204).await?;
    let gone = format!("/Users/{}", id(people, "anton.sild"));
    client.patch(&gone, json!([{"op": "Replace", "path": "active", "value": "False"}]), 200).await?;
    client.send("DELETE", &gone, None, 204).await?;
    Ok(())
}

/// Somebody mapped mailNickname to userName; this integration insists on e-mail addresses and says so.
async fn wrong_mapping(client: &mut Client) -> Result<(), Failure> {
    for (nickname, given, family) in [("kwisniewski", "Kamil", "Wiśniewski"), ("lrebane", "Liis", "Rebane")] {
        find(client, "Users", "userName", nickname).await?;
        let body = json!({
            "schemas": [USER],
            "externalId": nickname,
            "userName": nickname,
            "active": true,
            "displayName": format!("{given} {family}"),
            "name": {"familyName": family, "givenName": given},
        });
        client.send("POST", "/Users", Some(body.clone()), 400).await?;
        // Entra tries again in later cycles.
        client.send("POST", "/Users", Some(body), 400).await?;
    }
    Ok(())
}
