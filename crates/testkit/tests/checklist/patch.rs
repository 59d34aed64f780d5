//! PATCH (RFC 7644 section 3.5.2).

mod members;
mod paths;

use crate::support::*;
use serde_json::{Value, json};

/// On a User with these attributes the operations succeed and leave this at these pointers; what is answered is what
/// is read afterwards.
async fn check(world: &mut World, start: &Value, operations: Value, expect: Value) {
    let path = world.someone(start.clone()).await;
    let answer = world.patch(&path, operations.clone()).await;
    assert_eq!(answer.status, 200, "{operations}: {}", answer.text());
    assert_eq!(world.read(&path).await, answer.json(), "{operations}");
    for (pointer, value) in expect.as_object().unwrap() {
        assert_eq!(answer.at(pointer), *value, "{operations} {pointer}");
    }
}

/// On a User with these attributes the operations are refused, and nothing has changed, not even the version.
async fn refuse(world: &mut World, start: &Value, operations: Value, scim_type: &str) {
    let path = world.someone(start.clone()).await;
    let before = world.read(&path).await;
    let answer = world.patch(&path, operations.clone()).await;
    assert_eq!((answer.status, answer.at("/scimType")), (400, json!(scim_type)), "{operations}: {}", answer.text());
    refusal(&answer, 400, scim_type);
    assert_eq!(world.read(&path).await, before, "{operations}");
}

fn add(path: &str, value: Value) -> Value {
    json!([{ "op": "add", "path": path, "value": value }])
}

fn replace(path: &str, value: Value) -> Value {
    json!([{ "op": "replace", "path": path, "value": value }])
}

fn remove(path: &str) -> Value {
    json!([{ "op": "remove", "path": path }])
}

fn in_enterprise(name: &str) -> String {
    format!("/{ENTERPRISE}/{name}")
}

/// A User with something of everything.
fn start() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "title": "Dr", "name": { "givenName": "Ada", "familyName": "L" }, "active": true,
        "emails": [
            { "value": "w@x.example", "type": "work", "primary": true }, { "value": "h@x.example", "type": "home" },
            { "value": "o@x.example", "type": "other", "display": "a]b" }
        ],
        "phoneNumbers": [{ "value": "1", "type": "work" }],
        ENTERPRISE: { "department": "R&D", "costCenter": "7" }
    })
}

#[tokio::test]
async fn a_message_has_its_schema_and_sound_operations() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let before = world.read(&path).await;
    let operations = add("title", json!("x"));
    for schemas in [json!(null), json!([]), json!(PATCH_OP), json!([USER]), json!([SEARCH])] {
        let body = json!({ "schemas": schemas, "Operations": operations });
        refusal(&world.client.patch(&format!("/scim/v2{path}"), &body).await, 400, "invalidSyntax");
    }
    for operations in [
        json!([]),
        json!(null),
        json!({ "op": "add", "path": "title", "value": "x" }),
        json!([1]),
        json!([{ "path": "title", "value": "x" }]),
        json!([{ "op": "move", "path": "title", "value": "x" }]),
        json!([{ "op": ["add"], "path": "title", "value": "x" }]),
        json!([{ "op": "add", "path": "title" }]),
        json!([{ "op": "replace", "path": "title" }]),
    ] {
        refusal(&world.patch(&path, operations).await, 400, "invalidSyntax");
    }
    assert_eq!(world.read(&path).await, before);
}

#[tokio::test]
async fn operation_names_have_no_letter_case_unless_strict() {
    let mut world = World::new().await;
    for word in ["Add", "REPLACE", "replace"] {
        let operations = json!([{ "op": word, "path": "title", "value": "x" }]);
        check(&mut world, &json!({}), operations, json!({ "/title": "x" })).await;
    }
    let mut strict = World::strict().await;
    refuse(&mut strict, &json!({}), json!([{ "op": "Add", "path": "title", "value": "x" }]), "invalidSyntax").await;
}

#[tokio::test]
async fn malformed_and_unknown_paths_are_refused() {
    let mut world = World::new().await;
    for path in [
        "",
        " ",
        "unheard",
        "name.unheard",
        "unheard.value",
        "/name/givenName",
        "name..givenName",
        ".title",
        "title.",
        "title.sub",
        "emails.value.x",
        "urn:unheard:of:title",
        "1",
        "a b",
        "title,name",
        "emails]",
        "name givenName",
        "urn:ietf:params:scim:schemas:core:2.0:User:unheard",
        "emails[type eq \"work\"].unheard",
        "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
        "emails[type eq \"work\"]value",
        "emails[type eq \"work\"].value.x",
        "emails[type eq \"work\"][type eq \"work\"]",
    ] {
        refuse(&mut world, &start(), replace(path, json!("x")), "invalidPath").await;
        refuse(&mut world, &start(), remove(path), "invalidPath").await;
    }
    for path in [json!(1), json!(true), json!(["title"]), json!({ "a": 1 })] {
        refuse(&mut world, &start(), json!([{ "op": "replace", "path": path, "value": "x" }]), "invalidPath").await;
    }
    for path in [
        "emails[",
        "emails[type eq",
        "emails[]",
        "emails[0]",
        "emails[0].value",
        "emails[type eq \"work\"",
        "emails[type xx \"a\"].value",
        "emails[1 eq 1]",
        "emails[unheard eq \"x\"].value",
        "emails[type eq 'work'].value",
        "emails[not type eq \"work\"]",
        "emails[type gt true]",
    ] {
        let path_or_filter = world.someone(start()).await;
        let before = world.read(&path_or_filter).await;
        let answer = world.patch(&path_or_filter, replace(path, json!("x"))).await;
        let word = text(&answer.at("/scimType"));
        assert!(["invalidFilter", "invalidPath"].contains(&word.as_str()), "{path}: {}", answer.text());
        refusal(&answer, 400, &word);
        assert_eq!(world.read(&path_or_filter).await, before);
    }
}

#[tokio::test]
async fn all_operations_are_applied_in_order_or_none() {
    let mut world = World::new().await;
    let operations = json!([
        { "op": "add", "path": "title", "value": "a" }, { "op": "replace", "path": "title", "value": "b" },
        { "op": "remove", "path": "nickName" }, { "op": "add", "path": "nickName", "value": "c" }
    ]);
    check(&mut world, &json!({ "nickName": "x" }), operations, json!({ "/title": "b", "/nickName": "c" })).await;
    for bad in [
        json!({ "op": "replace", "path": "unheard", "value": 1 }),
        json!({ "op": "replace", "path": "id", "value": "x" }),
        json!({ "op": "remove", "path": "userName" }),
        json!({ "op": "replace", "path": "active", "value": "perhaps" }),
        json!({ "op": "replace", "path": "emails[value eq \"none\"].display", "value": "x" }),
    ] {
        let path = world.someone(start()).await;
        let before = world.read(&path).await;
        let operations = json!([{ "op": "replace", "path": "title", "value": "b" }, bad]);
        assert_eq!(world.patch(&path, operations).await.expect(400).at("/status"), "400");
        assert_eq!(world.read(&path).await, before, "{bad}");
    }
    let id = world.user("member", json!({})).await;
    let path = format!("/Groups/{}", world.group("Crew", &[]).await);
    let before = world.read(&path).await;
    let operations = json!([
        { "op": "add", "path": "members", "value": [{ "value": id }] },
        { "op": "add", "path": "members", "value": [{ "value": NOBODY }] }
    ]);
    refusal(&world.patch(&path, operations).await, 400, "invalidValue");
    assert_eq!(world.read(&path).await, before);
}

#[tokio::test]
async fn the_answer_is_the_resource() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let answer = world.patch(&path, add("title", json!("x"))).await.expect(200);
    assert_eq!(answer.header("etag").map(Value::from), Some(answer.at("/meta/version")));
    let reduced =
        world.client.patch(&format!("/scim/v2{path}?attributes=title"), &patch_op(add("title", json!("y")))).await;
    let reduced = reduced.expect(200).json();
    assert_eq!((&reduced["title"], reduced.get("userName")), (&json!("y"), None));
    let group = format!("/Groups/{}", world.group("Crew", &[]).await);
    assert_eq!(world.patch(&group, replace("displayName", json!("X"))).await.expect(200).at("/displayName"), "X");
    let options = bailiwick_testkit::TestOptions::preset(bailiwick_domain::preset::Preset::Entra);
    let mut entra = World::with(options).await;
    let group = format!("/Groups/{}", entra.group("Crew", &[]).await);
    let silent = entra.patch(&group, replace("displayName", json!("X"))).await.expect(204);
    assert!(silent.body.is_empty());
    let body = patch_op(replace("displayName", json!("Y")));
    entra.client.patch(&format!("/scim/v2{group}?excludedAttributes=members"), &body).await.expect(200);
    let user = entra.someone(json!({})).await;
    entra.patch(&user, add("title", json!("x"))).await.expect(200);
}

#[tokio::test]
async fn what_may_not_be_written_is_a_matter_of_mutability() {
    let mut world = World::with_badges().await;
    let id = world.user("boss", json!({})).await;
    world.group("Crew", &[&id]).await;
    for path in [
        "id",
        "meta",
        "meta.created",
        "groups",
        "groups[value pr]",
        &format!("{BADGE}:seen"),
        &format!("{ENTERPRISE}:manager.displayName"),
        &format!("{ENTERPRISE}:manager.$ref"),
    ] {
        refuse(&mut world, &json!({}), replace(path, json!("x")), "mutability").await;
        refuse(&mut world, &json!({}), add(path, json!("x")), "mutability").await;
        refuse(&mut world, &json!({}), remove(path), "mutability").await;
    }
    // As keys of a value they are ignored, as in a POST.
    let value = json!({ "id": "x", "meta": { "created": "x" }, "groups": [], "title": "t" });
    let operations = json!([{ "op": "replace", "value": value }]);
    check(&mut world, &json!({}), operations, json!({ "/title": "t" })).await;
    // Immutable: once, then never again.
    let issued = format!("{BADGE}:issued");
    let pointer = format!("/{BADGE}/issued");
    check(&mut world, &json!({}), add(&issued, json!("2026")), json!({ &pointer: "2026" })).await;
    let with = json!({ "schemas": [USER, BADGE], BADGE: { "issued": "2026" } });
    check(&mut world, &with, add(&issued, json!("2026")), json!({ &pointer: "2026" })).await;
    refuse(&mut world, &with, add(&issued, json!("2027")), "mutability").await;
    refuse(&mut world, &with, replace(&issued, json!("2027")), "mutability").await;
    refuse(&mut world, &with, remove(&issued), "mutability").await;
}

#[tokio::test]
async fn required_attributes_cannot_be_removed_or_emptied() {
    let mut world = World::new().await;
    refuse(&mut world, &json!({}), remove("userName"), "mutability").await;
    for nothing in [json!(null), json!(""), json!([])] {
        refuse(&mut world, &json!({}), replace("userName", nothing.clone()), "invalidValue").await;
        refuse(&mut world, &json!({}), json!([{ "op": "replace", "value": { "userName": nothing } }]), "invalidValue")
            .await;
    }
    let path = format!("/Groups/{}", world.group("Crew", &[]).await);
    refusal(&world.patch(&path, remove("displayName")).await, 400, "mutability");
    refusal(&world.patch(&path, replace("displayName", json!(""))).await, 400, "invalidValue");
    refusal(&world.patch(&path, replace("displayName", json!(5))).await, 400, "invalidValue");
    assert_eq!(world.read(&path).await["displayName"], "Crew");
}

#[tokio::test]
async fn values_of_the_wrong_type_are_refused() {
    let mut world = World::with_badges().await;
    for (path, value) in [
        ("active", json!("perhaps")),
        ("active", json!(1)),
        ("name", json!("Ada")),
        ("name.givenName", json!({ "a": 1 })),
        ("title", json!(["x"])),
        ("title", json!({})),
        ("emails", json!(5)),
        ("emails", json!(["a@x.example"])),
        ("emails[type eq \"work\"].primary", json!("maybe")),
        ("emails[type eq \"work\"]", json!("x")),
        ("x509Certificates", json!([{ "value": "!!" }])),
        ("urn:example:params:scim:schemas:Badge:number", json!("5")),
        ("urn:example:params:scim:schemas:Badge:since", json!("yesterday")),
        (ENTERPRISE, json!("x")),
        ("userName", json!(5)),
    ] {
        refuse(&mut world, &start(), replace(path, value), "invalidValue").await;
    }
    for value in [json!("x"), json!(5), json!([{ "title": "x" }]), json!(null)] {
        refuse(&mut world, &start(), json!([{ "op": "replace", "value": value }]), "invalidValue").await;
    }
}

#[tokio::test]
async fn one_value_at_most_is_primary_after_every_write() {
    let mut world = World::new().await;
    let primary = |answer: &Value| -> Vec<String> {
        let of = |mail: &&Value| mail["primary"] == true;
        answer["emails"].as_array().unwrap().iter().filter(of).map(|mail| text(&mail["value"])).collect()
    };
    let new = json!([{ "value": "n@x.example", "type": "x", "primary": true }]);
    for (operations, expect) in [
        (add("emails", new.clone()), "n@x.example"),
        (json!([{ "op": "add", "value": { "emails": new } }]), "n@x.example"),
        (replace("emails[type eq \"home\"].primary", json!(true)), "h@x.example"),
        (add("emails[type eq \"home\"].primary", json!(true)), "h@x.example"),
        (replace("emails[type eq \"home\"]", json!({ "value": "r@x.example", "primary": true })), "r@x.example"),
        (add("emails[type eq \"home\"]", json!({ "primary": true })), "h@x.example"),
    ] {
        let path = world.someone(start()).await;
        let answer = world.patch(&path, operations.clone()).await.expect(200).json();
        assert_eq!(primary(&answer), [expect], "{operations}");
        assert_eq!(primary(&world.read(&path).await), [expect]);
    }
}

#[tokio::test]
async fn add_sets_merges_or_appends() {
    let mut world = World::new().await;
    let third = json!({ "value": "2", "type": "mobile" });
    let both = json!([{ "value": "1", "type": "work" }, third]);
    for (operations, expect) in [
        (add("title", json!("new")), json!({ "/title": "new" })),
        (add("nickName", json!("new")), json!({ "/nickName": "new" })),
        (add("name", json!({ "givenName": "Bo" })), json!({ "/name": { "givenName": "Bo", "familyName": "L" } })),
        (add("name.middleName", json!("M")), json!({ "/name/middleName": "M", "/name/givenName": "Ada" })),
        (add("phoneNumbers", third.clone()), json!({ "/phoneNumbers": both })),
        (add("phoneNumbers", json!([third])), json!({ "/phoneNumbers": both })),
        (add("phoneNumbers", json!([])), json!({ "/phoneNumbers": [{ "value": "1", "type": "work" }] })),
        (
            json!([{ "op": "add", "value": { "title": "new", "name": { "middleName": "M" }, "phoneNumbers": [third] } }]),
            json!({ "/title": "new", "/name/givenName": "Ada", "/name/middleName": "M", "/phoneNumbers": both }),
        ),
        (add("phoneNumbers[type eq \"work\"].display", json!("d")), json!({ "/phoneNumbers/0/display": "d" })),
    ] {
        check(&mut world, &start(), operations, expect).await;
    }
}

#[tokio::test]
async fn what_changes_nothing_leaves_version_and_time_alone() {
    let mut world = World::new().await;
    let id = world.user("member", json!({})).await;
    let path = world.someone(start()).await;
    let group = format!("/Groups/{}", world.group("Crew", &[&id]).await);
    let (user_before, group_before) = (world.read(&path).await, world.read(&group).await);
    world.test.clock().advance(std::time::Duration::from_secs(60));
    for operations in [
        add("title", json!("Dr")),
        replace("title", json!("Dr")),
        add("emails", json!([{ "value": "h@x.example", "type": "home" }])),
        replace("emails", start()["emails"].clone()),
        add("name", json!({ "givenName": "Ada" })),
        remove("nickName"),
        remove("phoneNumbers[value eq \"none\"]"),
        replace("active", json!(true)),
        replace("userName", json!("someone1")),
        json!([{ "op": "replace", "value": { "title": "Dr", ENTERPRISE: { "department": "R&D" } } }]),
        json!([{ "op": "add", "value": {} }]),
    ] {
        let answer = world.patch(&path, operations.clone()).await;
        assert_eq!(answer.status, 200, "{operations}: {}", answer.text());
        assert_eq!(answer.json(), user_before, "{operations}");
    }
    for operations in [
        add("members", json!([{ "value": id }])),
        replace("members", json!([{ "value": id }])),
        remove(&format!("members[value eq \"{NOBODY}\"]")),
        replace("displayName", json!("Crew")),
    ] {
        let answer = world.patch(&group, operations.clone()).await;
        assert_eq!(answer.status, 200, "{operations}: {}", answer.text());
        assert_eq!(answer.json(), group_before, "{operations}");
    }
    assert_eq!(
        world
            .put(&group, &json!({ "schemas": [GROUP], "displayName": "Crew", "members": [{ "value": id }] }))
            .await
            .expect(200)
            .json(),
        group_before
    );
}

#[tokio::test]
async fn a_filter_without_a_match_creates_what_it_describes_or_is_refused() {
    let mut world = World::new().await;
    for op in ["add", "replace"] {
        let operations = |path: &str, value: Value| json!([{ "op": op, "path": path, "value": value }]);
        let made = json!({ "/phoneNumbers/1": { "type": "mobile", "value": "2" } });
        check(&mut world, &start(), operations("phoneNumbers[type eq \"mobile\"].value", json!("2")), made).await;
        let made = json!({ "/emails/0": { "type": "work", "primary": true, "value": "n@x.example" } });
        let path = "emails[type eq \"work\" and primary eq true].value";
        check(&mut world, &json!({}), operations(path, json!("n@x.example")), made).await;
        for path in [
            "emails[type ne \"work\" and type eq \"x\"].value",
            "emails[type eq \"x\" or type eq \"y\"].value",
            "emails[value eq \"none\"].display",
            "emails[not (type pr)].value",
            "emails[type co \"zzz\"].value",
        ] {
            refuse(&mut world, &start(), operations(path, json!("x")), "noTarget").await;
        }
    }
    let mut strict = World::strict().await;
    refuse(&mut strict, &start(), replace("phoneNumbers[type eq \"mobile\"].value", json!("2")), "noTarget").await;
}

#[tokio::test]
async fn remove_takes_away_exactly_what_is_named() {
    let mut world = World::new().await;
    for operations in [json!([{ "op": "remove" }]), json!([{ "op": "remove", "value": { "title": "Dr" } }])] {
        refuse(&mut world, &start(), operations, "noTarget").await;
    }
    for (operations, expect) in [
        (remove("title"), json!({ "/title": null })),
        (remove("name.familyName"), json!({ "/name": { "givenName": "Ada" } })),
        (remove("name"), json!({ "/name": null })),
        (remove("emails"), json!({ "/emails": null })),
        (remove("emails[type eq \"work\"]"), json!({ "/emails/0/value": "h@x.example", "/emails/2": null })),
        (
            remove("emails[type eq \"other\"].display"),
            json!({ "/emails/2": { "value": "o@x.example", "type": "other" } }),
        ),
        (remove("emails[value ew \".example\"]"), json!({ "/emails": null })),
        (remove("phoneNumbers[type eq \"work\"]"), json!({ "/phoneNumbers": null })),
        (remove("nickName"), json!({ "/title": "Dr" })),
        (remove("emails[type eq \"none\"]"), json!({ "/emails/0/type": "work", "/emails/2/type": "other" })),
        (
            json!([{ "op": "remove", "path": "emails", "value": [{ "value": "h@x.example" }] }]),
            json!({ "/emails/0/type": "work", "/emails/1/type": "other", "/emails/2": null }),
        ),
        (json!([{ "op": "remove", "path": "title", "value": "whatever" }]), json!({ "/title": null })),
        (remove(ENTERPRISE), json!({ format!("/{ENTERPRISE}"): null, "/schemas": [USER] })),
        (
            remove(&format!("{ENTERPRISE}:department")),
            json!({ in_enterprise("department"): null, in_enterprise("costCenter"): "7" }),
        ),
    ] {
        check(&mut world, &start(), operations, expect).await;
    }
    let both = json!([
        { "op": "remove", "path": format!("{ENTERPRISE}:department") }, { "op": "remove", "path": format!("{ENTERPRISE}:costCenter") }
    ]);
    check(&mut world, &start(), both, json!({ "/schemas": [USER] })).await;
}

#[tokio::test]
async fn null_clears() {
    let mut world = World::new().await;
    for (operations, expect) in [
        (replace("title", json!(null)), json!({ "/title": null })),
        (replace("name.familyName", json!(null)), json!({ "/name": { "givenName": "Ada" } })),
        (replace("emails", json!([])), json!({ "/emails": null })),
        (
            replace("emails[type eq \"other\"].display", json!(null)),
            json!({ "/emails/2/display": null, "/emails/2/type": "other" }),
        ),
        (json!([{ "op": "replace", "value": { "title": null, "nickName": null } }]), json!({ "/title": null })),
        (replace("name", json!({ "familyName": null })), json!({ "/name": { "givenName": "Ada" } })),
    ] {
        check(&mut world, &start(), operations, expect).await;
    }
    let id = world.user("member", json!({})).await;
    for nobody in [json!(null), json!([])] {
        let path = format!("/Groups/{}", world.group("Crew", &[&id]).await);
        let answer = world.patch(&path, replace("members", nobody)).await.expect(200);
        assert!(answer.at("/members").is_null());
    }
}

#[tokio::test]
async fn replace_puts_values_in_the_place_of_others() {
    let mut world = World::new().await;
    let new = json!([{ "value": "n@x.example", "type": "x" }]);
    for (operations, expect) in [
        (replace("title", json!("new")), json!({ "/title": "new" })),
        (replace("nickName", json!("new")), json!({ "/nickName": "new" })),
        (replace("emails", new.clone()), json!({ "/emails": new })),
        (replace("roles", json!([{ "value": "r" }])), json!({ "/roles": [{ "value": "r" }] })),
        (replace("name", json!({ "givenName": "Bo" })), json!({ "/name": { "givenName": "Bo", "familyName": "L" } })),
        (
            json!([{ "op": "replace", "value": { "title": "new", "emails": new } }]),
            json!({ "/title": "new", "/emails": new, "/name/givenName": "Ada", in_enterprise("department"): "R&D" }),
        ),
        (
            replace("emails[type eq \"home\" or type eq \"other\"].display", json!("d")),
            json!({ "/emails/0/display": null, "/emails/1/display": "d", "/emails/2/display": "d", "/emails/1/value": "h@x.example" }),
        ),
        (
            replace("emails[type eq \"other\"]", json!({ "value": "z@x.example", "type": "other" })),
            json!({ "/emails/2/value": "z@x.example", "/emails/0/value": "w@x.example" }),
        ),
    ] {
        check(&mut world, &start(), operations, expect).await;
    }
}

#[tokio::test]
async fn the_base_schema_stays() {
    let mut world = World::new().await;
    for operations in [
        remove("schemas"),
        replace("schemas", json!([])),
        replace("schemas", json!(null)),
        replace("schemas", json!([ENTERPRISE])),
        replace("schemas", json!([GROUP])),
        remove(&format!("schemas[value eq \"{USER}\"]")),
    ] {
        let path = world.someone(start()).await;
        let before = world.read(&path).await;
        let answer = world.patch(&path, operations.clone()).await;
        assert_eq!(answer.status, 400, "{operations}: {}", answer.text());
        assert_eq!(world.read(&path).await, before);
    }
    let kept = json!({ "/schemas": [USER, ENTERPRISE] });
    check(&mut world, &start(), add("schemas", json!([USER, ENTERPRISE])), kept).await;
}
