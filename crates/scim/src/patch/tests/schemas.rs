//! `schemas`, extensions, custom schemas: immutable, required and secret attributes.

use super::{ENTERPRISE, check, check_with, op, planned, remove, run};
use crate::quirks::{Quirks, Repairs};
use crate::schema::Registry;
use serde_json::{Value, json};

const CORE: &str = crate::schema::USER;
const SITE: &str = "urn:example:site:2.0:User";

#[test]
fn schemas_follow_the_data() {
    let gone = || json!({ENTERPRISE: null});
    // Removing the URN removes the data.
    check(remove(&format!("schemas[value eq \"{ENTERPRISE}\"]")), gone());
    check(op("replace", "schemas", json!([CORE])), gone());
    check(op("replace", "schemas", json!([CORE, ENTERPRISE])), json!({}));
    check(op("replace", "schemas", json!([ENTERPRISE.to_lowercase(), CORE.to_lowercase()])), json!({}));
    check(op("add", "schemas", json!([ENTERPRISE])), json!({}));
    check(op("add", "schemas", json!([CORE])), json!({}));
    check_with(Quirks::all(), &op("remove", "schemas", json!([ENTERPRISE])), &gone());
    // The base stays.
    check(remove("schemas"), json!("required-removed"));
    check(remove(&format!("schemas[value eq \"{CORE}\"]")), json!("required-removed"));
    check(remove("schemas[value pr]"), json!("required-removed"));
    check(op("remove", "schemas", json!([CORE])), json!("required-removed"));
    check(op("replace", "schemas", json!([ENTERPRISE])), json!("schemas-invalid"));
    for value in [json!([]), json!(null), json!(5), json!([5]), json!({})] {
        check(op("replace", "schemas", value.clone()), json!("schemas-invalid"));
        check(json!([{"op": "replace", "value": {"schemas": value, "title": "x"}}]), json!("schemas-invalid"));
    }
    check(op("replace", &format!("schemas[value eq \"{ENTERPRISE}\"]"), json!("x")), json!("schemas-invalid"));
    let unknown = op("add", "schemas", json!(["urn:x:y"]));
    check_with(Quirks::all(), &unknown, &json!({}));
    check_with(Quirks::none(), &unknown, &json!("unknown-attribute"));
    check(json!([{"op": "replace", "value": {"schemas": [CORE], "title": "x"}}]), json!({"title": "x"}));
}

#[test]
fn extensions() {
    let with = |number: &str, department: &str| json!({ENTERPRISE: {"employeeNumber": number, "department": department, "manager": {"value": "26118915"}}});
    for word in ["add", "replace"] {
        check(op(word, &format!("{ENTERPRISE}:department"), json!("Sales")), with("701984", "Sales"));
        check(op(word, &format!("{}:DEPARTMENT", ENTERPRISE.to_uppercase()), json!("Sales")), with("701984", "Sales"));
        check(op(word, ENTERPRISE, json!({"employeeNumber": "1", "department": "Sales"})), with("1", "Sales"));
        check(op(word, ENTERPRISE, json!({})), json!({}));
        check(op(word, ENTERPRISE, json!("x")), json!("value-invalid"));
        check(op(word, ENTERPRISE, json!([])), json!("value-invalid"));
    }
    check(remove(ENTERPRISE), json!({ENTERPRISE: null}));
    check(op("replace", ENTERPRISE, json!(null)), json!({ENTERPRISE: null}));
    check(json!([{"op": "replace", "value": {ENTERPRISE: null}}]), json!({ENTERPRISE: null}));
    check(op("add", ENTERPRISE, json!(null)), json!({}));
    // The last attribute takes the URN with it, and writing one brings it back.
    let all = ["employeeNumber", "department", "manager"];
    let removals: Value =
        all.iter().map(|name| json!({"op": "remove", "path": format!("{ENTERPRISE}:{name}")})).collect();
    check(removals, json!({ENTERPRISE: null}));
    check(
        json!([remove(ENTERPRISE)[0], op("add", &format!("{ENTERPRISE}:division"), json!("X"))[0]]),
        json!({ENTERPRISE: {"division": "X"}}),
    );
    check(json!([remove(ENTERPRISE)[0], remove(&format!("{ENTERPRISE}:division"))[0]]), json!({ENTERPRISE: null}));
}

fn registry() -> Registry {
    let attribute = |name: &str, changes: Value| {
        let mut attribute = json!({"name": name, "type": "string", "multiValued": false, "description": "x",
            "required": false, "caseExact": true, "mutability": "readWrite", "returned": "default", "uniqueness": "none"});
        attribute.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        attribute
    };
    let subs = [attribute("value", json!({"mutability": "immutable"})), attribute("note", json!({}))];
    let schema = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": SITE, "name": "Site", "description": "x",
        "attributes": [
            attribute("badge", json!({"mutability": "immutable"})),
            attribute("site", json!({"required": true})),
            attribute("tags", json!({"multiValued": true, "caseExact": false})),
            attribute("floor", json!({"type": "integer"})),
            attribute("pin", json!({"mutability": "writeOnly", "returned": "never"})),
            attribute("key", json!({"type": "complex", "subAttributes": subs})),
            attribute("keys", json!({"type": "complex", "multiValued": true, "subAttributes": subs})),
        ],
    });
    let extends = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "name": "User", "endpoint": "/Users",
        "schema": CORE, "schemaExtensions": [{"schema": SITE, "required": true}],
    });
    Registry::with_extensions(&[schema, extends]).expect("the documents are sound")
}

/// Operations on the site data of a user; `expect` is the site data, or the code of the error.
fn check_site(operations: Value, expect: Value) {
    let registry = registry();
    let site =
        json!({"badge": "B1", "site": "Oslo", "tags": ["a", "b"], "key": {"value": "k"}, "keys": [{"value": "k"}]});
    let user = json!({"schemas": [CORE, SITE], "userName": "u", SITE: site});
    let operations: Value = operations
        .as_array()
        .expect("an array")
        .iter()
        .map(|operation| {
            let mut operation = operation.clone();
            let path = format!("{SITE}:{}", operation["path"].as_str().unwrap_or_default());
            operation["path"] = Value::String(path.trim_end_matches(':').to_owned());
            operation
        })
        .collect();
    match (run(&registry, registry.user(), &user, &operations, Quirks::all()), expect) {
        (Ok((after, _)), expect @ Value::Object(_)) => {
            let mut expected = site;
            for (name, value) in expect.as_object().into_iter().flatten() {
                match value {
                    Value::Null => drop(expected.as_object_mut().expect("an object").shift_remove(name)),
                    value => expected[name] = value.clone(),
                }
            }
            assert_eq!(after[SITE], expected, "{operations}");
        }
        (Err(error), expect) => assert_eq!(error.code, expect, "{operations}"),
        (outcome, expect) => panic!("{operations}: {outcome:?}, expected {expect}"),
    }
}

#[test]
fn immutable_attributes() {
    check_site(op("replace", "badge", json!("B2")), json!("immutable-attribute"));
    check_site(op("add", "badge", json!("B2")), json!("immutable-attribute"));
    check_site(op("replace", "badge", json!("B1")), json!({}));
    check_site(remove("badge"), json!("immutable-attribute"));
    check_site(op("replace", "badge", json!(null)), json!("immutable-attribute"));
    check_site(op("replace", "key.value", json!("other")), json!("immutable-attribute"));
    check_site(op("add", "key", json!({"value": "other"})), json!("immutable-attribute"));
    check_site(op("add", "key", json!({"value": null})), json!("immutable-attribute"));
    check_site(remove("key.value"), json!("immutable-attribute"));
    check_site(op("add", "key", json!({"value": "k", "note": "n"})), json!({"key": {"value": "k", "note": "n"}}));
    check_site(op("replace", "keys[value eq \"k\"].value", json!("z")), json!("immutable-attribute"));
    check_site(op("replace", "keys[value eq \"k\"]", json!({"value": "z"})), json!("immutable-attribute"));
    check_site(op("replace", "keys[value eq \"k\"].note", json!("n")), json!({"keys": [{"value": "k", "note": "n"}]}));
    check_site(op("add", "keys", json!({"value": "z"})), json!({"keys": [{"value": "k"}, {"value": "z"}]}));
    check_site(remove("keys[value eq \"k\"]"), json!({"keys": null}));
    // One without a value may get one, once.
    let registry = registry();
    let user = json!({"schemas": [CORE, SITE], "userName": "u", SITE: {"site": "Oslo"}});
    let path = format!("{SITE}:badge");
    let (after, _) =
        run(&registry, registry.user(), &user, &op("add", &path, json!("B1")), Quirks::none()).expect("unset");
    assert_eq!(after[SITE]["badge"], "B1");
    let twice = json!([op("add", &path, json!("B1"))[0], op("add", &path, json!("B2"))[0]]);
    let error = run(&registry, registry.user(), &user, &twice, Quirks::none()).expect_err("set by the first operation");
    assert_eq!(error.code, "immutable-attribute");
}

#[test]
fn required_attributes() {
    check_site(remove("site"), json!("required-removed"));
    check_site(op("replace", "site", json!(null)), json!("required-missing"));
    check_site(op("replace", "site", json!("Rome")), json!({"site": "Rome"}));
    check_site(remove(""), json!("required-removed"));
    check_site(op("replace", "", json!(null)), json!("required-missing"));
}

#[test]
fn lists_of_simple_values() {
    check_site(op("add", "tags", json!(["B", "c"])), json!({"tags": ["a", "b", "c"]}));
    check_site(op("add", "tags", json!("c")), json!({"tags": ["a", "b", "c"]}));
    check_site(op("replace", "tags", json!(["c"])), json!({"tags": ["c"]}));
    check_site(op("replace", "tags", json!(["b", "a"])), json!({}));
    check_site(remove("tags[value eq \"A\"]"), json!({"tags": ["b"]}));
    check_site(op("replace", "tags[value eq \"a\"]", json!("z")), json!({"tags": ["z", "b"]}));
    check_site(op("replace", "tags[value eq \"q\"]", json!("z")), json!("patch-no-target"));
    check_site(op("remove", "tags", json!(["A", "q"])), json!({"tags": ["b"]}));
    check_site(op("add", "tags", json!([7])), json!({"tags": ["a", "b", "7"]}));
    check_site(op("add", "floor", json!(1.5)), json!("value-invalid"));
    check_site(op("add", "floor", json!(-3)), json!({"floor": -3}));
    check_site(op("add", "tags", json!((0..1_001).map(|i| i.to_string()).collect::<Vec<_>>())), json!("value-invalid"));
    check_site(op("add", "tags", json!((0..999).map(|i| i.to_string()).collect::<Vec<_>>())), json!("value-invalid"));
}

#[test]
fn secrets_of_extensions() {
    let registry = registry();
    for operations in [
        op("add", &format!("{SITE}:pin"), json!("4711")),
        op("add", SITE, json!({"PIN": "4711"})),
        json!([{"op": "add", "value": {SITE: {"pin": "4711"}}}]),
    ] {
        let plan =
            planned(&registry, registry.user(), &operations, Quirks::all(), &mut Repairs::default()).expect("sound");
        assert!(!plan.canonical().to_string().contains("4711"));
        let user = json!({"schemas": [CORE, SITE], "userName": "u", SITE: {"site": "Oslo"}});
        let (after, _) = run(&registry, registry.user(), &user, &operations, Quirks::all()).expect("sound");
        assert_eq!(after, user);
    }
}
