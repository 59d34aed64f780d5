//! Tiers, lifecycles, properties.

use super::*;

#[tokio::test]
async fn tiers_are_an_ordered_list_that_documents_must_follow() {
    let (_test, mut client) = start().await;
    make(&mut client, "entities", json!({"kind": "component", "name": "old", "tier": "whatever"})).await;
    for (alias, name, index) in [("tier_2", "Silver", 2), ("tier_1", "Gold", 1)] {
        client.put(&format!("/api/v1/tiers/{alias}"), &json!({"name": name, "index": index})).await.expect(200);
    }
    assert_eq!(each(&get(&mut client, "tiers").await, "/alias"), ["tier_1", "tier_2"]);
    let made = make(&mut client, "entities", json!({"kind": "component", "name": "a", "tier": "gold"})).await;
    assert_eq!(made["tier"], "tier_1", "a name is understood, the alias is kept");
    let refused = client.post("/api/v1/entities", &json!({"kind": "component", "name": "b", "tier": "bronze"})).await;
    is_fault(&refused.expect(400), "/tier", "known are tier_1, tier_2");
    // What was there before may stay.
    client.patch("/api/v1/entities/old", &json!({"title": "Old"})).await.expect(200);
    client.delete("/api/v1/tiers/tier_2").await.expect(204);
    client.delete("/api/v1/tiers/tier_2").await.expect(404);
    is_fault(&client.put("/api/v1/tiers/x", &json!({"index": -1})).await.expect(400), "/index", "whole number");
    client.put("/api/v1/lifecycles/production", &json!({"index": 1})).await.expect(200);
    assert_eq!(get(&mut client, "lifecycles/production").await["name"], "production");
}

#[tokio::test]
async fn properties_have_a_type() {
    let (_test, mut client) = start().await;
    let refused = client.post("/api/v1/teams", &json!({"name": "a", "properties": {"port": 1}})).await.expect(400);
    is_fault(&refused, "/properties/port", "no property of this name");
    let port = json!({"schema": {"type": "integer", "minimum": 1}, "kinds": ["component"]});
    client.put("/api/v1/properties/port", &port).await.expect(200);
    client.put("/api/v1/properties/cost-center", &json!({"schema": {"type": "string"}})).await.expect(200);
    let body =
        |port: Value| json!({"kind": "component", "name": "a", "properties": {"port": port, "cost-center": "42"}});
    for (value, part) in [(json!(0), ">=1"), (json!("1"), "integer")] {
        is_fault(&client.post("/api/v1/entities", &body(value)).await.expect(400), "/properties/port", part);
    }
    make(&mut client, "entities", body(json!(80))).await;
    let refused = client.post("/api/v1/teams", &json!({"name": "a", "properties": {"port": 80}})).await.expect(400);
    is_fault(&refused, "/properties/port", "for component");
    for (filter, expect) in [("properties.port gt 79", 1), ("properties.cost-center eq %2243%22", 0)] {
        let found = get(&mut client, &format!("entities?filter={}", filter.replace(' ', "%20"))).await;
        assert_eq!(each(&found, "/name").len(), expect, "{filter}");
    }
    client.patch("/api/v1/entities/a", &json!({"properties": {"port": null}})).await.expect(200);
    assert_eq!(get(&mut client, "entities/a").await["properties"], json!({"cost-center": "42"}));
    for (schema, part) in [
        (json!({"$ref": "https://evil.example/schema.json"}), "own $defs"),
        (json!({"type": "strng"}), "no JSON Schema"),
    ] {
        let refused = client.put("/api/v1/properties/x", &json!({ "schema": schema })).await.expect(400);
        is_fault(&refused, "/schema", part);
    }
    client.put("/api/v1/properties/1x", &json!({})).await.expect(400);
}

#[tokio::test]
async fn a_definition_has_a_version() {
    let (_test, mut client) = start().await;
    let made = client.put("/api/v1/tiers/gold", &json!({"index": 1})).await.expect(200);
    let seen = made.header("etag").unwrap().to_owned();
    let put = |index: i64| Some(json!({ "index": index }).to_string().into());
    let matching = [("if-match", Some(seen.as_str()))];
    client.send("PUT", "/api/v1/tiers/gold", &matching, put(2)).await.expect(200);
    client.send("PUT", "/api/v1/tiers/gold", &matching, put(3)).await.expect(412);
    client.send("DELETE", "/api/v1/tiers/gold", &matching, None).await.expect(412);
    assert_eq!(get(&mut client, "tiers/gold").await["index"], 2);
}
