//! A place in a User: a SCIM path, tied to the schema, and how a value is read from it.

use super::VALUE_BYTES;
use bailiwick_scim::Object;
use bailiwick_scim::filter::{Resolved, matches_value};
use bailiwick_scim::path::{PatchPath, PathTarget};
use bailiwick_scim::quirks::{Quirks, Repairs};
use bailiwick_scim::schema::{Attribute, Mutability, Registry, Target, Type};
use serde_json::Value;
use std::fmt;

/// A path that the schema knows and that holds one value that may be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    text: String,
    target: Target,
    filter: Option<Resolved>,
}

impl Place {
    /// Ties a path (RFC 7644 section 3.5.2) to the schema of User. A complex attribute stands for its `value`, if it has
    /// one.
    ///
    /// # Errors
    /// A fragment of a sentence that says why nothing can be read there.
    pub fn parse(text: &str, registry: &Registry) -> Result<Self, String> {
        let quirks = Quirks::none();
        let mut repairs = Repairs::default();
        let because = |error: bailiwick_scim::Error| {
            let detail = error.detail.trim_end_matches('.');
            detail.split_once(": ").map_or(detail, |(_, reason)| reason).to_owned()
        };
        let path = PatchPath::parse(text, quirks, &mut repairs).map_err(because)?;
        let found = path.resolve(registry, registry.user(), quirks, &mut repairs).map_err(because)?;
        let PathTarget::Attribute { mut target, filter } = found else {
            return Err("this names a whole extension; name one of its attributes".to_owned());
        };
        if target.leaf().kind == Type::Complex {
            match target.attribute.sub("value").filter(|_| target.sub.is_none()) {
                Some(value) => target.sub = Some(value.clone()),
                None => return Err(format!("{target} has several parts; name one of them")),
            }
        }
        let parts = [&target.attribute, target.leaf()];
        if parts.iter().any(|part| part.is_secret()) {
            return Err(format!("{target} is a secret and is never read"));
        }
        if target.is("schemas") || parts.iter().any(|part| is_computed(part)) {
            return Err(format!("{target} is set by this server, not by the identity provider"));
        }
        Ok(Self { text: text.to_owned(), target, filter })
    }

    /// The value there: of several the primary one, else the first. Blank and overlong text counts as absent.
    #[must_use]
    pub fn read<'a>(&self, document: &'a Object) -> Option<&'a Value> {
        let holder = match &self.target.extension {
            Some(urn) => document.get(&**urn)?.as_object()?,
            None => document,
        };
        let value = holder.get(&self.target.attribute.name)?;
        if !self.target.attribute.multi_valued {
            return self.part(value);
        }
        let chosen = |entry: &&Value| self.filter.as_ref().is_none_or(|filter| matches_value(filter, entry));
        let entries = || value.as_array().into_iter().flatten().filter(chosen);
        let primary = |entry: &&Value| entry.get("primary").and_then(Value::as_bool) == Some(true);
        entries().filter(primary).chain(entries()).find_map(|entry| self.part(entry))
    }

    /// The type of the value there.
    #[must_use]
    pub fn kind(&self) -> Type {
        self.target.leaf().kind
    }

    fn part<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        let value = match &self.target.sub {
            Some(sub) => value.get(&sub.name)?,
            None => value,
        };
        match value {
            Value::String(text) => (!text.trim().is_empty() && text.len() <= VALUE_BYTES).then_some(value),
            Value::Number(_) | Value::Bool(_) => Some(value),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

fn is_computed(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::ReadOnly
}

/// As it was written.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn user() -> Value {
        json!({
            "userName": "ada", "title": " ", "active": true,
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [
                {"value": "home@example.com", "type": "home"},
                {"value": "ada@example.com", "type": "work", "primary": true},
            ],
            "phoneNumbers": [{"type": "fax"}, {"value": "1", "type": "fax"}, {"value": "2", "type": "work"}],
            "photos": [{"value": "x".repeat(VALUE_BYTES + 1)}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {
                "department": "R&D", "manager": {"value": "u-1"},
            },
        })
    }

    #[test]
    fn values_are_read_where_the_path_says() {
        let registry = Registry::standard();
        let user = user();
        let check = |path: &str, expect: Value| {
            let place = Place::parse(path, &registry).unwrap();
            assert_eq!(place.read(user.as_object().unwrap()).cloned().unwrap_or_default(), expect, "{path}");
        };
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        check("userName", json!("ada"));
        check("USERNAME", json!("ada"));
        check("title", json!(null));
        check("active", json!(true));
        check("name.givenName", json!("Ada"));
        check("emails", json!("ada@example.com"));
        check("emails.value", json!("ada@example.com"));
        check("emails[type eq \"home\"].value", json!("home@example.com"));
        check("emails[type eq \"home\"]", json!("home@example.com"));
        check("emails[type eq \"other\"].value", json!(null));
        check("phoneNumbers.value", json!("1"));
        check("photos.value", json!(null));
        check(&format!("{enterprise}:department"), json!("R&D"));
        check(&format!("{enterprise}:manager"), json!("u-1"));
        check(&format!("{enterprise}:costCenter"), json!(null));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        let registry = Registry::standard();
        let check = |path: &str, expect: &str| {
            let reason = Place::parse(path, &registry).unwrap_err();
            assert!(reason.contains(expect), "{path}: {reason}");
        };
        check("", "empty");
        check("/title", "JSON pointer");
        check("titel", "no attribute");
        check("name", "several parts");
        check("password", "secret");
        check("groups", "set by this server");
        check("id", "set by this server");
        check("meta.version", "set by this server");
        check("schemas", "set by this server");
        check("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", "whole extension");
        check("emails[0].value", "index");
        check("emails[color eq \"red\"].value", "color");
        check("department", "no attribute");
    }
}
