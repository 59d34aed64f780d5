//! Bulk requests: Users, a PATCH of one of them, and a Group whose members refer to them.

use super::{Shown, Target, twice};
use crate::support::{string, user};
use serde_json::{Value, json as value};
use std::collections::{BTreeSet, HashMap};

const USERS: usize = 8;
const PATCHED: &str = "in bulk";

/// An acknowledged bulk request.
pub(super) struct Bulk {
    /// Of the Group; names of the Users begin with it.
    name: String,
    group: String,
    users: Vec<String>,
}

pub(super) fn write(target: Target<'_>, prefix: &str) -> Vec<Bulk> {
    let mut told = Vec::new();
    for number in 0.. {
        if !target.goes_on() {
            break;
        }
        let name = format!("{prefix}n{number}");
        let operations = operations(&name, number % 2 == 1);
        let body = value!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "Operations": operations,
        });
        let Some(answer) = target.send("POST", "/scim/v2/Bulk", &body) else { break };
        told.push(Bulk::read(name, operations.len(), &answer));
    }
    told
}

/// Ten operations. The PATCH in the middle waits for the first half of the Users, the Group for all of them, so that a
/// kill finds the request at several stages. The Group may stand before those it refers to.
fn operations(name: &str, group_first: bool) -> Vec<Value> {
    let members: Vec<Value> = (0..USERS).map(|user| value!({"value": format!("bulkId:u{user}")})).collect();
    let group = value!({"method": "POST", "path": "/Groups", "bulkId": "group", "data": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": name,
        "members": members,
    }});
    let mut operations: Vec<Value> = (0..USERS)
        .map(|number| {
            let data = user(&user_name(name, number));
            value!({"method": "POST", "path": "/Users", "bulkId": format!("u{number}"), "data": data})
        })
        .collect();
    let patch = value!({"method": "PATCH", "path": "/Users/bulkId:u0", "data": twice(PATCHED)});
    operations.insert(USERS / 2, patch);
    operations.insert(if group_first { 0 } else { operations.len() }, group);
    operations
}

fn user_name(name: &str, number: usize) -> String {
    format!("{name}u{number}")
}

impl Bulk {
    fn read(name: String, operations: usize, answer: &Value) -> Self {
        let results = answer["Operations"].as_array().unwrap();
        assert_eq!(results.len(), operations, "{answer}");
        for result in results {
            assert!(matches!(result["status"].as_str(), Some("200" | "201")), "{result}");
        }
        let id = |bulk_id: &str| {
            let result = results.iter().find(|result| result["bulkId"] == bulk_id).unwrap();
            string(result, "location").rsplit('/').next().unwrap().to_owned()
        };
        Self { name, group: id("group"), users: (0..USERS).map(|number| id(&format!("u{number}"))).collect() }
    }

    /// All of it is there, under the ids that were told.
    pub(super) fn check(&self, shown: &Shown) {
        for (number, id) in self.users.iter().enumerate() {
            let user = shown.users.get(id).unwrap_or_else(|| panic!("{id} was acknowledged"));
            assert_eq!(user["userName"], user_name(&self.name, number));
        }
        assert_eq!(shown.users[&self.users[0]]["title"], PATCHED, "an acknowledged PATCH of {}", self.users[0]);
        let group = shown.groups.get(&self.group).unwrap_or_else(|| panic!("{} was acknowledged", self.group));
        assert_eq!(group["displayName"], self.name);
        assert_eq!(members(group), self.users.iter().map(String::as_str).collect(), "{group}");
    }
}

/// A Group made in bulk has all members of its operation, and they exist.
pub(super) fn check_whole(group: &Value, users: &HashMap<String, Value>) {
    let name = string(group, "displayName");
    let names: BTreeSet<String> = members(group)
        .into_iter()
        .map(|id| string(users.get(id).unwrap_or_else(|| panic!("no member {id} of {group}")), "userName"))
        .collect();
    assert_eq!(names, (0..USERS).map(|number| user_name(&name, number)).collect(), "{group}");
}

/// Ids of the members; each is named once.
pub(super) fn members(group: &Value) -> BTreeSet<&str> {
    let members: &[Value] = group["members"].as_array().map_or(&[], Vec::as_slice);
    let ids: BTreeSet<&str> = members.iter().map(|member| member["value"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), members.len(), "{group}");
    ids
}
