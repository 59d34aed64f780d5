//! Catalog items in the words of a schema, so that the filter language asks about them as it asks about Users:
//! `kind eq "component" and tags eq "payments" and owner eq "payments"`.
//!
//! `tags eq "x"` finds flat tags and values under a key alike; `tags[key eq "lang" and value eq "go"]` looks at one
//! tag. `properties.NAME` can be asked for where a definition gives the property a simple type (text, number, boolean,
//! or a list of these); text is compared exactly there. Unknown keys, annotations, labels, definitions of APIs and
//! dependencies cannot be asked for.

use super::properties::Definitions;
use super::{Entity, Kind, Owner};
use bailiwick_scim::filter::{Resolved, Unknown, parse, resolve};
use bailiwick_scim::quirks::Quirks;
use bailiwick_scim::schema::{Attribute, Mutability, Registry, ResourceType, Returned, Schema, Type, Uniqueness};
use bailiwick_scim::{Error, Object, keys};
use serde_json::{Value, json};
use std::sync::{Arc, LazyLock};

/// URN of the schema of catalog items.
pub const ITEM: &str = "urn:bailiwick:params:schemas:catalog:1.0:Item";

/// The schema of an item as far as it is the same everywhere: everything but `properties`.
#[must_use]
pub fn item_type() -> &'static ResourceType {
    static TYPE: LazyLock<ResourceType> = LazyLock::new(|| with_attributes(Vec::new()));
    &TYPE
}

/// The schema of an item with the properties that are defined.
#[must_use]
pub fn item_type_with(definitions: &Definitions) -> ResourceType {
    let subs: Vec<Arc<Attribute>> = definitions
        .iter()
        .filter_map(|definition| {
            let (kind, multi_valued) = simple_type(&definition.schema)?;
            Some(Arc::new(attribute(&definition.name, kind, multi_valued, Vec::new())))
        })
        .collect();
    if subs.is_empty() {
        return item_type().clone();
    }
    with_attributes(vec![Arc::new(attribute("properties", Type::Complex, false, subs))])
}

/// Reads and resolves a filter over items.
///
/// # Errors
/// The errors of [`parse`] and [`resolve`].
pub fn filter(text: &str, definitions: &Definitions) -> Result<Resolved, Error> {
    let mut repairs = bailiwick_scim::quirks::Repairs::default();
    let parsed = parse(text, Quirks::none(), &mut repairs)?;
    let registry = Registry::standard();
    resolve(&registry, &item_type_with(definitions), &parsed, Unknown::Refuse, Quirks::none(), &mut repairs)
}

/// The comparison keys of an item's document, as they are stored beside it. They do not depend on definitions:
/// properties are compared as written.
#[must_use]
pub fn comparison_keys(document: &Object) -> Object {
    keys::comparison_keys(&Registry::standard(), item_type(), document)
}

/// What a filter looks at: the document, completed by what stands in the row. `owner` is the owner as it is called
/// today, where it is known.
#[must_use]
pub fn searched(document: &Object, id: &str, owner: Option<&Owner>) -> Object {
    let mut out = document.clone();
    out.insert("id".to_owned(), Value::from(id));
    if let Some(owner) = owner {
        out.insert("owner".to_owned(), Value::from(owner.to_string()));
    }
    out
}

/// Whether a filter holds for an item, with its owner as it is called today.
#[must_use]
pub fn matches(filter: &Resolved, entity: &Entity, id: &str) -> bool {
    let document = searched(&entity.to_document(), id, entity.owner.as_ref());
    bailiwick_scim::filter::matches(filter, &document)
}

/// The simple type of a JSON Schema and whether it is a list of it.
fn simple_type(schema: &Value) -> Option<(Type, bool)> {
    let word = schema.get("type")?.as_str()?;
    Some(match word {
        "string" => (Type::String, false),
        "integer" => (Type::Integer, false),
        "number" => (Type::Decimal, false),
        "boolean" => (Type::Boolean, false),
        "array" => match simple_type(schema.get("items")?)? {
            (kind, false) => (kind, true),
            (_, true) => return None,
        },
        _ => return None,
    })
}

fn attribute(name: &str, kind: Type, multi_valued: bool, subs: Vec<Arc<Attribute>>) -> Attribute {
    Attribute {
        name: name.to_owned(),
        kind,
        multi_valued,
        description: String::new(),
        required: false,
        canonical_values: Vec::new(),
        case_exact: true,
        mutability: Mutability::ReadWrite,
        returned: Returned::Default,
        uniqueness: Uniqueness::None,
        reference_types: Vec::new(),
        sub_attributes: subs,
    }
}

fn with_attributes(more: Vec<Arc<Attribute>>) -> ResourceType {
    let mut schema = base();
    schema.attributes.extend(more);
    ResourceType {
        name: "Item".to_owned(),
        endpoint: "/entities".to_owned(),
        description: "A team or an entity of the catalog.".to_owned(),
        schema: Arc::new(schema),
        common: Arc::clone(&Registry::standard().user().common),
        extensions: Vec::new(),
    }
}

#[expect(clippy::expect_used, reason = "the document is part of the program and a test loads it")]
fn base() -> Schema {
    let text = |name: &str| json!({"name": name});
    let list = |name: &str, subs: &[&str]| {
        let subs: Vec<Value> = subs.iter().map(|sub| json!({"name": sub})).collect();
        json!({"name": name, "type": "complex", "multiValued": true, "subAttributes": subs})
    };
    let mut attributes: Vec<Value> = [
        "kind",
        "namespace",
        "name",
        "title",
        "description",
        "type",
        "owner",
        "system",
        "domain",
        "parent",
        "tier",
        "lifecycle",
        "responsibilities",
    ]
    .map(text)
    .to_vec();
    attributes.push(list("tags", &["value", "key"]));
    attributes.push(list("links", &["url", "title", "icon", "type"]));
    attributes.push(list("tools", &["name", "category", "environment", "url"]));
    attributes.push(list("contacts", &["type", "address", "displayName"]));
    attributes.push(json!({"name": "aliases", "multiValued": true}));
    let document = json!({"id": ITEM, "name": "Item", "description": "An item of the catalog.",
        "attributes": attributes});
    Schema::from_json(&document).expect("the schema of items is well formed")
}

/// The kinds a filter may name, for messages.
#[must_use]
pub fn kinds() -> String {
    Kind::KNOWN.iter().map(Kind::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::properties::Definition;

    fn definitions() -> Definitions {
        let define = |name: &str, schema: Value| {
            Definition::from_json(name, json!({"schema": schema}).as_object().unwrap()).unwrap()
        };
        Definitions::compile(vec![
            define("cost-center", json!({"type": "string"})),
            define("replicas", json!({"type": "integer"})),
            define("languages", json!({"type": "array", "items": {"type": "string"}})),
            define("shape", json!({"type": "object"})),
        ])
        .unwrap()
    }

    #[test]
    fn filters_ask_about_items() {
        let document = json!({"kind": "component", "name": "Cart", "title": "The Cart", "owner": "payments",
            "type": "service", "tier": "gold", "tags": ["payments", {"key": "lang", "value": "Go"}],
            "links": [{"url": "https://x.example", "type": "runbook"}], "aliases": ["Old cart"],
            "properties": {"cost-center": "42A", "replicas": 3, "languages": ["go", "c"]}});
        let cart = Entity::from_document(document.as_object().unwrap()).unwrap();
        for (text, expect) in [
            ("kind eq \"component\" and tags eq \"payments\" and owner eq \"Payments\"", true),
            ("tags eq \"go\"", true),
            ("tags[key eq \"lang\" and value eq \"go\"]", true),
            ("tags[key eq \"os\" and value eq \"go\"]", false),
            ("tags co \"pay\" and not (tier eq \"silver\")", true),
            ("owner pr and system pr", false),
            ("name sw \"ca\" or id eq \"itm_1\"", true),
            ("id eq \"itm_1\"", true),
            ("namespace eq \"default\"", true),
            ("links.type eq \"runbook\"", true),
            ("aliases eq \"OLD CART\"", true),
            ("properties.cost-center eq \"42A\"", true),
            ("properties.cost-center eq \"42a\"", false),
            ("properties.replicas gt 2", true),
            ("properties.languages eq \"c\"", true),
            ("properties.replicas pr", true),
        ] {
            let filter = filter(text, &definitions()).unwrap();
            assert_eq!(matches(&filter, &cart, "itm_1"), expect, "{text}");
        }
        for bad in ["color eq \"x\"", "properties.shape pr", "properties.x eq 1", "kind eq", "annotations pr"] {
            assert!(filter(bad, &definitions()).is_err(), "{bad}");
        }
        assert!(filter("properties.replicas eq 1", &Definitions::default()).is_err());
    }

    #[test]
    fn keys_do_not_depend_on_definitions() {
        let document =
            json!({"kind": "component", "name": "Cart", "tags": [{"value": "PAY"}], "properties": {"A": "B"}});
        let keys = comparison_keys(document.as_object().unwrap());
        assert_eq!(Value::Object(keys), json!({"kind": "component", "name": "cart", "tags": [{"value": "pay"}]}));
    }
}
