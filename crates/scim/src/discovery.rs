//! What the server says about itself (RFC 7643 sections 5 to 7, RFC 7644 section 4, RFC 9865 section 4).
//!
//! Only keys that the RFCs define: several clients refuse the whole document over one more.

use crate::Object;
use crate::limits::{BULK_BODY_BYTES, BULK_OPERATIONS, CURSOR_SECONDS, PAGE_DEFAULT_RESOURCES, PAGE_RESOURCES};
use crate::schema::{Attribute, Mutability, Registry, ResourceType, Returned, Schema, Type, Uniqueness};
use serde_json::{Value, json};
use std::sync::Arc;

/// The ServiceProviderConfig (RFC 7643 section 5). `base` is the absolute URL of the SCIM root.
#[must_use]
pub fn service_provider_config(base: &str) -> Value {
    let base = base.trim_end_matches('/');
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": true},
        "bulk": {"supported": true, "maxOperations": BULK_OPERATIONS, "maxPayloadSize": BULK_BODY_BYTES},
        "filter": {"supported": true, "maxResults": PAGE_RESOURCES},
        "changePassword": {"supported": false},
        "sort": {"supported": true},
        "etag": {"supported": true},
        "pagination": {
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": PAGE_DEFAULT_RESOURCES,
            "maxPageSize": PAGE_RESOURCES,
            "cursorTimeout": CURSOR_SECONDS,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token in the header Authorization.",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": {"resourceType": "ServiceProviderConfig", "location": format!("{base}/ServiceProviderConfig")},
    })
}

/// The ResourceTypes (RFC 7643 section 6).
#[must_use]
pub fn resource_types(registry: &Registry, base: &str) -> Vec<Value> {
    registry.resource_types().iter().map(|resource_type| resource_type_document(resource_type, base)).collect()
}

/// One ResourceType.
#[must_use]
pub fn resource_type_document(resource_type: &ResourceType, base: &str) -> Value {
    let base = base.trim_end_matches('/');
    let extensions = resource_type.extensions.iter();
    let extensions = extensions.map(|it| json!({"schema": &*it.schema.id, "required": it.required}));
    let name = &resource_type.name;
    let mut document = Object::new();
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    put("schemas", json!(["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]));
    put("id", json!(name));
    put("name", json!(name));
    put("description", json!(resource_type.description));
    put("endpoint", json!(resource_type.endpoint));
    put("schema", json!(&*resource_type.schema.id));
    if !resource_type.extensions.is_empty() {
        put("schemaExtensions", extensions.collect());
    }
    put("meta", json!({"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")}));
    Value::Object(document)
}

/// The Schemas (RFC 7643 section 7).
#[must_use]
pub fn schemas(registry: &Registry, base: &str) -> Vec<Value> {
    registry.schemas().map(|schema| schema_document(schema, base)).collect()
}

/// One Schema.
#[must_use]
pub fn schema_document(schema: &Schema, base: &str) -> Value {
    let base = base.trim_end_matches('/');
    let id = &*schema.id;
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes(&schema.attributes),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")},
    })
}

fn attributes(list: &[Arc<Attribute>]) -> Value {
    list.iter().map(|attribute| definition(attribute)).collect()
}

fn definition(attribute: &Attribute) -> Value {
    let mut definition = Object::new();
    let mut put = |key: &str, value: Value| definition.insert(key.to_owned(), value);
    put("name", json!(attribute.name));
    put("type", json!(type_word(attribute.kind)));
    put("multiValued", json!(attribute.multi_valued));
    put("description", json!(attribute.description));
    put("required", json!(attribute.required));
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", json!(attribute.canonical_values));
    }
    put("caseExact", json!(attribute.case_exact));
    put("mutability", json!(mutability_word(attribute.mutability)));
    put("returned", json!(returned_word(attribute.returned)));
    put("uniqueness", json!(uniqueness_word(attribute.uniqueness)));
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", json!(attribute.reference_types));
    }
    if !attribute.sub_attributes.is_empty() {
        put("subAttributes", attributes(&attribute.sub_attributes));
    }
    Value::Object(definition)
}

fn type_word(kind: Type) -> &'static str {
    match kind {
        Type::Binary => "binary",
        Type::Boolean => "boolean",
        Type::Complex => "complex",
        Type::DateTime => "dateTime",
        Type::Decimal => "decimal",
        Type::Integer => "integer",
        Type::Reference => "reference",
        Type::String => "string",
    }
}

fn mutability_word(mutability: Mutability) -> &'static str {
    match mutability {
        Mutability::Immutable => "immutable",
        Mutability::ReadOnly => "readOnly",
        Mutability::ReadWrite => "readWrite",
        Mutability::WriteOnly => "writeOnly",
    }
}

fn returned_word(returned: Returned) -> &'static str {
    match returned {
        Returned::Always => "always",
        Returned::Default => "default",
        Returned::Never => "never",
        Returned::Request => "request",
    }
}

fn uniqueness_word(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::Global => "global",
        Uniqueness::None => "none",
        Uniqueness::Server => "server",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{ENTERPRISE_USER, GROUP, USER};

    const BASE: &str = "https://id.example.com/scim/v2";

    #[test]
    fn the_configuration_says_what_is_served() {
        let config = service_provider_config(&format!("{BASE}/"));
        assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
        for feature in ["patch", "bulk", "filter", "sort", "etag"] {
            assert_eq!(config[feature]["supported"], true, "{feature}");
        }
        assert_eq!(config["changePassword"]["supported"], false);
        assert_eq!(config["bulk"]["maxOperations"], 1_000);
        assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
        for key in ["type", "name", "description"] {
            assert!(config["authenticationSchemes"][0][key].is_string());
        }
    }

    #[test]
    fn resource_types_name_schemas_that_can_be_read() {
        let registry = Registry::standard();
        let types = resource_types(&registry, BASE);
        assert_eq!(types[0]["schemaExtensions"], json!([{"schema": ENTERPRISE_USER, "required": false}]));
        assert_eq!(types[0]["endpoint"], "/Users");
        assert_eq!(types[1]["schema"], GROUP);
        assert_eq!(types[1]["meta"]["location"], format!("{BASE}/ResourceTypes/Group"));
        let documents = schemas(&registry, BASE);
        let ids: Vec<&str> = documents.iter().map(|document| document["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [USER, GROUP, ENTERPRISE_USER]);
        assert_eq!(documents[0]["meta"]["location"], format!("{BASE}/Schemas/{USER}"));
    }

    fn walk(attribute: &Value, visit: &mut dyn FnMut(&Value)) {
        visit(attribute);
        for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
            walk(sub, visit);
        }
    }

    #[test]
    fn every_attribute_carries_every_characteristic() {
        let mut seen = 0;
        for document in schemas(&Registry::standard(), BASE) {
            for attribute in document["attributes"].as_array().unwrap() {
                walk(attribute, &mut |attribute| {
                    seen += 1;
                    for key in ["name", "type", "description", "mutability", "returned", "uniqueness"] {
                        assert!(attribute[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {attribute}");
                    }
                    for key in ["multiValued", "required", "caseExact"] {
                        assert!(attribute[key].is_boolean(), "{key}: {attribute}");
                    }
                    assert_eq!(attribute["type"] == "reference", attribute["referenceTypes"].is_array(), "{attribute}");
                    assert_eq!(attribute["type"] == "complex", attribute["subAttributes"].is_array(), "{attribute}");
                });
            }
        }
        assert!(seen > 80, "{seen}");
    }

    #[test]
    fn documents_are_read_back_as_they_were_written() {
        let written = schemas(&Registry::standard(), BASE);
        for document in &written {
            let schema = Schema::from_json(document).unwrap();
            assert_eq!(schema_document(&schema, BASE), *document);
        }
        let embedded: Value = serde_json::from_str(include_str!("schema/user.json")).unwrap();
        assert_eq!(written[0]["attributes"], embedded["attributes"]);
    }
}
