//! PATCH of members (RFC 7644 section 3.5.2, RFC 7643 section 4.2), and changes that are many or come at once.

use super::{add, remove, replace};
use crate::support::*;
use serde_json::{Value, json};

#[tokio::test]
async fn members_are_added_removed_and_replaced() {
    let mut world = World::new().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(world.user(name, json!({})).await);
    }
    let member = |index: usize| json!({ "value": ids[index] });
    let cases = [
        (add("members", json!([member(2)])), vec![0, 1, 2]),
        (add("members", member(2)), vec![0, 1, 2]),
        (add("members", json!([member(0), member(2), member(2)])), vec![0, 1, 2]),
        (json!([{ "op": "add", "value": { "members": [member(2)] } }]), vec![0, 1, 2]),
        (remove(&format!("members[value eq \"{}\"]", ids[0])), vec![1]),
        (json!([{ "op": "remove", "path": "members", "value": [member(0)] }]), vec![1]),
        (json!([{ "op": "Remove", "path": "members", "value": [member(2)] }]), vec![0, 1]),
        (remove("members"), vec![]),
        (remove("members[type eq \"User\"]"), vec![]),
        (remove("members[type eq \"Group\"]"), vec![0, 1]),
        (replace("members", json!([member(2)])), vec![2]),
        (json!([{ "op": "replace", "value": { "displayName": "Crew", "members": [member(1)] } }]), vec![1]),
        (
            json!([{ "op": "remove", "path": "members" }, { "op": "add", "path": "members", "value": [member(1)] }]),
            vec![1],
        ),
    ];
    for (operations, left) in cases {
        let path = format!("/Groups/{}", world.group("Crew", &[&ids[0], &ids[1]]).await);
        let answer = world.patch(&path, operations.clone()).await;
        assert_eq!(answer.status, 200, "{operations}: {}", answer.text());
        let mut expect: Vec<String> = left.into_iter().map(|index| ids[index].clone()).collect();
        expect.sort_unstable();
        assert_eq!(member_ids(&answer.json()), expect, "{operations}");
        assert_eq!(member_ids(&world.read(&path).await), expect, "{operations}");
    }
}

#[tokio::test]
async fn members_cannot_be_ghosts_or_turned_into_others() {
    let mut world = World::new().await;
    let (a, b) = (world.user("a", json!({})).await, world.user("b", json!({})).await);
    let path = format!("/Groups/{}", world.group("Crew", &[&a]).await);
    let before = world.read(&path).await;
    for (operations, scim_type) in [
        (add("members", json!([{ "value": b }, { "value": NOBODY }])), "invalidValue"),
        (replace("members", json!([{ "value": NOBODY }])), "invalidValue"),
        (add("members", json!([b])), "invalidValue"),
        (add("members", json!([{}])), "invalidValue"),
        (replace(&format!("members[value eq \"{a}\"].value"), json!(b)), "mutability"),
        (replace(&format!("members[value eq \"{a}\"]"), json!({ "value": b })), "mutability"),
        (replace("members.value", json!(b)), "mutability"),
        (add(&format!("members[value eq \"{a}\"].display"), json!("x")), "mutability"),
    ] {
        refusal(&world.patch(&path, operations).await, 400, scim_type);
        assert_eq!(world.read(&path).await, before);
    }
}

/// Two changes without a precondition both happen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_once_are_both_kept() {
    let mut world = World::new().await;
    let path = world.someone(json!({})).await;
    let mut tasks = Vec::new();
    for name in ["title", "nickName", "userType", "locale", "timezone", "displayName"] {
        let (mut client, path) = (world.test.client(), format!("/scim/v2{path}"));
        tasks.push(tokio::spawn(async move {
            client.patch(&path, &patch_op(add(name, json!(name)))).await.expect(200);
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let shown = world.read(&path).await;
    for name in ["title", "nickName", "userType", "locale", "timezone", "displayName"] {
        assert_eq!(shown[name], name);
    }
}

/// RFC 7644 section 3.5: how long a list is does not make a change dearer than its length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_members_and_two_thousand_operations_fit_in_one_call() {
    let mut world = World::new().await;
    let mut ids = Vec::new();
    for part in 0..10 {
        let post = |number: u32| json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": user(&format!("u{part}-{number}"), json!({})) });
        let operations: Vec<Value> = (0..1_000).map(post).collect();
        let body =
            json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
        let done = world.post("/Bulk", &body).await.expect(200).json();
        let id = |result: &Value| text(&result["location"]).rsplit('/').next().unwrap().to_owned();
        ids.extend(done["Operations"].as_array().unwrap().iter().map(id));
    }
    let members: Vec<Value> = ids.iter().map(|id| json!({ "value": id })).collect();
    let path = format!("/Groups/{}", world.group("Everyone", &[]).await);
    let begun = tokio::time::Instant::now();
    let answer = world.patch(&path, add("members", json!(members))).await;
    assert!(matches!(answer.status, 200 | 204), "{}", answer.status);
    assert_eq!(world.read(&path).await["members"].as_array().map(Vec::len), Some(10_000));
    let each = |id: &String| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    let operations: Vec<Value> = ids.iter().take(2_000).map(each).collect();
    world.patch(&path, json!(operations)).await.expect(204);
    assert_eq!(world.read(&path).await["members"].as_array().map(Vec::len), Some(8_000));
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}
