//! What is large takes its time while all is well, and keeps nobody waiting when the database goes away in the middle.

use crate::bodies::{create, group, members, patch, user};
use crate::load::{BESIDES, users};
use crate::{BACK, PATIENCE, World, within};
use bailiwick_testkit::Answer;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const MANY: usize = 700;

/// Creates Users in bulk; gives the answer.
fn creations(names: impl Iterator<Item = String>) -> Value {
    let create = |name: String| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": user(&name) });
    let operations: Vec<Value> = names.map(create).collect();
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations })
}

/// A call that is under way when the database goes; it must have its answer while the database is still away.
async fn caught(world: &World, what: &str, head_start: Duration, call: (&str, &str, Option<Value>)) -> Answer {
    let (method, path, body) = call;
    let (method, path, mut client) = (method.to_owned(), path.to_owned(), world.client());
    // Its connection is there, and its token known.
    client.get("/scim/v2/ResourceTypes").await.expect(200);
    let begun = Instant::now();
    let body = body.map(|body| body.to_string().into());
    let calling = tokio::spawn(async move { client.send(&method, &path, &[], body).await });
    sleep(head_start).await;
    world.proxy.stall();
    let answer = calling.await.unwrap();
    let taken = begun.elapsed();
    world.proxy.resume();
    println!("{what}, {head_start:?}: {} after {taken:?}", answer.status);
    assert!(taken <= PATIENCE, "{what}: {} after {taken:?}", answer.status);
    if answer.status == 503 {
        assert!(answer.header("retry-after").is_some(), "{what}");
    }
    let mut client = world.client();
    let writes = async || matches!(client.post("/scim/v2/Users", &user(BESIDES)).await.status, 201 | 409);
    within(BACK, "written again", writes).await;
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn large_calls_do_not_hang() {
    let world = World::start().await;
    let mut client = world.client();
    let crew = create(&mut client, "/scim/v2/Groups", &group("Crew")).await;
    let path = format!("/scim/v2/Groups/{crew}");
    let made = client.post("/scim/v2/Bulk", &creations((0..MANY).map(|number| format!("u{number}")))).await.expect(200);
    assert!(made.at("/Operations").as_array().unwrap().iter().all(|operation| operation["status"] == "201"));
    let ids: Vec<String> = users(&world).await.into_values().collect();
    let everybody: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let all = patch(json!({ "op": "replace", "path": "members", "value": everybody }));
    let none = patch(json!({ "op": "remove", "path": "members" }));
    let mut expect = ids.clone();
    expect.sort();
    for (round, head_start) in [0, 5, 15, 30, 60].map(Duration::from_millis).into_iter().enumerate() {
        let shown = async || members(&world.client().get(&path).await.expect(200).json());
        let before = shown().await;
        let set = caught(&world, "all members", head_start, ("PATCH", &path, Some(all.clone()))).await;
        let after = shown().await;
        assert!(after == expect || set.status == 503 && after == before, "{}: {}", set.status, after.len());
        client.patch(&path, &all).await.expect(200);
        let read = caught(&world, "a large group", head_start, ("GET", &path, None)).await;
        assert!(read.status == 503 || members(&read.json()) == expect, "{}", read.status);
        let clear = caught(&world, "no members", head_start, ("PATCH", &path, Some(none.clone()))).await;
        let after = shown().await;
        assert!(after.is_empty() || clear.status == 503 && after == expect, "{}: {}", clear.status, after.len());
        let names = (0..200).map(|number| format!("bulk{round}-{number}"));
        let bulk = caught(&world, "bulk", head_start, ("POST", "/scim/v2/Bulk", Some(creations(names)))).await;
        let there = users(&world).await;
        for operation in bulk.at("/Operations").as_array().cloned().unwrap_or_default() {
            let name = operation["bulkId"].as_str().unwrap();
            match operation["status"].as_str().unwrap() {
                "201" => assert!(there.contains_key(name), "{name} was acknowledged"),
                status => assert_eq!(status, "503", "{operation}"),
            }
        }
    }
    world.sound().await;
}
