//! Everything at once from both sides: trouble between transactions stays inside.

use crate::bodies::{add, create, group, members, remove, set, user};
use crate::{Two, sound};
use bailiwick_testkit::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

const GROUPS: usize = 4;
const SHARED: usize = 24;

/// What all of them change.
struct World {
    groups: Vec<String>,
    users: Vec<String>,
}

fn bulk(worker: usize, number: usize, world: &World) -> Value {
    let group = &world.groups[number % GROUPS];
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": "u", "data": user(&format!("bulk{worker}-{number}")) },
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "displayName": format!("bulk {worker}-{number}"),
                "members": [{ "value": "bulkId:u" }],
            } },
            { "method": "PATCH", "path": format!("/Groups/{group}"), "data": add("bulkId:u") },
            { "method": "DELETE", "path": "/Groups/bulkId:g" },
        ],
    })
}

/// One worker's calls until the time is over: how often which status came.
async fn work(mut client: Client, worker: usize, world: Arc<World>, until: Instant) -> BTreeMap<u16, usize> {
    let mut statuses = BTreeMap::new();
    let mut number = 0;
    while Instant::now() < until {
        let pick = |count: usize| (number * 7 + worker * 3) % count;
        let group = format!("/scim/v2/Groups/{}", world.groups[pick(GROUPS)]);
        let id = &world.users[pick(SHARED)];
        let shared = format!("/scim/v2/Users/{id}");
        let own = user(&format!("own{worker}-{number}"));
        let answer = match number % 12 {
            0 => client.post("/scim/v2/Users", &user(&format!("shared{}", number % 7))).await,
            1 => client.patch(&group, &add(id)).await,
            2 => client.patch(&shared, &set("nickName", format!("{worker}-{number}"))).await,
            3 => client.patch(&group, &remove(id)).await,
            4 => client.patch(&shared, &set("active", number % 24 == 4)).await,
            5 => client.put(&shared, &user(&format!("u{}", pick(SHARED)))).await,
            6 => client.patch(&group, &set("displayName", format!("G {worker}-{number}"))).await,
            7 => client.get("/scim/v2/Users?filter=active%20eq%20true&count=20&sortBy=userName").await,
            8 => client.post("/scim/v2/Bulk", &bulk(worker, number, &world)).await,
            9 => client.get(&group).await,
            10 => {
                let members: Vec<Value> = world.users[..pick(SHARED)].iter().map(|id| json!({ "value": id })).collect();
                client.patch(&group, &set("members", members)).await
            }
            _ => {
                let answer = client.post("/scim/v2/Users", &own).await;
                if answer.status == 201 {
                    let id = answer.at("/id").as_str().unwrap().to_owned();
                    client.patch(&group, &add(&id)).await.expect(200);
                    client.delete(&format!("/scim/v2/Users/{id}")).await
                } else {
                    answer
                }
            }
        };
        let allowed = matches!(answer.status, 200 | 201 | 204 | 400 | 404 | 409);
        assert!(allowed, "worker {worker}, call {number}: {} {}", answer.status, answer.text());
        if number % 12 == 8 {
            for operation in answer.at("/Operations").as_array().unwrap() {
                assert!(operation["status"].as_str().unwrap() < "500", "{operation}");
            }
        }
        *statuses.entry(answer.status).or_insert(0) += 1;
        number += 1;
    }
    statuses
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn no_client_hears_of_trouble_between_transactions() {
    let two = Two::start().await;
    let (mut client, mut groups, mut users) = (two.client(0), Vec::new(), Vec::new());
    for number in 0..GROUPS {
        groups.push(create(&mut client, "/scim/v2/Groups", &group(&format!("G {number}"))).await);
    }
    for number in 0..SHARED {
        users.push(create(&mut client, "/scim/v2/Users", &user(&format!("u{number}"))).await);
    }
    let world = Arc::new(World { groups, users });
    let until = Instant::now() + Duration::from_secs(5);
    let workers: Vec<_> =
        (0..16).map(|worker| tokio::spawn(work(two.client(worker), worker, world.clone(), until))).collect();
    let mut statuses = BTreeMap::<u16, usize>::new();
    for worker in workers {
        for (status, count) in worker.await.unwrap() {
            *statuses.entry(status).or_default() += count;
        }
    }
    println!("answers by status: {statuses:?}");
    // Both show the same in the end.
    for group in &world.groups {
        let path = format!("/scim/v2/Groups/{group}");
        let (left, right) = (two.client(0).get(&path).await.expect(200), two.client(1).get(&path).await.expect(200));
        assert_eq!(members(&left.json()), members(&right.json()));
        assert_eq!(left.header("etag"), right.header("etag"));
    }
    sound(&two.a).await;
}
