//! Reads Schema and ResourceType documents (RFC 7643 sections 6 and 7).
//!
//! Characteristics that are left out take the defaults of RFC 7643 section 2.2. Everything else is strict: an operator
//! reads the message once, at start, and it names the place.

use super::{Attribute, Mutability, Returned, Schema, Type, Uniqueness};
use crate::Object;
use serde_json::Value;
use std::sync::Arc;

/// Most attributes of one schema; a guard against a document that is no schema.
const ATTRIBUTES: usize = 1_000;

impl Schema {
    /// Reads a Schema document (RFC 7643 section 7).
    ///
    /// # Errors
    /// A sentence fragment that names the place and what is wrong there.
    pub fn from_json(document: &Value) -> Result<Schema, String> {
        let object = document.as_object().ok_or("a schema must be a JSON object")?;
        let id = text(object, "id", "schema")?.ok_or("schema: id is missing")?;
        check_urn(id)?;
        let place = format!("schema {id}");
        let name = text(object, "name", &place)?.unwrap_or_default().to_owned();
        let description = text(object, "description", &place)?.unwrap_or_default().to_owned();
        let attributes = list(object, "attributes", &place)?.unwrap_or_default();
        if attributes.is_empty() {
            return Err(format!("{place}: attributes is missing or empty"));
        }
        Ok(Schema { id: id.into(), name, description, attributes: read_attributes(attributes, &place, true)? })
    }
}

/// A ResourceType document, as far as it may change what is served: the extensions of `User` or `Group`.
#[derive(Debug)]
pub(super) struct TypeDocument {
    /// `User` or `Group`, in any letter case.
    pub(super) name: String,
    /// URN of the base schema.
    pub(super) schema: Option<String>,
    /// URNs of the extensions and whether each is required.
    pub(super) extensions: Vec<(String, bool)>,
}

impl TypeDocument {
    /// Reads a ResourceType document (RFC 7643 section 6).
    pub(super) fn from_json(document: &Value) -> Result<TypeDocument, String> {
        let object = document.as_object().ok_or("a resource type must be a JSON object")?;
        let name = text(object, "name", "resource type")?.ok_or("resource type: name is missing")?.to_owned();
        let place = format!("resource type {name}");
        let schema = text(object, "schema", &place)?.map(str::to_owned);
        let mut extensions = Vec::new();
        for entry in list(object, "schemaExtensions", &place)?.unwrap_or_default() {
            let entry = entry.as_object().ok_or_else(|| format!("{place}: schemaExtensions must hold objects"))?;
            let urn = text(entry, "schema", &place)?
                .ok_or_else(|| format!("{place}: an entry of schemaExtensions has no schema"))?;
            let required = flag(entry, "required", &place)?.unwrap_or(false);
            extensions.push((urn.to_owned(), required));
        }
        Ok(TypeDocument { name, schema, extensions })
    }
}

/// Reads a list of attribute definitions.
fn read_attributes(values: &[Value], place: &str, top: bool) -> Result<Vec<Arc<Attribute>>, String> {
    if values.len() > ATTRIBUTES {
        return Err(format!("{place}: more than {ATTRIBUTES} attributes"));
    }
    let mut attributes: Vec<Arc<Attribute>> = Vec::with_capacity(values.len());
    for value in values {
        let attribute = read_attribute(value, place, top)?;
        if attributes.iter().any(|other| other.name.eq_ignore_ascii_case(&attribute.name)) {
            return Err(format!("{place}: attribute {} is defined twice", attribute.name));
        }
        attributes.push(Arc::new(attribute));
    }
    Ok(attributes)
}

fn read_attribute(value: &Value, place: &str, top: bool) -> Result<Attribute, String> {
    let object = value.as_object().ok_or_else(|| format!("{place}: an attribute must be an object"))?;
    let name = text(object, "name", place)?.ok_or_else(|| format!("{place}: an attribute has no name"))?;
    check_name(name, place, top)?;
    let place = format!("{place}, attribute {name}");
    check_keys(object, &place)?;
    let kind = read_type(text(object, "type", &place)?, &place)?;
    let subs = list(object, "subAttributes", &place)?.unwrap_or_default();
    match (kind, top) {
        (Type::Complex, false) => return Err(format!("{place}: a sub-attribute may not be complex")),
        (Type::Complex, true) if subs.is_empty() => return Err(format!("{place}: subAttributes is missing or empty")),
        (Type::Complex, true) => {}
        _ if !subs.is_empty() => return Err(format!("{place}: only a complex attribute has subAttributes")),
        _ => {}
    }
    Ok(Attribute {
        name: name.to_owned(),
        kind,
        multi_valued: flag(object, "multiValued", &place)?.unwrap_or(false),
        description: text(object, "description", &place)?.unwrap_or_default().to_owned(),
        required: flag(object, "required", &place)?.unwrap_or(false),
        canonical_values: texts(object, "canonicalValues", &place)?,
        case_exact: flag(object, "caseExact", &place)?.unwrap_or(false),
        mutability: read_mutability(text(object, "mutability", &place)?, &place)?,
        returned: read_returned(text(object, "returned", &place)?, &place)?,
        uniqueness: read_uniqueness(text(object, "uniqueness", &place)?, &place)?,
        reference_types: texts(object, "referenceTypes", &place)?,
        sub_attributes: read_attributes(subs, &place, false)?,
    })
}

/// The characteristics of RFC 7643 section 7; a misspelt one would otherwise be lost without a word.
const CHARACTERISTICS: [&str; 12] = [
    "name",
    "type",
    "multiValued",
    "description",
    "required",
    "canonicalValues",
    "caseExact",
    "mutability",
    "returned",
    "uniqueness",
    "referenceTypes",
    "subAttributes",
];

fn check_keys(object: &Object, place: &str) -> Result<(), String> {
    let known = |key: &str| CHARACTERISTICS.iter().any(|name| name.eq_ignore_ascii_case(key));
    match object.keys().find(|key| !known(key)) {
        Some(key) => Err(format!("{place}: {key:?} is no characteristic of an attribute")),
        None => Ok(()),
    }
}

/// RFC 7643 section 2.1: a letter, then letters, digits, `$`, `-` and `_`; and `$ref` (section 2.4).
fn check_name(name: &str, place: &str, top: bool) -> Result<(), String> {
    let tail = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'$' | b'-' | b'_');
    let well_formed = name.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && name.bytes().all(tail);
    if !well_formed && (top || !name.eq_ignore_ascii_case("$ref")) {
        return Err(format!("{place}: {name:?} is no attribute name"));
    }
    let common = ["schemas", "id", "externalId", "meta"];
    if top && !place.contains(":core:2.0:Common") && common.iter().any(|other| other.eq_ignore_ascii_case(name)) {
        return Err(format!("{place}: {name} is an attribute that every resource has already"));
    }
    Ok(())
}

/// RFC 8141, as far as paths and filters need it: nothing in a URN may look like their own grammar.
pub(super) fn check_urn(urn: &str) -> Result<(), String> {
    let tail = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/+@!$*'(),;=&%".contains(&byte);
    let parts = urn.split(':').count();
    if parts < 3 || !super::registry::is_urn(urn) || urn.ends_with(':') || !urn.bytes().all(tail) {
        return Err(format!("{urn:?} is no URN that can name a schema"));
    }
    Ok(())
}

fn read_type(word: Option<&str>, place: &str) -> Result<Type, String> {
    Ok(match word.unwrap_or("string") {
        word if word.eq_ignore_ascii_case("binary") => Type::Binary,
        word if word.eq_ignore_ascii_case("boolean") => Type::Boolean,
        word if word.eq_ignore_ascii_case("complex") => Type::Complex,
        word if word.eq_ignore_ascii_case("dateTime") => Type::DateTime,
        word if word.eq_ignore_ascii_case("decimal") => Type::Decimal,
        word if word.eq_ignore_ascii_case("integer") => Type::Integer,
        word if word.eq_ignore_ascii_case("reference") => Type::Reference,
        word if word.eq_ignore_ascii_case("string") => Type::String,
        word => return Err(format!("{place}: {word:?} is no type")),
    })
}

fn read_mutability(word: Option<&str>, place: &str) -> Result<Mutability, String> {
    Ok(match word.unwrap_or("readWrite") {
        word if word.eq_ignore_ascii_case("immutable") => Mutability::Immutable,
        word if word.eq_ignore_ascii_case("readOnly") => Mutability::ReadOnly,
        word if word.eq_ignore_ascii_case("readWrite") => Mutability::ReadWrite,
        word if word.eq_ignore_ascii_case("writeOnly") => Mutability::WriteOnly,
        word => return Err(format!("{place}: {word:?} is no mutability")),
    })
}

fn read_returned(word: Option<&str>, place: &str) -> Result<Returned, String> {
    Ok(match word.unwrap_or("default") {
        word if word.eq_ignore_ascii_case("always") => Returned::Always,
        word if word.eq_ignore_ascii_case("default") => Returned::Default,
        word if word.eq_ignore_ascii_case("never") => Returned::Never,
        word if word.eq_ignore_ascii_case("request") => Returned::Request,
        word => return Err(format!("{place}: {word:?} is no value of returned")),
    })
}

fn read_uniqueness(word: Option<&str>, place: &str) -> Result<Uniqueness, String> {
    Ok(match word.unwrap_or("none") {
        word if word.eq_ignore_ascii_case("global") => Uniqueness::Global,
        word if word.eq_ignore_ascii_case("none") => Uniqueness::None,
        word if word.eq_ignore_ascii_case("server") => Uniqueness::Server,
        word => return Err(format!("{place}: {word:?} is no uniqueness")),
    })
}

/// The value of a key, letter case ignored; null is absent.
pub(super) fn field<'a>(object: &'a Object, key: &str) -> Option<&'a Value> {
    let found = object
        .get(key)
        .or_else(|| object.iter().find(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value));
    found.filter(|value| !value.is_null())
}

fn text<'a>(object: &'a Object, key: &str, place: &str) -> Result<Option<&'a str>, String> {
    match field(object, key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{place}: {key} must be a string")),
    }
}

fn flag(object: &Object, key: &str, place: &str) -> Result<Option<bool>, String> {
    match field(object, key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(format!("{place}: {key} must be true or false")),
    }
}

fn list<'a>(object: &'a Object, key: &str, place: &str) -> Result<Option<&'a [Value]>, String> {
    match field(object, key) {
        None => Ok(None),
        Some(Value::Array(values)) => Ok(Some(values)),
        Some(_) => Err(format!("{place}: {key} must be an array")),
    }
}

fn texts(object: &Object, key: &str, place: &str) -> Result<Vec<String>, String> {
    let values = list(object, key, place)?.unwrap_or_default();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let texts: Option<Vec<String>> = values.iter().map(text).collect();
    texts.ok_or_else(|| format!("{place}: {key} must hold strings"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn attribute(definition: &Value) -> Result<Attribute, String> {
        let schema = Schema::from_json(&json!({"id": "urn:x:Thing", "attributes": [definition]}))?;
        Ok(schema.attributes[0].as_ref().clone())
    }

    #[test]
    fn left_out_characteristics_take_the_defaults() {
        let read = attribute(&json!({"name": "badge"})).unwrap();
        assert_eq!((read.kind, read.multi_valued, read.required, read.case_exact), (Type::String, false, false, false));
        assert_eq!(
            (read.mutability, read.returned, read.uniqueness),
            (Mutability::ReadWrite, Returned::Default, Uniqueness::None)
        );
    }

    #[test]
    fn characteristics_are_read() {
        let read = attribute(&json!({
            "name": "desk", "type": "complex", "multiValued": true, "required": true, "returned": "request",
            "mutability": "immutable", "subAttributes": [
                {"name": "$ref", "type": "reference", "referenceTypes": ["external"], "caseExact": true},
                {"name": "kind", "canonicalValues": ["fixed", "shared"], "uniqueness": "server"},
            ],
        }))
        .unwrap();
        assert!(read.multi_valued && read.required);
        assert_eq!((read.mutability, read.returned), (Mutability::Immutable, Returned::Request));
        assert_eq!(read.sub("$REF").unwrap().reference_types, ["external"]);
        assert_eq!(read.sub("Kind").unwrap().canonical_values, ["fixed", "shared"]);
        assert_eq!(read.sub("kind").unwrap().uniqueness, Uniqueness::Server);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let check = |definition: Value, expect: &str| {
            let message = attribute(&definition).unwrap_err();
            assert!(message.contains(expect), "{message}");
        };
        check(json!(1), "an attribute must be an object");
        check(json!({}), "an attribute has no name");
        check(json!({"name": "1st"}), "\"1st\" is no attribute name");
        check(json!({"name": "$ref"}), "\"$ref\" is no attribute name");
        check(json!({"name": "a.b"}), "is no attribute name");
        check(json!({"name": "Id"}), "every resource has already");
        check(json!({"name": "a", "type": "text"}), "attribute a: \"text\" is no type");
        check(json!({"name": "a", "required": "yes"}), "required must be true or false");
        check(json!({"name": "a", "requird": true}), "\"requird\" is no characteristic");
        check(json!({"name": "a", "mutability": "writable"}), "is no mutability");
        check(json!({"name": "a", "returned": "sometimes"}), "is no value of returned");
        check(json!({"name": "a", "uniqueness": "yes"}), "is no uniqueness");
        check(json!({"name": "a", "canonicalValues": [1]}), "canonicalValues must hold strings");
        check(json!({"name": "a", "type": "complex"}), "subAttributes is missing or empty");
        check(json!({"name": "a", "subAttributes": [{"name": "b"}]}), "only a complex attribute has subAttributes");
        let nested = json!({"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]});
        check(
            json!({"name": "a", "type": "complex", "subAttributes": [nested]}),
            "attribute a, attribute b: a sub-attribute may not be complex",
        );
        let twice = json!([{"name": "b"}, {"name": "B"}]);
        check(json!({"name": "a", "type": "complex", "subAttributes": twice}), "attribute B is defined twice");
    }

    #[test]
    fn a_schema_needs_a_urn_and_attributes() {
        let check = |document: Value, expect: &str| {
            let message = Schema::from_json(&document).unwrap_err();
            assert!(message.contains(expect), "{message}");
        };
        check(json!([]), "must be a JSON object");
        check(json!({"attributes": []}), "id is missing");
        for urn in ["x", "urn:x", "urn:x:a b", "urn:x:a[b]", "urn:x:", "http://x/y:z", "urn:x:\"q\""] {
            check(json!({"id": urn, "attributes": [{"name": "a"}]}), "is no URN");
        }
        check(json!({"id": "urn:x:y", "attributes": []}), "attributes is missing or empty");
        check(json!({"id": "urn:x:y", "attributes": {}}), "attributes must be an array");
    }
}
