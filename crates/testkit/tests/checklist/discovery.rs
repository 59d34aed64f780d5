//! What the server says about itself (RFC 7643 sections 5 to 8, RFC 7644 section 4).

use crate::support::*;
use serde_json::{Value, json};

/// Every attribute and sub-attribute of a schema document, with the path to it.
fn definitions(schema: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for attribute in schema["attributes"].as_array().unwrap() {
        let name = text(&attribute["name"]);
        for sub in attribute["subAttributes"].as_array().into_iter().flatten() {
            all.push((format!("{name}.{}", text(&sub["name"])), sub.clone()));
        }
        all.push((name, attribute.clone()));
    }
    all
}

async fn definition(world: &mut World, urn: &str, path: &str) -> Value {
    let schema = world.read(&format!("/Schemas/{urn}")).await;
    let found = definitions(&schema).into_iter().find(|(name, _)| name == path);
    found.unwrap_or_else(|| panic!("{urn} has no {path}")).1
}

/// RFC 7643 section 5, RFC 9865 section 4.
#[tokio::test]
async fn the_configuration_says_what_the_rfc_asks_for() {
    let mut world = World::new().await;
    let config = world.read("/ServiceProviderConfig").await;
    assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
    for feature in ["patch", "bulk", "filter", "sort", "etag"] {
        assert_eq!(config[feature]["supported"], true, "{feature}");
    }
    assert_eq!(config["changePassword"]["supported"], false);
    for limit in ["/bulk/maxOperations", "/bulk/maxPayloadSize", "/filter/maxResults"] {
        assert!(config.pointer(limit).unwrap().as_u64().is_some_and(|limit| limit >= 100), "{limit}");
    }
    for scheme in config["authenticationSchemes"].as_array().unwrap() {
        for key in ["type", "name", "description"] {
            assert!(scheme[key].is_string(), "{key}");
        }
    }
    assert_eq!(config["pagination"]["cursor"], true);
    assert_eq!(config["pagination"]["index"], true);
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    for key in ["defaultPageSize", "maxPageSize", "cursorTimeout"] {
        assert!(config["pagination"][key].as_u64().is_some_and(|number| number > 0), "{key}");
    }
}

/// RFC 7643 section 5: what is announced is there.
#[tokio::test]
async fn the_limits_announced_are_the_limits_kept() {
    let mut world = World::new().await;
    let config = world.read("/ServiceProviderConfig").await;
    let page = config["filter"]["maxResults"].as_u64().unwrap();
    let most = config["bulk"]["maxOperations"].as_u64().unwrap();
    let gone = |number: u64| json!({ "method": "DELETE", "path": format!("/Users/none{number}") });
    let bulk = |count: u64| {
        let operations: Vec<Value> = (0..count).map(gone).collect();
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations })
    };
    let done = world.post("/Bulk", &bulk(most)).await.expect(200);
    assert_eq!(done.at("/Operations").as_array().map(Vec::len), usize::try_from(most).ok());
    let refused = world.post("/Bulk", &bulk(most + 1)).await;
    refusal(&refused, 413, "");
    assert!(refused.at("/detail").as_str().unwrap().contains(&most.to_string()), "{}", refused.text());
    assert_eq!(page, config["pagination"]["maxPageSize"]);
    world.list("/Users", &[("count", &(page + 1).to_string())]).await.expect(200);
}

/// RFC 7643 section 6, RFC 7644 section 4.
#[tokio::test]
async fn resource_types_are_a_list_and_each_is_one_object() {
    let mut world = World::new().await;
    let list = world.read("/ResourceTypes").await;
    assert_eq!(list["schemas"], json!([LIST]));
    assert_eq!(list["totalResults"], 2);
    for found in list["Resources"].as_array().unwrap() {
        assert_eq!(found["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ResourceType"]));
        let name = text(&found["name"]);
        let single = world.read(&format!("/ResourceTypes/{name}")).await;
        assert_eq!(&single, found);
        assert_eq!(found["meta"]["resourceType"], "ResourceType");
        assert_eq!(found["meta"]["location"], format!("{BASE}/ResourceTypes/{name}"));
        assert_eq!(world.read(&format!("/Schemas/{}", text(&found["schema"]))).await["id"], found["schema"]);
        for extension in found["schemaExtensions"].as_array().into_iter().flatten() {
            let urn = text(&extension["schema"]);
            assert_eq!(world.read(&format!("/Schemas/{urn}")).await["id"], urn);
            assert!(extension["required"].is_boolean());
        }
        world.get(found["endpoint"].as_str().unwrap()).await.expect(200);
    }
    let user = world.read("/ResourceTypes/User").await;
    assert_eq!(user["endpoint"], "/Users");
    assert_eq!(user["schema"], USER);
    assert_eq!(user["schemaExtensions"], json!([{ "schema": ENTERPRISE, "required": false }]));
    assert_eq!(world.read("/ResourceTypes/Group").await["schema"], GROUP);
}

/// RFC 7644 sections 3.1 and 4.
#[tokio::test]
async fn schemas_are_a_list_and_each_is_one_object() {
    let mut world = World::new().await;
    let list = world.read("/Schemas").await;
    assert_eq!(list["schemas"], json!([LIST]));
    let ids: Vec<String> = list["Resources"].as_array().unwrap().iter().map(|schema| text(&schema["id"])).collect();
    assert_eq!(ids, [USER, GROUP, ENTERPRISE]);
    assert_eq!(list["totalResults"], ids.len());
    for (schema, id) in list["Resources"].as_array().unwrap().iter().zip(&ids) {
        assert_eq!(&world.read(&format!("/Schemas/{id}")).await, schema);
        assert_eq!(&world.read(&format!("/Schemas/{}", id.to_uppercase())).await, schema);
        assert_eq!(schema["meta"]["resourceType"], "Schema");
        assert_eq!(schema["meta"]["location"], format!("{BASE}/Schemas/{id}"));
        assert!(!id.contains(":api:messages:"));
    }
    for unknown in [PATCH_OP, LIST, SEARCH, ERROR, "urn:unheard:of", "User", "%20"] {
        refusal(&world.get(&format!("/Schemas/{unknown}")).await, 404, "");
    }
    for unknown in ["Users", "Device", "%00"] {
        refusal(&world.get(&format!("/ResourceTypes/{unknown}")).await, 404, "");
    }
}

/// RFC 7644 section 4.
#[tokio::test]
async fn discovery_cannot_be_filtered_and_ignores_sorting_and_paging() {
    let mut world = World::new().await;
    for path in ["/Schemas", "/ResourceTypes", &format!("/Schemas/{USER}"), "/ResourceTypes/User"] {
        refusal(&world.list(path, &[("filter", "id pr")]).await, 403, "");
        let plain = world.read(path).await;
        let query = [("sortBy", "id"), ("sortOrder", "descending"), ("startIndex", "2"), ("count", "1")];
        assert_eq!(world.list(path, &query).await.expect(200).json(), plain, "{path}");
        assert_eq!(world.list(path, &[("count", "x")]).await.expect(200).json(), plain, "{path}");
    }
    let config = world.read("/ServiceProviderConfig").await;
    let filtered = world.list("/ServiceProviderConfig", &[("filter", "x eq 1"), ("count", "0")]).await.expect(200);
    assert_eq!(filtered.json(), config);
    assert_eq!(config["meta"]["resourceType"], "ServiceProviderConfig");
    assert_eq!(config["meta"]["location"], format!("{BASE}/ServiceProviderConfig"));
}

/// RFC 7643 sections 2.3.8 and 7.
#[tokio::test]
async fn every_attribute_carries_every_characteristic() {
    let mut world = World::with_badges().await;
    let list = world.read("/Schemas").await;
    let mut seen = 0;
    for schema in list["Resources"].as_array().unwrap() {
        for key in ["name", "description"] {
            assert!(schema[key].is_string(), "{key}");
        }
        for (path, attribute) in definitions(schema) {
            seen += 1;
            for key in ["name", "type", "mutability", "returned", "uniqueness"] {
                assert!(attribute[key].as_str().is_some_and(|word| !word.is_empty()), "{path} {key}");
            }
            assert!(attribute["description"].is_string(), "{path}");
            for key in ["multiValued", "required", "caseExact"] {
                assert!(attribute[key].is_boolean(), "{path} {key}");
            }
            assert_eq!(attribute["type"] == "reference", attribute["referenceTypes"].is_array(), "{path}");
            assert_eq!(attribute["type"] == "complex", attribute["subAttributes"].is_array(), "{path}");
            assert!(!(path.contains('.') && attribute["type"] == "complex"), "{path} is complex within a complex one");
        }
    }
    assert!(seen > 90, "{seen}");
}

/// RFC 7643 sections 3.1, 4.1.1, 4.1.2, 4.2, 4.3 and 8.7.1.
#[tokio::test]
async fn the_characteristics_are_those_of_the_rfc() {
    let mut world = World::new().await;
    let cases = [
        (USER, "userName", json!({ "required": true, "uniqueness": "server", "caseExact": false })),
        (USER, "password", json!({ "mutability": "writeOnly", "returned": "never" })),
        (USER, "groups", json!({ "mutability": "readOnly", "multiValued": true })),
        (USER, "groups.value", json!({ "mutability": "readOnly" })),
        (USER, "emails", json!({ "type": "complex", "multiValued": true })),
        (USER, "active", json!({ "type": "boolean" })),
        (USER, "profileUrl", json!({ "type": "reference", "referenceTypes": ["external"] })),
        (USER, "x509Certificates.value", json!({ "type": "binary" })),
        (GROUP, "displayName", json!({ "required": true })),
        (GROUP, "members.value", json!({ "mutability": "immutable" })),
        (GROUP, "members.$ref", json!({ "mutability": "immutable", "type": "reference" })),
        (GROUP, "members.type", json!({ "mutability": "immutable" })),
        (ENTERPRISE, "manager.displayName", json!({ "mutability": "readOnly" })),
        (ENTERPRISE, "employeeNumber", json!({ "type": "string", "required": false })),
    ];
    for (urn, path, expect) in cases {
        let found = definition(&mut world, urn, path).await;
        for (key, value) in expect.as_object().unwrap() {
            assert_eq!(&found[key], value, "{path} {key}");
        }
    }
    let enterprise = world.read(&format!("/Schemas/{ENTERPRISE}")).await;
    let names: Vec<String> = definitions(&enterprise).into_iter().map(|(name, _)| name).collect();
    for name in
        ["employeeNumber", "costCenter", "organization", "division", "department", "manager.value", "manager.$ref"]
    {
        assert!(names.iter().any(|found| found == name), "{name}");
    }
}

/// RFC 7643 section 3.1: the common attributes behave as the RFC describes them, listed or not.
#[tokio::test]
async fn common_attributes_keep_their_case_and_are_the_servers() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({ "externalId": "AbC" })).await;
    assert_eq!(world.found("/Users", "externalId eq \"AbC\"").await, ["ada"]);
    assert!(world.found("/Users", "externalId eq \"abc\"").await.is_empty());
    assert_eq!(world.found("/Users", &format!("id eq \"{id}\"")).await, ["ada"]);
    assert!(world.found("/Users", "meta.resourceType eq \"user\"").await.is_empty());
    assert_eq!(world.found("/Users", "meta.resourceType eq \"User\"").await, ["ada"]);
    refusal(&world.get(&format!("/Users/{}", id.to_uppercase())).await, 404, "");
    let shown = world.list(&format!("/Users/{id}"), &[("excludedAttributes", "id,meta")]).await.expect(200).json();
    assert_eq!(shown["id"], id);
    assert!(shown.get("meta").is_none());
}

/// RFC 7644 section 3.2.
#[tokio::test]
async fn discovery_is_read_only() {
    let mut world = World::new().await;
    let schema = format!("/Schemas/{USER}");
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", schema.as_str()] {
        let before = world.read(path).await;
        for method in ["POST", "PUT", "PATCH"] {
            refusal(&world.with_headers(method, path, &[], before.clone()).await, 405, "");
        }
        let deleted = world.delete(path).await;
        refusal(&deleted, 405, "");
        assert!(deleted.header("allow").is_some_and(|methods| methods.contains("GET")));
        assert_eq!(world.read(path).await, before);
    }
}

/// RFC 7643 sections 3.3 and 6: an extension of one's own is served like the others, and a required one is required.
#[tokio::test]
async fn further_extensions_are_announced_and_required_ones_insisted_on() {
    let mut world = World::with_badges().await;
    assert_eq!(world.read("/ResourceTypes/User").await["schemaExtensions"][1]["schema"], BADGE);
    assert_eq!(world.read(&format!("/Schemas/{BADGE}")).await["id"], BADGE);
    let required = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "name": "User", "endpoint": "/Users",
        "schema": USER, "schemaExtensions": [{ "schema": BADGE, "required": true }]
    });
    let options = bailiwick_testkit::TestOptions { registry: badges(&[required]), ..Default::default() };
    let mut world = World::with(options).await;
    let extensions = world.read("/ResourceTypes/User").await["schemaExtensions"].clone();
    let badge = extensions.as_array().unwrap().iter().find(|extension| extension["schema"] == BADGE).unwrap().clone();
    assert_eq!(badge["required"], true);
    refusal(&world.post("/Users", &user("ada", json!({}))).await, 400, "invalidValue");
    let body = user("ada", json!({ "schemas": [USER, BADGE], BADGE: { "number": 7 } }));
    let path = format!("/Users/{}", world.post("/Users", &body).await.expect(201).id());
    refusal(&world.put(&path, &user("ada", json!({}))).await, 400, "invalidValue");
    refusal(&world.patch(&path, json!([{ "op": "remove", "path": BADGE }])).await, 400, "mutability");
    assert_eq!(world.read(&path).await[BADGE]["number"], 7);
}
