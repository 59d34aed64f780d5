//! Tables over the whole of PATCH: operations and a resource in, the changed part or the code of the error out.

use super::{PatchPlan, apply, parse_request, plan};
use crate::Object;
use crate::error::Error;
use crate::quirks::{Quirks, Repairs};
use crate::schema::{Registry, ResourceType};
use serde_json::{Value, json};

mod members;
mod properties;
mod quirks;
mod schemas;

const ENTERPRISE: &str = crate::schema::ENTERPRISE_USER;

/// Plans and applies; gives the resource after it, and the repairs.
fn run(
    registry: &Registry,
    resource_type: &ResourceType,
    resource: &Value,
    operations: &Value,
    quirks: Quirks,
) -> Result<(Value, Repairs), Error> {
    let mut repairs = Repairs::default();
    let plan = planned(registry, resource_type, operations, quirks, &mut repairs)?;
    let mut after: Object = resource.as_object().expect("a resource is an object").clone();
    apply(registry, resource_type, &plan, &mut after, quirks, &mut repairs)?;
    Ok((Value::Object(after), repairs))
}

fn planned(
    registry: &Registry,
    resource_type: &ResourceType,
    operations: &Value,
    quirks: Quirks,
    repairs: &mut Repairs,
) -> Result<PatchPlan, Error> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    plan(registry, resource_type, parse_request(body, quirks, repairs)?, quirks, repairs)
}

fn user() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "2819c223",
        "userName": "bjensen",
        "name": {"givenName": "Barbara", "familyName": "Jensen"},
        "title": "Guide",
        "active": true,
        "emails": [
            {"value": "b@work.example", "type": "work", "primary": true},
            {"value": "b@home.example", "type": "home"},
        ],
        "addresses": [{"type": "work", "locality": "Hollywood", "country": "US"}],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tours", "manager": {"value": "26118915"}},
    })
}

/// Runs operations on the user, strictly and with all quirks; `expect` is a merge of changed parts (null: gone), or the
/// code of the error.
fn check(operations: Value, expect: Value) {
    for quirks in [Quirks::none(), Quirks::all()] {
        check_with(quirks, &operations, &expect);
    }
}

fn check_with(quirks: Quirks, operations: &Value, expect: &Value) {
    let registry = Registry::standard();
    let outcome = run(&registry, registry.user(), &user(), operations, quirks);
    match (outcome, expect) {
        (Err(error), Value::String(code)) => assert_eq!(error.code, code, "{operations}: {error}"),
        (Ok((after, _)), Value::Object(changes)) => {
            let mut expected = user();
            for (key, value) in changes {
                let expected = expected.as_object_mut().expect("an object");
                match value {
                    Value::Null => drop(expected.shift_remove(key)),
                    value => drop(expected.insert(key.clone(), value.clone())),
                }
            }
            if expected.get(ENTERPRISE).is_none() {
                expected["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
            }
            assert_eq!(after, expected, "{operations}");
        }
        (outcome, expect) => panic!("{operations}: {outcome:?}, expected {expect}"),
    }
}

/// One operation.
fn op(op: &str, path: &str, value: Value) -> Value {
    json!([{"op": op, "path": path, "value": value}])
}

fn remove(path: &str) -> Value {
    json!([{"op": "remove", "path": path}])
}

#[test]
fn simple_attributes() {
    for word in ["add", "replace"] {
        check(op(word, "title", json!("Boss")), json!({"title": "Boss"}));
        check(op(word, "TITLE", json!("Boss")), json!({"title": "Boss"}));
        check(op(word, "nickName", json!("Babs")), json!({"nickName": "Babs"}));
        check(op(word, "active", json!(false)), json!({"active": false}));
        check(op(word, "externalId", json!("E1")), json!({"externalId": "E1"}));
        check(op(word, "title", json!("Guide")), json!({}));
        check(op(word, "title", json!(null)), json!({"title": null}));
        check(op(word, "title", json!(["x"])), json!("value-invalid"));
        check(op(word, "title", json!({"x": 1})), json!("value-invalid"));
        check(op(word, "active", json!("maybe")), json!("value-invalid"));
        check(op(word, "active", json!(1)), json!("value-invalid"));
        check(op(word, "userName", json!(null)), json!("required-missing"));
        check(op(word, "userName", json!("")), json!("required-missing"));
        check(op(word, "userName", json!(7)), json!("value-invalid"));
        check(op(word, "userName", json!("B.Jensen")), json!({"userName": "B.Jensen"}));
    }
    check(remove("title"), json!({"title": null}));
    check(remove("nickName"), json!({}));
    check(op("remove", "title", json!("whatever")), json!({"title": null}));
    check(remove("userName"), json!("required-removed"));
    check(remove("urn:ietf:params:scim:schemas:core:2.0:User:userName"), json!("required-removed"));
}

#[test]
fn read_only_and_unknown() {
    for word in ["add", "replace"] {
        for path in ["id", "meta", "meta.location", "meta.version", "groups", "groups.value", "groups[value eq \"1\"]"]
        {
            check(op(word, path, json!("x")), json!("read-only-attribute"));
        }
        for path in ["urn:x:unknown", "shoeSize", "name.shoeSize", "emails[type eq \"work\"].shoeSize", "userName.x"] {
            check(op(word, path, json!("x")), json!("path-invalid"));
        }
        check(op(word, &format!("{ENTERPRISE}:manager.displayName"), json!("x")), json!("read-only-attribute"));
        check(op(word, &format!("{ENTERPRISE}:shoeSize"), json!("x")), json!("path-invalid"));
    }
    check(remove("groups"), json!("read-only-attribute"));
    check(remove("meta"), json!("read-only-attribute"));
    check(remove("shoeSize"), json!("path-invalid"));
    // As keys they are ignored.
    check(
        json!([{"op": "replace", "value": {"id": "x", "meta": {"version": "1"}, "groups": [], "title": "Boss"}}]),
        json!({"title": "Boss"}),
    );
    let extension = json!({ENTERPRISE: {"manager": {"value": "1", "displayName": "x"}}});
    check(
        json!([{"op": "add", "value": extension}]),
        json!({ENTERPRISE: {"employeeNumber": "701984", "department": "Tours", "manager": {"value": "1"}}}),
    );
}

#[test]
fn filters_in_paths() {
    check(remove("emails[type gt]"), json!("filter-syntax"));
    check(remove("emails[1 eq 1]"), json!("filter-syntax"));
    check(remove("emails[shoeSize eq \"1\"]"), json!("filter-unknown-attribute"));
    check(remove("emails[primary gt true]"), json!("filter-comparison"));
    let home = json!([{"value": "b@home.example", "type": "home"}]);
    let work = json!([{"value": "b@work.example", "type": "work", "primary": true}]);
    for (filter, left) in [
        ("type eq \"work\"", json!({"emails": home})),
        ("TYPE EQ \"WORK\"", json!({"emails": home})),
        ("primary eq true", json!({"emails": home})),
        ("not (type eq \"home\")", json!({"emails": home})),
        ("type eq \"home\" or value co \"nothing\"", json!({"emails": work})),
        ("type eq \"home\" and value ew \"home.example\"", json!({"emails": work})),
        ("type eq \"]\" or value sw \"b@h\"", json!({"emails": work})),
        ("value pr", json!({"emails": null})),
        ("type eq \"other\"", json!({})),
    ] {
        check(remove(&format!("emails[{filter}]")), left.clone());
        check(remove(&format!("urn:ietf:params:scim:schemas:core:2.0:User:emails[{filter}]")), left);
    }
}

#[test]
fn complex_attributes() {
    for word in ["add", "replace"] {
        // Unnamed sub-attributes stay.
        check(
            op(word, "name", json!({"FamilyName": "Smith", "middleName": "J"})),
            json!({"name": {"givenName": "Barbara", "familyName": "Smith", "middleName": "J"}}),
        );
        check(op(word, "name", json!({"givenName": null})), json!({"name": {"familyName": "Jensen"}}));
        check(op(word, "name", json!({})), json!({}));
        check(op(word, "name", json!("Barbara")), json!("value-invalid"));
        check(op(word, "name", json!([{"givenName": "B"}])), json!("value-invalid"));
        check(op(word, "name", json!({"givenName": 7.5e300, "familyName": {}})), json!("value-invalid"));
        check(
            op(word, "name.givenName", json!("Babs")),
            json!({"name": {"givenName": "Babs", "familyName": "Jensen"}}),
        );
        check(op(word, "name.givenName", json!(null)), json!({"name": {"familyName": "Jensen"}}));
        check(
            op(word, "name[familyName eq \"jensen\"].givenName", json!("Babs")),
            json!({"name": {"givenName": "Babs", "familyName": "Jensen"}}),
        );
        check(op(word, "name[familyName eq \"other\"].givenName", json!("Babs")), json!("patch-no-target"));
    }
    check(op("replace", "name", json!(null)), json!({"name": null}));
    check(remove("name"), json!({"name": null}));
    check(remove("name.givenName"), json!({"name": {"familyName": "Jensen"}}));
    check(remove("name.middleName"), json!({}));
    check(json!([remove("name.givenName")[0], remove("name.familyName")[0]]), json!({"name": null}));
    check(
        json!([
            remove("name")[0],
            op("add", "name.givenName", json!("B"))[0],
            op("add", "name", json!({"familyName": null}))[0]
        ]),
        json!({"name": {"givenName": "B"}}),
    );
}

#[test]
fn adding_to_many() {
    let (work, home) = (user()["emails"][0].clone(), user()["emails"][1].clone());
    let new = json!({"value": "b@new.example", "type": "other"});
    check(op("add", "emails", json!([new])), json!({"emails": [work, home, new]}));
    check(op("add", "emails", new.clone()), json!({"emails": [work, home, new]}));
    // What is there already is not repeated, whatever its case or the order of its keys.
    check(op("add", "emails", json!([home])), json!({}));
    check(op("add", "emails", json!([{"type": "HOME", "value": "B@home.EXAMPLE"}])), json!({}));
    check(op("add", "emails", json!([new, new, new])), json!({"emails": [work, home, new]}));
    check(op("add", "emails", json!([])), json!({}));
    check(op("add", "emails", json!(null)), json!({}));
    // A known value with news is completed.
    check(
        op("add", "emails", json!([{"value": "b@home.example", "type": "home", "display": "Home"}])),
        json!({"emails": [work, {"value": "b@home.example", "type": "home", "display": "Home"}]}),
    );
    check(op("add", "emails", json!([{"value": 7.0e3, "type": []}, "x"])), json!("value-invalid"));
    check(op("add", "addresses", json!([{"country": "US", "locality": "hollywood", "type": "work"}])), json!({}));
    check(op("add", "phoneNumbers", json!([{"value": "1"}])), json!({"phoneNumbers": [{"value": "1"}]}));
    check(
        json!([
            op("add", "phoneNumbers", json!([{"value": "1"}]))[0],
            op("add", "phoneNumbers", json!({"value": "2"}))[0]
        ]),
        json!({"phoneNumbers": [{"value": "1"}, {"value": "2"}]}),
    );
}

#[test]
fn replacing_many() {
    let (work, home) = (user()["emails"][0].clone(), user()["emails"][1].clone());
    let new = json!({"value": "b@new.example", "type": "work"});
    check(op("replace", "emails", json!([new])), json!({"emails": [new]}));
    check(op("replace", "emails", new.clone()), json!({"emails": [new]}));
    check(op("replace", "emails", json!([])), json!({"emails": null}));
    check(op("replace", "emails", json!(null)), json!({"emails": null}));
    // The same values in another order are no change.
    check(op("replace", "emails", json!([home, work])), json!({}));
    check(op("replace", "photos", json!([{"value": "https://x/p"}])), json!({"photos": [{"value": "https://x/p"}]}));
    let filtered = "emails[type eq \"work\"]";
    check(
        op("replace", filtered, json!({"value": "new@x"})),
        json!({"emails": [{"value": "new@x", "type": "work"}, home]}),
    );
    check(
        op("add", filtered, json!({"display": "W"})),
        json!({"emails": [{"value": "b@work.example", "type": "work", "primary": true, "display": "W"}, home]}),
    );
    check(
        op("replace", filtered, json!({"value": "n", "type": "other"})),
        json!({"emails": [{"value": "n", "type": "other"}, home]}),
    );
    check(op("replace", filtered, json!([{"value": "a"}, {"value": "b"}])), json!("value-invalid"));
    check(op("replace", filtered, json!(null)), json!({"emails": [home]}));
    check(
        op("replace", "emails[value pr].display", json!("D")),
        json!({"emails": [{"value": "b@work.example", "type": "work", "primary": true, "display": "D"},
            {"value": "b@home.example", "type": "home", "display": "D"}]}),
    );
    check(
        op("replace", "emails[type eq \"work\"].Value", json!("n@x")),
        json!({"emails": [{"value": "n@x", "type": "work", "primary": true}, home]}),
    );
    check(
        remove("emails[type eq \"work\"].primary"),
        json!({"emails": [{"value": "b@work.example", "type": "work"}, home]}),
    );
    check(
        op("replace", "emails[type eq \"work\"].primary", json!(null)),
        json!({"emails": [{"value": "b@work.example", "type": "work"}, home]}),
    );
    check(
        op("replace", "emails.type", json!("other")),
        json!({"emails": [{"value": "b@work.example", "type": "other", "primary": true}, {"value": "b@home.example", "type": "other"}]}),
    );
    check(op("add", "photos.value", json!("https://x/p")), json!({"photos": [{"value": "https://x/p"}]}));
}

#[test]
fn no_target() {
    for path in ["emails[value eq \"nobody\"].display", "emails[type ne \"work\" and type ne \"home\"].value"] {
        check(op("replace", path, json!("x")), json!("patch-no-target"));
        check(op("add", path, json!("x")), json!("patch-no-target"));
        check(remove(path), json!({}));
        check(op("replace", path, json!(null)), json!({}));
    }
    check(op("replace", "emails[type eq \"a\" or type eq \"b\"]", json!({"value": "x"})), json!("patch-no-target"));
    check(op("replace", "emails[not (value pr)]", json!({"value": "x"})), json!("patch-no-target"));
}

#[test]
fn one_primary() {
    let demoted = json!({"value": "b@work.example", "type": "work", "primary": false});
    let home = json!({"value": "b@home.example", "type": "home"});
    let new = json!({"value": "n", "primary": true});
    check(op("add", "emails", json!([new])), json!({"emails": [demoted, home, new]}));
    let promoted = json!({"value": "b@home.example", "type": "home", "primary": true});
    for word in ["add", "replace"] {
        check(op(word, "emails[type eq \"home\"].primary", json!(true)), json!({"emails": [demoted, promoted]}));
    }
    check(op("add", "emails[type eq \"home\"]", json!({"primary": true})), json!({"emails": [demoted, promoted]}));
    check(
        op("replace", "emails[type eq \"home\"]", json!({"value": "n", "primary": true})),
        json!({"emails": [demoted, {"value": "n", "primary": true, "type": "home"}]}),
    );
    check(op("add", "emails", json!([promoted])), json!({"emails": [demoted, promoted]}));
    let other = json!({"value": "m", "primary": true});
    for word in ["add", "replace"] {
        check(op(word, "emails", json!([new, other])), json!("primary-twice"));
        check(op(word, "emails[value pr].primary", json!(true)), json!("primary-twice"));
    }
    check(
        json!([op("add", "emails", json!([new]))[0], op("add", "emails", json!([other]))[0]]),
        json!({"emails": [demoted, home, {"value": "n", "primary": false}, other]}),
    );
}

#[test]
fn in_order_and_all_or_nothing() {
    check(
        json!([op("replace", "title", json!("a"))[0], remove("title")[0], op("add", "title", json!("b"))[0]]),
        json!({"title": "b"}),
    );
    check(
        json!([op("add", "emails", json!({"value": "n", "type": "new"}))[0], remove("emails[type ne \"new\"]")[0]]),
        json!({"emails": [{"value": "n", "type": "new"}]}),
    );
    check(json!([op("replace", "title", json!("a"))[0], remove("userName")[0]]), json!("required-removed"));
    check(json!([op("replace", "title", json!("a"))[0], op("add", "emails", json!([1]))[0]]), json!("value-invalid"));
}

#[test]
fn without_path() {
    for word in ["add", "replace"] {
        check(
            json!([{"op": word, "value": {"TITLE": "Boss", "active": false, "name": {"givenName": "Babs"}}}]),
            json!({"title": "Boss", "active": false, "name": {"givenName": "Babs", "familyName": "Jensen"}}),
        );
        check(json!([{"op": word, "value": {}}]), json!({}));
        check(json!([{"op": word, "value": {"active": []}}]), json!({"active": null}));
        check(json!([{"op": word, "value": {"userName": null}}]), json!("required-missing"));
        check(json!([{"op": word, "value": {"name": 5}}]), json!("value-invalid"));
        // Extension data as an object or under the full name; both are RFC 7644 section 3.10.
        let changed = json!({"employeeNumber": "1", "department": "Tours", "manager": {"value": "26118915"}});
        check(json!([{"op": word, "value": {ENTERPRISE: {"EmployeeNumber": "1"}}}]), json!({ENTERPRISE: changed}));
        check(
            json!([{"op": word, "value": {format!("{ENTERPRISE}:employeeNumber"): "1"}}]),
            json!({ENTERPRISE: changed}),
        );
        check(
            json!([{"op": word, "value": {"urn:ietf:params:scim:schemas:core:2.0:User": {"title": "T"},
                "urn:ietf:params:scim:schemas:core:2.0:User:nickName": "N"}}]),
            json!({"title": "T", "nickName": "N"}),
        );
        check(json!([{"op": word, "value": {ENTERPRISE: "x"}}]), json!("value-invalid"));
    }
    check(
        json!([{"op": "replace", "value": {"emails": [{"value": "n"}], "title": null}}]),
        json!({"emails": [{"value": "n"}], "title": null}),
    );
    check(json!([{"op": "add", "value": {"emails": []}}]), json!({}));
}

#[test]
fn passwords_are_not_kept() {
    let registry = Registry::standard();
    for operations in [
        op("replace", "password", json!("t1meMa$heen")),
        op("add", "urn:ietf:params:scim:schemas:core:2.0:User:passWord", json!("t1meMa$heen")),
        json!([{"op": "replace", "value": {"Password": "t1meMa$heen"}}]),
    ] {
        check(operations.clone(), json!({}));
        let plan = planned(&registry, registry.user(), &operations, Quirks::all(), &mut Repairs::default());
        let canonical = plan.expect("a plan").canonical().to_string();
        assert!(canonical.contains("password") && !canonical.contains("t1me"), "{canonical}");
    }
    check(op("replace", "password", json!({"a": 1})), json!("value-invalid"));
    check(remove("password"), json!({}));
    check(remove("emails[password eq \"x\"]"), json!("filter-unknown-attribute"));
}

#[test]
fn canonical_form() {
    let registry = Registry::standard();
    let check = |operations: Value, expect: Value| {
        let plan = planned(&registry, registry.user(), &operations, Quirks::all(), &mut Repairs::default());
        assert_eq!(plan.expect("a plan").canonical(), expect);
    };
    check(
        json!([{"op": "Replace", "value": {"name.GIVENNAME": "B", "active": "False", ENTERPRISE: {"department": null}}}]),
        json!([
            {"op": "replace", "path": "name.givenName", "value": "B"},
            {"op": "replace", "path": "active", "value": false},
            {"op": "replace", "path": format!("{ENTERPRISE}:department"), "value": null},
        ]),
    );
    check(
        json!([{"op": "ADD", "path": "EMAILS[Type EQ \"work\" AND primary eq true].VALUE", "value": "x"}]),
        json!([{"op": "add", "path": "emails[type eq \"work\" and primary eq true].value", "value": "x"}]),
    );
    check(json!([{"op": "remove", "path": ENTERPRISE.to_uppercase()}]), json!([{"op": "remove", "path": ENTERPRISE}]));
}

#[test]
fn a_plan_names_what_it_writes() {
    let registry = Registry::standard();
    let operations = json!([
        {"op": "replace", "path": "NAME.givenName", "value": "x"},
        {"op": "add", "path": "emails[type eq \"work\"].value", "value": "x"},
        {"op": "add", "value": {"title": "x", ENTERPRISE: {"department": "x", "division": "y"}}},
    ]);
    let plan = planned(&registry, registry.user(), &operations, Quirks::none(), &mut Repairs::default()).unwrap();
    let expect =
        json!({"name": null, "emails": null, "title": null, ENTERPRISE: {"department": null, "division": null}});
    assert_eq!(Value::Object(plan.written()), expect);
}
