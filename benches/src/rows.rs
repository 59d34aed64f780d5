//! The rows that the store writes for a user of the load: the same documents, keys and journal payloads, byte for byte
//! as long. The bare yardsticks write them, and a database is grown with them.

use crate::seed;
use serde_json::{Value, json};

/// Numbers of the sequence that one create takes: a person, a resource, an event.
pub(crate) const NUMBERS: i64 = 3;

/// Everything that a create writes, sequence and counters apart.
#[derive(Clone, Debug)]
pub(crate) struct Create {
    pub(crate) person: i64,
    pub(crate) resource: i64,
    pub(crate) event: i64,
    pub(crate) person_id: String,
    pub(crate) id: String,
    /// userName, its two keys and the address: all of them are the same text.
    pub(crate) name: String,
    pub(crate) display: String,
    pub(crate) external_id: String,
    pub(crate) doc: String,
    pub(crate) keys: String,
    pub(crate) request: String,
    pub(crate) payload: String,
}

impl Create {
    /// The n-th user, its rows numbered behind `base`.
    pub(crate) fn new(number: usize, base: i64) -> Self {
        let user = seed::user(number);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut row = Self {
            person: 0,
            resource: 0,
            event: 0,
            person_id: format!("per_{}", hex(number, 24)),
            id: id(number),
            name: seed::user_name(number),
            display: text(&user["displayName"]),
            external_id: text(&user["externalId"]),
            doc: user.to_string(),
            keys: keys(&user),
            request: String::new(),
            payload: created(&user),
        };
        row.number_behind(base);
        row
    }

    /// Numbers its rows anew, behind `base`.
    pub(crate) fn number_behind(&mut self, base: i64) {
        (self.person, self.resource, self.event) = (base + 1, base + 2, base + 3);
        self.request = request(self.event);
    }
}

/// An id of a request: they grow with time.
pub(crate) fn request(seq: i64) -> String {
    format!("req_{seq:024x}")
}

/// The id of the n-th user of a bare store: spread like a random one, in the form of a UUID.
pub(crate) fn id(number: usize) -> String {
    let digits = hex(number, 32);
    format!("{}-{}-4{}-a{}-{}", &digits[..8], &digits[8..12], &digits[13..16], &digits[17..20], &digits[20..])
}

/// So many digits, spread like random ones.
fn hex(number: usize, digits: usize) -> String {
    let mut state = number as u64;
    let mut out = String::with_capacity(48);
    while out.len() < digits {
        // Each round is a bijection that leaves no trace of the order.
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        out.push_str(&format!("{:016x}", word ^ (word >> 31)));
    }
    out.truncate(digits);
    out
}

/// The journal's payload of a create.
fn created(user: &Value) -> String {
    let paths = ["schemas", "userName", "externalId", "active", "displayName", "name", "emails"];
    let changes: Vec<Value> = paths.iter().map(|path| json!({ "path": path, "after": user[*path] })).collect();
    json!({ "target": "/Users", "agent": "", "name": user["userName"], "request": user, "changes": changes })
        .to_string()
}

/// The journal's payload of a PATCH that switches a user off.
pub(crate) fn switched(id: &str, user: &Value) -> String {
    let operations = json!([{ "op": "replace", "path": "active", "value": false }]);
    let message = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    json!({ "target": format!("/Users/{id}"), "agent": "", "name": user["userName"], "request": message,
            "operations": operations, "changes": [{ "path": "active", "before": true, "after": false }] })
    .to_string()
}

/// The journal's payload of a PATCH that adds one member.
pub(crate) fn joined(member: &str) -> String {
    let operations = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
    let message = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    json!({ "target": "/Groups/g", "agent": "", "name": "group", "request": message, "operations": operations,
            "members": { "added": [member], "removed": [] } })
    .to_string()
}

/// The comparison keys of a user, as the store keeps them beside the document.
pub(crate) fn keys(user: &Value) -> String {
    let lower = |value: &Value| value.as_str().map(str::to_lowercase);
    let name = &user["name"];
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:user"],
        "userName": lower(&user["userName"]),
        "displayName": lower(&user["displayName"]),
        "name": { "givenName": lower(&name["givenName"]), "familyName": lower(&name["familyName"]),
                  "formatted": lower(&name["formatted"]) },
        "emails": [{ "type": "work", "value": lower(&user["emails"][0]["value"]) }],
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_those_of_the_store() {
        let groups: Vec<usize> = id(77).split('-').map(str::len).collect();
        assert_eq!(groups, [8, 4, 4, 4, 12]);
        let row = Create::new(77, 9);
        assert_eq!((row.person_id.len(), row.request.len(), row.event), (28, 28, 12));
        assert_ne!(id(77), id(78));
    }
}
