//! Bulk (RFC 7644 section 3.7).

use crate::support::*;
use bailiwick_testkit::Answer;
use serde_json::{Value, json};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

async fn bulk(world: &mut World, operations: Value) -> Answer {
    world.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations })).await
}

/// The results of a bulk request that was processed.
async fn results(world: &mut World, operations: Value) -> Vec<Value> {
    let answer = bulk(world, operations).await.expect(200);
    assert_eq!(answer.at("/schemas"), json!([BULK_RESPONSE]));
    answer.at("/Operations").as_array().unwrap().clone()
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": bulk_id, "data": data })
}

fn id_of(result: &Value) -> String {
    text(&result["location"]).rsplit('/').next().unwrap().to_owned()
}

fn by_bulk_id<'a>(results: &'a [Value], bulk_id: &str) -> &'a Value {
    results.iter().find(|result| result["bulkId"] == bulk_id).unwrap_or_else(|| panic!("no {bulk_id}: {results:?}"))
}

/// Holds the entry of a failed operation against RFC 7644 sections 3.7.3 and 3.12.
#[track_caller]
fn failed(result: &Value, status: &str, scim_type: &str) {
    assert_eq!(result["status"], status, "{result}");
    let error = &result["response"];
    assert_eq!(error["schemas"], json!([ERROR]), "{result}");
    assert_eq!(error["status"], status, "{result}");
    let expect = if scim_type.is_empty() { Value::Null } else { json!(scim_type) };
    assert_eq!(error["scimType"], expect, "{result}");
    assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{result}");
}

#[tokio::test]
async fn every_operation_has_a_result_with_place_and_version() {
    let mut world = World::new().await;
    let ids = [
        world.user("old", json!({})).await,
        world.user("older", json!({})).await,
        world.user("oldest", json!({})).await,
    ];
    let operations = json!([
        post("/Users", "new", user("new", json!({}))),
        { "method": "PUT", "path": format!("/Users/{}", ids[0]), "data": user("old", json!({ "title": "x" })) },
        { "method": "PATCH", "path": format!("/Users/{}", ids[1]), "bulkId": "mine", "data": patch_op(json!([{ "op": "add", "path": "title", "value": "y" }])) },
        { "method": "DELETE", "path": format!("/Users/{}", ids[2]) },
        { "method": "post", "path": "/Groups", "bulkId": "crew", "data": group("Crew", &[]) }
    ]);
    let done = results(&mut world, operations).await;
    let brief: Vec<(Value, Value)> =
        done.iter().map(|result| (result["method"].clone(), result["status"].clone())).collect();
    let expect = [("POST", "201"), ("PUT", "200"), ("PATCH", "200"), ("DELETE", "204"), ("POST", "201")];
    assert_eq!(brief, expect.map(|(method, status)| (json!(method), json!(status))));
    assert_eq!((&done[0]["bulkId"], &done[2]["bulkId"]), (&json!("new"), &json!("mine")));
    for (index, result) in done.iter().enumerate() {
        let location = text(&result["location"]);
        assert!(location.starts_with(BASE), "{location}");
        let read = world.get(location.trim_start_matches(BASE)).await;
        if index == 3 {
            refusal(&read, 404, "");
        } else {
            assert_eq!(read.expect(200).at("/meta/version"), result["version"], "{result}");
        }
    }
    assert_eq!(world.read(&format!("/Users/{}", ids[0])).await["title"], "x");
}

#[tokio::test]
async fn failures_are_told_and_the_rest_goes_on() {
    let mut world = World::new().await;
    let taken = world.user("taken", json!({})).await;
    let operations = json!([
        post("/Users", "a", user("taken", json!({}))),
        post("/Users", "b", json!({ "schemas": [USER] })),
        { "method": "DELETE", "path": format!("/Users/{NOBODY}") },
        { "method": "PATCH", "path": format!("/Users/{taken}"), "data": patch_op(json!([{ "op": "replace", "path": "unheard", "value": 1 }])) },
        { "method": "PUT", "path": format!("/Users/{taken}"), "version": "W/\"stale\"", "data": user("taken", json!({})) },
        post("/Users", "c", user("new", json!({})))
    ]);
    let done = results(&mut world, operations).await;
    failed(&done[0], "409", "uniqueness");
    failed(&done[1], "400", "invalidValue");
    failed(&done[2], "404", "");
    failed(&done[3], "400", "invalidPath");
    failed(&done[4], "412", "");
    assert_eq!(done[5]["status"], "201");
    // A creation that failed has no place; a change that failed says which resource it was about.
    assert!(done[0].get("location").is_none() && done[0].get("version").is_none());
    assert_eq!(done[3]["location"], format!("{BASE}/Users/{taken}"));
    assert_eq!(world.read("/Users").await["totalResults"], 2);
}

#[tokio::test]
async fn fail_on_errors_stops_after_that_many() {
    let mut world = World::new().await;
    world.user("taken", json!({})).await;
    let bad = |name: &str| post("/Users", name, user("taken", json!({})));
    let good = |name: &str| post("/Users", name, user(name, json!({})));
    for (most, expect) in [(json!(1), 2), (json!(2), 4), (json!(null), 5), (json!(9), 5), (json!(0), 5)] {
        let before = world.read("/Users").await["totalResults"].as_u64().unwrap();
        let name = |number: u32| format!("u{most}-{number}");
        let operations = json!([good(&name(1)), bad("x"), good(&name(2)), bad("y"), good(&name(3))]);
        let body = json!({ "schemas": [BULK], "failOnErrors": most, "Operations": operations });
        let done = world.post("/Bulk", &body).await.expect(200);
        let done = done.at("/Operations").as_array().unwrap().clone();
        assert_eq!(done.len(), expect, "{most}");
        let made = done.iter().filter(|result| result["status"] == "201").count() as u64;
        assert_eq!(world.read("/Users").await["totalResults"], before + made, "{most}");
    }
    for bad in [json!("1"), json!(1.5), json!(-1), json!(true), json!([])] {
        let body = json!({ "schemas": [BULK], "failOnErrors": bad, "Operations": [good("never")] });
        refusal(&world.post("/Bulk", &body).await, 400, "invalidValue");
    }
}

#[tokio::test]
async fn references_are_resolved_wherever_they_stand_and_in_any_order() {
    let mut world = World::new().await;
    let old = world.group("Old", &[]).await;
    let manager = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": "bulkId:boss" } } });
    let operations = json!([
        post("/Groups", "crew", group("Crew", &["bulkId:ada", "bulkId:boss"])),
        { "method": "PATCH", "path": format!("/Groups/{old}"), "data": patch_op(json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:ada" }] }])) },
        { "method": "PATCH", "path": "/Users/bulkId:ada", "data": patch_op(json!([{ "op": "add", "path": "title", "value": "x" }])) },
        { "method": "PATCH", "path": "/Groups/bulkId:crew", "data": patch_op(json!([{ "op": "remove", "path": "members[value eq \"bulkId:boss\"]" }])) },
        post("/Users", "ada", user("ada", manager)),
        post("/Groups", "outer", group("Outer", &["bulkId:crew"])),
        post("/Users", "boss", user("boss", json!({ "displayName": "bulkId is only a word" })))
    ]);
    let done = results(&mut world, operations).await;
    assert!(done.iter().all(|result| ["200", "201"].contains(&result["status"].as_str().unwrap())), "{done:?}");
    let [crew, ada, boss, outer] = ["crew", "ada", "boss", "outer"].map(|name| id_of(by_bulk_id(&done, name)));
    let shown = world.read(&format!("/Users/{ada}")).await;
    assert_eq!(shown[ENTERPRISE]["manager"]["value"], boss);
    assert_eq!(shown["title"], "x");
    assert_eq!(member_ids(&world.read(&format!("/Groups/{crew}")).await), std::slice::from_ref(&ada));
    assert_eq!(member_ids(&world.read(&format!("/Groups/{old}")).await), [ada]);
    assert_eq!(member_ids(&world.read(&format!("/Groups/{outer}")).await), [crew]);
    assert_eq!(world.read(&format!("/Users/{boss}")).await["displayName"], "bulkId is only a word");
}

#[tokio::test]
async fn circles_of_references_are_resolved() {
    let mut world = World::new().await;
    let operations =
        json!([post("/Groups", "a", group("A", &["bulkId:b"])), post("/Groups", "b", group("B", &["bulkId:a"])),]);
    let done = results(&mut world, operations).await;
    let made = done.iter().all(|result| result["status"] == "201");
    let refused = done.iter().all(|result| result["status"] == "409");
    assert!(made || refused, "{done:?}");
    assert_eq!(world.read("/Groups").await["totalResults"], if made { 2 } else { 0 });
    let managed = |by: &str| json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": format!("bulkId:{by}") } } });
    let operations =
        json!([post("/Users", "x", user("x", managed("y"))), post("/Users", "y", user("y", managed("x")))]);
    let done = results(&mut world, operations).await;
    let (x, y) = (id_of(&done[0]), id_of(&done[1]));
    assert_eq!(world.read(&format!("/Users/{x}")).await[ENTERPRISE]["manager"]["value"], y);
    assert_eq!(world.read(&format!("/Users/{y}")).await[ENTERPRISE]["manager"]["value"], x);
}

#[tokio::test]
async fn references_to_nothing_fail_and_leave_nothing_dangling() {
    let mut world = World::new().await;
    world.user("taken", json!({})).await;
    let manager = json!({ "schemas": [USER, ENTERPRISE], ENTERPRISE: { "manager": { "value": "bulkId:none" } } });
    let operations = json!([
        post("/Groups", "g", group("G", &["bulkId:none"])),
        post("/Users", "u", user("u", manager)),
        post("/Users", "bad", user("taken", json!({}))),
        post("/Groups", "h", group("H", &["bulkId:bad"])),
        post("/Groups", "i", group("I", &["bulkId:h"])),
        { "method": "DELETE", "path": "/Users/bulkId:none" }
    ]);
    let done = results(&mut world, operations).await;
    for index in [0, 1, 3, 4, 5] {
        failed(&done[index], "400", "invalidValue");
    }
    failed(&done[2], "409", "uniqueness");
    assert_eq!(world.read("/Groups").await["totalResults"], 0);
    assert_eq!(world.read("/Users").await["totalResults"], 1);
}

#[tokio::test]
async fn limits_are_named_when_they_are_crossed() {
    let mut world = World::new().await;
    let small: Vec<Value> = (0..1_001).map(|_| json!({ "method": "DELETE", "path": "/Users/x" })).collect();
    let many = bulk(&mut world, json!(small)).await;
    refusal(&many, 413, "");
    assert!(text(&many.at("/detail")).contains("1000"), "{}", many.text());
    let size = world.read("/ServiceProviderConfig").await["bulk"]["maxPayloadSize"].as_u64().unwrap();
    let body = format!(
        "{{\"schemas\":[\"{BULK}\"],\"Operations\":[],\"x\":\"{}\"}}",
        "y".repeat(usize::try_from(size).unwrap())
    );
    let large = world.raw_body("POST", "/Bulk", body).await;
    refusal(&large, 413, "");
    assert!(text(&large.at("/detail")).contains(&size.to_string()), "{}", large.text());
    let name = "z".repeat(60_000);
    let broad: Vec<Value> =
        (0..100).map(|n| post("/Users", &n.to_string(), user(&format!("u{n}"), json!({ "title": name })))).collect();
    assert_eq!(results(&mut world, json!(broad)).await.len(), 100);
}

#[tokio::test]
async fn malformed_messages_are_refused_whole() {
    let mut world = World::new().await;
    let sound = json!([post("/Users", "a", user("never", json!({})))]);
    for body in [
        json!({ "Operations": sound }),
        json!({ "schemas": [], "Operations": sound }),
        json!({ "schemas": BULK, "Operations": sound }),
        json!({ "schemas": [PATCH_OP], "Operations": sound }),
        json!({ "schemas": [BULK] }),
        json!({ "schemas": [BULK], "Operations": {} }),
        json!([]),
    ] {
        refusal(&world.post("/Bulk", &body).await, 400, "invalidSyntax");
    }
    assert_eq!(world.read("/Users").await["totalResults"], 0);
}

#[tokio::test]
async fn malformed_operations_fail_one_by_one() {
    let mut world = World::new().await;
    let id = world.user("ada", json!({})).await;
    let path = format!("/Users/{id}");
    let before = world.read(&path).await;
    let data = user("never", json!({}));
    let bad = [
        json!({ "method": "POST", "path": "/Users", "data": data }),
        json!({ "method": "POST", "path": "/Users", "bulkId": "", "data": data }),
        json!({ "method": "POST", "path": "/Users", "bulkId": "b" }),
        json!({ "method": "POST", "path": path, "bulkId": "b", "data": data }),
        json!({ "method": "GET", "path": path }),
        json!({ "method": "HEAD", "path": path }),
        json!({ "method": "OPTIONS", "path": path }),
        json!({ "path": path }),
        json!({ "method": "DELETE" }),
        json!({ "method": "DELETE", "path": "/Users" }),
        json!({ "method": "PUT", "path": path }),
        json!({ "method": "PATCH", "path": path, "data": "x" }),
        json!({ "method": "PATCH", "path": path, "data": { "Operations": [] } }),
        json!({ "method": "POST", "path": "/Bulk", "bulkId": "b", "data": { "schemas": [BULK], "Operations": [] } }),
        json!({ "method": "POST", "path": "/Users/.search", "bulkId": "b", "data": {} }),
        json!({ "method": "DELETE", "path": format!("{BASE}{path}") }),
        json!({ "method": "DELETE", "path": format!("/../v2{path}") }),
        json!({ "method": "DELETE", "path": format!("/Users/../Users/{id}") }),
        json!({ "method": "DELETE", "path": format!("/Users/{id}/..") }),
        json!({ "method": "DELETE", "path": "/Schemas/x" }),
        json!({ "method": "DELETE", "path": 5 }),
        json!("x"),
        json!(null),
    ];
    let done = results(&mut world, json!(bad)).await;
    assert_eq!(done.len(), bad.len());
    for (result, sent) in done.iter().zip(&bad) {
        let status = text(&result["status"]);
        assert!(status.starts_with('4'), "{sent}: {result}");
        let scim_type = result["response"]["scimType"].as_str().unwrap_or_default().to_owned();
        failed(result, &status, &scim_type);
    }
    assert_eq!(world.read(&path).await, before);
    assert_eq!(world.read("/Users").await["totalResults"], 1);
    let twice =
        json!([post("/Users", "same", user("first", json!({}))), post("/Users", "same", user("second", json!({})))]);
    let done = results(&mut world, twice).await;
    failed(&done[1], "400", "invalidSyntax");
}

#[tokio::test]
async fn a_version_is_a_precondition() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let version = text(&world.read(&path).await["meta"]["version"]);
    let patch = |version: &str, title: &str| json!({ "method": "PATCH", "path": path, "version": version, "data": patch_op(json!([{ "op": "add", "path": "title", "value": title }])) });
    let done = results(&mut world, json!([patch(&version, "a"), patch(&version, "b"), patch("*", "c")])).await;
    assert_eq!(done[0]["status"], "200");
    failed(&done[1], "412", "");
    assert_eq!(done[2]["status"], "200");
    let stale = json!([{ "method": "DELETE", "path": path, "version": version }]);
    failed(&results(&mut world, stale).await[0], "412", "");
    let current = world.read(&path).await;
    assert_eq!(current["title"], "c");
    assert_ne!(done[0]["version"], json!(version));
    let fresh = json!([{ "method": "DELETE", "path": path, "version": current["meta"]["version"] }]);
    assert_eq!(results(&mut world, fresh).await[0]["status"], "204");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_of_three_hundred_forward_references_is_quick() {
    let mut world = World::new().await;
    let link = |number: u32| {
        let members = if number == 299 { vec![] } else { vec![format!("bulkId:g{}", number + 1)] };
        let members: Vec<&str> = members.iter().map(String::as_str).collect();
        post("/Groups", &format!("g{number}"), group(&format!("G{number}"), &members))
    };
    let begun = tokio::time::Instant::now();
    let done = results(&mut world, (0..300).map(link).collect()).await;
    assert!(done.iter().all(|result| result["status"] == "201"));
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    for (number, result) in done.iter().enumerate() {
        assert_eq!(result["bulkId"], format!("g{number}"));
    }
    let second = id_of(&done[1]);
    assert_eq!(member_ids(&world.read(&format!("/Groups/{}", id_of(&done[0]))).await), [second]);
}

/// What is not part of a reference stays text, and a failed operation undoes nothing but itself.
#[tokio::test]
async fn operations_on_one_resource_keep_their_order() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let set = |title: &str| json!({ "method": "PATCH", "path": path, "data": patch_op(json!([{ "op": "replace", "path": "title", "value": title }])) });
    let operations = json!([
        set("a"), set("b"), post("/Users", "n", user("n", json!({}))), set("c"),
        { "method": "DELETE", "path": path }, set("d"), post("/Users", "m", user("someone1", json!({})))
    ]);
    let done = results(&mut world, operations).await;
    let statuses: Vec<String> = done.iter().map(|result| text(&result["status"])).collect();
    assert_eq!(statuses, ["200", "200", "201", "200", "204", "404", "201"]);
}
