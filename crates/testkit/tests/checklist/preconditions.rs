//! Versions, /Me, errors and limits of calls (RFC 7644 sections 3.11, 3.12 and 3.14).

use crate::support::*;
use bailiwick_testkit::TestOptions;
use serde_json::{Value, json};

fn tag(resource: &Value) -> String {
    text(&resource["meta"]["version"])
}

#[tokio::test]
async fn the_tag_is_the_version_and_weak() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let group = world.group("Crew", &[&id]).await;
    for path in [format!("/Users/{id}"), format!("/Groups/{group}")] {
        let read = world.get(&path).await.expect(200);
        let version = tag(&read.json());
        assert_eq!(read.header("etag"), Some(version.as_str()));
        assert!(version.starts_with("W/\"") && version.ends_with('"') && version.len() > 4, "{version}");
        let written =
            world.patch(&path, json!([{ "op": "replace", "path": "externalId", "value": "x" }])).await.expect(200);
        assert_eq!(written.header("etag").map(Value::from), Some(written.at("/meta/version")));
        assert_ne!(written.at("/meta/version"), version);
    }
    let listed = world.read("/Users").await;
    assert_eq!(listed["Resources"][0]["meta"]["version"], world.read(&format!("/Users/{id}")).await["meta"]["version"]);
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let known = tag(&world.read(&path).await);
    let strong = known.trim_start_matches("W/").to_owned();
    let list = format!("\"other\", {known}");
    for (header, status) in [
        (known.as_str(), 304),
        (&list, 304),
        ("*", 304),
        (&strong, 304),
        ("\"other\"", 200),
        ("W/\"other\"", 200),
        ("garbage", 200),
    ] {
        let answer = world.with_headers("GET", &path, &[("if-none-match", header)], Value::Null).await.expect(status);
        assert_eq!(answer.body.is_empty(), status == 304, "{header}");
        assert_eq!(answer.header("etag"), Some(known.as_str()), "{header}");
    }
    world.patch(&path, json!([{ "op": "add", "path": "title", "value": "x" }])).await.expect(200);
    world.with_headers("GET", &path, &[("if-none-match", &known)], Value::Null).await.expect(200);
    refusal(&world.with_headers("GET", "/Users/none", &[("if-none-match", "*")], Value::Null).await, 404, "");
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let mut world = World::new().await;
    let member = world.user("member", json!({})).await;
    let group_path = format!("/Groups/{}", world.group("Crew", &[]).await);
    let user_path = world.someone(json!({})).await;
    for (path, put) in
        [(user_path, user("someone1", json!({ "title": "put" }))), (group_path, group("Put", &[&member]))]
    {
        let stale = tag(&world.read(&path).await);
        world.patch(&path, json!([{ "op": "replace", "path": "externalId", "value": "x" }])).await.expect(200);
        let before = world.read(&path).await;
        let (fresh, patch) = (tag(&before), patch_op(json!([{ "op": "replace", "path": "externalId", "value": "y" }])));
        let strong_other = "\"0000\"";
        for header in [stale.as_str(), strong_other, "W/\"0000\"", "garbage", ""] {
            for (method, body) in [("PUT", put.clone()), ("PATCH", patch.clone()), ("DELETE", Value::Null)] {
                refusal(&world.with_headers(method, &path, &[("if-match", header)], body).await, 412, "");
            }
        }
        assert_eq!(world.read(&path).await, before);
        let answer = world.with_headers("PATCH", &path, &[("if-match", &fresh)], patch.clone()).await.expect(200);
        let list = format!("W/\"0\", {}", tag(&answer.json()));
        world.with_headers("PUT", &path, &[("if-match", &list)], put).await.expect(200);
        world.with_headers("PATCH", &path, &[("if-match", "*")], patch).await.expect(200);
        world.with_headers("DELETE", &path, &[("if-match", "*")], Value::Null).await.expect(204);
    }
    let body = user("x", json!({}));
    refusal(&world.with_headers("PUT", &format!("/Users/{NOBODY}"), &[("if-match", "*")], body).await, 404, "");
}

#[tokio::test]
async fn the_version_changes_with_every_change_and_only_then() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({ "title": "x" })).await;
    let other = world.user("bob", json!({})).await;
    let (path, group) = (format!("/Users/{id}"), format!("/Groups/{}", world.group("Crew", &[]).await));
    let mut user_tags = vec![tag(&world.read(&path).await)];
    let mut group_tags = vec![tag(&world.read(&group).await)];
    for (change, to_user, to_group) in [
        (json!([{ "op": "replace", "path": "title", "value": "y" }]), true, false),
        (json!([{ "op": "replace", "path": "title", "value": "y" }]), false, false),
        (json!([{ "op": "replace", "path": "title", "value": "x" }]), true, false),
        (json!([{ "op": "remove", "path": "nickName" }]), false, false),
        (json!([{ "op": "replace", "path": "active", "value": false }]), true, false),
    ] {
        world.patch(&path, change.clone()).await.expect(200);
        let (user, group) = (tag(&world.read(&path).await), tag(&world.read(&group).await));
        assert_eq!(user_tags.last() != Some(&user), to_user, "{change}");
        assert_eq!(group_tags.last() != Some(&group), to_group, "{change}");
        if to_user {
            assert!(!user_tags.contains(&user), "a version came back");
            user_tags.push(user);
        }
    }
    for (change, changes) in [
        (json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]), true),
        (json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }]), false),
        (json!([{ "op": "remove", "path": format!("members[value eq \"{other}\"]") }]), false),
        (json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]), true),
        (json!([{ "op": "replace", "path": "displayName", "value": "New" }]), true),
    ] {
        world.patch(&group, change.clone()).await.expect(200);
        let now = tag(&world.read(&group).await);
        assert_eq!(!group_tags.contains(&now), changes, "{change}");
        assert_eq!(group_tags.last() != Some(&now), changes, "{change}");
        group_tags.push(now);
    }
    let put = world.read(&path).await;
    assert_eq!(world.put(&path, &put).await.expect(200).at("/meta"), put["meta"], "a replacement by the same");
}

/// What a User shows of its groups counts as a change of the User, and a member that goes as one of the group.
#[tokio::test]
async fn membership_counts_on_both_sides() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let (path, group) = (format!("/Users/{id}"), format!("/Groups/{}", world.group("Crew", &[]).await));
    let user_before = tag(&world.read(&path).await);
    world.patch(&group, json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])).await.expect(200);
    assert_ne!(tag(&world.read(&path).await), user_before);
    let group_before = tag(&world.read(&group).await);
    world.delete(&path).await.expect(204);
    assert_ne!(tag(&world.read(&group).await), group_before);
}

#[tokio::test]
async fn me_is_not_offered() {
    let mut world = World::new().await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let body = if matches!(method, "GET" | "DELETE") { Value::Null } else { user("ada", json!({})) };
        refusal(&world.with_headers(method, "/Me", &[], body).await, 501, "");
    }
    assert_eq!(world.read("/Users").await["totalResults"], 0);
}

/// RFC 7644 table 9 and RFC 9865 section 2.1: every word stands where it belongs.
#[tokio::test]
async fn errors_carry_the_word_that_fits() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let filter = |text: &'static str| [("filter", text)];
    let set = |path: &str, value: Value| json!([{ "op": "replace", "path": path, "value": value }]);
    refusal(&world.list("/Users", &filter("x")).await, 400, "invalidFilter");
    refusal(&world.list("", &[("sortBy", "id"), ("startIndex", "99999")]).await, 400, "tooMany");
    refusal(&world.post("/Users", &user("someone1", json!({}))).await, 409, "uniqueness");
    refusal(&world.patch(&path, set("id", json!("x"))).await, 400, "mutability");
    refusal(&world.raw_body("POST", "/Users", "{").await, 400, "invalidSyntax");
    refusal(&world.patch(&path, set("x", json!("x"))).await, 400, "invalidPath");
    refusal(&world.patch(&path, set("emails[value eq \"x\"].type", json!("x"))).await, 400, "noTarget");
    refusal(&world.patch(&path, set("active", json!("x"))).await, 400, "invalidValue");
    refusal(&world.client.get("/scim/v1/Users").await, 400, "invalidVers");
    refusal(&world.list("/Users", &[("cursor", "x")]).await, 400, "invalidCursor");
    refusal(&world.list("/Users", &[("cursor", ""), ("count", "x")]).await, 400, "invalidCount");
    refusal(&world.get("/Users/none").await, 404, "");
    refusal(&world.delete("/Users").await, 405, "");
}

/// RFC 6585 section 4: told when to come again, and nothing done.
#[tokio::test]
async fn who_calls_too_often_is_told_to_wait() {
    let options = TestOptions { rate_limit: Some(2), ..TestOptions::default() };
    let mut world = World::with(options).await;
    let mut slowed = None;
    for number in 0..40 {
        let answer = world.post("/Users", &user(&format!("u{number}"), json!({}))).await;
        if answer.status != 201 {
            slowed = Some((number, answer));
            break;
        }
    }
    let (made, answer) = slowed.expect("a limit of two a second is reached within forty calls");
    refusal(&answer, 429, "");
    let wait: u64 = answer.header("retry-after").and_then(|wait| wait.parse().ok()).unwrap();
    assert!(wait <= 60, "{wait}");
    tokio::time::sleep(std::time::Duration::from_secs(wait)).await;
    assert_eq!(world.read("/Users").await["totalResults"], made);
}
