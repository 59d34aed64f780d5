//! The data model (RFC 7643 sections 2 to 4 and 9).

use crate::support::*;
use serde_json::{Value, json};

/// A body is accepted and this is what is shown of it, at the pointers given.
async fn check(world: &mut World, more: Value, expect: Value) {
    let path = world.someone(more.clone()).await;
    let shown = world.read(&path).await;
    for (pointer, value) in expect.as_object().unwrap() {
        assert_eq!(shown.pointer(pointer).cloned().unwrap_or_default(), *value, "{more} {pointer}");
    }
}

/// A body is refused and nothing is there afterwards.
async fn refuse(world: &mut World, more: Value, scim_type: &str) {
    let before = world.read("/Users").await["totalResults"].clone();
    let mut body = user("never", json!({}));
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = world.post("/Users", &body).await;
    assert_eq!(answer.status, 400, "{more}: {}", answer.text());
    refusal(&answer, 400, scim_type);
    assert_eq!(world.read("/Users").await["totalResults"], before, "{more}");
}

/// RFC 7643 section 2.1, RFC 7644 section 3.10.
#[tokio::test]
async fn names_and_urns_have_no_letter_case() {
    let mut world = World::new().await;
    let loud = ENTERPRISE.to_uppercase();
    let body = json!({
        "SCHEMAS": [USER.to_uppercase(), loud], "USERNAME": "ada", "NAME": { "GIVENNAME": "Ada" },
        "Emails": [{ "VALUE": "a@x.example", "TYPE": "work" }], loud: { "DEPARTMENT": "R&D" }
    });
    let path = format!("/Users/{}", world.post("/Users", &body).await.expect(201).id());
    let shown = world.read(&path).await;
    assert_eq!(shown["userName"], "ada");
    assert_eq!(shown["name"]["givenName"], "Ada");
    assert_eq!(shown["emails"], json!([{ "value": "a@x.example", "type": "work" }]));
    assert_eq!(shown[ENTERPRISE]["department"], "R&D");
    assert_eq!(shown["schemas"], json!([USER, ENTERPRISE]));
    assert_eq!(world.found("/Users", "NAME.givenname EQ \"ada\"").await, ["ada"]);
    let department = format!("{}:Department eq \"r&d\"", ENTERPRISE.to_uppercase());
    assert_eq!(world.found("/Users", &department).await, ["ada"]);
    let shown = world.list(&path, &[("attributes", "USERNAME,name.GIVENNAME")]).await.expect(200).json();
    assert_eq!((&shown["userName"], &shown["name"]), (&json!("ada"), &json!({ "givenName": "Ada" })));
    world.list("/Users", &[("sortBy", "NAME.FAMILYNAME")]).await.expect(200);
    let operations = json!([{ "op": "replace", "path": "NAME.GIVENNAME", "value": "Bo" }]);
    assert_eq!(world.patch(&path, operations).await.expect(200).at("/name/givenName"), "Bo");
}

/// RFC 7643 section 3.
#[tokio::test]
async fn schemas_name_the_type_and_its_extensions() {
    let mut world = World::new().await;
    for bad in [json!(null), json!([]), json!(USER), json!([GROUP]), json!(["urn:unheard:of"]), json!([1]), json!({})] {
        refuse(&mut world, json!({ "schemas": bad }), "invalidSyntax").await;
    }
    let body = json!({ "userName": "never" });
    refusal(&world.post("/Users", &body).await, 400, "invalidSyntax");
    let extension = json!({ "department": "A" });
    for schemas in [json!([USER, ENTERPRISE]), json!([ENTERPRISE, USER]), json!([USER, ENTERPRISE, USER])] {
        check(
            &mut world,
            json!({ "schemas": schemas, ENTERPRISE: extension }),
            json!({ "/schemas": [USER, ENTERPRISE] }),
        )
        .await;
    }
    check(&mut world, json!({ "schemas": [USER, ENTERPRISE] }), json!({ "/schemas": [USER] })).await;
    // An unknown schema beside the right one is dropped, and so is its data.
    let more = json!({ "schemas": [USER, "urn:unheard:of"], "urn:unheard:of": { "a": 1 } });
    check(&mut world, more, json!({ "/schemas": [USER], "/urn:unheard:of": null })).await;
    for alias in ["urn:scim:schemas:core:1.0", "urn:scim:schemas:core:2.0"] {
        check(&mut world, json!({ "schemas": [alias] }), json!({ "/schemas": [USER] })).await;
    }
    let short = "urn:scim:schemas:extension:enterprise:2.0";
    let more = json!({ "schemas": ["urn:scim:schemas:core:2.0", short], short: extension });
    check(&mut world, more, json!({ "/schemas": [USER, ENTERPRISE], format!("/{ENTERPRISE}"): extension })).await;
    let mut strict = World::strict().await;
    for bad in [json!([USER, "urn:unheard:of"]), json!(["urn:scim:schemas:core:1.0"])] {
        refuse(&mut strict, json!({ "schemas": bad }), "invalidSyntax").await;
    }
}

/// RFC 7643 section 2.5.
#[tokio::test]
async fn null_empty_and_absent_are_one_state_and_not_shown() {
    let mut world = World::new().await;
    for nothing in [json!(null), json!([])] {
        let more = json!({ "emails": nothing, "title": null, "name": { "givenName": null }, "addresses": [{}] });
        let path = world.someone(more).await;
        let shown = world.read(&path).await;
        for name in ["emails", "title", "name", "addresses", "groups", "password", "externalId", ENTERPRISE] {
            assert!(shown.get(name).is_none(), "{name}: {shown}");
        }
    }
    let group = world.group("Crew", &[]).await;
    assert!(world.read(&format!("/Groups/{group}")).await.get("members").is_none());
}

/// RFC 7643 section 2.3.
#[tokio::test]
async fn values_have_the_type_of_their_attribute() {
    let mut world = World::with_badges().await;
    let badge = |name: &str, value: Value| json!({ "schemas": [USER, BADGE], BADGE: { name: value } });
    for (name, value) in [
        ("number", json!(-12)),
        ("weight", json!(1.5)),
        ("weight", json!(3)),
        ("since", json!("2026-02-28T23:59:59.5+02:00")),
        ("since", json!("2026-02-28T23:59:59Z")),
        ("photo", json!("aGVsbG8=")),
        ("page", json!("https://x.example/a")),
        ("lost", json!(false)),
        ("code", json!("AbC")),
        ("tags", json!(["a", "b"])),
        ("site", json!({ "code": "a" })),
    ] {
        check(&mut world, badge(name, value.clone()), json!({ format!("/{BADGE}/{name}"): value })).await;
    }
    for (name, value) in [
        ("number", json!(1.5)),
        ("number", json!("1")),
        ("number", json!(true)),
        ("weight", json!("1.5")),
        ("since", json!("2026-02-28")),
        ("since", json!("2026-02-30T00:00:00Z")),
        ("since", json!(5)),
        ("photo", json!("not base64!")),
        ("photo", json!(7)),
        ("page", json!(7)),
        ("lost", json!("perhaps")),
        ("lost", json!(0)),
        ("code", json!({})),
        ("code", json!(["a"])),
        ("tags", json!([{ "value": "a" }])),
        ("site", json!("a")),
        ("site", json!([{ "code": "a" }])),
    ] {
        refuse(&mut world, badge(name, value), "invalidValue").await;
    }
    refuse(&mut world, json!({ "schemas": [USER, BADGE], BADGE: "x" }), "invalidValue").await;
    let number =
        format!("{{\"schemas\":[\"{USER}\",\"{BADGE}\"],\"userName\":\"never\",\"{BADGE}\":{{\"number\":1e3}}}}");
    refusal(&world.raw_body("POST", "/Users", number).await, 400, "invalidValue");
}

/// RFC 7643 section 2.3.2; text in the place of a boolean is one provider's habit.
#[tokio::test]
async fn booleans_are_booleans() {
    let mut world = World::new().await;
    for (said, meant) in [(json!("True"), true), (json!("FALSE"), false), (json!(true), true)] {
        check(&mut world, json!({ "active": said }), json!({ "/active": meant })).await;
    }
    for bad in [json!("yes"), json!("1"), json!(1), json!(""), json!([true, false]), json!({})] {
        refuse(&mut world, json!({ "active": bad }), "invalidValue").await;
    }
    let mut strict = World::strict().await;
    refuse(&mut strict, json!({ "active": "True" }), "invalidValue").await;
    refuse(&mut strict, json!({ "emails": [{ "value": "a@x.example", "primary": "true" }] }), "invalidValue").await;
}

/// Numbers in the place of plain text become text; names are never guessed.
#[tokio::test]
async fn numbers_become_text_but_never_names() {
    let mut world = World::new().await;
    let more = json!({ "externalId": 42, "schemas": [USER, ENTERPRISE], ENTERPRISE: { "employeeNumber": 701984 } });
    let number = format!("/{ENTERPRISE}/employeeNumber");
    check(&mut world, more, json!({ "/externalId": "42", number: "701984" })).await;
    refuse(&mut world, json!({ "userName": 42 }), "invalidValue").await;
    for bad in [json!(42), json!(""), json!(null), json!(["x"])] {
        let answer = world.post("/Groups", &json!({ "schemas": [GROUP], "displayName": bad })).await;
        refusal(&answer, 400, "invalidValue");
    }
    let mut strict = World::strict().await;
    refuse(&mut strict, json!({ "externalId": 42 }), "invalidValue").await;
}

/// RFC 7643 section 2.4.
#[tokio::test]
async fn at_most_one_value_is_primary_and_none_comes_twice() {
    let mut world = World::new().await;
    let mail = |value: &str, primary: bool| json!({ "value": value, "type": "work", "primary": primary });
    refuse(&mut world, json!({ "emails": [mail("a@x.example", true), mail("b@x.example", true)] }), "invalidValue")
        .await;
    let path = world.someone(json!({ "emails": [mail("a@x.example", true)] })).await;
    let twice = user("someone1", json!({ "emails": [mail("a@x.example", true), mail("b@x.example", true)] }));
    refusal(&world.put(&path, &twice).await, 400, "invalidValue");
    refuse(&mut world, json!({ "emails": [mail("a@x.example", true), mail("a@x.example", true)] }), "invalidValue")
        .await;
}

/// RFC 7643 section 2.4: the same value under the same label is one value, and labels have their usual spelling.
#[tokio::test]
async fn repeated_pairs_collapse_and_labels_are_canonical() {
    let mut world = World::new().await;
    let pair = json!({ "value": "a@x.example", "type": "work" });
    check(&mut world, json!({ "emails": [pair, pair] }), json!({ "/emails": [pair] })).await;
    let two = json!([{ "value": "a@x.example", "type": "work" }, { "value": "a@x.example", "type": "home" }]);
    check(&mut world, json!({ "emails": two }), json!({ "/emails": two })).await;
    let loud = json!([{ "value": "a@x.example", "type": "WORK" }, { "value": "b@x.example", "type": "Ranch" }]);
    check(&mut world, json!({ "emails": loud }), json!({ "/emails/0/type": "work", "/emails/1/type": "Ranch" })).await;
}

/// RFC 7643 section 3.1.
#[tokio::test]
async fn the_server_owns_id_and_meta() {
    let mut world = World::new().await;
    let mut ids = std::collections::BTreeSet::new();
    let mine = json!({
        "id": "bulkId:mine", "groups": [{ "value": "x" }],
        "meta": { "resourceType": "Group", "created": "2001-01-01T00:00:00Z", "location": "http://x", "version": "W/\"1\"" }
    });
    for kind in ["User", "Group"] {
        for number in 0..4 {
            let mut body = match kind {
                "User" => user(&format!("u{number}"), json!({})),
                _ => group(&format!("g{number}"), &[]),
            };
            body.as_object_mut().unwrap().extend(mine.as_object().unwrap().clone());
            let shown = world.post(&format!("/{kind}s"), &body).await.expect(201).json();
            let id = text(&shown["id"]);
            assert!(!id.to_lowercase().contains("bulkid") && id != "mine");
            assert_eq!(shown["meta"]["resourceType"], kind);
            assert_eq!(shown["meta"]["location"], format!("{BASE}/{kind}s/{id}"));
            assert_eq!(shown["meta"]["created"], shown["meta"]["lastModified"]);
            assert_ne!(shown["meta"]["created"], "2001-01-01T00:00:00Z");
            assert!(shown.get("groups").is_none() && shown.get("externalId").is_none());
            assert!(ids.insert(id), "an id came twice");
        }
    }
    let gone = ids.first().unwrap().clone();
    let kind = if world.get(&format!("/Users/{gone}")).await.status == 200 { "Users" } else { "Groups" };
    world.delete(&format!("/{kind}/{gone}")).await.expect(204);
    for number in 0..8 {
        assert!(ids.insert(world.user(&format!("again{number}"), json!({})).await));
    }
}

/// RFC 7643 section 3.1.
#[tokio::test]
async fn created_and_last_modified_tell_the_truth() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let before = world.read(&path).await["meta"].clone();
    world.test.clock().advance(std::time::Duration::from_secs(90));
    let replaced = world.patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }])).await.expect(200);
    assert_eq!(replaced.at("/meta/created"), before["created"]);
    assert!(text(&replaced.at("/meta/lastModified")) > text(&before["lastModified"]));
}

/// RFC 7643 section 3.1: it is the client's, scoped to the client, and two resources may have the same.
#[tokio::test]
async fn external_ids_are_the_clients_and_need_not_be_unique() {
    let mut world = World::new().await;
    for name in ["ada", "bob"] {
        world.user(name, json!({ "externalId": "00u1" })).await;
    }
    assert_eq!(world.found("/Users", "externalId eq \"00u1\"").await, ["ada", "bob"]);
    let (_, token) = world.test.integration("second", bailiwick_domain::preset::Preset::Generic).await;
    let mut second = bailiwick_testkit::Client::new(world.test.address(), &token);
    let query = format!("/scim/v2/Users?filter={}", encode("externalId eq \"00u1\""));
    assert_eq!(second.get(&query).await.expect(200).at("/totalResults"), 0);
}

/// RFC 7643 sections 2.4 and 7: values come back as they were sent.
#[tokio::test]
async fn text_comes_back_byte_for_byte() {
    let mut world = World::new().await;
    let longest = "x".repeat(1_000);
    for name in ["  Ada\t", "AbC", "\u{1F469}\u{200D}\u{1F469}", "e\u{301}", "a\u{2028}b", "\u{E000}", &longest] {
        check(&mut world, json!({ "displayName": name }), json!({ "/displayName": name })).await;
        let id = world.group(name, &[]).await;
        assert_eq!(world.read(&format!("/Groups/{id}")).await["displayName"], name);
    }
    check(&mut world, json!({ "displayName": "" }), json!({ "/displayName": null })).await;
    refuse(&mut world, json!({ "displayName": "a\0b" }), "invalidValue").await;
}

/// RFC 7643 section 4.1.1, RFC 7644 section 5.
#[tokio::test]
async fn user_names_are_kept_as_they_are_and_unique_without_case() {
    let mut world = World::new().await;
    for name in ["Ada", "a b", "o'neil", "a,b/c\\d\"e#f&g%h|i+j:k", "<b>x</b>", "木村", "Ζωή", "ada@x.example"] {
        let id = world.user(name, json!({})).await;
        assert_eq!(world.read(&format!("/Users/{id}")).await["userName"], name);
        let filter = format!("userName eq {}", json!(name.to_uppercase()));
        assert_eq!(world.found("/Users", &filter).await, [name]);
        refusal(&world.post("/Users", &user(&name.to_lowercase(), json!({}))).await, 409, "uniqueness");
    }
    for (name, twin) in [("straße", "STRASSE"), ("ﬁnn", "finn"), ("Ｌｅｅ", "lee")] {
        world.user(name, json!({})).await;
        refusal(&world.post("/Users", &user(twin, json!({}))).await, 409, "uniqueness");
    }
    assert!(world.found("/Users", "userName eq \"strasse\"").await.is_empty());
    for bad in
        ["", " ", "a\nb", "a\u{7f}", "a\u{85}b", "\u{202e}ada", "a\u{200b}b", "a\u{2028}b", "a\u{fdd0}", " ada", "ada "]
    {
        refuse(&mut world, json!({ "userName": bad }), "invalidValue").await;
    }
    let rename = |name: &str| json!([{ "op": "replace", "path": "userName", "value": name }]);
    let path = world.someone(json!({})).await;
    refusal(&world.patch(&path, rename("ADA")).await, 409, "uniqueness");
    refusal(&world.patch(&path, rename("a\u{200b}b")).await, 400, "invalidValue");
    assert_eq!(world.patch(&path, rename("SomeOne1")).await.expect(200).at("/userName"), "SomeOne1");
}

/// RFC 7643 sections 4.1.1 and 9.2: accepted, and never seen again.
#[tokio::test]
async fn passwords_are_never_kept_shown_or_searched() {
    let mut world = World::new().await;
    let secret = "Tr0ub4dor-and-3";
    let created = world.post("/Users", &user("ada", json!({ "password": secret }))).await.expect(201);
    let path = format!("/Users/{}", created.id());
    let replaced = world.put(&path, &user("ada", json!({ "password": secret }))).await.expect(200);
    let operations = json!([{ "op": "replace", "path": "password", "value": secret }]);
    let patched = world.patch(&path, operations).await.expect(200);
    let asked = world.list(&path, &[("attributes", "password,userName")]).await.expect(200);
    for answer in [created, replaced, patched, asked] {
        assert!(!answer.text().contains("assword") && !answer.text().contains(secret), "{}", answer.text());
    }
    for filter in ["password pr", &format!("password eq \"{secret}\""), "PASSWORD sw \"T\""] {
        refusal(&world.list("/Users", &[("filter", filter)]).await, 400, "invalidFilter");
    }
    refusal(&world.list("/Users", &[("sortBy", "password")]).await, 400, "invalidPath");
    refuse(&mut world, json!({ "password": [secret] }), "invalidValue").await;
    assert_eq!(world.test.files_holding(secret), Vec::<String>::new());
}

/// RFC 7643 section 4.2.
#[tokio::test]
async fn members_are_ids_and_the_server_says_what_they_are() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({ "displayName": "Ada L." })).await;
    let inner = world.group("Inner", &[]).await;
    let body = json!({ "schemas": [GROUP], "displayName": "Outer", "members": [
        { "value": id, "type": "Group", "$ref": "https://evil.example/x", "display": "Eve" }, { "value": inner }
    ] });
    let created = world.post("/Groups", &body).await.expect(201);
    let shown = world.read(&format!("/Groups/{}", created.id())).await;
    let of =
        |id: &str| shown["members"].as_array().unwrap().iter().find(|member| member["value"] == id).unwrap().clone();
    assert_eq!(
        of(&id),
        json!({ "value": id, "$ref": format!("{BASE}/Users/{id}"), "type": "User", "display": "Ada L." })
    );
    assert_eq!(of(&inner)["$ref"], format!("{BASE}/Groups/{inner}"));
    assert_eq!(of(&inner)["type"], "Group");
    for member in shown["members"].as_array().unwrap() {
        let path = text(&member["$ref"]).replace(BASE, "");
        assert_eq!(world.read(&path).await["id"], member["value"]);
    }
    for bad in
        [json!([{ "value": NOBODY }]), json!(["x"]), json!([{}]), json!([{ "value": 1 }]), json!([{ "display": "x" }])]
    {
        let body = json!({ "schemas": [GROUP], "displayName": "Bad", "members": bad });
        refusal(&world.post("/Groups", &body).await, 400, "invalidValue");
    }
    assert_eq!(world.read("/Groups").await["totalResults"], 2);
    refusal(&world.post("/Groups", &json!({ "schemas": [GROUP] })).await, 400, "invalidValue");
    world.group("Outer", &[]).await;
}

/// RFC 7643 sections 4.1.2 and 4.2.
#[tokio::test]
async fn groups_of_a_user_are_a_view_of_direct_and_nested_membership() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let path = format!("/Users/{id}");
    let inner = world.group("Inner", &[&id]).await;
    let outer = world.group("Outer", &[&inner]).await;
    let groups = world.read(&path).await["groups"].clone();
    let of = |id: &str| groups.as_array().unwrap().iter().find(|group| group["value"] == id).unwrap().clone();
    assert_eq!(
        of(&inner),
        json!({ "value": inner, "$ref": format!("{BASE}/Groups/{inner}"), "display": "Inner", "type": "direct" })
    );
    assert_eq!(of(&outer)["type"], "indirect");
    let operations = json!([{ "op": "remove", "path": "groups" }]);
    refusal(&world.patch(&path, operations).await, 400, "mutability");
    let replaced = world.put(&path, &user("ada", json!({ "groups": [] }))).await.expect(200);
    assert_eq!(replaced.at("/groups").as_array().map(Vec::len), Some(2));
    world.delete(&format!("/Groups/{outer}")).await.expect(204);
    assert_eq!(world.read(&path).await["groups"].as_array().map(Vec::len), Some(1));
}

/// RFC 7643 section 4.2, RFC 7644 section 3.7.1: a circle of groups is taken or refused, and ends nothing.
#[tokio::test]
async fn circles_of_groups_do_not_loop() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let first = world.group("First", &[&id]).await;
    let second = world.group("Second", &[&first]).await;
    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": second }] }]);
    let answer = world.patch(&format!("/Groups/{first}"), add).await;
    assert!(matches!(answer.status, 200 | 204 | 400), "{}", answer.text());
    assert_eq!(world.read(&format!("/Users/{id}")).await["groups"].as_array().map(Vec::len), Some(2));
    world.delete(&format!("/Groups/{first}")).await.expect(204);
    assert!(world.read(&format!("/Users/{id}")).await.get("groups").is_none());
}

/// Depth is no reason to refuse a group.
#[tokio::test]
async fn groups_nested_very_deep_are_kept_and_shown() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let mut below = id.clone();
    for number in 0..40 {
        below = world.group(&format!("G{number}"), &[&below]).await;
    }
    assert_eq!(world.read("/Groups").await["totalResults"], 40);
    let groups = world.read(&format!("/Users/{id}")).await["groups"].as_array().unwrap().clone();
    assert!(groups.len() >= 32, "{}", groups.len());
    assert_eq!(groups.iter().filter(|group| group["type"] == "direct").count(), 1);
}

/// RFC 7643 section 4.3.
#[tokio::test]
async fn the_manager_is_completed_by_the_server() {
    let mut world = World::new().await;
    let boss = world.user("boss", json!({ "displayName": "The Boss" })).await;
    let all =
        json!({ "employeeNumber": "1", "costCenter": "2", "organization": "3", "division": "4", "department": "5" });
    let mut extension = all.clone();
    extension["manager"] = json!({ "value": boss, "displayName": "Eve", "$ref": "https://evil.example" });
    let path = world.someone(json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: extension })).await;
    let shown = world.read(&path).await[ENTERPRISE].clone();
    for (key, value) in all.as_object().unwrap() {
        assert_eq!(&shown[key], value);
    }
    let manager = json!({ "value": boss, "$ref": format!("{BASE}/Users/{boss}"), "displayName": "The Boss" });
    assert_eq!(shown["manager"], manager);
    // One who is not here yet is kept without a link that leads nowhere.
    let more = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": "later" } } });
    check(&mut world, more, json!({ format!("/{ENTERPRISE}/manager"): { "value": "later" } })).await;
    let nothing = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": "" } } });
    check(&mut world, nothing, json!({ format!("/{ENTERPRISE}/manager"): null })).await;
}

/// RFC 7643 section 4.1.2: what has a form that a machine relies on is checked; free text is kept as it is.
#[tokio::test]
async fn certificates_are_base64_and_photos_are_addresses() {
    let mut world = World::new().await;
    refuse(&mut world, json!({ "x509Certificates": [{ "value": "!!" }] }), "invalidValue").await;
    refuse(&mut world, json!({ "photos": [{ "value": 1 }] }), "invalidValue").await;
    let more = json!({
        "x509Certificates": [{ "value": "MIIDQzCC" }], "photos": [{ "value": "https://x.example/a.png", "type": "photo" }],
        "addresses": [{ "country": "DE", "type": "work" }], "locale": "de-DE", "timezone": "Europe/Berlin",
        "preferredLanguage": "de, en;q=0.8", "phoneNumbers": [{ "value": "tel:+49-30-1" }]
    });
    let expect = json!({
        "/x509Certificates": more["x509Certificates"], "/photos": more["photos"], "/addresses": more["addresses"],
        "/locale": "de-DE", "/timezone": "Europe/Berlin", "/preferredLanguage": "de, en;q=0.8",
        "/phoneNumbers": more["phoneNumbers"]
    });
    check(&mut world, more, expect).await;
}

/// RFC 7643 section 7, RFC 7644 sections 3.4.2.5 and 3.9.
#[tokio::test]
async fn what_is_returned_follows_the_schema() {
    let mut world = World::with_badges().await;
    let badge = json!({ "code": "c", "hint": "h", "pin": "1234", "seen": "x" });
    let body = user("ada", json!({ "schemas": [USER, BADGE], BADGE: badge }));
    let created = world.post("/Users", &body).await.expect(201);
    assert_eq!(created.at(&format!("/{BADGE}")), json!({ "code": "c", "hint": "h" }));
    let path = format!("/Users/{}", created.id());
    assert_eq!(world.read(&path).await[BADGE], json!({ "code": "c" }));
    let hint = format!("{BADGE}:hint");
    let asked = world.list(&path, &[("attributes", &hint)]).await.expect(200).json();
    assert_eq!(asked[BADGE], json!({ "hint": "h" }));
    let never = world.list(&path, &[("attributes", &format!("{BADGE}:pin,password"))]).await.expect(200);
    assert!(!never.text().contains("1234") && never.at(&format!("/{BADGE}")).is_null());
    let put = world.put(&path, &body).await.expect(200);
    assert_eq!(put.at(&format!("/{BADGE}/hint")), "h");
    let operations = json!([{ "op": "replace", "path": hint, "value": "i" }]);
    assert_eq!(world.patch(&path, operations).await.expect(200).at(&format!("/{BADGE}/hint")), "i");
    let always = world.list(&path, &[("excludedAttributes", "id,schemas,userName")]).await.expect(200).json();
    assert_eq!((always["id"].is_string(), always["schemas"].is_array()), (true, true));
    assert!(always.get("userName").is_none());
    assert_eq!(world.found("/Users", &format!("{BADGE}:code eq \"c\"")).await, ["ada"]);
    refusal(&world.list("/Users", &[("filter", &format!("{BADGE}:pin eq \"1234\""))]).await, 400, "invalidFilter");
}

/// What an index holds has a limit, the same on every engine; other text may be longer.
#[tokio::test]
async fn what_is_looked_up_has_a_length() {
    let mut world = World::new().await;
    let long = |length: usize| (0..length).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect::<String>();
    let number = |length| json!({ ENTERPRISE: { "employeeNumber": long(length) } });
    refuse(&mut world, json!({ "userName": long(2_001) }), "invalidValue").await;
    refuse(&mut world, json!({ "externalId": long(2_001) }), "invalidValue").await;
    refuse(&mut world, json!({ "displayName": long(2_001) }), "invalidValue").await;
    refuse(&mut world, json!({ "emails": [{ "value": long(2_001) }] }), "invalidValue").await;
    refuse(&mut world, number(2_001), "invalidValue").await;
    check(&mut world, number(2_000), json!({})).await;
    check(&mut world, json!({ "title": long(40_000) }), json!({ "/title": long(40_000) })).await;
    world.user(&long(2_000), json!({ "externalId": long(2_000), "displayName": long(2_000) })).await;
    let answer = world.post("/Groups", &group(&long(2_001), &[])).await;
    refusal(&answer, 400, "invalidValue");
}
