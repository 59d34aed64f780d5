use super::*;
use serde_json::json;

fn read(document: Value) -> Result<Entity, Vec<Fault>> {
    Entity::from_document(document.as_object().unwrap())
}

fn full() -> Value {
    json!({
        "kind": "api", "namespace": "shop", "name": "Cart", "title": "The cart", "description": "a\nb",
        "type": "openapi", "owner": "payments", "system": "checkout", "tier": "gold", "lifecycle": "production",
        "tags": [{"value": "payments"}, {"key": "lang", "value": "go"}],
        "links": [{"url": "https://x.example/a", "title": "Board", "icon": "chart", "type": "dashboard"}],
        "tools": [{"name": "Logs", "category": "logs", "environment": "production", "url": "https://x.example"}],
        "contacts": [{"type": "slack", "address": "#cart", "displayName": "Cart people"}],
        "dependencies": [{"relation": "dependsOn", "target": "resource:default/db", "note": "rows"}],
        "properties": {"cost-center": "42", "languages": ["go"]}, "aliases": ["Old cart"],
        "annotations": {"backstage.io/x": "y"}, "labels": {"a": "b"}, "definition": {"$text": "./openapi.yaml"},
        "unknown": {"spec": {"z": [1, null]}}, "source": {"id": "src_1", "path": "a/catalog-info.yaml", "line": 3},
    })
}

#[test]
fn a_document_is_read_and_written_as_it_was() {
    let entity = read(full()).unwrap();
    assert_eq!(Value::Object(entity.to_document()), full());
    assert_eq!(entity.shown(), "The cart");
    assert_eq!(entity.above().unwrap().to_string(), "system:default/checkout");
    let keys: Vec<String> = entity.to_document().keys().cloned().collect();
    let mut order = KEYS.iter();
    assert!(keys.iter().all(|key| order.any(|known| known == key)), "{keys:?}");
}

#[test]
fn the_short_forms_are_understood() {
    let entity = read(json!({"kind": "Service", "name": "cart", "tags": ["a"], "owner": "group:default/Pay",
        "title": null, "dependencies": [{"target": "db"}, {"relation": "providesApi", "target": "cart"}]}));
    let expect = json!({"kind": "component", "namespace": "default", "name": "cart", "owner": "pay",
        "tags": [{"value": "a"}],
        "dependencies": [{"relation": "dependsOn", "target": "component:default/db"},
            {"relation": "providesApi", "target": "api:default/cart"}]});
    assert_eq!(Value::Object(entity.unwrap().to_document()), expect);
    let team = read(json!({"kind": "team", "name": "a", "parent": "b", "responsibilities": "everything"})).unwrap();
    assert_eq!(team.above().unwrap().to_string(), "team:default/b");
}

#[test]
fn every_fault_is_told_with_its_place() {
    let check = |document: Value, expect: &[(&str, &str)]| {
        let faults = read(document.clone()).unwrap_err();
        assert_eq!(faults.len(), expect.len(), "{document} {faults:?}");
        for (pointer, part) in expect {
            let found = faults.iter().any(|fault| fault.pointer == *pointer && fault.message.contains(part));
            assert!(found, "{document}: {pointer} {part}: {faults:?}");
        }
    };
    check(json!({}), &[("/kind", "is missing"), ("/name", "is missing")]);
    check(json!({"kind": "user", "name": "a b"}), &[("/kind", "no item"), ("/name", "may hold only")]);
    check(json!({"kind": 1, "name": ["a"]}), &[("/kind", "must be text"), ("/name", "must be text")]);
    let with = |key: &str, value: Value| json!({"kind": "component", "name": "a", key: value});
    check(with("nmae", json!(1)), &[("/nmae", "not known")]);
    check(with("a/b~", json!(1)), &[("/a~1b~0", "not known")]);
    check(with("title", json!(" ")), &[("/title", "blank")]);
    check(with("title", json!("a\nb")), &[("/title", "line break")]);
    check(with("title", json!("x".repeat(201))), &[("/title", "200")]);
    check(with("description", json!("x".repeat(20_000))), &[("/description", "longer")]);
    check(with("namespace", json!("a_b")), &[("/namespace", "no label")]);
    check(with("owner", json!("component:x")), &[("/owner", "cannot be an owner")]);
    check(with("owner", json!({"name": "x"})), &[("/owner", "must be text")]);
    check(with("system", json!("domain:x")), &[("/system", "a system is expected")]);
    check(with("domain", json!("x")), &[("/domain", "has no domain")]);
    check(with("parent", json!("x")), &[("/parent", "has no parent")]);
    check(with("definition", json!("x")), &[("/definition", "has no definition")]);
    check(with("tags", json!("x")), &[("/tags", "must be a list")]);
    check(
        with("tags", json!([1, "", {"key": "a"}])),
        &[("/tags/0", "an object"), ("/tags/1", "blank"), ("/tags/2/value", "is missing")],
    );
    check(with("tags", json!(vec!["a"; 201])), &[("/tags", "more than 200")]);
    check(
        with("links", json!([{"url": "JavaScript:alert(1)"}, {"url": "a b", "x": 1}])),
        &[("/links/0/url", "no address"), ("/links/1/url", "white space"), ("/links/1/x", "not known")],
    );
    check(with("tools", json!([{"url": "https://x"}])), &[("/tools/0/name", "is missing")]);
    check(with("contacts", json!([{"type": "email"}])), &[("/contacts/0/address", "is missing")]);
    check(
        with("dependencies", json!([{"relation": "a b", "target": "x"}, {}])),
        &[("/dependencies/0/relation", "letters and digits"), ("/dependencies/1/target", "is missing")],
    );
    check(with("dependencies", json!([{"target": "x"}, {"target": "Component:X"}])), &[("/dependencies/1", "twice")]);
    check(with("aliases", json!(["a", "A"])), &[("/aliases/1", "twice")]);
    check(with("aliases", json!(["a\u{7}", 1])), &[("/aliases/0", "control"), ("/aliases/1", "must be text")]);
    check(with("annotations", json!({"a": 1})), &[("/annotations/a", "must be text")]);
    check(with("properties", json!([])), &[("/properties", "must be an object")]);
    check(
        json!({"kind": "team", "name": "a", "owner": "b", "tier": "c"}),
        &[("/owner", "a team has no owner"), ("/tier", "a team has no tier")],
    );
    check(json!({"kind": "api", "name": "a", "definition": {"openapi": "3.0"}}), &[("/definition", "placeholder")]);
    check(json!({"kind": "api", "name": "a", "definition": "x".repeat(DOCUMENT_BYTES)}), &[("", "larger")]);
}

proptest::proptest! {
    #[test]
    fn what_is_read_is_written_so_that_it_reads_the_same(
        kind in "component|team|template|system", name in "[A-Za-z0-9][-A-Za-z0-9_.]{0,9}",
        owner in "[ -~]{0,12}", tags in proptest::collection::vec("[ -~]{0,6}", 0..4), target in "[ -~é]{0,12}",
    ) {
        let document = json!({"kind": kind, "name": name, "owner": owner, "tags": tags,
            "dependencies": [{"target": target}]});
        if let Ok(entity) = read(document) {
            let written = entity.to_document();
            let again = Entity::from_document(&written).unwrap();
            proptest::prop_assert_eq!(&again, &entity);
            proptest::prop_assert_eq!(again.to_document(), written);
        }
    }
}
