//! Copies of requests without their secrets: what a journal may keep (RFC 7643 section 9.2, RFC 7644 section 7.5.1).
//!
//! A value is secret when the schema says so (`mutability: writeOnly` or `returned: never`), whatever the spelling of
//! its name, or when no schema knows the name and it sounds like a secret. In doubt the value goes.

use crate::Object;
use crate::schema::{Attribute, Mutability, Registry, ResourceType, Returned, Schema};
use crate::text::match_key;
use serde_json::Value;
use std::collections::HashSet;

/// What stands in the place of a secret.
pub const REDACTED: &str = "[redacted]";

/// Names that sound like secrets: matched anywhere in a name that no schema knows.
const WORDS: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "authorization",
    "apikey",
    "credential",
    "privatekey",
];

/// A copy of a request body in which every secret value is `"[redacted]"`: in resources, in PATCH operations (behind a
/// path and without one), in bulk data, and in the filter of a search. Without a resource type the attributes of all
/// types count.
#[must_use]
pub fn redact_body(registry: &Registry, resource_type: Option<&ResourceType>, body: &Value) -> Value {
    Redactor::new(registry, resource_type).value(body, Place::Resource)
}

/// A filter or a whole query string, or `"[redacted]"` in its place when it names a secret attribute outside of
/// quotes, percent-encoded or not.
#[must_use]
pub fn redact_filter(registry: &Registry, text: &str) -> String {
    match Redactor::new(registry, None).mentions_secret(text) {
        true => REDACTED.to_owned(),
        false => text.to_owned(),
    }
}

/// Whether the attribute may not be kept anywhere (RFC 7643 section 7).
#[must_use]
pub fn is_secret(attribute: &Attribute) -> bool {
    attribute.mutability == Mutability::WriteOnly || attribute.returned == Returned::Never
}

/// Where in a body a value stands: it decides what its keys mean.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// Keys are attributes, URNs, paths, or parts of a message.
    Resource,
    /// Keys are attributes of an extension.
    Extension(&'a Schema),
    /// Keys are sub-attributes.
    Complex(&'a Attribute),
}

struct Redactor<'a> {
    registry: &'a Registry,
    types: &'a [ResourceType],
    /// Lower-case names of all secret attributes and sub-attributes: for texts that cannot be resolved.
    names: HashSet<String>,
}

/// What a key names.
enum Named<'a> {
    Secret,
    Attribute(&'a Attribute),
    Extension(&'a Schema),
    Unknown,
}

impl<'a> Redactor<'a> {
    fn new(registry: &'a Registry, resource_type: Option<&'a ResourceType>) -> Self {
        let types = resource_type.map_or(registry.resource_types(), std::slice::from_ref);
        let mut names = HashSet::new();
        let attributes = registry.schemas().flat_map(|schema| &schema.attributes);
        for attribute in attributes.flat_map(|attribute| attribute.sub_attributes.iter().chain([attribute])) {
            if is_secret(attribute) {
                names.insert(plain(&attribute.name));
            }
        }
        Self { registry, types, names }
    }

    fn value(&self, value: &Value, place: Place<'_>) -> Value {
        match value {
            Value::Object(object) if is_operation(object) => Value::Object(self.operation(object)),
            Value::Object(object) => {
                object.iter().map(|(key, value)| (self.key(key, place), self.member(key, value, place))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.value(item, place)).collect(),
            Value::String(text) if self.hides_secret(text) => Value::from(REDACTED),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }

    /// A key may itself be a path with a filter: `emails[password eq "x"]`.
    fn key(&self, key: &str, place: Place<'_>) -> String {
        match matches!(place, Place::Resource) && self.filters_by_secret(key) {
            true => REDACTED.to_owned(),
            false => key.to_owned(),
        }
    }

    /// Whether the value filter of a path compares a secret, or chooses among secrets: then the path itself holds one.
    fn filters_by_secret(&self, path: &str) -> bool {
        path.split_once('[').is_some_and(|(name, filter)| {
            let end = filter.rfind(']').unwrap_or(filter.len());
            self.path_is_secret(name) || self.mentions_secret(&filter[..end])
        })
    }

    fn member(&self, key: &str, value: &Value, place: Place<'_>) -> Value {
        if matches!(place, Place::Resource) && key.eq_ignore_ascii_case("filter") {
            return self.text(value);
        }
        self.named_value(self.named(key, place), value)
    }

    fn named_value(&self, named: Named<'_>, value: &Value) -> Value {
        match named {
            Named::Secret if value.is_null() => Value::Null,
            Named::Secret => Value::from(REDACTED),
            Named::Attribute(attribute) => self.value(value, Place::Complex(attribute)),
            Named::Extension(schema) => self.value(value, Place::Extension(schema)),
            Named::Unknown => self.value(value, Place::Resource),
        }
    }

    fn text(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if self.mentions_secret(text) => Value::from(REDACTED),
            other => self.value(other, Place::Resource),
        }
    }

    /// A PATCH operation: the path says what the value is.
    fn operation(&self, operation: &Object) -> Object {
        // A misspelt "path" says as much as a right one.
        let is_part = |key: &str| ["op", "value"].iter().any(|part| key.eq_ignore_ascii_case(part));
        let mut texts = operation.iter().filter(|(key, _)| !is_part(key)).filter_map(|(_, text)| text.as_str());
        let secret = texts.any(|text| self.path_is_secret(text));
        let path =
            operation.iter().find(|(key, _)| key.eq_ignore_ascii_case("path")).and_then(|(_, path)| path.as_str());
        let redact = |(key, value): (&String, &Value)| {
            let value = if key.eq_ignore_ascii_case("path") {
                match value {
                    Value::String(path) if self.filters_by_secret(path) => Value::from(REDACTED),
                    Value::String(_) => value.clone(),
                    other => self.value(other, Place::Resource),
                }
            } else if key.eq_ignore_ascii_case("value") {
                match path {
                    _ if secret => self.named_value(Named::Secret, value),
                    Some(path) => self.named_value(self.named(path, Place::Resource), value),
                    None => self.value(value, Place::Resource),
                }
            } else {
                self.member(key, value, Place::Resource)
            };
            (key.clone(), value)
        };
        operation.iter().map(redact).collect()
    }

    fn path_is_secret(&self, path: &str) -> bool {
        matches!(self.named(path, Place::Resource), Named::Secret) || self.mentions_secret(path)
    }

    fn named<'b>(&'b self, key: &str, place: Place<'b>) -> Named<'b> {
        let known = match place {
            Place::Resource => self.attribute(key),
            Place::Extension(schema) => schema.attribute(key).map(|attribute| classify(attribute)),
            Place::Complex(attribute) => attribute.sub(key).map(|sub| classify(sub)),
        };
        known.unwrap_or_else(|| match self.sounds_secret(key) {
            true => Named::Secret,
            false => self.registry.schema(key).map_or(Named::Unknown, |schema| Named::Extension(schema)),
        })
    }

    /// The attribute that a key or a path means in one of the types; the filter of a path does not matter here.
    fn attribute(&self, key: &str) -> Option<Named<'_>> {
        let (name, sub) = match (key.find('['), key.rfind(']')) {
            (Some(open), Some(close)) if open < close => (&key[..open], key[close + 1..].strip_prefix('.')),
            _ => (key, None),
        };
        let mut known = None;
        for resource_type in self.types {
            let Some(target) = self.registry.resolve(resource_type, name) else { continue };
            let sub = sub.and_then(|sub| target.attribute.sub(sub)).or(target.sub.as_ref());
            if is_secret(&target.attribute) || sub.is_some_and(|sub| is_secret(sub)) {
                return Some(Named::Secret);
            }
            // Resolved again without the copy, so that the result can be borrowed.
            let home = match &target.extension {
                Some(urn) => self.registry.schema(urn).and_then(|schema| schema.attribute(&target.attribute.name)),
                None => resource_type.attribute(&target.attribute.name),
            };
            known = known.or(home.map(|attribute| Named::Attribute(attribute)));
        }
        known
    }

    /// Whether a name that is not known to the schema in its place should be kept secret all the same.
    fn sounds_secret(&self, key: &str) -> bool {
        let last = |separators: &[char]| key.rsplit(separators).next().map(plain).unwrap_or_default();
        let name = plain(key);
        let innocent = name.contains("secretary") || self.registry.schema(key).is_some();
        self.names.contains(&last(&[':']))
            || self.names.contains(&last(&[':', '.']))
            || name.split_once("password").is_some()
            || !innocent && WORDS.iter().any(|word| name.contains(word))
    }

    /// Whether a text that is no JSON value, such as a filter, names a secret outside of its quoted strings.
    fn mentions_secret(&self, text: &str) -> bool {
        let decoded = percent_decoded(text);
        let mut outside = String::with_capacity(decoded.len());
        let mut pieces = decoded.split('"').peekable();
        let mut quoted = false;
        while let Some(piece) = pieces.next() {
            // An escaped quote does not end a string; an unclosed string counts as outside.
            if !quoted || pieces.peek().is_none() {
                outside.push(' ');
                outside.push_str(piece);
            }
            if !(quoted && ends_escaped(piece)) {
                quoted = !quoted;
            }
        }
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
        outside.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).any(|word| {
            let word = plain(word);
            self.names.contains(&word) || word.contains("password")
        })
    }

    /// Whether a string value carries JSON text that names a secret.
    fn hides_secret(&self, text: &str) -> bool {
        let start = text.trim_start();
        if !start.starts_with(['{', '[']) {
            return false;
        }
        let name = plain(text);
        self.names.iter().map(String::as_str).chain(WORDS).any(|word| name.contains(word))
    }
}

fn classify(attribute: &Attribute) -> Named<'_> {
    match is_secret(attribute) {
        true => Named::Secret,
        false => Named::Attribute(attribute),
    }
}

fn is_operation(object: &Object) -> bool {
    let has = |name: &str| object.keys().any(|key| key.eq_ignore_ascii_case(name));
    has("op") || has("path") && has("value")
}

/// A name reduced to its letters and digits, in lower case: `Pass-Word` is `password`.
fn plain(name: &str) -> String {
    match_key(name).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn ends_escaped(piece: &str) -> bool {
    piece.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

/// Decodes `%41` forms, leniently: what is no escape stays.
fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) if byte == b'%' => {
                decoded.push(value);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn registry() -> Registry {
        let attribute = |name: &str, mutability: &str, returned: &str| {
            json!({"name": name, "type": "string", "multiValued": false, "description": "x", "required": false,
                "caseExact": false, "mutability": mutability, "returned": returned, "uniqueness": "none"})
        };
        let schema = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": "urn:example:vault:2.0:User", "name": "Vault", "description": "x",
            "attributes": [
                attribute("pin", "writeOnly", "never"),
                attribute("badge", "readWrite", "never"),
                attribute("tokenName", "readWrite", "default"),
                {"name": "safe", "type": "complex", "multiValued": true, "description": "x", "required": false,
                    "mutability": "readWrite", "returned": "default",
                    "subAttributes": [attribute("value", "readWrite", "default"), attribute("combination", "writeOnly", "never")]},
            ],
        });
        Registry::with_extensions(&[schema]).expect("the schema is sound")
    }

    #[test]
    fn bodies() {
        let registry = registry();
        // "!" stands for the secret, and must become [redacted]; everything else must stay.
        let check = |body: Value| {
            let expect: Value =
                serde_json::from_str(&body.to_string().replace("\"!\"", "\"[redacted]\"")).expect("JSON");
            assert_eq!(redact_body(&registry, Some(registry.user()), &body), expect, "{body}");
            assert_eq!(redact_body(&registry, None, &body), expect, "no type: {body}");
        };
        check(json!({"userName": "a", "password": "!", "active": true, "emails": [{"value": "x", "type": "token"}]}));
        check(json!({"PassWord": "!", "pass-word": "!", "ｐassword": "!", "password ": "!"}));
        check(json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": "!"}));
        check(json!({"urn:ietf:params:scim:schemas:core:2.0:USER:PASSWORD": "!"}));
        check(json!({"urn:ietf:params:scim:schemas:core:2.0:User": {"password": "!", "title": "x"}}));
        check(json!({"password.value": "!", "user.password": "!"}));
        check(json!({"password": null, "title": null}));
        check(
            json!({"apiKey": "!", "access_token": "!", "Authorization": "!", "clientSecret": "!", "x": {"newPassword": "!"}}),
        );
        check(json!({"secretary": "Ann", "keyboard": "y", "note": "password"}));
        check(json!({"urn:example:vault:2.0:User": {"pin": "!", "BADGE": "!", "tokenName": "x",
            "safe": [{"value": "x", "Combination": "!"}]}}));
        check(json!({"urn:example:vault:2.0:User:pin": "!", "urn:example:vault:2.0:User:safe": [{"combination": "!"}],
            "urn:example:vault:2.0:User:safe.combination": "!", "urn:example:vault:2.0:User:safe[value eq \"x\"].combination": "!",
            "urn:example:vault:2.0:User:safe.value": "x"}));
        check(json!({"roles": [{"value": "{\"id\":1,\"value\":\"x\"}"}]}));
        let hidden = redact_body(&registry, None, &json!({"custom": "{\"Password\":\"p\"}"}));
        assert_eq!(hidden, json!({"custom": "[redacted]"}));
        assert_eq!(
            redact_body(&registry, None, &json!({"password": {"value": ["p"]}})),
            json!({"password": "[redacted]"})
        );
        assert_eq!(redact_body(&registry, None, &json!("plain")), json!("plain"));
    }

    #[test]
    fn messages() {
        let registry = registry();
        let check = |operation: Value, expect: Value| {
            let patch = |operation: &Value| json!({"schemas": ["urn:x"], "Operations": [operation]});
            assert_eq!(redact_body(&registry, Some(registry.user()), &patch(&operation)), patch(&expect));
            // The same inside a bulk request.
            let bulk = |operation: &Value| json!({"Operations": [{"method": "PATCH", "path": "/Users/1", "data": patch(operation)}]});
            assert_eq!(redact_body(&registry, None, &bulk(&operation)), bulk(&expect));
        };
        let same = |operation: Value| check(operation.clone(), operation);
        for path in [
            "password",
            "PASSWORD",
            "urn:ietf:params:scim:schemas:core:2.0:User:password",
            "urn:IETF:params:scim:schemas:core:2.0:user:passWord",
            "/password",
            "password.value",
            "urn:example:vault:2.0:User:pin",
            "urn:example:vault:2.0:User:safe.combination",
        ] {
            for op in ["add", "Replace", "nonsense"] {
                check(
                    json!({"op": op, "path": path, "value": "hunter2"}),
                    json!({"op": op, "path": path, "value": "[redacted]"}),
                );
            }
            check(
                json!({"OP": "add", "Path": path, "VALUE": {"value": "hunter2"}}),
                json!({"OP": "add", "Path": path, "VALUE": "[redacted]"}),
            );
        }
        check(
            json!({"op": "replace", "value": {"password": "p", "title": "x", "name.password": "p"}}),
            json!({"op": "replace", "value": {"password": "[redacted]", "title": "x", "name.password": "[redacted]"}}),
        );
        check(
            json!({"op": "remove", "path": "emails[password eq \"p\"]"}),
            json!({"op": "remove", "path": "[redacted]"}),
        );
        check(
            json!({"op": "add", "path": "password[value eq \"p\"]", "value": "p"}),
            json!({"op": "add", "path": "[redacted]", "value": "[redacted]"}),
        );
        check(
            json!({"op": "add", "path": "urn:example:vault:2.0:User", "value": {"pin": "1", "tokenName": "x"}}),
            json!({"op": "add", "path": "urn:example:vault:2.0:User", "value": {"pin": "[redacted]", "tokenName": "x"}}),
        );
        check(
            json!({"op": "add", "path": "urn:example:vault:2.0:User:safe", "value": [{"value": "x", "combination": "1"}]}),
            json!({"op": "add", "path": "urn:example:vault:2.0:User:safe", "value": [{"value": "x", "combination": "[redacted]"}]}),
        );
        check(json!({"path": "password", "value": "p"}), json!({"path": "password", "value": "[redacted]"}));
        check(
            json!({"op": "add", "pfad": "password", "value": "p"}),
            json!({"op": "add", "pfad": "password", "value": "[redacted]"}),
        );
        same(json!({"op": "add", "path": "urn:example:vault:2.0:User:safe[value eq \"x\"].value", "value": "x"}));
        same(json!({"op": "replace", "path": "title", "value": "password"}));
        same(json!({"op": "add", "path": "emails[type eq \"password\"].value", "value": "x"}));
        same(json!({"op": "remove", "path": "members", "value": [{"value": "1"}]}));
        same(json!({"op": "replace", "path": "active", "value": false}));
    }

    #[test]
    fn bulk_and_search() {
        let registry = registry();
        let bulk = json!({"Operations": [{"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "a", "password": "p"}}]});
        let redacted = redact_body(&registry, None, &bulk);
        assert_eq!(redacted["Operations"][0]["data"], json!({"userName": "a", "password": "[redacted]"}));
        assert_eq!(redacted["Operations"][0]["path"], "/Users");
        let search = json!({"schemas": ["urn:x"], "Filter": "password eq \"p\"", "count": 1});
        assert_eq!(redact_body(&registry, None, &search)["Filter"], "[redacted]");
        let search = json!({"filter": "userName eq \"a\""});
        assert_eq!(redact_body(&registry, None, &search), search);
    }

    #[test]
    fn filters() {
        let registry = registry();
        let check = |text: &str, secret: bool| {
            let expect = if secret { REDACTED } else { text };
            assert_eq!(redact_filter(&registry, text), expect, "{text}");
        };
        check("userName eq \"password\"", false);
        check("userName eq \"a \\\" password\"", false);
        check("title pr and meta.created gt \"2020\"", false);
        check("", false);
        check("password eq \"p\"", true);
        check("title pr or (PassWord sw \"p\")", true);
        check("urn:ietf:params:scim:schemas:core:2.0:User:password eq \"p\"", true);
        check("urn:example:vault:2.0:User:pin pr", true);
        check("userName eq \"x\\\\\" and password eq \"p\"", true);
        check("userName eq \"x and password eq p", true);
        check("filter=password%20eq%20%22p%22&count=1", true);
        check("filter=%70assword+eq+%22p%22", true);
        check("filter=userName+eq+%22password%22", false);
        check("filter=100%+of+x%zz%", false);
    }
}
