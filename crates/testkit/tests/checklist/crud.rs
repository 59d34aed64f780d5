//! Create, read, replace, delete (RFC 7644 sections 3.3 to 3.6), and what no body may be.

use crate::support::*;
use serde_json::{Value, json};

/// RFC 7644 section 3.3.
#[tokio::test]
async fn a_creation_is_201_with_the_stored_resource_and_its_place() {
    let mut world = World::new().await;
    let id = world.user("member", json!({})).await;
    for (path, body) in [("/Users", user("ada", json!({ "title": "Dr" }))), ("/Groups", group("Crew", &[&id]))] {
        let created = world.post(path, &body).await.expect(201);
        let location = created.header("location").unwrap().to_owned();
        assert_eq!(created.at("/meta/location"), json!(location));
        assert_eq!(location, format!("{BASE}{path}/{}", created.id()));
        let read = world.get(&format!("{path}/{}", created.id())).await.expect(200);
        assert_eq!(created.json(), read.json());
        assert_eq!(created.header("etag"), read.header("etag"));
        assert_eq!(read.header("content-location").unwrap_or(&location), location);
    }
}

/// RFC 7644 section 3.3: what is the server's to say is ignored, not refused.
#[tokio::test]
async fn read_only_attributes_of_a_body_are_ignored() {
    for mut world in [World::new().await, World::strict().await] {
        let more = json!({ "id": "mine", "groups": [{ "value": "x" }], "meta": { "created": "x" } });
        let path = world.someone(more.clone()).await;
        assert_ne!(path, "/Users/mine");
        assert!(world.read(&path).await.get("groups").is_none());
        let replaced = world.put(&path, &user("someone1", more)).await.expect(200);
        assert_eq!(format!("/Users/{}", replaced.id()), path);
        assert!(replaced.at("/groups").is_null());
    }
}

/// RFC 7644 sections 3.3 and 3.12.
#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let mut world = World::new().await;
    let ada = world.user("ada", json!({})).await;
    let bob = world.user("bob", json!({ "title": "x" })).await;
    refusal(&world.post("/Users", &user("ADA", json!({}))).await, 409, "uniqueness");
    let before = world.read(&format!("/Users/{bob}")).await;
    refusal(&world.put(&format!("/Users/{bob}"), &user("Ada", json!({}))).await, 409, "uniqueness");
    assert_eq!(world.read(&format!("/Users/{bob}")).await, before);
    // One's own name in another case is no conflict.
    let renamed = world.put(&format!("/Users/{ada}"), &user("ADA", json!({}))).await.expect(200);
    assert_eq!(renamed.at("/userName"), "ADA");
    let shared = json!({ "emails": [{ "value": "same@x.example" }] });
    world.user("carol", shared.clone()).await;
    world.user("dave", shared).await;
}

/// RFC 7644 section 3.12.
#[tokio::test]
async fn what_is_required_must_be_there() {
    let mut world = World::new().await;
    let path = world.someone(json!({ "title": "x" })).await;
    let group = format!("/Groups/{}", world.group("Crew", &[]).await);
    for nothing in [json!({}), json!({ "userName": null }), json!({ "userName": "" }), json!({ "userName": "  " })] {
        let mut body = nothing.clone();
        body["schemas"] = json!([USER]);
        let before = world.read(&path).await;
        refusal(&world.post("/Users", &body).await, 400, "invalidValue");
        refusal(&world.put(&path, &body).await, 400, "invalidValue");
        assert_eq!(world.read(&path).await, before, "{nothing}");
    }
    refusal(&world.put(&group, &json!({ "schemas": [GROUP] })).await, 400, "invalidValue");
    assert_eq!(world.read("/Users").await["totalResults"], 1);
}

/// RFC 7644 section 3.12, RFC 8259.
#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let before = world.read(&path).await;
    let inside = |text: &str| format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"never\",{text}}}").into_bytes();
    let mut bodies: Vec<Vec<u8>> =
        ["", "{", "[]", "\"x\"", "null", "7", "{\"a\":1,}", "{'a':1}", "nonsense", "{} {}", "<a/>"]
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .collect();
    bodies.extend([
        inside("\"title\":NaN"),
        inside("\"title\":\"a\nb\""),
        inside("\"title\":\"\\ud800\""),
        inside("\"title\":\"a\" /* no */"),
        inside(&format!("\"title\":{}1{}", "[".repeat(100_000), "]".repeat(100_000))),
        inside(&format!("\"x\":{}{}", "{\"a\":".repeat(40), "1".to_owned() + &"}".repeat(40))),
        [inside("\"title\":\"a\""), b"x".to_vec()].concat(),
        [&inside("\"title\":\"a\"")[..40], b"\xff", &inside("\"title\":\"a\"")[40..]].concat(),
    ]);
    for body in bodies {
        for (method, path) in
            [("POST", "/Users"), ("PUT", &path), ("PATCH", &path), ("POST", "/Bulk"), ("POST", "/.search")]
        {
            let answer = world.raw_body(method, path, body.clone()).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            assert_eq!(answer.status, 400, "{method} {path} {shown}: {}", answer.text());
            refusal(&answer, 400, "invalidSyntax");
        }
    }
    assert_eq!(world.read(&path).await, before);
    assert_eq!(world.read("/Users").await["totalResults"], 1);
}

/// RFC 8259 section 4, RFC 7643 section 2.1: a key in another case is the same key.
#[tokio::test]
async fn keys_that_come_twice_are_refused() {
    let mut world = World::new().await;
    let path = world.someone(json!({ "title": "old" })).await;
    let before = world.read(&path).await;
    for twice in [
        "\"title\":\"a\",\"title\":\"b\"",
        "\"title\":\"a\",\"TITLE\":\"b\"",
        "\"name\":{\"givenName\":\"a\",\"GivenName\":\"b\"}",
        "\"emails\":[{\"value\":\"a@x.example\",\"Value\":\"b@x.example\"}]",
        "\"userName\":\"b\"",
    ] {
        let body = format!("{{\"schemas\":[\"{USER}\"],\"userName\":\"never\",{twice}}}");
        refusal(&world.raw_body("POST", "/Users", body.clone()).await, 400, "invalidSyntax");
        refusal(&world.raw_body("PUT", &path, body).await, 400, "invalidSyntax");
    }
    for twice in [
        "{\"op\":\"add\",\"op\":\"remove\",\"path\":\"title\",\"value\":\"x\"}",
        "{\"op\":\"add\",\"OP\":\"remove\",\"path\":\"title\",\"value\":\"x\"}",
        "{\"op\":\"add\",\"value\":{\"title\":\"x\",\"Title\":\"y\"}}",
    ] {
        let body = format!("{{\"schemas\":[\"{PATCH_OP}\"],\"Operations\":[{twice}]}}");
        refusal(&world.raw_body("PATCH", &path, body).await, 400, "invalidSyntax");
    }
    assert_eq!(world.read(&path).await, before);
}

/// RFC 7644 section 3.3: what no schema knows is dropped and the rest applied; who asks for strictness gets it.
#[tokio::test]
async fn unknown_attributes_are_dropped_or_refused_by_strictness() {
    let mut world = World::new().await;
    let more = json!({ "mailNickname": "x", "name": { "givenName": "A", "shoe": 1 }, "urn:unheard:of": { "a": 1 }, "title": "t" });
    let path = world.someone(more.clone()).await;
    let shown = world.read(&path).await;
    assert_eq!((&shown["name"], &shown["title"]), (&json!({ "givenName": "A" }), &json!("t")));
    assert!(shown.get("mailNickname").is_none() && shown.get("urn:unheard:of").is_none());
    let mut strict = World::strict().await;
    refusal(&strict.post("/Users", &user("ada", more)).await, 400, "invalidSyntax");
}

/// RFC 7644 section 3.12.
#[tokio::test]
async fn unknown_ids_are_404_for_every_method() {
    let mut world = World::new().await;
    let group = world.group("Crew", &[]).await;
    let longest = "x".repeat(2_000);
    for id in [NOBODY, "x", "..", "%00", "%2F", "bulkId:x", &group, &longest] {
        let path = format!("/Users/{id}");
        refusal(&world.get(&path).await, 404, "");
        refusal(&world.put(&path, &user("ada", json!({}))).await, 404, "");
        refusal(&world.patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }])).await, 404, "");
        refusal(&world.delete(&path).await, 404, "");
    }
    assert_eq!(world.read("/Users").await["totalResults"], 0);
    world.read(&format!("/Groups/{group}")).await;
}

/// RFC 7644 section 3.5.1.
#[tokio::test]
async fn a_replacement_replaces_everything_the_client_may_write() {
    let mut world = World::new().await;
    let full = json!({
        "title": "Dr", "nickName": "A", "name": { "givenName": "Ada" }, "externalId": "e1", "active": true,
        "emails": [{ "value": "a@x.example", "type": "work" }], "schemas": [USER, ENTERPRISE],
        ENTERPRISE: { "department": "R&D" }, "password": "secret word"
    });
    let path = world.someone(full).await;
    let before = world.read(&path).await;
    let body = user("someone1", json!({ "title": "Prof", "nickName": null, "emails": [] }));
    let replaced = world.put(&path, &body).await.expect(200);
    assert_eq!(replaced.at("/title"), "Prof");
    for gone in ["nickName", "name", "externalId", "emails", ENTERPRISE] {
        assert!(replaced.json().get(gone).is_none(), "{gone}");
    }
    assert_eq!(replaced.at("/schemas"), json!([USER]));
    for kept in ["/id", "/meta/created", "/meta/location"] {
        assert_eq!(replaced.at(kept), before.pointer(kept).cloned().unwrap(), "{kept}");
    }
    assert_eq!(world.read(&path).await, replaced.json());
}

/// RFC 7644 section 3.5.1.
#[tokio::test]
async fn a_replacement_sets_the_members_of_a_group() {
    let mut world = World::new().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(world.user(name, json!({})).await);
    }
    let path = format!("/Groups/{}", world.group("Crew", &[&ids[0], &ids[1]]).await);
    let replaced = world.put(&path, &group("Crew 2", &[&ids[1], &ids[2]])).await.expect(200);
    assert_eq!(replaced.at("/displayName"), "Crew 2");
    let mut expect = ids[1..].to_vec();
    expect.sort_unstable();
    assert_eq!(member_ids(&replaced.json()), expect);
    let ghost = world.put(&path, &group("Crew 3", &[&ids[0], NOBODY])).await;
    refusal(&ghost, 400, "invalidValue");
    assert_eq!(world.read(&path).await, replaced.json());
    world.put(&path, &json!({ "schemas": [GROUP], "displayName": "Empty" })).await.expect(200);
    assert!(world.read(&path).await.get("members").is_none());
}

/// RFC 7644 section 3.5.1: an immutable attribute may be set once and named again, never changed.
#[tokio::test]
async fn a_replacement_cannot_change_what_is_immutable() {
    let mut world = World::with_badges().await;
    let body =
        |issued: Value| user("someone1", json!({ "schemas": [USER, BADGE], BADGE: { "issued": issued, "code": "c" } }));
    let path = world.someone(json!({})).await;
    world.put(&path, &body(json!("2026"))).await.expect(200);
    world.put(&path, &body(json!("2026"))).await.expect(200);
    let before = world.read(&path).await;
    refusal(&world.put(&path, &body(json!("2027"))).await, 400, "mutability");
    assert_eq!(world.read(&path).await, before);
}

/// RFC 7644 section 3.6.
#[tokio::test]
async fn what_is_deleted_is_gone_everywhere_and_its_name_is_free() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({ "externalId": "e1" })).await;
    let path = format!("/Users/{id}");
    let crew = format!("/Groups/{}", world.group("Crew", &[&id]).await);
    let deleted = world.delete(&path).await.expect(204);
    assert!(deleted.body.is_empty() && deleted.header("content-type").is_none());
    refusal(&world.get(&path).await, 404, "");
    refusal(&world.delete(&path).await, 404, "");
    refusal(&world.patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }])).await, 404, "");
    refusal(&world.put(&path, &user("ada", json!({}))).await, 404, "");
    for filter in ["userName eq \"ada\"", "externalId eq \"e1\"", &format!("id eq \"{id}\"")] {
        assert!(world.found("/Users", filter).await.is_empty(), "{filter}");
    }
    assert!(world.read(&crew).await.get("members").is_none());
    assert!(world.found("/Groups", &format!("members.value eq \"{id}\"")).await.is_empty());
    assert_eq!(world.read("/Users").await["totalResults"], 0);
    let again = world.user("ada", json!({})).await;
    assert_ne!(again, id);
    world.delete(&crew).await.expect(204);
    refusal(&world.get(&crew).await, 404, "");
    world.group("Crew", &[&again]).await;
}

/// RFC 7644 section 3.2.
#[tokio::test]
async fn methods_that_are_not_offered_change_nothing() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let before = world.read(&path).await;
    for (method, path) in [
        ("PUT", "/Users"),
        ("PATCH", "/Users"),
        ("DELETE", "/Users"),
        ("POST", path.as_str()),
        ("GET", "/Bulk"),
        ("GET", "/Users/.search"),
        ("DELETE", "/"),
        ("TRACE", path.as_str()),
        ("PURGE", path.as_str()),
    ] {
        let body = if matches!(method, "PUT" | "PATCH" | "POST") { user("never", json!({})) } else { Value::Null };
        let answer = world.with_headers(method, path, &[], body).await;
        assert!(matches!(answer.status, 405 | 501), "{method} {path}: {}", answer.status);
        refusal(&answer, answer.status, "");
    }
    assert_eq!(world.read(&path).await, before);
    assert_eq!(world.read("/Users").await["totalResults"], 1);
}

/// RFC 9110 section 9.3.2.
#[tokio::test]
async fn a_head_request_answers_like_a_read_without_a_body() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let read = world.get(&path).await.expect(200);
    let head = world.with_headers("HEAD", &path, &[], Value::Null).await.expect(200);
    assert_eq!(head.header("etag"), read.header("etag"));
    assert!(head.body.is_empty());
    world.get("/Users/").await.expect(200);
}
