//! Entities: documents, references, relations, inherited ownership.

use super::*;

#[tokio::test]
async fn an_entity_keeps_everything_it_is_told() {
    let (_test, mut client) = start().await;
    team(&mut client, "payments").await;
    make(&mut client, "entities", json!({"kind": "system", "name": "shop"})).await;
    let body = json!({"kind": "component", "name": "Cart", "title": "The cart", "type": "service",
        "owner": "Payments", "system": "shop", "tier": "gold", "lifecycle": "production",
        "tags": ["payments", {"key": "lang", "value": "go"}, {"key": "lang", "value": "c"}],
        "links": [{"url": "https://x.example", "title": "Board", "type": "dashboard"}],
        "tools": [{"name": "Logs", "category": "logs", "environment": "production", "url": "https://l.example"}],
        "contacts": [{"type": "email", "address": "cart@x.example"}],
        "dependencies": [{"relation": "dependsOn", "target": "resource:db", "note": "rows"},
            {"relation": "providesApi", "target": "cart"}],
        "aliases": ["Basket"], "annotations": {"a/b": "c"}, "labels": {"l": "m"}});
    let made = make(&mut client, "entities", body).await;
    for name in ["component:default%2Fcart", "cart", "BASKET", made["id"].as_str().unwrap()] {
        assert_eq!(get(&mut client, &format!("entities/{name}")).await["id"], made["id"], "{name}");
    }
    assert_eq!(made["owner"], "payments");
    assert_eq!(made["effective_owner"]["title"], "payments");
    assert_eq!(made["tags"].as_array().unwrap().len(), 3);
    let api = json!({"kind": "api", "name": "cart", "type": "openapi", "definition": "openapi: 3.1.0\n"});
    let api = make(&mut client, "entities", api).await;
    assert_eq!((&api["definition"], &api["reference"]), (&json!("openapi: 3.1.0\n"), &json!("api:default/cart")));
    // A kind of Backstage's that means nothing here is kept under its name.
    let other = make(&mut client, "entities", json!({"kind": "Template", "name": "new-service"})).await;
    assert_eq!(other["reference"], "template:default/new-service");
    client.get("/api/v1/entities/payments").await.expect(404);
    client.get("/api/v1/entities/team%3Apayments").await.expect(404);
}

#[tokio::test]
async fn what_is_named_before_it_is_there_is_tied_when_it_comes() {
    let (_test, mut client) = start().await;
    let body =
        json!({"kind": "component", "name": "cart", "dependencies": [{"target": "component:db", "note": "why"}]});
    make(&mut client, "entities", body).await;
    let known = get(&mut client, "entities/cart/dependencies").await;
    assert_eq!((&known["items"][0]["target"], &known["items"][0]["note"]), (&Value::Null, &json!("why")));
    make(&mut client, "entities", json!({"kind": "component", "name": "DB"})).await;
    let known = get(&mut client, "entities/cart/dependencies").await;
    assert_eq!(known["items"][0]["target"]["reference"], "component:default/db");
    let back = get(&mut client, "entities/db/dependents").await;
    assert_eq!(back["items"][0]["item"]["reference"], "component:default/cart");
    // A rename loses nobody; a deletion leaves the reference.
    client.patch("/api/v1/entities/db", &json!({"name": "database"})).await.expect(200);
    let known = get(&mut client, "entities/cart/dependencies").await;
    assert_eq!(known["items"][0]["target"]["reference"], "component:default/database");
    client.delete("/api/v1/entities/database").await.expect(204);
    let known = get(&mut client, "entities/cart/dependencies").await;
    assert_eq!(
        (&known["items"][0]["target"], &known["items"][0]["target_reference"]),
        (&Value::Null, &json!("component:default/db"))
    );
}

#[tokio::test]
async fn owners_are_inherited_and_shown_with_their_source() {
    let (test, mut client) = start().await;
    provision(&test, "ada@x.example").await;
    for name in ["platform", "payments"] {
        team(&mut client, name).await;
    }
    make(&mut client, "entities", json!({"kind": "domain", "name": "commerce", "owner": "platform"})).await;
    make(&mut client, "entities", json!({"kind": "domain", "name": "retail", "parent": "commerce"})).await;
    make(&mut client, "entities", json!({"kind": "system", "name": "shop", "domain": "retail"})).await;
    let cart = make(&mut client, "entities", json!({"kind": "component", "name": "cart", "system": "shop"})).await;
    let owner = &cart["effective_owner"];
    assert_eq!(
        (&owner["title"], &owner["through"]["reference"]),
        (&json!("platform"), &json!("domain:default/commerce"))
    );
    client.patch("/api/v1/entities/system:shop", &json!({"owner": "payments"})).await.expect(200);
    let owner = get(&mut client, "entities/cart").await["effective_owner"].clone();
    assert_eq!((&owner["title"], &owner["through"]["reference"]), (&json!("payments"), &json!("system:default/shop")));
    let listed = get(&mut client, "entities?kind=component").await;
    assert_eq!(listed["items"][0]["effective_owner"], owner, "lists show the same");
    client.patch("/api/v1/entities/cart", &json!({"owner": "ada@x.example"})).await.expect(200);
    let owner = get(&mut client, "entities/cart").await["effective_owner"].clone();
    assert_eq!((&owner["kind"], &owner["active"], &owner["through"]), (&json!("person"), &json!(true), &Value::Null));
    // A renamed team stays the owner, and is shown as it is called today.
    client.patch("/api/v1/entities/cart", &json!({"owner": "payments"})).await.expect(200);
    client.patch("/api/v1/teams/payments", &json!({"name": "treasury", "title": "Treasury"})).await.expect(200);
    assert_eq!(get(&mut client, "entities/cart").await["effective_owner"]["title"], "Treasury");
    assert_eq!(each(&get(&mut client, "entities?owner=treasury&kind=component").await, "/name"), ["cart"]);
}

#[tokio::test]
async fn domains_never_go_round() {
    let (_test, mut client) = start().await;
    make(&mut client, "entities", json!({"kind": "domain", "name": "a"})).await;
    make(&mut client, "entities", json!({"kind": "domain", "name": "b", "parent": "a"})).await;
    let refused = client.patch("/api/v1/entities/domain:a", &json!({"parent": "b"})).await.expect(400);
    is_fault(&refused, "/parent", "circle");
    let misplaced = json!({"kind": "component", "name": "x", "parent": "a", "domain": "a"});
    let refused = client.post("/api/v1/entities", &misplaced).await.expect(400);
    is_fault(&refused, "/parent", "a component has no parent");
    is_fault(&refused, "/domain", "a component has no domain");
}

#[tokio::test]
async fn filters_are_the_language_of_scim() {
    let (_test, mut client) = start().await;
    for name in ["payments", "search"] {
        team(&mut client, name).await;
    }
    for (name, owner, tag) in [("cart", "payments", "core"), ("bill", "payments", "edge"), ("find", "search", "core")] {
        let body =
            json!({"kind": "component", "name": name, "owner": owner, "tags": [tag, {"key": "n", "value": name}]});
        make(&mut client, "entities", body).await;
    }
    make(&mut client, "entities", json!({"kind": "system", "name": "shop", "tags": ["core"]})).await;
    for (filter, expect) in [
        ("kind eq \"component\" and tags eq \"core\" and owner eq \"payments\"", vec!["cart"]),
        ("tags eq \"core\"", vec!["cart", "find", "shop"]),
        ("tags[key eq \"n\" and value eq \"bill\"]", vec!["bill"]),
        ("not (owner pr)", vec!["shop"]),
        ("name co \"i\"", vec!["bill", "find"]),
    ] {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let found = get(&mut client, &format!("entities?filter={encoded}")).await;
        assert_eq!(each(&found, "/name"), expect, "{filter}");
    }
    assert_eq!(each(&get(&mut client, "entities?kind=system,api").await, "/name"), ["shop"]);
    assert_eq!(get(&mut client, "entities?total=true").await["total"], 4, "teams have a list of their own");
}

#[tokio::test]
async fn what_is_referred_to_by_hand_must_be_there() {
    let (_test, mut client) = start().await;
    for (key, value, part) in [
        ("owner", "nobody", "there is no team"),
        ("owner", "user:nobody", "there is no person"),
        ("system", "nothing", "there is no system"),
    ] {
        let refused = client.post("/api/v1/entities", &json!({"kind": "component", "name": "x", key: value})).await;
        is_fault(&refused.expect(400), &format!("/{key}"), part);
    }
    // What lost its owner can still be changed in other ways.
    team(&mut client, "pay").await;
    make(&mut client, "entities", json!({"kind": "component", "name": "x", "owner": "pay"})).await;
    client.delete("/api/v1/teams/pay").await.expect(204);
    let changed = client.patch("/api/v1/entities/x", &json!({"title": "X"})).await.expect(200);
    assert_eq!(changed.at("/effective_owner/kind"), "missing");
    assert_eq!(each(&get(&mut client, "entities/x/history").await, "/kind"), ["entity:change", "entity:create"]);
    client.patch("/api/v1/entities/x", &json!({"kind": "api"})).await.expect(400);
}
