//! Races: exact whatever the interleaving.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick_app::access::Principal;
use bailiwick_app::manage::{self, NewAdmin};
use bailiwick_domain::preset::Preset;
use bailiwick_store::query::PersonQuery;
use bailiwick_testkit::{Client, TestApp, TestOptions};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn patch(operation: Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

async fn create(client: &mut Client, name: &str) -> String {
    let body = json!({ "schemas": [USER], "userName": name });
    client.post("/scim/v2/Users", &body).await.expect(201).at("/id").as_str().unwrap().to_owned()
}

fn members(group: &Value) -> BTreeSet<String> {
    let members = group["members"].as_array().cloned().unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_clients_change_one_group_and_it_ends_exact() {
    let test = TestApp::with(TestOptions::preset(Preset::Generic)).await;
    let mut client = test.client();
    let mut ids = Vec::new();
    for number in 0..64 {
        ids.push(create(&mut client, &format!("u{number}")).await);
    }
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew" });
    let group = client.post("/scim/v2/Groups", &group).await.expect(201).at("/id").as_str().unwrap().to_owned();
    let mut tasks = Vec::new();
    for worker in 0..16_usize {
        let (mine, path, mut client) =
            (ids[worker * 4..][..4].to_vec(), format!("/scim/v2/Groups/{group}"), test.client());
        tasks.push(tokio::spawn(async move {
            for round in 0..10 {
                for id in &mine {
                    let add = json!({ "op": "add", "path": "members", "value": [{ "value": id }] });
                    client.patch(&path, &patch(add)).await.expect(200);
                }
                // In the last round only the even ones stay.
                for (index, id) in mine.iter().enumerate() {
                    if round < 9 || index % 2 == 1 {
                        let remove = json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
                        client.patch(&path, &patch(remove)).await.expect(200);
                    }
                }
                // A rename in between must not lose anybody.
                let rename = json!({ "op": "replace", "value": { "displayName": format!("Crew {worker}") } });
                client.patch(&path, &patch(rename)).await.expect(200);
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let expect: BTreeSet<String> = ids.iter().step_by(2).cloned().collect();
    let shown = client.get(&format!("/scim/v2/Groups/{group}")).await.expect(200);
    assert_eq!(members(&shown.json()), expect);
    for (index, id) in ids.iter().enumerate() {
        let filter = format!("/scim/v2/Groups?filter=members%20eq%20%22{id}%22");
        let found = client.get(&filter).await.expect(200).at("/totalResults");
        assert_eq!(found, u64::from(index % 2 == 0), "user {index}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_creations_make_one_user() {
    let test = TestApp::start().await;
    for round in 0..10 {
        let mut tasks = Vec::new();
        for spelling in ["ada", "ADA", "Ada", "aDA", "ada", "ａｄａ", "ADA", "ada"] {
            let mut client = test.client();
            let body = json!({ "schemas": [USER], "userName": format!("{spelling}{round}") });
            tasks.push(tokio::spawn(async move { client.post("/scim/v2/Users", &body).await.status }));
        }
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409], "round {round}");
    }
    let found = test.client().get("/scim/v2/Users?count=0").await.expect(200).at("/totalResults");
    assert_eq!(found, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_deactivations_leave_one_admin() {
    for _ in 0..5 {
        let test = TestApp::start().await;
        let mut client = test.client();
        let mut users = Vec::new();
        for name in ["one", "two", "three", "four"] {
            let admin = NewAdmin {
                user_name: name.to_owned(),
                display: String::new(),
                email: None,
                password: "correct horse battery".to_owned(),
            };
            manage::create_admin(test.app(), admin).await.unwrap();
            let body = json!({ "schemas": [USER], "userName": name });
            client.post("/scim/v2/Users", &body).await.expect(409);
            let pair = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap().remove(0);
            manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
            users.push(create(&mut client, name).await);
        }
        let mut tasks = Vec::new();
        for user in users {
            let mut client = test.client();
            let off = patch(json!({ "op": "replace", "path": "active", "value": false }));
            tasks.push(tokio::spawn(async move { client.patch(&format!("/scim/v2/Users/{user}"), &off).await.status }));
        }
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 200, 200, 403]);
        assert_eq!(test.app().store().active_admins().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_writers_with_one_etag_the_second_is_told() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let id = create(&mut client, "ada").await;
    for round in 0..20 {
        let etag = client.get(&format!("/scim/v2/Users/{id}")).await.header("etag").unwrap().to_owned();
        let mut tasks = Vec::new();
        for writer in 0..4 {
            let (mut client, path) = (test.client(), format!("/scim/v2/Users/{id}"));
            client.set_header("if-match", Some(&etag));
            let set = patch(json!({ "op": "replace", "path": "nickName", "value": format!("{round}-{writer}") }));
            tasks.push(tokio::spawn(async move { client.patch(&path, &set).await.status }));
        }
        let mut statuses = Vec::new();
        for task in tasks {
            statuses.push(task.await.unwrap());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412], "round {round}");
    }
}

/// The authority of a person is gone; two other directories switch their Users off at the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_users_switched_off_at_once_neither_counts_on_the_other() {
    for round in 0..20 {
        let test = TestApp::start().await;
        let mut client = test.client();
        let first = create(&mut client, "ada").await;
        let mut others = Vec::new();
        for name in ["second", "third"] {
            let (_, token) = test.integration(name, Preset::Generic).await;
            let mut other = Client::new(test.address(), &token);
            let user = create(&mut other, "ada").await;
            let pairs = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap();
            let pair = pairs.iter().find(|pair| pair.resource.as_deref() == Some(&user)).unwrap();
            manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
            others.push((other, user));
        }
        client.delete(&format!("/scim/v2/Users/{first}")).await.expect(204);
        let mut tasks = Vec::new();
        for (mut other, user) in others {
            let off = patch(json!({ "op": "replace", "path": "active", "value": false }));
            tasks.push(tokio::spawn(async move { other.patch(&format!("/scim/v2/Users/{user}"), &off).await.status }));
        }
        for task in tasks {
            assert_eq!(task.await.unwrap(), 200);
        }
        let persons = manage::list_persons(test.app(), PersonQuery { limit: 10, ..PersonQuery::default() }).await;
        let states: Vec<_> = persons.unwrap().iter().map(|person| person.state.as_str()).collect();
        assert!(!states.contains(&"active"), "round {round}: {states:?}");
    }
}
