//! What Okta says: look-ups by userName, a password with every assignment, path-less replaces, group push.

use super::client::{Client, Headers, encoded};
use super::company::{Directory, Human};
use crate::out::Failure;
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) const HEADERS: Headers = &[
    ("User-Agent", "Okta SCIM Client 1.0.0"),
    ("Accept", "application/scim+json"),
    ("Accept-Charset", "utf-8"),
    ("Accept-Encoding", "gzip"),
    ("Content-Type", "application/scim+json; charset=utf-8"),
];

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

type Ids = HashMap<String, String>;

pub(super) async fn play(client: &mut Client, directory: &Directory) -> Result<(), Failure> {
    client.get("/Users?startIndex=1&count=2").await?;
    client.get("/Groups?startIndex=1&count=100").await?;
    let people = assign(client, directory).await?;
    let groups = push_groups(client, directory, &people).await?;
    change(client, &people, &groups).await?;
    come_and_go(client, &people, &groups).await?;
    mishaps(client, directory, &people, &groups).await?;
    client.get("/Users?startIndex=1&count=100").await?;
    Ok(())
}

fn user_name(directory: &Directory, human: &Human) -> String {
    format!("{}@{}", human.key, directory.domain)
}

fn user(directory: &Directory, human: &Human, number: usize) -> Value {
    let name = user_name(directory, human);
    json!({
        "schemas": [USER],
        "userName": name,
        "name": {"givenName": human.given, "familyName": human.family},
        "emails": [{"primary": true, "value": name, "type": "work"}],
        "displayName": human.name(),
        "title": human.title,
        "locale": "en-US",
        "externalId": format!("00ufj0rdl1ne{number:04}"),
        "groups": [],
        "password": format!("not-kept-{number:04}"),
        "active": true,
        "department": human.department,
    })
}

async fn find_user(client: &mut Client, name: &str) -> Result<Value, Failure> {
    let filter = encoded(&format!("userName eq \"{name}\""));
    client.get(&format!("/Users?filter={filter}&startIndex=1&count=100")).await
}

async fn assign(client: &mut Client, directory: &Directory) -> Result<Ids, Failure> {
    let mut ids = Ids::new();
    for (number, human) in directory.people.iter().enumerate() {
        find_user(client, &user_name(directory, human)).await?;
        let mut body = user(directory, human, number + 1);
        // The profile editor maps the department to where RFC 7643 keeps it.
        if let Some(object) = body.as_object_mut() {
            let department = object.remove("department").unwrap_or_default();
            let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
            object.insert("schemas".to_owned(), json!([USER, extension]));
            object.insert(extension.to_owned(), json!({ "department": department }));
        }
        ids.insert(human.key.clone(), client.create("/Users", body).await?);
    }
    Ok(ids)
}

async fn push_groups(client: &mut Client, directory: &Directory, people: &Ids) -> Result<Ids, Failure> {
    let mut ids = Ids::new();
    for group in &directory.groups {
        let filter = encoded(&format!("displayName eq \"{}\"", group.name));
        client.get(&format!("/Groups?filter={filter}&startIndex=1&count=100")).await?;
        let body = json!({"schemas": [GROUP], "displayName": group.name, "members": []});
        let id = client.create("/Groups", body).await?;
        let members: Vec<Value> = group.members.iter().filter_map(|key| member(directory, people, key)).collect();
        let add = json!([{"op": "add", "path": "members", "value": members}]);
        client.patch(&format!("/Groups/{id}"), add, 200).await?;
        ids.insert(group.name.clone(), id);
    }
    Ok(ids)
}

fn member(directory: &Directory, people: &Ids, key: &str) -> Option<Value> {
    Some(json!({"value": people.get(key)?, "display": format!("{key}@{}", directory.domain)}))
}

fn id<'a>(ids: &'a Ids, name: &str) -> &'a str {
    ids.get(name).map_or("", String::as_str)
}

/// A promotion, a wedding, a renamed group, somebody who changes teams.
async fn change(client: &mut Client, people: &Ids, groups: &Ids) -> Result<(), Failure> {
    let promoted = format!("/Users/{}", id(people, "oskar.lund"));
    client.patch(&promoted, json!([{"op": "replace", "value": {"title": "Principal engineer"}}]), 200).await?;
    let married = format!("/Users/{}", id(people, "signe.dahl"));
    let names = json!({"displayName": "Signe Dahl-Møller", "name": {"familyName": "Dahl-Møller"}});
    client.patch(&married, json!([{"op": "replace", "value": names}]), 200).await?;
    let crew = id(groups, "Crew");
    let renamed = json!([{"op": "replace", "value": {"id": crew, "displayName": "Crew and bridge"}}]);
    client.patch(&format!("/Groups/{crew}"), renamed, 200).await?;
    let moved = id(people, "ivar.bakken");
    let platform = format!("/Groups/{}", id(groups, "Platform"));
    let joins = json!([{"op": "add", "path": "members", "value": [{"value": moved}]}]);
    client.patch(&platform, joins, 200).await?;
    let leaves = json!([{"op": "remove", "path": format!("members[value eq \"{moved}\"]")}]);
    client.patch(&format!("/Groups/{}", id(groups, "Booking")), leaves, 200).await?;
    Ok(())
}

/// One who left, one who came back with id, groups and history.
async fn come_and_go(client: &mut Client, people: &Ids, groups: &Ids) -> Result<(), Failure> {
    let switch = |active: bool| json!([{"op": "replace", "value": {"active": active}}]);
    let leaver = id(people, "leif.haugen");
    let leaves = json!([{"op": "remove", "path": format!("members[value eq \"{leaver}\"]")}]);
    client.patch(&format!("/Groups/{}", id(groups, "Engineering")), leaves, 200).await?;
    client.patch(&format!("/Users/{leaver}"), switch(false), 200).await?;
    let returner = format!("/Users/{}", id(people, "maja.wiklund"));
    client.patch(&returner, switch(false), 200).await?;
    client.patch(&returner, switch(true), 200).await?;
    Ok(())
}

/// A create whose answer was lost, and a group that names somebody who was never assigned.
async fn mishaps(client: &mut Client, directory: &Directory, people: &Ids, groups: &Ids) -> Result<(), Failure> {
    if let Some(human) = directory.people.first() {
        client.send("POST", "/Users", Some(user(directory, human, 1)), 409).await?;
        find_user(client, &user_name(directory, human)).await?;
    }
    let stranger = "7c2f6d1e-0b7a-4c58-9f1e-5a0d3c9b2e44";
    let known = id(people, "oskar.lund");
    let add = json!([{"op": "add", "path": "members", "value": [{"value": known}, {"value": stranger}]}]);
    client.patch(&format!("/Groups/{}", id(groups, "Management")), add, 400).await?;
    Ok(())
}
