use super::*;
use crate::schema::{GROUP, USER};
use proptest::prelude::*;
use serde_json::json;

const BADGE: &str = "urn:example:schemas:Badge";

fn registry() -> Registry {
    let schema = json!({"id": BADGE, "attributes": [{"name": "number", "required": true}, {"name": "secret",
        "mutability": "writeOnly", "returned": "never"}, {"name": "serial", "mutability": "readOnly"}]});
    Registry::with_extensions(&[schema]).unwrap()
}

fn run(kind: &str, body: Value, quirks: Quirks) -> (Result<Value, String>, Vec<String>) {
    let registry = registry();
    let mut repairs = Repairs::default();
    let resource_type = registry.resource_type(kind).unwrap();
    let result = accept(&registry, resource_type, body, quirks, &mut repairs);
    let notes = repairs.0.into_iter().map(|repair| format!("{}: {}", repair.quirk, repair.note)).collect();
    (result.map(Value::Object).map_err(|error| error.code.to_owned()), notes)
}

/// A user body with every quirk on and the base schema listed; `repairs` are beginnings of notes.
fn lenient(mut body: Value, mut expect: Value, repairs: &[&str]) {
    for object in [&mut body, &mut expect] {
        let object = object.as_object_mut().unwrap();
        object.entry("schemas").or_insert(json!([USER]));
        object.entry("userName").or_insert(json!("bob"));
    }
    let (result, notes) = run("User", body.clone(), Quirks::all());
    assert_eq!(result, Ok(expect), "{body}");
    assert_eq!(notes.len(), repairs.len(), "{notes:?}");
    for (note, repair) in notes.iter().zip(repairs) {
        assert!(note.starts_with(repair), "{note}");
    }
}

fn refused(kind: &str, body: Value, quirks: Quirks, code: &str) {
    assert_eq!(run(kind, body.clone(), quirks).0, Err(code.to_owned()), "{body}");
}

#[test]
fn a_full_user_is_kept_as_it_is() {
    let body = json!({
        "schemas": [USER, ENTERPRISE_USER], "externalId": "701984", "userName": "Bjensen@Example.com",
        "name": {"formatted": "Ms. Barbara J Jensen, III", "familyName": "Jensen", "givenName": "Barbara"},
        "displayName": "Babs Jensen", "profileUrl": "https://login.example.com/bjensen",
        "emails": [{"value": "b@example.com", "type": "work", "primary": true},
            {"value": "b@home.org", "type": "custom"}],
        "addresses": [{"type": "work", "streetAddress": "100 Universal\nPlaza", "country": "USA"}],
        "active": true, "x509Certificates": [{"value": "MIIDQzCC"}],
        ENTERPRISE_USER: {"employeeNumber": "701984", "manager": {"value": "26118915"}},
    });
    for quirks in [Quirks::all(), Quirks::none()] {
        let (result, notes) = run("User", body.clone(), quirks);
        assert_eq!(result, Ok(body.clone()));
        assert!(notes.is_empty());
    }
    let order: Vec<String> = run("User", body, Quirks::all()).0.unwrap().as_object().unwrap().keys().cloned().collect();
    assert_eq!(order[..3], ["schemas", "externalId", "userName"]);
}

#[test]
fn what_the_server_owns_is_dropped_without_a_word() {
    lenient(
        json!({"id": "x", "ID2": null, "Meta": {"resourceType": 7}, "groups": "any",
            BADGE: {"number": "1", "serial": 3}, "schemas": [USER, BADGE]}),
        json!({"schemas": [USER, BADGE], BADGE: {"number": "1"}}),
        &[],
    );
    let with_secret = json!({"password": "t0p", BADGE: {"number": "1", "secret": "s"}, "schemas": [USER, BADGE]});
    lenient(with_secret, json!({"schemas": [USER, BADGE], BADGE: {"number": "1"}}), &[]);
    refused("User", json!({"schemas": [USER], "userName": "b", "password": ["x"]}), Quirks::all(), "value-invalid");
}

#[test]
fn names_are_found_in_any_letter_case() {
    let body = json!({"Schemas": [USER.to_uppercase()], "USERNAME": "Al", "Name": {"GivenName": "A"}, "META": {},
        ENTERPRISE_USER.to_uppercase(): {"Department": "D"}});
    let expect = json!({"schemas": [USER, ENTERPRISE_USER], "userName": "Al", "name": {"givenName": "A"},
        ENTERPRISE_USER: {"department": "D"}});
    let (result, notes) = run("User", body, Quirks::all());
    assert_eq!(result, Ok(expect));
    assert_eq!(notes, [format!("unknown-attributes: schemas: {ENTERPRISE_USER} added, there is data of it")]);
}

#[test]
fn nulls_and_empties_are_absent() {
    lenient(
        json!({"title": null, "emails": [], "name": {}, "roles": [], "nickName": "", "displayName": "",
            "unheard": null, ENTERPRISE_USER: {}, BADGE: null}),
        json!({"nickName": ""}),
        &[],
    );
    lenient(
        json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"department": null, "manager": {"value": ""}}}),
        json!({}),
        &["manager-shapes"],
    );
}

#[test]
fn schemas_are_checked() {
    let body = |schemas: Value| json!({"schemas": schemas, "userName": "bob"});
    for quirks in [Quirks::all(), Quirks::none()] {
        for bad in [
            json!(null),
            json!([]),
            json!(USER),
            json!([GROUP]),
            json!([USER, GROUP]),
            json!([ENTERPRISE_USER]),
            json!(["urn:x:y"]),
            json!([1]),
            json!({}),
            json!([USER, 1]),
        ] {
            refused("User", body(bad), quirks, "schemas-invalid");
        }
        refused("User", json!({"userName": "bob"}), quirks, "schemas-invalid");
        refused("Group", json!({"schemas": [USER], "displayName": "g"}), quirks, "schemas-invalid");
    }
    refused("User", body(json!([USER, "urn:x:y"])), Quirks::none(), "schemas-invalid");
    refused("User", body(json!(["urn:scim:schemas:core:1.0"])), Quirks::none(), "schemas-invalid");
    lenient(body(json!([USER, "urn:x:y"])), json!({}), &["unknown-attributes: schemas: urn:x:y dropped"]);
    lenient(body(json!([ENTERPRISE_USER, USER, USER])), json!({}), &[]);
    let adscim = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";
    let (group, notes) = run("Group", json!({"schemas": [GROUP, adscim], "displayName": "g"}), Quirks::all());
    assert_eq!(group, Ok(json!({"schemas": [GROUP], "displayName": "g"})));
    assert_eq!(notes.len(), 1);
}

#[test]
fn old_urns_stand_for_the_new_ones() {
    let short = ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"];
    lenient(
        json!({"schemas": short, short[1]: {"department": "D"}}),
        json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"department": "D"}}),
        &["scim1-urns", "scim1-urns", "scim1-urns"],
    );
    lenient(json!({"schemas": ["urn:scim:schemas:core:1.0"]}), json!({}), &["scim1-urns"]);
    lenient(json!({"schemas": ["urn:scim:schemas:core:1.0:User"]}), json!({}), &["scim1-urns"]);
    let group = json!({"schemas": ["urn:scim:schemas:core:1.0"], "displayName": "g"});
    assert_eq!(run("Group", group, Quirks::all()).0, Ok(json!({"schemas": [GROUP], "displayName": "g"})));
    let other = json!({"schemas": ["urn:scim:schemas:core:1.0:Group"], "userName": "b"});
    refused("User", other, Quirks::all(), "schemas-invalid");
}

#[test]
fn unknown_names_are_dropped_or_refused() {
    lenient(
        json!({"prefferedLanguage": "de", "name.givenName": "A", "urn:x:y": {"a": 1}, "department": "D",
            "name": {"givenName": "A", "nick": 1}}),
        json!({"name": {"givenName": "A"}}),
        &[
            "unknown-attributes: prefferedLanguage",
            "unknown-attributes: name.givenName",
            "unknown-attributes: urn:x:y",
            "unknown-attributes: department",
            "unknown-attributes: name.nick",
        ],
    );
    for key in ["prefferedLanguage", "name.givenName", "urn:x:y", "manager"] {
        let body = json!({"schemas": [USER], "userName": "b", key: {"a": 1}});
        refused("User", body, Quirks::none(), "unknown-attribute");
    }
    let (_, notes) = run("User", json!({"schemas": [USER], "userName": "b", "k".repeat(9_000): 1}), Quirks::all());
    assert!(notes[0].len() < 200);
}

#[test]
fn extension_data_needs_its_urn() {
    let body = json!({"schemas": [USER], "userName": "b", ENTERPRISE_USER: {"department": "D"}});
    refused("User", body, Quirks::none(), "schemas-invalid");
    refused("User", json!({"schemas": [USER], "userName": "b", ENTERPRISE_USER: "D"}), Quirks::all(), "value-invalid");
    lenient(
        json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"department": "D", "x": 1}}),
        json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"department": "D"}}),
        &["unknown-attributes: urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:x"],
    );
}

#[test]
fn a_manager_beside_the_core_attributes_is_understood() {
    let expect = json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"manager": {"value": "7"}}});
    lenient(json!({"manager": {"value": "7"}}), expect.clone(), &["manager-shapes"]);
    lenient(json!({"manager": "7"}), expect.clone(), &["manager-shapes", "manager-shapes"]);
    lenient(
        json!({"schemas": [USER, ENTERPRISE_USER], "manager": {"value": "8"}, ENTERPRISE_USER: {"department": "D"}}),
        json!({"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"manager": {"value": "8"}, "department": "D"}}),
        &["manager-shapes"],
    );
    lenient(json!({"manager": ""}), json!({}), &["manager-shapes", "manager-shapes"]);
    lenient(json!({"manager": null}), json!({}), &[]);
}

#[test]
fn what_is_required_must_be_there() {
    for quirks in [Quirks::all(), Quirks::none()] {
        for name in [json!(null), json!(""), json!("  ")] {
            refused("User", json!({"schemas": [USER], "userName": name}), quirks, "required-missing");
        }
        refused("Group", json!({"schemas": [GROUP]}), quirks, "required-missing");
        refused("Group", json!({"schemas": [GROUP], "displayName": ""}), quirks, "required-missing");
        let badge = json!({"schemas": [USER, BADGE], "userName": "b", BADGE: {"secret": "x"}});
        let (result, _) = run("User", badge, quirks);
        assert_eq!(result, Ok(json!({"schemas": [USER], "userName": "b"})));
        for body in [json!([]), json!(null), json!("x")] {
            refused("User", body, quirks, "json-syntax");
        }
    }
}

#[test]
fn two_primaries_are_refused() {
    let emails = json!([{"value": "a", "primary": true}, {"value": "b", "primary": "True"}]);
    refused("User", json!({"schemas": [USER], "userName": "b", "emails": emails}), Quirks::all(), "primary-twice");
}

#[test]
fn a_group_keeps_the_ids_of_its_members() {
    let body = json!({"schemas": [GROUP], "displayName": " Tour\tGuides ", "externalId": 7, "members": [
        {"value": "2819", "$ref": "https://x/Users/2819", "display": "Babs"}, {"value": "902c", "type": "Group"}]});
    let expect = json!({"schemas": [GROUP], "displayName": " Tour\tGuides ", "externalId": "7",
        "members": [{"value": "2819"}, {"value": "902c"}]});
    assert_eq!(run("Group", body, Quirks::all()).0, Ok(expect));
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": []});
    assert_eq!(run("Group", body, Quirks::all()).0, Ok(json!({"schemas": [GROUP], "displayName": "g"})));
    refused("Group", json!({"schemas": [GROUP], "displayName": "g", "members": ["1"]}), Quirks::all(), "value-invalid");
}

/// Bodies made of names the schemas know and of anything else, with values of any type.
fn any_body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,6}".prop_map(Value::from),
        prop_oneof![Just("True"), Just("work"), Just(""), Just("{\"value\":\"r\"}"), Just("2026-01-01T00:00:00Z")]
            .prop_map(Value::from),
    ];
    let names = [
        "userName",
        "USERNAME2",
        "name",
        "givenName",
        "emails",
        "value",
        "type",
        "primary",
        "active",
        "manager",
        "roles",
        "members",
        "displayName",
        "password",
        "id",
        "meta",
        "$ref",
        "department",
        "number",
        BADGE,
        ENTERPRISE_USER,
        "urn:scim:schemas:extension:enterprise:1.0",
        "externalId",
        "photos",
        "x509Certificates",
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        let entry = (prop::sample::select(names.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            prop::collection::vec(entry, 0..6)
                .prop_map(|entries| entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_accepted_is_accepted_again_unchanged(body in any_body(), group in any::<bool>()) {
        let (kind, base, name) = if group { ("Group", GROUP, "displayName") } else { ("User", USER, "userName") };
        let mut body = body;
        if let Some(object) = body.as_object_mut() {
            object.insert("schemas".to_owned(), json!([base]));
            object.insert(name.to_owned(), json!("bob"));
        }
        if let (Ok(kept), _) = run(kind, body, Quirks::all()) {
            for quirks in [Quirks::all(), Quirks::none()] {
                let (again, notes) = run(kind, kept.clone(), quirks);
                prop_assert_eq!(again.as_ref(), Ok(&kept));
                prop_assert!(notes.is_empty(), "{:?}", notes);
            }
        }
    }
}
