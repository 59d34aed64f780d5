//! Who is who: Users and Persons, authority, conflicts, the last admin. Over the socket, as identity providers call.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick_app::access::Principal;
use bailiwick_app::manage::{self, NewAdmin};
use bailiwick_domain::preset::Preset;
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::PersonRow;
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn user(name: &str, email: Option<&str>) -> Value {
    let emails: Vec<Value> = email.into_iter().map(|email| json!({ "value": email, "type": "work" })).collect();
    json!({ "schemas": [USER], "userName": name, "emails": emails })
}

fn active(active: bool) -> Value {
    json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "active", "value": active }] })
}

fn admin(name: &str, email: Option<&str>) -> NewAdmin {
    NewAdmin {
        user_name: name.to_owned(),
        display: String::new(),
        email: email.map(str::to_owned),
        password: "correct horse battery".to_owned(),
    }
}

async fn persons(test: &TestApp) -> Vec<PersonRow> {
    let query = PersonQuery { limit: 100, ..PersonQuery::default() };
    manage::list_persons(test.app(), query).await.unwrap()
}

async fn create(client: &mut Client, name: &str, email: Option<&str>) -> String {
    let answer = client.post("/scim/v2/Users", &user(name, email)).await.expect(201);
    answer.at("/id").as_str().unwrap().to_owned()
}

/// The person of that name, by what they show.
async fn person_of(test: &TestApp, name: &str) -> PersonRow {
    persons(test).await.into_iter().find(|person| person.user_name.as_deref() == Some(name)).unwrap()
}

#[tokio::test]
async fn the_address_of_a_person_is_the_primary_else_the_work_one_else_the_name() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let cases = [
        (
            json!([{ "value": "h@x.example", "primary": true }, { "value": "w@x.example", "type": "work" }]),
            "a",
            Some("h@x.example"),
        ),
        (json!([{ "value": "h@x.example" }, { "value": "w2@x.example", "type": "work" }]), "b", Some("w2@x.example")),
        (json!([]), "c@x.example", Some("c@x.example")),
        (json!([]), "d", None),
    ];
    for (emails, name, expect) in cases {
        let body = json!({ "schemas": [USER], "userName": name, "emails": emails });
        client.post("/scim/v2/Users", &body).await.expect(201);
        assert_eq!(person_of(&test, name).await.email.as_deref(), expect, "{name}");
    }
}

#[tokio::test]
async fn an_integration_may_insist_on_addresses_as_names() {
    let test = TestApp::start().await;
    manage::set_integration(test.app(), "first", vec![manage::Setting::UserNameEmail(true)]).await.unwrap();
    let mut client = test.client();
    let refused = client.post("/scim/v2/Users", &user("ada", Some("ada@x.example"))).await.expect(400);
    assert_eq!(refused.at("/scimType"), "invalidValue");
    assert!(refused.at("/detail").as_str().unwrap().contains("e-mail"), "{}", refused.text());
    create(&mut client, "ada@x.example", None).await;
}

#[tokio::test]
async fn a_leaver_keeps_memberships_and_comes_back_as_the_same_person() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let id = create(&mut client, "ada@x.example", None).await;
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew", "members": [{ "value": id }] });
    client.post("/scim/v2/Groups", &group).await.expect(201);
    let before = person_of(&test, "ada@x.example").await;
    client.patch(&format!("/scim/v2/Users/{id}"), &active(false)).await.expect(200);
    assert_eq!(person_of(&test, "ada@x.example").await.state.as_str(), "inactive");
    let away = client.get(&format!("/scim/v2/Users/{id}")).await.expect(200);
    assert_eq!(away.at("/active"), false);
    assert_eq!(away.at("/groups/0/display"), "Crew");
    client.patch(&format!("/scim/v2/Users/{id}"), &active(true)).await.expect(200);
    let after = person_of(&test, "ada@x.example").await;
    assert_eq!((after.id, after.state.as_str()), (before.id, "active"));
}

#[tokio::test]
async fn filters_find_what_answers_show_when_active_is_removed() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let id = create(&mut client, "ada", None).await;
    let found = |answer: bailiwick_testkit::Answer| answer.expect(200).at("/totalResults");
    assert_eq!(found(client.get("/scim/v2/Users?filter=active%20eq%20true").await), 1);
    let remove = json!({ "schemas": [PATCH], "Operations": [{ "op": "remove", "path": "active" }] });
    let shown = client.patch(&format!("/scim/v2/Users/{id}"), &remove).await.expect(200);
    assert_eq!(shown.at("/active"), Value::Null);
    for filter in ["active%20eq%20true", "active%20eq%20false", "active%20pr"] {
        assert_eq!(found(client.get(&format!("/scim/v2/Users?filter={filter}")).await), 0, "{filter}");
    }
    // Nobody was switched off.
    assert_eq!(person_of(&test, "ada").await.state.as_str(), "active");
}

#[tokio::test]
async fn the_journal_says_what_was_answered_to_a_group_patch() {
    let test = TestApp::start().await;
    let (_, token) = test.integration("entra", Preset::Entra).await;
    let mut client = Client::new(test.address(), &token);
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Crew" });
    let id = client.post("/scim/v2/Groups", &group).await.expect(201).at("/id").as_str().unwrap().to_owned();
    for (query, status) in [("", 204), ("?attributes=displayName", 200)] {
        let rename = json!({ "op": "replace", "path": "displayName", "value": format!("Crew {status}") });
        let body = json!({ "schemas": [PATCH], "Operations": [rename] });
        client.patch(&format!("/scim/v2/Groups/{id}{query}"), &body).await.expect(status);
        let query = bailiwick_store::query::EventQuery { calls_only: true, limit: 1, ..Default::default() };
        let newest = test.app().store().events(query).await.unwrap().remove(0);
        assert_eq!(newest.status, Some(status));
    }
}

#[tokio::test]
async fn who_is_deleted_is_closed_and_a_new_user_is_a_new_person() {
    let test = TestApp::start().await;
    let mut client = test.client();
    let id = create(&mut client, "ada@x.example", None).await;
    let first = person_of(&test, "ada@x.example").await.id;
    client.delete(&format!("/scim/v2/Users/{id}")).await.expect(204);
    let closed = persons(&test).await.into_iter().find(|person| person.id == first).unwrap();
    assert_eq!((closed.state.as_str(), closed.user_name, closed.email), ("closed", None, None));
    let again = create(&mut client, "ada@x.example", None).await;
    assert_ne!(again, id);
    assert_ne!(person_of(&test, "ada@x.example").await.id, first);
}

#[tokio::test]
async fn two_users_of_one_integration_may_share_an_address_and_are_two_persons() {
    let test = TestApp::start().await;
    let mut client = test.client();
    create(&mut client, "ada", Some("team@x.example")).await;
    create(&mut client, "bob", Some("team@x.example")).await;
    assert_eq!(persons(&test).await.len(), 2);
    assert!(manage::list_conflicts(test.app(), &Principal::host(), None).await.unwrap().is_empty());
}

#[tokio::test]
async fn known_through_another_integration_stays_apart_until_an_admin_links() {
    let test = TestApp::start().await;
    let (_, token) = test.integration("second", Preset::Entra).await;
    let mut client = test.client();
    let mut second = Client::new(test.address(), &token);
    create(&mut client, "ada@x.example", None).await;
    create(&mut second, "ADA@x.example", None).await;
    assert_eq!(persons(&test).await.len(), 2);
    let pairs = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap();
    assert_eq!(pairs.len(), 1);
    manage::link_conflict(test.app(), &Principal::host(), &pairs[0].id, None).await.unwrap();
    let person = persons(&test).await.into_iter().find(|person| person.id == pairs[0].person).unwrap();
    let report = manage::show_person(test.app(), &person.id).await.unwrap();
    assert_eq!(report.users.len(), 2);
    assert_eq!(report.users.iter().filter(|(user, _, _)| user.authority).count(), 1);
    // The other directory contributes groups only: switching its User off changes nothing about the person.
    let other = report.users.iter().find(|(user, _, _)| !user.authority).unwrap();
    second.patch(&format!("/scim/v2/Users/{}", other.0.id), &active(false)).await;
    assert_eq!(manage::show_person(test.app(), &person.id).await.unwrap().row.state.as_str(), "active");
    // The authority does.
    let authority = report.users.iter().find(|(user, _, _)| user.authority).unwrap();
    client.patch(&format!("/scim/v2/Users/{}", authority.0.id), &active(false)).await.expect(200);
    assert_eq!(manage::show_person(test.app(), &person.id).await.unwrap().row.state.as_str(), "inactive");
}

#[tokio::test]
async fn a_pair_that_is_kept_stays_two_and_is_not_asked_again() {
    let test = TestApp::start().await;
    let (_, token) = test.integration("second", Preset::Generic).await;
    create(&mut test.client(), "ada@x.example", None).await;
    let mut second = Client::new(test.address(), &token);
    let id = create(&mut second, "ada@x.example", None).await;
    let pair = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap().remove(0);
    manage::keep_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
    let replaced = json!({ "schemas": [USER], "userName": "ada@x.example", "nickName": "a" });
    second.put(&format!("/scim/v2/Users/{id}"), &replaced).await.expect(200);
    assert!(manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap().is_empty());
    assert_eq!(persons(&test).await.len(), 2);
}

#[tokio::test]
async fn nobody_who_signs_in_here_is_adopted_before_an_admin_says_so() {
    let test = TestApp::start().await;
    let root = manage::create_admin(test.app(), admin("root", Some("root@x.example"))).await.unwrap();
    let mut client = test.client();
    for attempt in [user("root", None), user("other", Some("ROOT@x.example")), user("root@x.example", None)] {
        let refused = client.post("/scim/v2/Users", &attempt).await.expect(409);
        assert_eq!(refused.at("/scimType"), "uniqueness", "{attempt}");
    }
    let id = create(&mut client, "plain", None).await;
    let rename =
        json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "userName", "value": "ＲＯＯＴ" }] });
    client.patch(&format!("/scim/v2/Users/{id}"), &rename).await.expect(409);
    let pairs = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap();
    let pair = pairs.iter().find(|pair| pair.user_name == "root").unwrap();
    assert_eq!(pair.person, root.person);
    manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
    // The identity provider tries again and now the User is theirs.
    create(&mut client, "root", None).await;
    let report = manage::show_person(test.app(), &root.person).await.unwrap();
    assert_eq!(report.users.len(), 1);
    assert!(report.row.admin);
}

#[tokio::test]
async fn who_is_declared_somebody_else_is_stored_when_the_provider_tries_again() {
    let test = TestApp::start().await;
    let root = manage::create_admin(test.app(), admin("root", Some("root@x.example"))).await.unwrap();
    let mut client = test.client();
    client.post("/scim/v2/Users", &user("root", Some("root@x.example"))).await.expect(409);
    let pair = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap().remove(0);
    manage::keep_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
    let id = create(&mut client, "root", Some("root@x.example")).await;
    client.patch(&format!("/scim/v2/Users/{id}"), &active(false)).await.expect(200);
    client.delete(&format!("/scim/v2/Users/{id}")).await.expect(204);
    let report = manage::show_person(test.app(), &root.person).await.unwrap();
    assert_eq!((report.users.len(), report.row.state.as_str(), report.row.admin), (0, "active", true));
    assert_eq!(persons(&test).await.len(), 2);
}

#[tokio::test]
async fn the_last_active_admin_cannot_be_removed_by_anything() {
    let test = TestApp::start().await;
    manage::create_admin(test.app(), admin("root", None)).await.unwrap();
    let mut client = test.client();
    client.post("/scim/v2/Users", &user("root", None)).await.expect(409);
    let pair = manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap().remove(0);
    manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
    let mut switched_off = user("root", None);
    switched_off["active"] = json!(false);
    client.post("/scim/v2/Users", &switched_off).await.expect(403);
    let id = create(&mut client, "root", None).await;
    client.patch(&format!("/scim/v2/Users/{id}"), &active(false)).await.expect(403);
    client.put(&format!("/scim/v2/Users/{id}"), &switched_off).await.expect(403);
    client.delete(&format!("/scim/v2/Users/{id}")).await.expect(403);
    assert_eq!(manage::delete_integration(test.app(), "first").await.unwrap_err().code, "last-admin");
    assert_eq!(client.get(&format!("/scim/v2/Users/{id}")).await.expect(200).at("/active"), true);
    // With another admin there, it is an ordinary leaver.
    manage::create_admin(test.app(), admin("second", None)).await.unwrap();
    client.patch(&format!("/scim/v2/Users/{id}"), &active(false)).await.expect(200);
    client.delete(&format!("/scim/v2/Users/{id}")).await.expect(204);
}

#[tokio::test]
async fn integrations_see_nothing_of_each_other() {
    let test = TestApp::start().await;
    let (_, token) = test.integration("second", Preset::Generic).await;
    let mut client = test.client();
    let mut second = Client::new(test.address(), &token);
    let id = create(&mut client, "ada", None).await;
    let unknown = second.get("/scim/v2/Users/00000000-0000-4000-8000-000000000000").await.expect(404);
    let foreign = second.get(&format!("/scim/v2/Users/{id}")).await.expect(404);
    assert_eq!(foreign.body, unknown.body);
    second.patch(&format!("/scim/v2/Users/{id}"), &active(false)).await.expect(404);
    second.delete(&format!("/scim/v2/Users/{id}")).await.expect(404);
    let group = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "G", "members": [{ "value": id }] });
    let refused = second.post("/scim/v2/Groups", &group).await.expect(400);
    assert_eq!(refused.at("/scimType"), "invalidValue");
    assert_eq!(second.get("/scim/v2/Users").await.expect(200).at("/totalResults"), 0);
    // Names are taken per integration.
    create(&mut second, "ada", None).await;
    assert_eq!(client.get(&format!("/scim/v2/Users/{id}")).await.expect(200).at("/active"), true);
}
