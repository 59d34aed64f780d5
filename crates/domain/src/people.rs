//! Persons in the words of a schema, so that the filter language asks about them as it asks about Users:
//! `department eq "Payments" and state eq "active"`.
//!
//! What can be asked for: `id`, `userName`, `displayName`, `email`, `state`, `local`, `admin`, and the named fields of a
//! person. Properties of the company's own cannot.

use crate::attributes::Field;
use bailiwick_scim::filter::{Resolved, Unknown, parse, resolve};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::{Registry, ResourceType, Schema};
use bailiwick_scim::{Error, Object};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// URN of the schema of persons.
const PERSON: &str = "urn:bailiwick:params:schemas:catalog:1.0:Person";

/// The schema of a person.
#[must_use]
pub fn person_type() -> &'static ResourceType {
    static TYPE: LazyLock<ResourceType> = LazyLock::new(|| ResourceType {
        name: "Person".to_owned(),
        endpoint: "/people".to_owned(),
        description: "A person of the catalog.".to_owned(),
        schema: Arc::new(schema()),
        common: Arc::clone(&Registry::standard().user().common),
        extensions: Vec::new(),
    });
    &TYPE
}

#[expect(clippy::expect_used, reason = "the document is part of the program and a test loads it")]
fn schema() -> Schema {
    let flags = ["local", "admin"].map(|name| json!({"name": name, "type": "boolean"}));
    let texts =
        ["userName", "displayName", "email", "state"].into_iter().chain(Field::NAMED.iter().map(|(name, _)| *name));
    let attributes: Vec<Value> = texts.map(|name| json!({"name": name})).chain(flags).collect();
    let document =
        json!({"id": PERSON, "name": "Person", "description": "A person of the catalog.", "attributes": attributes});
    Schema::from_json(&document).expect("the schema of persons is well formed")
}

/// Reads and resolves a filter over persons.
///
/// # Errors
/// The errors of [`parse`] and [`resolve`].
pub fn filter(text: &str) -> Result<Resolved, Error> {
    let mut repairs = Repairs::default();
    let parsed = parse(text, Quirks::none(), &mut repairs)?;
    resolve(&Registry::standard(), person_type(), &parsed, Unknown::Refuse, Quirks::none(), &mut repairs)
}

/// Whether a filter holds for a person with these values.
#[must_use]
pub fn matches(filter: &Resolved, person: &Object) -> bool {
    bailiwick_scim::filter::matches(filter, person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_are_asked_for_by_their_fields() {
        let person = json!({"id": "per_1", "userName": "ann", "displayName": "Ann Lee", "email": "ann@example.com",
            "state": "active", "local": false, "admin": true, "department": "Payments", "cost_center": "42"});
        let check = |text: &str, expect: Result<bool, &str>| {
            let found = filter(text).map(|filter| matches(&filter, person.as_object().unwrap()));
            assert_eq!(found.map_err(|error| error.code), expect, "{text}");
        };
        check("department eq \"payments\" and state eq \"active\"", Ok(true));
        check("id eq \"per_1\"", Ok(true));
        check("admin eq true and local eq false", Ok(true));
        check("cost_center sw \"4\" and not (displayName co \"bob\")", Ok(true));
        check("title pr", Ok(false));
        check("salary eq 1", Err("filter-unknown-attribute"));
        check("department eq", Err("filter-syntax"));
        check("admin eq \"yes\"", Err("filter-comparison"));
    }
}
