//! Paging by cursor (RFC 9865).

use crate::support::*;
use bailiwick_domain::preset::Preset;
use bailiwick_testkit::Client;
use serde_json::{Value, json};
use std::time::Duration;

async fn seven() -> World {
    let mut world = World::new().await;
    for number in 1..=7 {
        world.user(&format!("u{number}"), json!({ "title": if number % 2 == 0 { "even" } else { "odd" } })).await;
    }
    world
}

async fn page(world: &mut World, more: &[(&str, &str)], cursor: &str) -> Value {
    let mut query = vec![("cursor", cursor), ("count", "3")];
    query.extend(more);
    world.list("/Users", &query).await.expect(200).json()
}

/// All names by cursor, in order, and the cursors.
async fn walk(world: &mut World, more: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (mut seen, mut cursors, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = page(world, more, &cursor).await;
        seen.extend(names(&page));
        assert!(names(&page).len() <= 3);
        match page.get("nextCursor") {
            Some(next) => cursor = text(next),
            None => return (seen, cursors),
        }
        cursors.push(cursor.clone());
        assert!(cursors.len() < 10, "the pages do not end");
    }
}

/// RFC 9865 section 2.
#[tokio::test]
async fn every_page_but_the_last_leads_on() {
    let mut world = seven().await;
    let first = page(&mut world, &[], "").await;
    assert_eq!(first["schemas"], json!([LIST]));
    assert_eq!((&first["totalResults"], &first["itemsPerPage"]), (&json!(7), &json!(3)));
    assert!(first.get("previousCursor").is_none() && first.get("startIndex").is_none());
    let (mut seen, cursors) = walk(&mut world, &[]).await;
    assert_eq!(cursors.len(), 2);
    seen.sort_unstable();
    assert_eq!(seen, ["u1", "u2", "u3", "u4", "u5", "u6", "u7"]);
    for cursor in &cursors {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(cursor.bytes().all(plain), "{cursor}");
        assert!(!cursor.contains("u3"));
    }
    let last = page(&mut world, &[], &cursors[1]).await;
    assert_eq!((names(&last).len(), last.get("nextCursor")), (1, None));
    let whole = world.list("/Users", &[("cursor", ""), ("count", "100")]).await.expect(200).json();
    assert_eq!((names(&whole).len(), whole.get("nextCursor")), (7, None));
    // A page that ends exactly at the end is the last one, or leads to an empty one.
    let exact = world.list("/Users", &[("cursor", ""), ("count", "7")]).await.expect(200).json();
    if let Some(next) = exact.get("nextCursor") {
        let next = text(next);
        let empty = world.list("/Users", &[("cursor", &next), ("count", "7")]).await.expect(200).json();
        assert_eq!((&empty["Resources"], empty.get("nextCursor")), (&json!([]), None));
    }
    let none = world.list("/Users", &[("cursor", ""), ("filter", "userName eq \"x\"")]).await.expect(200).json();
    assert_eq!((&none["totalResults"], none.get("nextCursor")), (&json!(0), None));
}

/// RFC 9865 section 2.1.
#[tokio::test]
async fn cursors_that_are_wrong_old_or_counted_badly_are_refused() {
    let mut world = seven().await;
    let cursor = text(&page(&mut world, &[], "").await["nextCursor"]);
    let cut = &cursor[1..];
    let mut turned = cursor.clone().into_bytes();
    turned[3] = if turned[3] == b'A' { b'B' } else { b'A' };
    let turned = String::from_utf8(turned).unwrap();
    for bad in ["x", "0", ".", "a.b", "%00", cut, &turned, &"z".repeat(5_000)] {
        refusal(&world.list("/Users", &[("cursor", bad)]).await, 400, "invalidCursor");
    }
    for count in ["x", "1.5", ""] {
        refusal(&world.list("/Users", &[("cursor", &cursor), ("count", count)]).await, 400, "invalidCount");
    }
    refusal(&world.list("/Users", &[("cursor", &cursor), ("startIndex", "1")]).await, 400, "invalidValue");
    let life = world.read("/ServiceProviderConfig").await["pagination"]["cursorTimeout"].as_u64().unwrap();
    world.test.clock().advance(Duration::from_secs(life - 60));
    page(&mut world, &[], &cursor).await;
    world.test.clock().advance(Duration::from_secs(120));
    refusal(&world.list("/Users", &[("cursor", &cursor)]).await, 400, "expiredCursor");
}

/// RFC 9865 section 2.4: who says nothing is paged by index, as ever.
#[tokio::test]
async fn the_index_is_the_default() {
    let mut world = seven().await;
    let config = world.read("/ServiceProviderConfig").await;
    assert_eq!(config["pagination"]["defaultPaginationMethod"], "index");
    let plain = world.list("/Users", &[("count", "3")]).await.expect(200).json();
    assert_eq!((&plain["startIndex"], plain.get("nextCursor")), (&json!(1), None));
}

/// RFC 9865 sections 2.2 and 3: a cursor belongs to its query, in the address as in a message.
#[tokio::test]
async fn a_cursor_belongs_to_its_query() {
    let mut world = seven().await;
    let query = [("filter", "title eq \"odd\""), ("sortBy", "userName"), ("sortOrder", "descending")];
    let mut first = vec![("cursor", ""), ("count", "2")];
    first.extend(query);
    let page = world.list("/Users", &first).await.expect(200).json();
    assert_eq!((names(&page), &page["totalResults"]), (vec!["u7".to_owned(), "u5".to_owned()], &json!(4)));
    let cursor = text(&page["nextCursor"]);
    for other in [
        vec![("cursor", cursor.as_str())],
        vec![("cursor", &cursor), ("filter", "title eq \"even\""), query[1], query[2]],
        vec![("cursor", &cursor), query[0], ("sortBy", "title"), query[2]],
        vec![("cursor", &cursor), query[0], query[1]],
        vec![("cursor", &cursor), query[0], query[1], query[2], ("attributes", "title")],
    ] {
        refusal(&world.list("/Users", &other).await, 400, "invalidCursor");
    }
    refusal(&world.list("/Groups", &[("cursor", &cursor)]).await, 400, "invalidCursor");
    refusal(&world.list("", &[("cursor", &cursor)]).await, 400, "invalidCursor");
    let mut message =
        json!({ "filter": query[0].1, "sortBy": "userName", "sortOrder": "descending", "cursor": cursor, "count": 2 });
    let searched = world.search("/Users", message.clone()).await.expect(200).json();
    assert_eq!(names(&searched), ["u3", "u1"]);
    message["sortOrder"] = json!("ascending");
    refusal(&world.search("/Users", message).await, 400, "invalidCursor");
}

/// RFC 9865 section 3.
#[tokio::test]
async fn pages_by_cursor_keep_the_order_asked_for() {
    let mut world = seven().await;
    let by = |order: &'static str| [("sortBy", "userName"), ("sortOrder", order)];
    let (ascending, _) = walk(&mut world, &by("ascending")).await;
    assert_eq!(ascending, ["u1", "u2", "u3", "u4", "u5", "u6", "u7"]);
    let (descending, _) = walk(&mut world, &by("descending")).await;
    assert!(descending.iter().eq(ascending.iter().rev()));
    let (titles, _) = walk(&mut world, &[("sortBy", "title")]).await;
    assert_eq!(titles.len(), 7);
    let mut halves = titles.chunks(3);
    let mut even = halves.next().unwrap().to_vec();
    even.sort_unstable();
    assert_eq!(even, ["u2", "u4", "u6"]);
    let (mut unset, _) = walk(&mut world, &[("sortBy", "nickName")]).await;
    unset.sort_unstable();
    unset.dedup();
    assert_eq!(unset.len(), 7);
}

/// What comes and goes between two pages makes no other resource appear twice or not at all.
#[tokio::test]
async fn pages_by_cursor_stand_firm_while_the_list_changes() {
    let mut world = seven().await;
    let sorted = [("sortBy", "userName")];
    let first = page(&mut world, &sorted, "").await;
    let gone = text(&first["Resources"][2]["id"]);
    world.delete(&format!("/Users/{gone}")).await.expect(204);
    world.user("u0", json!({})).await;
    let second = page(&mut world, &sorted, &text(&first["nextCursor"])).await;
    assert_eq!(names(&second), ["u4", "u5", "u6"]);
}

/// RFC 9865 section 5.
#[tokio::test]
async fn a_cursor_gives_no_rights() {
    let mut world = seven().await;
    let cursor = text(&page(&mut world, &[], "").await["nextCursor"]);
    let query = format!("/scim/v2/Users?cursor={cursor}&count=3");
    refusal(&world.test.anonymous().get(&query).await, 401, "");
    let (_, token) = world.test.integration("second", Preset::Generic).await;
    let mut second = Client::new(world.test.address(), &token);
    second.post("/scim/v2/Users", &user("other", json!({}))).await.expect(201);
    refusal(&second.get(&query).await, 400, "invalidCursor");
}

#[tokio::test]
async fn the_root_is_paged_by_cursor_too() {
    let mut world = seven().await;
    world.group("Crew", &[]).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for _ in 0..9 {
        let page = world.search("", json!({ "cursor": cursor, "count": 2 })).await.expect(200).json();
        assert_eq!(page["totalResults"], 8);
        seen.extend(names(&page));
        match page.get("nextCursor") {
            Some(next) => cursor = text(next),
            None => break,
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["Crew", "u1", "u2", "u3", "u4", "u5", "u6", "u7"]);
}
