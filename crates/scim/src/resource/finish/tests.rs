use super::*;
use crate::schema::{ENTERPRISE_USER, GROUP, USER};
use serde_json::json;

const DESK: &str = "urn:example:schemas:Desk";

fn registry() -> Registry {
    let schema = json!({"id": DESK, "attributes": [
        {"name": "serial", "mutability": "immutable"},
        {"name": "place", "type": "complex", "subAttributes": [
            {"name": "floor", "mutability": "immutable"}, {"name": "room", "required": true}]},
        {"name": "keys", "type": "complex", "multiValued": true, "subAttributes": [
            {"name": "value", "required": true}, {"name": "note"}]},
    ]});
    let group = json!({"name": "Group", "schemaExtensions": [{"schema": DESK, "required": true}]});
    let user = json!({"name": "User", "schemaExtensions": [{"schema": DESK}]});
    Registry::with_extensions(&[schema, group, user]).unwrap()
}

fn object(value: Value) -> Object {
    value.as_object().unwrap().clone()
}

fn finished(kind: &str, resource: Value) -> Result<Value, String> {
    let registry = registry();
    let mut resource = object(resource);
    let result = finish(&registry, registry.resource_type(kind).unwrap(), &mut resource);
    result.map(|()| Value::Object(resource)).map_err(|error| format!("{}: {}", error.code, error.detail))
}

#[test]
fn nothing_empty_is_kept() {
    let resource = json!({"userName": "b", "title": null, "emails": [], "roles": [{}, {"value": null}],
        "name": {"givenName": null}, ENTERPRISE_USER: {"manager": {}, "department": null},
        DESK: {"place": {"room": "1", "floor": null}, "keys": []}});
    let expect = json!({"schemas": [USER, DESK], "userName": "b", DESK: {"place": {"room": "1"}}});
    assert_eq!(finished("User", resource), Ok(expect));
}

#[test]
fn schemas_follow_what_is_there() {
    let check = |schemas: Value, extra: Value, expect: Value| {
        let mut resource = object(json!({"schemas": schemas, "userName": "b"}));
        resource.extend(object(extra));
        assert_eq!(finished("User", Value::Object(resource)).unwrap()["schemas"], expect);
    };
    check(json!([USER]), json!({}), json!([USER]));
    check(json!([USER, ENTERPRISE_USER, "urn:x:y"]), json!({}), json!([USER]));
    check(json!([]), json!({ENTERPRISE_USER: {"department": "D"}}), json!([USER, ENTERPRISE_USER]));
    check(
        json!("x"),
        json!({DESK: {"serial": "1"}, ENTERPRISE_USER: {"department": "D"}}),
        json!([USER, ENTERPRISE_USER, DESK]),
    );
}

#[test]
fn what_is_required_is_named() {
    let check = |kind: &str, resource: Value, expect: &str| {
        assert_eq!(finished(kind, resource).unwrap_err(), format!("required-missing: {expect} is required."));
    };
    check("User", json!({}), "userName");
    check("User", json!({"userName": ""}), "userName");
    check("Group", json!({"displayName": "g"}), DESK);
    check("Group", json!({"displayName": "g", DESK: {}}), DESK);
    check("User", json!({"userName": "b", DESK: {"place": {"floor": "1"}}}), &format!("{DESK}:place.room"));
    check(
        "User",
        json!({"userName": "b", DESK: {"keys": [{"value": "1"}, {"note": "x"}]}}),
        &format!("{DESK}:keys.value"),
    );
    let fine = json!({"schemas": [GROUP, DESK], "displayName": "g", DESK: {"serial": "1"}});
    assert_eq!(finished("Group", fine.clone()), Ok(fine));
}

#[test]
fn one_value_is_primary() {
    let emails =
        |first: bool, second: bool| json!([{"value": "a", "primary": first}, {"value": "b", "primary": second}]);
    assert!(finished("User", json!({"userName": "b", "emails": emails(true, false)})).is_ok());
    let error = finished("User", json!({"userName": "b", "emails": emails(true, true)})).unwrap_err();
    assert_eq!(error, "primary-twice: emails has more than one primary value.");
}

#[test]
fn immutable_attributes_stay() {
    let registry = registry();
    let check = |before: Value, after: Value, expect: Option<&str>| {
        let (before, after) = (object(json!({DESK: before})), object(after));
        let result = check_immutable(&registry, registry.user(), &before, &after);
        assert_eq!(result.err().map(|error| error.code), expect, "{after:?}");
    };
    let refused = Some("immutable-attribute");
    check(json!({}), json!({DESK: {"serial": "1"}}), None);
    check(json!({"serial": "1"}), json!({DESK: {"serial": "1"}}), None);
    check(json!({"serial": "1"}), json!({DESK: {"serial": "2"}}), refused);
    check(json!({"serial": "1"}), json!({DESK: {}}), refused);
    check(json!({"serial": "1"}), json!({}), refused);
    check(json!({"place": {"floor": "1", "room": "a"}}), json!({DESK: {"place": {"floor": "1", "room": "b"}}}), None);
    check(json!({"place": {"floor": "1", "room": "a"}}), json!({DESK: {"place": {"floor": "2"}}}), refused);
    check(json!({"place": {"floor": "1"}}), json!({}), None);
    check(json!({"place": {"room": "1"}}), json!({DESK: {"place": {"floor": "2"}}}), None);
}

#[test]
fn a_put_may_leave_immutable_attributes_out() {
    let registry = registry();
    let before = object(json!({"userName": "b", DESK: {"serial": "1", "place": {"floor": "1", "room": "a"}}}));
    let check = |after: Value, expect: Value| {
        let mut after = object(after);
        carry_immutable(registry.user(), &before, &mut after);
        assert_eq!(after, object(expect));
        check_immutable(&registry, registry.user(), &before, &after).unwrap();
    };
    check(json!({"userName": "b"}), json!({"schemas": [USER, DESK], "userName": "b", DESK: {"serial": "1"}}));
    check(
        json!({DESK: {"serial": "1", "place": {"room": "b"}}}),
        json!({"schemas": [USER, DESK], DESK: {"serial": "1", "place": {"floor": "1", "room": "b"}}}),
    );
}
