//! Members: as changes for a store, and on a resource in memory.

use super::{op, planned, remove, run};
use crate::patch::{MemberChange, member_changes};
use crate::quirks::{Quirk, Quirks, Repairs};
use crate::schema::Registry;
use serde_json::{Value, json};

/// "Add a b; Clear; ..." or the code of the error.
fn changes(operations: &Value, quirks: Quirks) -> String {
    let registry = Registry::standard();
    let plan = match planned(&registry, registry.group(), operations, quirks, &mut Repairs::default()) {
        Ok(plan) => plan,
        Err(error) => return error.code.to_owned(),
    };
    let (members, rest) = plan.split("members");
    assert_eq!(member_changes(&rest), Ok(Vec::new()));
    let shown = member_changes(&members).expect("members").into_iter().map(|change| match change {
        MemberChange::Add(ids) => format!("Add {}", ids.join(" ")),
        MemberChange::Clear => "Clear".to_owned(),
        MemberChange::Remove(ids) => format!("Remove {}", ids.join(" ")),
        MemberChange::RemoveWhere(_) => "RemoveWhere".to_owned(),
        MemberChange::Set(ids) => format!("Set {}", ids.join(" ")),
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn check(operations: Value, expect: &str) {
    assert_eq!(changes(&operations, Quirks::all()), expect, "{operations}");
    assert_eq!(changes(&operations, Quirks::none()), expect, "strict: {operations}");
}

#[test]
fn adding() {
    check(op("add", "members", json!([{"value": "a"}, {"value": "b"}])), "Add a b");
    check(op("add", "MEMBERS", json!({"VALUE": "a", "display": "A", "type": "User", "$ref": "x"})), "Add a");
    check(op("add", "members", json!([{"value": "a"}, {"value": "a"}])), "Add a");
    check(op("add", "members", json!([])), "");
    check(op("add", "members", json!(null)), "");
    check(json!([{"op": "add", "value": {"members": [{"value": "a"}], "displayName": "x"}}]), "Add a");
    check(json!([{"op": "add", "value": {"members": []}}]), "");
    check(
        json!([op("add", "members", json!([{"value": "a"}]))[0], op("add", "members", json!({"value": "b"}))[0]]),
        "Add a b",
    );
    check(op("add", "members[value eq \"a\"]", json!({"value": "a"})), "Add a");
    check(op("add", "urn:ietf:params:scim:schemas:core:2.0:Group:members", json!({"value": "a"})), "Add a");
    for value in
        [json!(["a"]), json!("a"), json!([{}]), json!([{"value": ""}]), json!([{"value": 7}]), json!([{"value": null}])]
    {
        check(op("add", "members", value.clone()), "value-invalid");
        check(op("replace", "members", value), "value-invalid");
    }
}

#[test]
fn removing() {
    check(remove("members"), "Clear");
    check(op("remove", "members", json!(null)), "Clear");
    check(remove("members[value eq \"a\"]"), "Remove a");
    check(remove("members[VALUE Eq \"A\"]"), "Remove A");
    check(remove("members[value eq \"a\" or value eq \"b\" or (value eq \"c\")]"), "Remove a b c");
    check(remove("members[value eq \"a\" and type eq \"User\"]"), "RemoveWhere");
    check(remove("members[value eq \"a\" or type eq \"User\"]"), "RemoveWhere");
    check(remove("members[type eq \"User\"]"), "RemoveWhere");
    check(remove("members[value ne \"a\"]"), "RemoveWhere");
    check(op("remove", "members[value eq \"a\"]", json!([{"value": "b"}])), "Remove a");
    check(json!([remove("members[value eq \"a\"]")[0], remove("members[value eq \"b\"]")[0]]), "Remove a b");
    check(
        json!([remove("members[value eq \"a\"]")[0], op("add", "members", json!({"value": "a"}))[0]]),
        "Remove a; Add a",
    );
}

#[test]
fn replacing() {
    check(op("replace", "members", json!([{"value": "a"}, {"value": "b"}])), "Set a b");
    check(op("replace", "members", json!({"value": "a"})), "Set a");
    check(op("replace", "members", json!([])), "Clear");
    check(op("replace", "members", json!(null)), "Clear");
    check(json!([{"op": "replace", "value": {"members": []}}]), "Clear");
    check(json!([{"op": "replace", "value": {"members": null}}]), "Clear");
    check(json!([{"op": "replace", "value": {"Members": [{"value": "a"}]}}]), "Set a");
    // A replace without the key never touches members.
    check(json!([{"op": "replace", "value": {"id": "1", "displayName": "x"}}]), "");
    check(op("replace", "members[value eq \"a\"]", json!({"value": "a"})), "Add a");
    check(op("replace", "members[value eq \"a\"]", json!({"value": "b"})), "immutable-attribute");
    check(op("replace", "members[type eq \"User\"]", json!({"value": "b"})), "immutable-attribute");
    check(op("replace", "members[value eq \"a\"]", json!(null)), "Remove a");
}

#[test]
fn what_a_member_is_cannot_change() {
    for path in [
        "members.value",
        "members[value eq \"a\"].value",
        "members[value eq \"a\"].type",
        "members[value eq \"a\"].$ref",
    ] {
        check(op("replace", path, json!("b")), "immutable-attribute");
        check(op("add", path, json!("b")), "immutable-attribute");
        check(remove(path), "immutable-attribute");
    }
    check(op("replace", "members[value eq \"a\"].display", json!("b")), "read-only-attribute");
    check(remove("members.display"), "read-only-attribute");
}

#[test]
fn remove_members_by_value() {
    let quirk = Quirk::RemoveMembersByValue;
    for value in [json!([{"value": "a", "$ref": null}, {"value": "b"}]), json!(["a", "b"])] {
        let operations = op("remove", "members", value);
        assert_eq!(changes(&operations, Quirks::all()), "Remove a b");
        assert_eq!(changes(&operations, Quirks::all().without(quirk)), "patch-operation-invalid");
    }
    assert_eq!(changes(&op("remove", "members", json!({"value": "a"})), Quirks::all()), "Remove a");
    // Naming nobody must never empty the group.
    assert_eq!(changes(&op("remove", "members", json!([])), Quirks::all()), "");
    assert_eq!(changes(&op("remove", "members", json!({})), Quirks::all()), "value-invalid");
    assert_eq!(changes(&op("remove", "members", json!([{"display": "a"}])), Quirks::all()), "value-invalid");
    assert_eq!(changes(&op("remove", "members", json!("a")), Quirks::all()), "Remove a");
}

fn group(members: &[&str]) -> Value {
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    let mut group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "id": "g", "displayName": "Guides", "members": members,
    });
    if members.is_empty() {
        group.as_object_mut().expect("an object").shift_remove("members");
    }
    group
}

#[test]
fn on_a_resource() {
    let registry = Registry::standard();
    let check = |operations: Value, expect: &[&str]| {
        let outcome = run(&registry, registry.group(), &group(&["a", "b"]), &operations, Quirks::all());
        assert_eq!(outcome.expect("it applies").0, group(expect), "{operations}");
    };
    check(op("add", "members", json!([{"value": "b"}, {"value": "c"}])), &["a", "b", "c"]);
    check(op("remove", "members", json!([{"value": "b"}, {"value": "z"}])), &["a"]);
    check(remove("members[value eq \"a\"]"), &["b"]);
    check(remove("members[value eq \"z\"]"), &["a", "b"]);
    check(remove("members[value eq \"a\" or value eq \"b\"]"), &[]);
    check(remove("members"), &[]);
    check(op("replace", "members", json!([{"value": "b"}, {"value": "a"}])), &["a", "b"]);
    check(op("replace", "members", json!([{"value": "c"}])), &["c"]);
    check(op("replace", "members", json!([])), &[]);
    let outcome = run(&registry, registry.group(), &group(&[]), &remove("displayName"), Quirks::all());
    assert_eq!(outcome.expect_err("required").code, "required-removed");
}

#[test]
fn ten_thousand_members() {
    let registry = Registry::standard();
    let many: Vec<_> = (0..10_000).map(|i| json!({"value": format!("member-{i}"), "display": "x"})).collect();
    let once = op("add", "members", Value::Array(many.clone()));
    let (after, _) = run(&registry, registry.group(), &group(&["a"]), &once, Quirks::all()).expect("it applies");
    assert_eq!(after["members"].as_array().map(Vec::len), Some(10_001));
    let (again, _) = run(&registry, registry.group(), &after, &once, Quirks::all()).expect("it applies");
    assert_eq!(again, after);
    let all_gone = op("remove", "members", Value::Array(many.clone()));
    let (left, _) = run(&registry, registry.group(), &after, &all_gone, Quirks::all()).expect("it applies");
    assert_eq!(left, group(&["a"]));
    // One by one.
    let each = |word: &str| -> Value {
        many[..2_000].iter().map(|member| json!({"op": word, "path": "members", "value": [member]})).collect()
    };
    let (after, _) = run(&registry, registry.group(), &group(&["a"]), &each("add"), Quirks::all()).expect("it applies");
    assert_eq!(after["members"].as_array().map(Vec::len), Some(2_001));
    let (left, _) = run(&registry, registry.group(), &after, &each("remove"), Quirks::all()).expect("it applies");
    assert_eq!(left, group(&["a"]));
}
