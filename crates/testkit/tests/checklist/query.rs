//! Sorting, index paging and the choice of attributes (RFC 7644 sections 3.4.2 to 3.4.3, 3.9).

use crate::support::*;
use bailiwick_testkit::Answer;
use serde_json::{Value, json};

async fn sorted(world: &mut World, by: &str, order: &str) -> Vec<String> {
    let query = [("sortBy", by), ("sortOrder", order)];
    let listed = world.list("/Users", &query).await.expect(200).json();
    let searched = world.search("/Users", json!({ "sortBy": by, "sortOrder": order })).await.expect(200).json();
    assert_eq!(listed, searched, "{by} {order}");
    names(&listed)
}

#[tokio::test]
async fn lists_are_sorted_by_type_case_and_presence() {
    let mut world = World::with_badges().await;
    let schemas = json!([USER, BADGE, ENTERPRISE]);
    for (name, more) in [
        ("b", json!({ "title": "beta", BADGE: { "number": 10, "code": "a", "since": "2026-01-01T00:00:00Z" } })),
        ("A", json!({ "title": "Alpha", BADGE: { "number": 9, "code": "B", "since": "2026-01-01T00:30:00+01:00" } })),
        ("c", json!({ "title": "gamma", "active": false, ENTERPRISE: { "department": "x" } })),
        ("é", json!({ "name": { "familyName": "Z" }, "active": true })),
    ] {
        let mut more = more;
        more["schemas"] = schemas.clone();
        world.user(name, more).await;
        world.test.clock().advance(std::time::Duration::from_secs(60));
    }
    let below = |name: &str| format!("{BADGE}:{name}");
    for (by, ascending) in [
        ("userName".to_owned(), ["A", "b", "c", "é"]),
        ("title".to_owned(), ["A", "b", "c", "é"]),
        ("meta.created".to_owned(), ["b", "A", "c", "é"]),
    ] {
        assert_eq!(sorted(&mut world, &by, "ascending").await, ascending, "{by}");
        let mut descending = ascending;
        descending.reverse();
        assert_eq!(sorted(&mut world, &by, "descending").await, descending, "{by}");
        assert_eq!(sorted(&mut world, &by, "DESCENDING").await, descending, "{by}");
        let default = world.list("/Users", &[("sortBy", &by)]).await.expect(200).json();
        assert_eq!(names(&default), ascending, "{by}");
    }
    // Who has no value comes last, or first when descending.
    for (by, first) in [
        (below("number"), vec!["A", "b"]),
        (below("code"), vec!["A", "b"]),
        (below("since"), vec!["A", "b"]),
        ("active".to_owned(), vec!["c"]),
        ("name.familyName".to_owned(), vec!["é"]),
        (format!("{ENTERPRISE}:department"), vec!["c"]),
        (format!("{USER}:name.familyName"), vec!["é"]),
    ] {
        let up = sorted(&mut world, &by, "ascending").await;
        assert!(up.iter().map(String::as_str).take(first.len()).eq(first.iter().copied()), "{by}: {up:?}");
        let down = sorted(&mut world, &by, "descending").await;
        assert!(down.iter().rev().map(String::as_str).take(first.len()).eq(first.iter().copied()), "{by}: {down:?}");
    }
}

#[tokio::test]
async fn of_several_values_the_primary_or_else_the_first_counts() {
    let mut world = World::new().await;
    let mail = |value: &str, primary: bool| json!({ "value": format!("{value}@x.example"), "primary": primary });
    world.user("one", json!({ "emails": [mail("a", false), mail("z", true)] })).await;
    world.user("two", json!({ "emails": [mail("b", false), mail("y", false)] })).await;
    world.user("three", json!({ "emails": [mail("c", true)] })).await;
    for by in ["emails", "emails.value"] {
        assert_eq!(sorted(&mut world, by, "ascending").await, ["two", "three", "one"], "{by}");
    }
}

#[tokio::test]
async fn what_cannot_be_sorted_by_is_refused() {
    let mut world = World::new().await;
    for by in ["unheard", "name", "password", "addresses", "emails[type eq \"work\"]", "urn:unheard:of:x"] {
        refusal(&world.list("/Users", &[("sortBy", by)]).await, 400, "invalidPath");
    }
    refusal(&world.list("/Users", &[("sortBy", "userName"), ("sortOrder", "upwards")]).await, 400, "invalidValue");
}

async fn seven() -> World {
    let mut world = World::new().await;
    for number in 1..=7 {
        world.user(&format!("u{number}"), json!({})).await;
    }
    world
}

#[tokio::test]
async fn pages_by_index_are_exact() {
    let mut world = seven().await;
    for (start, count, expect, shown_start) in [
        ("1", "3", 3, 1),
        ("4", "3", 3, 4),
        ("7", "3", 1, 7),
        ("8", "3", 0, 8),
        ("999999999999", "3", 0, 999_999_999_999_u64),
        ("0", "2", 2, 1),
        ("-5", "2", 2, 1),
        ("1", "0", 0, 1),
        ("1", "-1", 0, 1),
        ("1", "99999999999999999999", 7, 1),
    ] {
        let listed = world.list("/Users", &[("startIndex", start), ("count", count)]).await.expect(200).json();
        let message = json!({ "startIndex": start.parse::<i64>().unwrap_or(i64::MAX), "count": count.parse::<i64>().unwrap_or(i64::MAX) });
        assert_eq!(world.search("/Users", message).await.expect(200).json(), listed);
        assert_eq!(listed["totalResults"], 7, "{start} {count}");
        assert_eq!(listed["itemsPerPage"], expect, "{start} {count}");
        assert_eq!(listed["Resources"].as_array().map(Vec::len), Some(expect), "{start} {count}");
        assert_eq!(listed["startIndex"], shown_start, "{start} {count}");
    }
    let mut seen = Vec::new();
    for start in 1..=7 {
        let page = world.list("/Users", &[("startIndex", &start.to_string()), ("count", "1")]).await.expect(200);
        seen.extend(names(&page.json()));
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 7, "pages repeat or skip");
}

#[tokio::test]
async fn the_server_caps_a_page_at_its_maximum() {
    let mut world = World::new().await;
    for part in ["a", "b"] {
        let post = |number: u32| json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(&format!("{part}{number}"), json!({})) });
        let operations: Vec<Value> = (0..600).map(post).collect();
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        world.post("/Bulk", &body).await.expect(200);
    }
    let page = world.list("/Users", &[("count", "5000")]).await.expect(200).json();
    assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(1_200), &json!(1_000)));
    let usual = world.read("/Users").await;
    assert_eq!(usual["totalResults"], 1_200);
    assert!(usual["itemsPerPage"].as_u64().is_some_and(|size| size >= 100));
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let mut world = seven().await;
    for (name, value) in [
        ("count", "x"),
        ("count", "1.5"),
        ("count", ""),
        ("startIndex", "x"),
        ("startIndex", "1e3"),
        ("startIndex", ""),
    ] {
        refusal(&world.list("/Users", &[(name, value)]).await, 400, "invalidValue");
    }
    refusal(&world.list("/Users", &[("filter", "id pr"), ("filter", "id pr")]).await, 400, "invalidValue");
    refusal(&world.list("/Users", &[("count", "1"), ("COUNT", "2")]).await, 400, "invalidValue");
    refusal(&world.get("/Users?filter=%FF").await, 400, "invalidValue");
    for message in [
        json!({ "count": "x" }),
        json!({ "count": [] }),
        json!({ "filter": 5 }),
        json!({ "attributes": [5] }),
        json!({ "sortBy": {} }),
    ] {
        let answer = world.search("/Users", message.clone()).await;
        assert_eq!(answer.status, 400, "{message}: {}", answer.text());
        refusal(&answer, 400, "invalidValue");
    }
    refusal(&world.post("/Users/.search", &json!({ "filter": "id pr" })).await, 400, "invalidSyntax");
    refusal(&world.post("/Users/.search", &json!([])).await, 400, "invalidSyntax");
}

fn full() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "title": "Dr", "name": { "givenName": "Ada", "familyName": "L" },
        "emails": [{ "value": "a@x.example", "type": "work" }, { "value": "b@x.example", "type": "home" }],
        ENTERPRISE: { "department": "D", "division": "V" }
    })
}

/// The keys of the first resource of an answer, or of the resource it is.
fn shown(answer: &Answer) -> Value {
    let body = answer.json();
    match body.get("Resources") {
        Some(resources) => resources[0].clone(),
        None => body,
    }
}

#[tokio::test]
async fn attributes_name_what_is_returned() {
    let mut world = World::new().await;
    let path = world.someone(full()).await;
    for (names, expect) in [
        ("userName", json!({ "userName": "someone1" })),
        ("USERNAME,name.givenName", json!({ "userName": "someone1", "name": { "givenName": "Ada" } })),
        ("name", json!({ "name": { "givenName": "Ada", "familyName": "L" } })),
        ("emails.value", json!({ "emails": [{ "value": "a@x.example" }, { "value": "b@x.example" }] })),
        (&format!("{USER}:title"), json!({ "title": "Dr" })),
        (&format!("{ENTERPRISE}:department"), json!({ ENTERPRISE: { "department": "D" } })),
        (ENTERPRISE, json!({ ENTERPRISE: { "department": "D", "division": "V" } })),
        ("id", json!({})),
        ("nickName", json!({})),
        ("unheard", json!({})),
        (" title , id ", json!({ "title": "Dr" })),
    ] {
        let list: Vec<&str> = names.split(',').map(str::trim).collect();
        let single = world.list(&path, &[("attributes", names)]).await.expect(200);
        let listed = world.list("/Users", &[("attributes", names)]).await.expect(200);
        let searched = world.search("/Users", json!({ "attributes": list })).await.expect(200);
        for answer in [single, listed, searched] {
            let mut rest = shown(&answer);
            let rest = rest.as_object_mut().unwrap();
            assert!(rest.remove("id").is_some_and(|id| path.ends_with(id.as_str().unwrap())), "{names}");
            assert!(rest.remove("schemas").is_some_and(|schemas| schemas.is_array()), "{names}");
            assert_eq!(Value::Object(rest.clone()), expect, "{names}");
        }
    }
    let meta = world.list(&path, &[("attributes", "meta.location")]).await.expect(200).json();
    assert_eq!(meta["meta"], json!({ "location": format!("{BASE}{path}") }));
}

#[tokio::test]
async fn excluded_attributes_name_what_is_not_returned() {
    let mut world = World::new().await;
    let path = world.someone(full()).await;
    let whole = world.read(&path).await;
    for (names, gone) in [
        ("title", vec!["/title"]),
        ("NAME.familyName,emails.type", vec!["/name/familyName", "/emails/0/type"]),
        ("id,schemas,meta", vec!["/meta"]),
        (ENTERPRISE, vec!["/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]),
        (
            &format!("{ENTERPRISE}:division"),
            vec!["/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/division"],
        ),
        ("unheard", vec![]),
    ] {
        let mut expect = whole.clone();
        for pointer in gone {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            match expect.pointer_mut(parent).unwrap() {
                Value::Object(object) => drop(object.remove(key)),
                other => panic!("{other}"),
            }
            if pointer == "/emails/0/type" {
                expect["emails"][1].as_object_mut().unwrap().remove("type");
            }
        }
        let single = world.list(&path, &[("excludedAttributes", names)]).await.expect(200);
        let listed = world.list("/Users", &[("excludedAttributes", names)]).await.expect(200);
        assert_eq!(shown(&single), expect, "{names}");
        assert_eq!(shown(&listed), expect, "{names}");
    }
}

#[tokio::test]
async fn writes_take_the_choice_too_and_nobody_takes_both() {
    let mut world = World::new().await;
    let created =
        world.client.post("/scim/v2/Users?attributes=userName", &user("ada", full())).await.expect(201).json();
    assert_eq!((&created["userName"], created.get("title"), created.get("meta")), (&json!("ada"), None, None));
    let path = format!("/Users/{}", text(&created["id"]));
    let below = format!("/scim/v2{path}");
    let put = world
        .client
        .put(&format!("{below}?excludedAttributes=title,emails"), &user("ada", full()))
        .await
        .expect(200)
        .json();
    assert_eq!((put.get("title"), put.get("emails"), &put["name"]["givenName"]), (None, None, &json!("Ada")));
    let operations = patch_op(json!([{ "op": "add", "path": "nickName", "value": "x" }]));
    let patched = world.client.patch(&format!("{below}?attributes=nickName"), &operations).await.expect(200).json();
    assert_eq!((&patched["nickName"], patched.get("title")), (&json!("x"), None));
    let both = "attributes=title&excludedAttributes=name";
    let before = world.read(&path).await;
    refusal(&world.get(&format!("{path}?{both}")).await, 400, "invalidValue");
    refusal(&world.get(&format!("/Users?{both}")).await, 400, "invalidValue");
    refusal(&world.client.post(&format!("/scim/v2/Users?{both}"), &user("bob", json!({}))).await, 400, "invalidValue");
    refusal(&world.client.patch(&format!("{below}?{both}"), &operations).await, 400, "invalidValue");
    refusal(
        &world.search("/Users", json!({ "attributes": ["title"], "excludedAttributes": ["name"] })).await,
        400,
        "invalidValue",
    );
    assert_eq!(world.read(&path).await, before);
    assert_eq!(world.read("/Users").await["totalResults"], 1);
}

#[tokio::test]
async fn members_can_be_left_out() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let path = format!("/Groups/{}", world.group("Crew", &[&id]).await);
    let without = world.list(&path, &[("excludedAttributes", "members")]).await.expect(200).json();
    assert!(without.get("members").is_none() && without["displayName"] == "Crew");
    let listed = world.list("/Groups", &[("excludedAttributes", "members")]).await.expect(200).json();
    assert!(listed["Resources"][0].get("members").is_none());
    let values = world.list(&path, &[("attributes", "members.value")]).await.expect(200).json();
    assert_eq!(values["members"], json!([{ "value": id }]));
    let groups = world.list(&format!("/Users/{id}"), &[("attributes", "groups.display")]).await.expect(200).json();
    assert_eq!(groups["groups"], json!([{ "display": "Crew" }]));
}

#[tokio::test]
async fn the_root_answers_for_all_types() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({ "displayName": "M" })).await;
    world.group("Crew", &[&id]).await;
    world.group("Zoo", &[]).await;
    let all = world.read("/").await;
    assert_eq!((&all["totalResults"], &all["schemas"]), (&json!(3), &json!([LIST])));
    assert_eq!(world.search("", json!({})).await.expect(200).json(), all);
    for (filter, expect) in [
        ("meta.resourceType eq \"User\"", vec!["ada"]),
        ("meta.resourceType eq \"Group\"", vec!["Crew", "Zoo"]),
        ("displayName eq \"m\" or displayName eq \"zoo\"", vec!["Zoo", "ada"]),
        ("meta.resourceType eq \"Group\" and displayName sw \"c\"", vec!["Crew"]),
        (&format!("id eq \"{id}\""), vec!["ada"]),
        (&format!("schemas eq \"{GROUP}\""), vec!["Crew", "Zoo"]),
    ] {
        assert_eq!(world.found("", filter).await, expect, "{filter}");
    }
    let sorted = world.list("", &[("sortBy", "displayName")]).await.expect(200).json();
    assert_eq!(names(&sorted), ["Crew", "ada", "Zoo"]);
    let mut seen = Vec::new();
    for start in ["1", "2", "3", "4"] {
        let page = world.list("", &[("startIndex", start), ("count", "1")]).await.expect(200).json();
        assert_eq!(page["totalResults"], 3);
        seen.extend(names(&page));
    }
    seen.sort_unstable();
    assert_eq!(seen, ["Crew", "Zoo", "ada"]);
    let some = world.search("", json!({ "attributes": ["displayName"], "count": 1 })).await.expect(200).json();
    assert_eq!(some["itemsPerPage"], 1);
    assert!(some["Resources"][0].get("meta").is_none());
}

#[tokio::test]
async fn an_empty_list_has_its_resources() {
    let mut world = World::new().await;
    for path in ["/Users", "/Groups", "/", "/Users/"] {
        let empty = world.read(path).await;
        assert_eq!(empty["Resources"], json!([]), "{path}");
        assert_eq!(empty["totalResults"], 0, "{path}");
    }
}

/// Queries as a form encodes them.
#[tokio::test]
async fn a_plus_is_a_space_unless_strict() {
    let mut world = World::new().await;
    world.user("ada+1", json!({})).await;
    let form = world.get("/Users?filter=userName+eq+%22ada%2B1%22&").await.expect(200);
    assert_eq!(form.at("/totalResults"), 1);
    let mut strict = World::strict().await;
    refusal(&strict.get("/Users?filter=userName+eq+%22ada%2B1%22").await, 400, "invalidFilter");
}
