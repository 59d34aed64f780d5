//! Races between two replicas.

use crate::access::admin;
use crate::bodies::{add, create, group, members, remove, set, user};
use crate::{Two, sound};
use bailiwick_domain::ids::Kind;
use bailiwick_testkit::Client;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The statuses of requests sent at once, sorted.
async fn race(requests: Vec<(Client, &'static str, String, Value)>) -> Vec<u16> {
    let tasks: Vec<_> = requests
        .into_iter()
        .map(|(mut client, method, path, body)| {
            let body = (method != "DELETE").then(|| body.to_string().into());
            tokio::spawn(async move { client.send(method, &path, &[], body).await.status })
        })
        .collect();
    let mut statuses = Vec::new();
    for task in tasks {
        statuses.push(task.await.unwrap());
    }
    statuses.sort_unstable();
    statuses
}

/// Looks at the version of a group on one replica until told to stop: it never goes back.
async fn watch(two: Arc<Two>, side: usize, group: String, stop: Arc<AtomicBool>) -> i64 {
    let mut last = 0;
    while !stop.load(Ordering::SeqCst) {
        let row = two.side(side).app().store().resource(two.integration, Kind::Group, &group, false).await;
        let version = row.unwrap().unwrap().version;
        assert!(version >= last, "{version} after {last}");
        last = version;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    last
}

const OWN: usize = 4;
const CHANGES: usize = 50;

/// Adds and removes Users of its own, each change seen on the other replica at once; gives those that are left.
async fn crowd(mut here: Client, mut there: Client, path: String, own: Vec<String>, worker: usize) -> Vec<String> {
    let mut inside = [false; OWN];
    for change in 0..CHANGES {
        let index = (change * 3 + worker) % OWN;
        let body = if inside[index] { remove(&own[index]) } else { add(&own[index]) };
        here.patch(&path, &body).await.expect(200);
        inside[index] = !inside[index];
        if change % 10 == worker % 10 {
            let filter = format!("/scim/v2/Groups?attributes=displayName&filter=members%20eq%20%22{}%22", own[index]);
            let found = there.get(&filter).await.expect(200).at("/totalResults");
            assert_eq!(found, u64::from(inside[index]), "worker {worker}, change {change}");
        }
        if change % 25 == 24 {
            // A rename in between loses nobody.
            here.patch(&path, &set("displayName", format!("Crew {worker}"))).await.expect(200);
        }
    }
    own.into_iter().zip(inside).filter(|(_, inside)| *inside).map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn members_of_one_group_end_exact() {
    let two = Arc::new(Two::start().await);
    let mut client = two.client(0);
    let group = create(&mut client, "/scim/v2/Groups", &group("Crew")).await;
    let path = format!("/scim/v2/Groups/{group}");
    let mut own = Vec::new();
    for worker in 0..16 {
        let mut ids = Vec::new();
        for number in 0..OWN {
            ids.push(create(&mut client, "/scim/v2/Users", &user(&format!("u{worker}-{number}"))).await);
        }
        own.push(ids);
    }
    let stop = Arc::<AtomicBool>::default();
    let watchers = [0, 1].map(|side| tokio::spawn(watch(two.clone(), side, group.clone(), stop.clone())));
    let workers: Vec<_> = own
        .into_iter()
        .enumerate()
        .map(|(worker, own)| {
            let (here, there) = (two.client(worker), two.client(worker + 1));
            tokio::spawn(crowd(here, there, path.clone(), own, worker))
        })
        .collect();
    let mut expect = Vec::new();
    for worker in workers {
        expect.extend(worker.await.unwrap());
    }
    expect.sort();
    for side in [0, 1] {
        assert_eq!(members(&two.client(side).get(&path).await.expect(200).json()), expect, "side {side}");
    }
    stop.store(true, Ordering::SeqCst);
    for watcher in watchers {
        assert!(watcher.await.unwrap() > 0);
    }
    sound(&two.b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn one_of_many_creations_succeeds() {
    let two = Two::start().await;
    for round in 0..100 {
        let spelled = ["ada", "ADA", "Ada", "ａｄａ"].into_iter().enumerate();
        let requests = spelled.map(|(number, name)| {
            (two.client(number), "POST", "/scim/v2/Users".to_owned(), user(&format!("{name}{round}")))
        });
        assert_eq!(race(requests.collect()).await, [201, 409, 409, 409], "round {round}");
    }
    for side in [0, 1] {
        let found = two.client(side).get("/scim/v2/Users?count=0").await.expect(200).at("/totalResults");
        assert_eq!(found, 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn renames_to_one_name_leave_one_of_it() {
    let two = Two::start().await;
    let mut paths = Vec::new();
    for number in 0..4 {
        let id = create(&mut two.client(0), "/scim/v2/Users", &user(&format!("u{number}"))).await;
        paths.push(format!("/scim/v2/Users/{id}"));
    }
    for round in 0..30 {
        let requests = paths
            .iter()
            .enumerate()
            .map(|(number, path)| (two.client(number), "PATCH", path.clone(), set("userName", format!("new{round}"))));
        assert_eq!(race(requests.collect()).await, [200, 409, 409, 409], "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn one_admin_is_always_left() {
    let two = Two::start().await;
    let mut paths = Vec::new();
    for name in ["one", "two"] {
        paths.push(format!("/scim/v2/Users/{}", admin(&two, name).await));
    }
    for round in 0..50 {
        let requests = paths.iter().enumerate();
        let requests = requests.map(|(number, path)| (two.client(number), "PATCH", path.clone(), set("active", false)));
        assert_eq!(race(requests.collect()).await, [200, 403], "round {round}");
        assert_eq!(two.side(round).app().store().active_admins().await.unwrap().len(), 1, "round {round}");
        for path in &paths {
            two.client(round).patch(path, &set("active", true)).await.expect(200);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn of_writers_with_one_etag_one_succeeds() {
    let two = Two::start().await;
    let id = create(&mut two.client(0), "/scim/v2/Users", &user("ada")).await;
    let path = format!("/scim/v2/Users/{id}");
    for round in 0..30 {
        let etag = two.client(round).get(&path).await.header("etag").unwrap().to_owned();
        let requests = (0..4).map(|number| {
            let mut client = two.client(number);
            client.set_header("if-match", Some(&etag));
            (client, "PATCH", path.clone(), set("nickName", format!("{round}-{number}")))
        });
        assert_eq!(race(requests.collect()).await, [200, 412, 412, 412], "round {round}");
    }
}

/// A group is deleted on one replica while the other changes its members, and a User while it is added.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn nothing_is_left_of_what_is_deleted_meanwhile() {
    let two = Two::start().await;
    for round in 0..25 {
        let mut client = two.client(round);
        let left = create(&mut client, "/scim/v2/Users", &user(&format!("left{round}"))).await;
        let right = create(&mut client, "/scim/v2/Users", &user(&format!("right{round}"))).await;
        let crew = create(&mut client, "/scim/v2/Groups", &group(&format!("Crew {round}"))).await;
        let crew = format!("/scim/v2/Groups/{crew}");
        let requests = vec![
            (two.client(0), "PATCH", crew.clone(), add(&left)),
            (two.client(1), "PATCH", crew.clone(), add(&right)),
            (two.client(0), "DELETE", format!("/scim/v2/Users/{left}"), Value::Null),
            (two.client(1), "PATCH", crew.clone(), set("displayName", "Renamed")),
        ];
        for status in race(requests).await {
            assert!(matches!(status, 200 | 204 | 400 | 404), "round {round}: {status}");
        }
        let shown = members(&client.get(&crew).await.expect(200).json());
        assert_eq!(shown, std::slice::from_ref(&right), "round {round}");
        let requests = vec![
            (two.client(0), "DELETE", crew.clone(), Value::Null),
            (two.client(1), "PATCH", crew.clone(), remove(&right)),
            (two.client(0), "PATCH", crew.clone(), set("displayName", "Renamed again")),
        ];
        for status in race(requests).await {
            assert!(matches!(status, 200 | 204 | 404), "round {round}: {status}");
        }
        client.get(&crew).await.expect(404);
        let groups = two.client(round + 1).get(&format!("/scim/v2/Users/{right}")).await.expect(200).at("/groups");
        assert!(groups.as_array().is_none_or(Vec::is_empty), "round {round}: {groups}");
    }
    sound(&two.a).await;
}
