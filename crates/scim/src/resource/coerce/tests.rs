use super::*;
use crate::schema::{ENTERPRISE_USER, Registry};
use serde_json::json;

fn run(path: &str, value: Value, quirks: Quirks) -> (Result<Option<Value>, String>, Vec<String>) {
    let registry = Registry::with_extensions(&[json!({"id": "urn:example:X", "attributes": [
        {"name": "count", "type": "integer"}, {"name": "ratio", "type": "decimal"},
        {"name": "when", "type": "dateTime"}, {"name": "tags", "multiValued": true}, {"name": "roles", "type": "complex", "multiValued": true,
            "subAttributes": [{"name": "value"}, {"name": "codes", "multiValued": true}]},
        {"name": "members", "type": "complex", "multiValued": true, "subAttributes": [{"name": "note"}]},
        {"name": "manager", "type": "complex", "subAttributes": [{"name": "value"}]},
    ]})])
    .unwrap();
    let group = path.strip_prefix("group.");
    let resource_type = if group.is_some() { registry.group() } else { registry.user() };
    let target = registry.resolve(resource_type, group.unwrap_or(path)).unwrap();
    let mut repairs = Repairs::default();
    let result = coerce(target.leaf(), value, quirks, &mut repairs, target.leaf().name.as_str());
    let notes = repairs.0.into_iter().map(|repair| repair.quirk).collect();
    (result.map_err(|error| error.code.to_owned()), notes)
}

/// With every quirk on; `repairs` names the quirks that acted.
fn lenient(path: &str, value: Value, expect: Value, repairs: &[&str]) {
    let (result, notes) = run(path, value.clone(), Quirks::all());
    let expect = if expect.is_null() { Ok(None) } else { Ok(Some(expect)) };
    assert_eq!(result, expect, "{path} {value}");
    assert_eq!(notes, repairs, "{path} {value}");
}

fn refused(path: &str, value: Value) {
    let (result, _) = run(path, value.clone(), Quirks::all());
    assert_eq!(result, Err("value-invalid".to_owned()), "{path} {value}");
}

fn strict(path: &str, value: Value, expect: Result<Value, &str>) {
    let (result, notes) = run(path, value.clone(), Quirks::none());
    let expect = expect.map(|value| (!value.is_null()).then_some(value)).map_err(str::to_owned);
    assert_eq!(result, expect, "{path} {value}");
    assert!(notes.is_empty());
}

#[test]
fn unassigned_is_unassigned_in_every_form() {
    for path in ["userName", "name", "emails", "active", "group.members", "urn:example:X:count"] {
        lenient(path, Value::Null, Value::Null, &[]);
        lenient(path, json!([]), Value::Null, &[]);
    }
    lenient("name", json!({}), Value::Null, &[]);
    lenient("name", json!({"givenName": null}), Value::Null, &[]);
    lenient("name", json!({"givenName": null, "familyName": ""}), json!({"familyName": ""}), &[]);
    lenient("emails", json!([null, {}, {"value": ""}, {"value": null}]), Value::Null, &[]);
    lenient(
        "emails",
        json!([{"value": ""}, {"value": "", "type": "work"}]),
        json!([{"value": "", "type": "work"}]),
        &[],
    );
    lenient("displayName", json!(""), Value::Null, &[]);
    lenient("nickName", json!(""), json!(""), &[]);
    lenient("profileUrl", json!(""), Value::Null, &[]);
    lenient("urn:example:X:when", json!(""), Value::Null, &[]);
    lenient("userName", json!(" \t"), Value::Null, &[]);
    lenient("group.displayName", json!(""), Value::Null, &[]);
    lenient("group.displayName", json!(" "), json!(" "), &[]);
}

#[test]
fn types_are_checked() {
    for (path, value) in [
        ("active", json!(true)),
        ("title", json!(" kept \t\u{2028} as is ")),
        ("urn:example:X:count", json!(-3)),
        ("urn:example:X:ratio", json!(2)),
        ("urn:example:X:ratio", json!(2.5)),
        ("urn:example:X:when", json!("2026-01-01T00:00:00+02:00")),
        ("x509Certificates", json!([{"value": "AQID"}, {"value": "-_8"}, {"value": "+/8="}])),
        ("profileUrl", json!("https://example.com/a b")),
        ("urn:example:X:tags", json!(["a", "b"])),
        ("urn:example:X:members", json!([{"note": "free"}])),
    ] {
        strict(path, value.clone(), Ok(value.clone()));
        lenient(path, value.clone(), value, &[]);
    }
    for (path, value) in [
        ("active", json!("yes")),
        ("active", json!("")),
        ("active", json!(1)),
        ("active", json!([true])),
        ("title", json!({})),
        ("title", json!(["x"])),
        ("title", json!("a\0b")),
        ("title", json!("x".repeat(STRING_BYTES + 1))),
        ("userName", json!(7)),
        ("userName", json!("a\u{200b}b")),
        ("userName", json!("bob ")),
        ("group.displayName", json!(7)),
        ("name", json!("Bob")),
        ("name", json!([{"givenName": "Bob"}])),
        ("emails", json!(["a@x"])),
        ("emails", json!([[{"value": "a@x"}]])),
        ("emails", json!([{"value": ["a@x"]}])),
        ("emails", json!(vec![json!({"value": "a"}); VALUES + 1])),
        ("urn:example:X:count", json!(1.5)),
        ("urn:example:X:count", json!(1.0)),
        ("urn:example:X:count", json!("1")),
        ("urn:example:X:count", json!(u64::MAX)),
        ("urn:example:X:ratio", json!("1")),
        ("urn:example:X:when", json!("yesterday")),
        ("urn:example:X:when", json!(0)),
        ("x509Certificates", json!([{"value": "A"}])),
        ("x509Certificates", json!([{"value": "no base64!"}])),
        ("profileUrl", json!("a\nb")),
        ("profileUrl", json!(1)),
    ] {
        refused(path, value.clone());
        strict(path, value, Err("value-invalid"));
    }
}

#[test]
fn keys_get_the_schema_s_spelling() {
    lenient("emails", json!({"VALUE": "a@x", "Primary": true}), json!([{"value": "a@x", "primary": true}]), &[]);
    lenient("name", json!({"GIVENNAME": "A"}), json!({"givenName": "A"}), &[]);
    lenient("group.members", json!([{"Value": "1"}]), json!([{"value": "1"}]), &[]);
}

#[test]
fn unknown_sub_attributes() {
    lenient("name", json!({"givenName": "A", "x": 1}), json!({"givenName": "A"}), &["unknown-attributes"]);
    strict("name", json!({"givenName": "A", "x": 1}), Err("unknown-attribute"));
    strict("name", json!({"givenName": "A", "x": null}), Ok(json!({"givenName": "A"})));
}

#[test]
fn booleans_in_text() {
    lenient("active", json!("False"), json!(false), &["boolean-strings"]);
    lenient("active", json!("tRUE"), json!(true), &["boolean-strings"]);
    lenient(
        "emails",
        json!([{"value": "a", "primary": "True"}]),
        json!([{"value": "a", "primary": true}]),
        &["boolean-strings"],
    );
    strict("active", json!("False"), Err("value-invalid"));
}

#[test]
fn numbers_for_text() {
    lenient("externalId", json!(12), json!("12"), &["numbers-for-strings"]);
    lenient("title", json!(true), json!("true"), &["numbers-for-strings"]);
    lenient("phoneNumbers", json!([{"value": 49}]), json!([{"value": "49"}]), &["numbers-for-strings"]);
    strict("externalId", json!(12), Err("value-invalid"));
}

#[test]
fn managers_in_every_shape() {
    let path = format!("{ENTERPRISE_USER}:manager");
    let expect = json!({"value": "26"});
    let noted: &[&str] = &["manager-shapes"];
    lenient(&path, json!({"value": "26"}), expect.clone(), &[]);
    lenient(&path, json!({"Value": "26", "$ref": "../Users/26", "displayName": "B"}), expect.clone(), &[]);
    lenient(&path, json!({"$ref": "../Users/26"}), expect.clone(), &[]);
    lenient(&path, json!("26"), expect.clone(), noted);
    lenient(&path, json!([{"$ref": "x/26", "value": "26"}]), expect.clone(), noted);
    lenient(&path, json!(["26"]), expect.clone(), &["manager-shapes", "manager-shapes"]);
    lenient(&path, json!(""), Value::Null, noted);
    lenient(&path, json!({"value": "", "displayName": " "}), Value::Null, noted);
    lenient(&path, json!({"value": null}), Value::Null, &[]);
    lenient(&path, json!({"value": 26}), expect.clone(), &["numbers-for-strings"]);
    refused(&path, json!(26));
    refused(&path, json!([{"value": "1"}, {"value": "2"}]));
    strict(&path, json!({"value": "26", "displayName": "B"}), Ok(expect));
    for shape in [json!("26"), json!([{"value": "26"}]), json!(""), json!({"value": ""})] {
        strict(&path, shape, Err("value-invalid"));
    }
    // An attribute of that name elsewhere is an ordinary one.
    refused("urn:example:X:manager", json!("26"));
}

#[test]
fn roles_in_json_text() {
    let text = r#"{"id":"7","value":"Admin","displayName":"The admin"}"#;
    let expect = json!([{"value": "Admin", "display": "The admin"}]);
    lenient("roles", json!([{"value": text}]), expect.clone(), &["role-json-text"]);
    lenient("roles", json!([text]), expect.clone(), &["role-json-text"]);
    lenient("roles", json!([text, {"value": "x"}]), json!([expect[0], {"value": "x"}]), &["role-json-text"]);
    lenient(
        "roles",
        json!([{"Value": text, "primary": true}]),
        json!([{"value": "Admin", "display": "The admin", "primary": true}]),
        &["role-json-text"],
    );
    lenient("roles", json!([{"value": "{no json"}]), json!([{"value": "{no json"}]), &[]);
    lenient("roles", json!([{"value": "{}"}]), json!([{"value": "{}"}]), &[]);
    refused("roles", json!(["Admin"]));
    strict("roles", json!([{"value": text}]), Ok(json!([{"value": text}])));
    strict("roles", json!([text]), Err("value-invalid"));
}

#[test]
fn suggested_values_get_the_suggested_spelling() {
    lenient("emails", json!([{"value": "A@X", "type": "WORK"}]), json!([{"value": "A@X", "type": "work"}]), &[]);
    lenient("emails", json!([{"value": "a", "type": "Spare"}]), json!([{"value": "a", "type": "Spare"}]), &[]);
}

#[test]
fn the_same_value_is_kept_once() {
    let work = json!({"value": "a", "type": "work"});
    let home = json!({"value": "a", "type": "home"});
    let first = json!({"value": "a", "type": "work", "primary": true});
    lenient("emails", json!([work, home, work]), json!([work, home]), &[]);
    lenient("emails", json!([work, home, first]), json!([first, home]), &[]);
    lenient("emails", json!([first, work]), json!([first]), &[]);
    lenient("emails", json!([first, first]), json!([first, first]), &[]);
    lenient("emails", json!([{"value": "a"}, {"value": "a"}]), json!([{"value": "a"}, {"value": "a"}]), &[]);
}

#[test]
fn members_are_ids() {
    lenient(
        "group.members",
        json!([{"value": "1", "type": "User", "$ref": "x", "display": 7}, {"value": "2"}, {"value": "1"}]),
        json!([{"value": "1"}, {"value": "2"}]),
        &[],
    );
    lenient("group.members", json!({"value": "1"}), json!([{"value": "1"}]), &[]);
    for bad in [json!(["1"]), json!([null]), json!([{}]), json!([{"value": ""}]), json!([{"value": 1}]), json!("1")] {
        refused("group.members", bad);
    }
    let many: Vec<Value> = (0..3 * VALUES).map(|number| json!({"value": number.to_string()})).collect();
    lenient("group.members", json!(many), json!(many), &[]);
}

#[test]
fn what_is_merged_keeps_its_nulls() {
    let registry = Registry::standard();
    let check = |path: &str, value: Value, expect: Value| {
        let target = registry.resolve(registry.user(), path).unwrap();
        let merged = coerce_merge(target.leaf(), value, Quirks::none(), &mut Repairs::default(), path);
        assert_eq!(merged.unwrap(), Some(expect));
    };
    check("name", json!({"GivenName": null, "familyName": "B"}), json!({"givenName": null, "familyName": "B"}));
    check("name", json!({}), json!({}));
    check("emails", json!({"value": ""}), json!({"value": ""}));
    let manager = format!("{ENTERPRISE_USER}:manager");
    check(&manager, json!({"displayName": "B"}), json!({}));
    check(&manager, json!({"value": null}), json!({"value": null}));
}

#[test]
fn messages_name_the_place_and_no_value() {
    let registry = Registry::standard();
    let emails = registry.user().attribute("emails").unwrap();
    let value = json!([{"value": {"secret": 1}}]);
    let error = coerce(emails, value, Quirks::none(), &mut Repairs::default(), "emails").unwrap_err();
    assert_eq!(error.detail, "emails.value must be a string.");
}
