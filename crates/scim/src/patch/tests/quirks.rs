//! Every quirk of PATCH, on and off.

use super::{ENTERPRISE, check_with, op, run, user};
use crate::quirks::{Quirk, Quirks};
use crate::schema::Registry;
use serde_json::{Value, json};

/// With every quirk but this one the outcome is `off`; with every quirk it is `on`, and the repair is noted.
fn check_quirk(quirk: Quirk, operations: Value, on: Value, off: Value) {
    check_with(Quirks::all(), &operations, &on);
    check_with(Quirks::all().without(quirk), &operations, &off);
    if on.is_object() {
        let registry = Registry::standard();
        let (_, repairs) =
            run(&registry, registry.user(), &user(), &operations, Quirks::all()).expect("it is repaired");
        assert!(repairs.0.iter().any(|repair| repair.quirk == quirk.name()), "{operations}: {repairs:?}");
        let (_, repairs) =
            run(&registry, registry.user(), &user(), &json!([{"op": "remove", "path": "title"}]), Quirks::all())
                .expect("it is sound");
        assert!(repairs.0.is_empty());
    }
}

#[test]
fn op_case() {
    let operations = json!([{"op": "Replace", "path": "title", "value": "x"}]);
    check_quirk(Quirk::OpCase, operations, json!({"title": "x"}), json!("patch-operation-invalid"));
    let operations = json!([{"op": "Swap", "path": "title", "value": "x"}]);
    check_quirk(Quirk::OpCase, operations, json!("patch-operation-invalid"), json!("patch-operation-invalid"));
}

#[test]
fn boolean_strings() {
    let off = || json!("value-invalid");
    check_quirk(Quirk::BooleanStrings, op("replace", "active", json!("False")), json!({"active": false}), off());
    let pathless = json!([{"op": "replace", "value": {"active": "False"}}]);
    check_quirk(Quirk::BooleanStrings, pathless, json!({"active": false}), off());
    let filtered = op("replace", "emails[primary eq \"True\"].value", json!("n"));
    let after = json!({"emails": [{"value": "n", "type": "work", "primary": true}, {"value": "b@home.example", "type": "home"}]});
    check_quirk(Quirk::BooleanStrings, filtered, after, json!("filter-comparison"));
}

#[test]
fn remove_by_value() {
    let home = json!([{"value": "b@home.example", "type": "home"}]);
    let off = || json!("patch-operation-invalid");
    for value in [
        json!([{"value": "b@work.example"}]),
        json!({"value": "B@WORK.example"}),
        json!([{"value": "b@work.example", "type": "work"}, {"value": "unknown"}]),
        json!([{"type": "work"}]),
    ] {
        check_quirk(Quirk::RemoveMembersByValue, op("remove", "emails", value), json!({"emails": home}), off());
    }
    check_quirk(Quirk::RemoveMembersByValue, op("remove", "emails", json!([{"value": "unknown"}])), json!({}), off());
    check_quirk(Quirk::RemoveMembersByValue, op("remove", "emails", json!([])), json!({}), off());
    check_quirk(
        Quirk::RemoveMembersByValue,
        op("remove", "addresses", json!([{"type": "work", "country": "us"}])),
        json!({"addresses": null}),
        off(),
    );
    // Null is no value: everything goes, in every preset.
    check_with(Quirks::all(), &op("remove", "emails", json!(null)), &json!({"emails": null}));
    check_with(Quirks::none(), &op("remove", "emails", json!(null)), &json!({"emails": null}));
}

#[test]
fn dotted_keys() {
    let off = || json!("unknown-attribute");
    let quirk = Quirk::DottedKeys;
    check_quirk(
        quirk,
        json!([{"op": "replace", "value": {"name.givenName": "B", "NAME.familyname": "J"}}]),
        json!({"name": {"givenName": "B", "familyName": "J"}}),
        off(),
    );
    check_quirk(
        quirk,
        json!([{"op": "add", "value": {"emails[type eq \"home\"].value": "n"}}]),
        json!({"emails": [{"value": "b@work.example", "type": "work", "primary": true}, {"value": "n", "type": "home"}]}),
        off(),
    );
    let enterprise =
        json!({ENTERPRISE: {"employeeNumber": "701984", "department": "Tours", "manager": {"value": "9"}}});
    for key in [format!("{ENTERPRISE}:manager.value"), format!("{}:MANAGER.value", ENTERPRISE.to_uppercase())] {
        check_quirk(quirk, json!([{"op": "replace", "value": {key: "9"}}]), enterprise.clone(), off());
    }
    let inside = json!([{"op": "replace", "value": {ENTERPRISE: {"manager.value": "9"}}}]);
    check_quirk(quirk, inside, enterprise, off());
    check_quirk(
        quirk,
        json!([{"op": "add", "value": {"emails[type eq].value": "n"}}]),
        json!("filter-syntax"),
        json!("filter-syntax"),
    );
    // A read-only place is ignored under a dotted key as well, and no literal key is ever stored.
    check_quirk(quirk, json!([{"op": "add", "value": {"meta.location": "n"}}]), json!({}), off());
}

#[test]
fn filter_creates() {
    let emails = user()["emails"].clone();
    let with = |value: Value| json!({"emails": [emails[0], emails[1], value]});
    let off = || json!("patch-no-target");
    for word in ["add", "replace"] {
        let quirk = Quirk::FilterCreates;
        check_quirk(
            quirk,
            op(word, "emails[type eq \"Other\"].value", json!("n")),
            with(json!({"type": "other", "value": "n"})),
            off(),
        );
        check_quirk(
            quirk,
            op(word, "emails[type eq \"other\" and display eq \"D\"]", json!({"value": "n"})),
            with(json!({"type": "other", "display": "D", "value": "n"})),
            off(),
        );
        check_quirk(
            quirk,
            op(word, "addresses[type eq \"home\" and primary eq true].locality", json!("Rome")),
            json!({"addresses": [{"type": "work", "locality": "Hollywood", "country": "US"},
                {"type": "home", "primary": true, "locality": "Rome"}]}),
            off(),
        );
        check_quirk(
            quirk,
            op(word, "roles[primary eq \"True\"].value", json!("admin")),
            json!({"roles": [{"primary": true, "value": "admin"}]}),
            off(),
        );
        // What describes no one entry has no target.
        for path in [
            "emails[value eq \"n\"].display",
            "emails[type eq \"a\" or type eq \"b\"].value",
            "emails[type ne \"work\" and type ne \"home\"].value",
            "emails[type eq \"a\" and type eq \"b\"].value",
            "emails[type eq \"other\" and value pr].value",
            "emails[type eq null].value",
        ] {
            check_quirk(quirk, op(word, path, json!("n")), off(), off());
        }
    }
    // The second time it matches.
    let twice = json!([
        op("add", "emails[type eq \"other\"].value", json!("n"))[0],
        op("replace", "emails[type eq \"other\"].value", json!("m"))[0]
    ]);
    check_with(Quirks::all(), &twice, &with(json!({"type": "other", "value": "m"})));
    // One that becomes primary ends the primacy of the others.
    let demoted = json!({"value": "b@work.example", "type": "work", "primary": false});
    check_with(
        Quirks::all(),
        &op("add", "emails[type eq \"other\" and primary eq true].value", json!("n")),
        &json!({"emails": [demoted, emails[1], {"type": "other", "primary": true, "value": "n"}]}),
    );
}

#[test]
fn manager_shapes() {
    let manager =
        |id: &str| json!({ENTERPRISE: {"employeeNumber": "701984", "department": "Tours", "manager": {"value": id}}});
    let cleared = json!({ENTERPRISE: {"employeeNumber": "701984", "department": "Tours"}});
    let quirk = Quirk::ManagerShapes;
    let path = format!("{ENTERPRISE}:manager");
    for word in ["add", "replace"] {
        for value in [json!("9"), json!([{"value": "9", "$ref": "../Users/9"}]), json!(["9"])] {
            check_quirk(quirk, op(word, &path, value.clone()), manager("9"), json!("value-invalid"));
            let pathless = json!([{"op": word, "value": {ENTERPRISE: {"manager": value}}}]);
            check_quirk(quirk, pathless, manager("9"), json!("value-invalid"));
        }
        for value in [json!(""), json!({"value": ""}), json!([{"value": " "}])] {
            check_quirk(quirk, op(word, &path, value.clone()), cleared.clone(), json!("value-invalid"));
        }
        check_quirk(quirk, op(word, &format!("{path}.value"), json!("")), cleared.clone(), json!("value-invalid"));
        // Without the URN.
        check_quirk(quirk, op(word, "manager", json!({"value": "9"})), manager("9"), json!("path-invalid"));
        check_quirk(quirk, op(word, "manager.value", json!("9")), manager("9"), json!("path-invalid"));
        let pathless = json!([{"op": word, "value": {"manager": {"value": "9"}}}]);
        check_with(Quirks::all(), &pathless, &manager("9"));
        // Not known without the quirk: dropped like any other unknown attribute.
        check_with(Quirks::all().without(quirk), &pathless, &json!({}));
        check_with(Quirks::none(), &pathless, &json!("unknown-attribute"));
        // Plain forms need no quirk.
        check_with(Quirks::none(), &op(word, &path, json!({"value": "9"})), &manager("9"));
        check_with(Quirks::none(), &op(word, &format!("{path}.value"), json!("9")), &manager("9"));
    }
    check_quirk(quirk, json!([{"op": "remove", "path": "manager"}]), cleared.clone(), json!("path-invalid"));
    check_with(Quirks::none(), &op("replace", &path, json!(null)), &cleared);
    check_with(Quirks::none(), &json!([{"op": "remove", "path": path}]), &cleared);
}

#[test]
fn unknown_attributes() {
    let quirk = Quirk::UnknownAttributes;
    let off = || json!("unknown-attribute");
    let value = json!({"shoeSize": 43, "title": "x"});
    check_quirk(quirk, json!([{"op": "replace", "value": value}]), json!({"title": "x"}), off());
    check_quirk(quirk, json!([{"op": "add", "value": {"urn:okta:custom:user:1.0": {"a": 1}}}]), json!({}), off());
    check_quirk(quirk, json!([{"op": "add", "value": {ENTERPRISE: {"shoeSize": 43}}}]), json!({}), off());
    check_quirk(quirk, json!([{"op": "add", "value": {"name.shoeSize": 43}}]), json!({}), off());
    check_quirk(quirk, json!([{"op": "add", "value": {"a b[": 43, "": 1}}]), json!({}), off());
    check_quirk(quirk, op("replace", "name", json!({"shoeSize": 43})), json!({}), off());
    // In a path it is refused all the same.
    check_with(Quirks::all(), &op("add", "shoeSize", json!(43)), &json!("path-invalid"));
}

#[test]
fn scim1_urns() {
    let changed = json!({ENTERPRISE: {"employeeNumber": "1", "department": "Tours", "manager": {"value": "26118915"}}});
    let alias = "urn:scim:schemas:extension:enterprise:1.0";
    check_quirk(
        Quirk::Scim1Urns,
        op("replace", &format!("{alias}:employeeNumber"), json!("1")),
        changed.clone(),
        json!("path-invalid"),
    );
    let pathless = json!([{"op": "replace", "value": {alias: {"employeeNumber": "1"}}}]);
    check_with(Quirks::all(), &pathless, &changed);
    let core = json!([{"op": "replace", "value": {"urn:scim:schemas:core:1.0": {"title": "x"}}}]);
    check_with(Quirks::all(), &core, &json!({"title": "x"}));
}

#[test]
fn numbers_for_strings() {
    let changed =
        json!({ENTERPRISE: {"employeeNumber": "17", "department": "Tours", "manager": {"value": "26118915"}}});
    let path = format!("{ENTERPRISE}:employeeNumber");
    check_quirk(Quirk::NumbersForStrings, op("replace", &path, json!(17)), changed, json!("value-invalid"));
}

#[test]
fn role_json_text() {
    let text = "{\"id\":\"18d1\",\"value\":\"admin\",\"displayName\":\"Admin\"}";
    let read = json!({"roles": [{"value": "admin", "display": "Admin"}]});
    let quirk = Quirk::RoleJsonText;
    for word in ["add", "replace"] {
        check_quirk(
            quirk,
            op(word, "roles", json!([{"value": text}])),
            read.clone(),
            json!({"roles": [{"value": text}]}),
        );
    }
    let filtered = op("add", "roles[type eq \"x\"].value", json!(text));
    check_quirk(
        quirk,
        filtered,
        json!({"roles": [{"type": "x", "value": "admin"}]}),
        json!({"roles": [{"type": "x", "value": text}]}),
    );
    check_with(
        Quirks::all(),
        &op("add", "roles", json!([{"value": "{no json"}])),
        &json!({"roles": [{"value": "{no json"}]}),
    );
}
