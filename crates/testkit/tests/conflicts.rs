//! The conflict queue: evidence, and what each decision does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bailiwick_app::access::Principal;
use bailiwick_app::catalog::{self, Author};
use bailiwick_app::import::{self, File, Upload};
use bailiwick_app::manage::{self, Evidence, NewAdmin};
use bailiwick_domain::catalog::Kind;
use bailiwick_domain::mapping::GrantKind;
use bailiwick_domain::person::State;
use bailiwick_domain::preset::Preset;
use bailiwick_store::change::{GrantsWrite, NewGrant, PersonKey};
use bailiwick_store::query::PersonQuery;
use bailiwick_store::rows::{ConflictRow, PersonRow};
use bailiwick_store::{ChangeSet, Write};
use bailiwick_testkit::{Client, TestApp};
use serde_json::{Value, json};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

fn user(name: &str, email: Option<&str>) -> Value {
    let mut user = json!({ "schemas": [USER], "userName": name });
    if let Some(email) = email {
        user["emails"] = json!([{ "value": email, "primary": true }]);
    }
    user
}

async fn create(client: &mut Client, name: &str, email: Option<&str>) -> String {
    let answer = client.post("/scim/v2/Users", &user(name, email)).await.expect(201);
    answer.at("/id").as_str().unwrap().to_owned()
}

async fn admin(test: &TestApp, name: &str, email: Option<&str>) -> String {
    let new = NewAdmin {
        user_name: name.to_owned(),
        display: "Root".to_owned(),
        email: email.map(str::to_owned),
        password: "correct horse battery".to_owned(),
    };
    manage::create_admin(test.app(), new).await.unwrap().person
}

async fn pairs(test: &TestApp) -> Vec<ConflictRow> {
    manage::list_conflicts(test.app(), &Principal::host(), Some("open")).await.unwrap()
}

async fn show(test: &TestApp, id: &str) -> Evidence {
    manage::show_conflict(test.app(), &Principal::host(), id).await.unwrap()
}

async fn person(test: &TestApp, id: &str) -> PersonRow {
    test.app().store().person_by_id(id).await.unwrap().unwrap()
}

/// Two persons that two directories call the same.
async fn twins(test: &TestApp) -> (String, String, ConflictRow) {
    let (_, token) = test.integration("second", Preset::Entra).await;
    let mut second = Client::new(test.address(), &token);
    let first = create(&mut test.client(), "ada@x.example", None).await;
    let other = create(&mut second, "ADA@x.example", None).await;
    let group = json!({ "schemas": [GROUP], "displayName": "Crew", "members": [{ "value": other }] });
    second.post("/scim/v2/Groups", &group).await.expect(201);
    (first, other, pairs(test).await.remove(0))
}

#[tokio::test]
async fn a_pair_is_shown_with_both_sides_and_what_would_follow() {
    let test = TestApp::start().await;
    let (first, other, pair) = twins(&test).await;
    let evidence = show(&test, &pair.id).await;
    assert_eq!(evidence.integration, "second");
    let (incoming, existing) = (&evidence.incoming.users[0], &evidence.existing.users[0]);
    assert_eq!((incoming.id.as_str(), existing.id.as_str()), (other.as_str(), first.as_str()));
    assert_eq!((incoming.user_name.as_str(), existing.user_name.as_str()), ("ADA@x.example", "ada@x.example"));
    assert_eq!(incoming.groups[0].display, "Crew");
    assert_eq!(existing.emails, ["ada@x.example"]);
    assert!(!evidence.incoming.events.is_empty() && !evidence.existing.events.is_empty());
    let linked = evidence.if_linked.unwrap();
    assert_eq!(linked.closes.as_ref(), evidence.incoming.person.as_ref().map(|person| &person.id));
    assert_eq!(linked.state, Some((State::Active, State::Active)));
    // Both come from a directory: neither name is ours to change.
    assert!(evidence.renaming.unwrap_err().contains("managed"));
    assert!(evidence.decided.is_none());
}

#[tokio::test]
async fn a_link_carries_over_what_was_given_by_hand() {
    let test = TestApp::start().await;
    let (_, other, pair) = twins(&test).await;
    let leaves = show(&test, &pair.id).await.incoming.person.unwrap();
    let grant = NewGrant {
        kind: GrantKind::Role,
        object: "auditor".to_owned(),
        value: String::new(),
        origin: "hand".to_owned(),
        path: "[]".to_owned(),
    };
    let grants =
        GrantsWrite { person: PersonKey::Seq(leaves.seq), open: vec![grant], close: Vec::new(), settled: None };
    let set = ChangeSet { at: test.app().clock().now(), writes: vec![Write::Grants(grants)], ..ChangeSet::default() };
    test.app().store().commit(set).await.unwrap();
    let gains = show(&test, &pair.id).await.if_linked.unwrap().gains;
    assert_eq!(gains.iter().map(|grant| grant.object.as_str()).collect::<Vec<_>>(), ["auditor"]);
    manage::link_conflict(test.app(), &Principal::host(), &pair.id, Some("same desk")).await.unwrap();
    assert_eq!(person(&test, &leaves.id).await.state, State::Closed);
    let stays = person(&test, &pair.person).await;
    let held = test.app().store().grants_of(stays.seq, true).await.unwrap();
    assert_eq!(
        held.iter().map(|grant| (grant.object.as_str(), grant.origin.as_str())).collect::<Vec<_>>(),
        [("auditor", "hand")]
    );
    assert!(test.app().store().grants_of(leaves.seq, true).await.unwrap().is_empty());
    let evidence = show(&test, &pair.id).await;
    let decided = evidence.decided.unwrap();
    assert_eq!((decided.by.as_str(), decided.note.as_deref()), ("host", Some("same desk")));
    assert_eq!(decided.kind, "conflict:link");
    assert_eq!((decided.did["user"].as_str(), decided.did["closed"].as_str()), (Some(&*other), Some(&*leaves.id)));
    assert!(evidence.if_linked.unwrap_err().contains("decided already"));
}

#[tokio::test]
async fn another_name_for_the_person_here_lets_both_exist() {
    let test = TestApp::start().await;
    let root = admin(&test, "root", None).await;
    let mut client = test.client();
    client.post("/scim/v2/Users", &user("root", None)).await.expect(409);
    let pair = pairs(&test).await.remove(0);
    let evidence = show(&test, &pair.id).await;
    assert!(evidence.renaming.is_ok() && evidence.incoming.users.is_empty());
    assert!(evidence.if_linked.unwrap().waits_for_provider);
    assert!(!evidence.incoming.events.is_empty(), "the refused call is evidence");
    let host = Principal::host();
    for (name, code) in [("", "user-name-form"), ("r\u{200b}", "user-name-form"), ("ROOT", "value-invalid")] {
        let refused = manage::rename_conflict(test.app(), &host, &pair.id, name, None).await.unwrap_err();
        assert_eq!(refused.code, code, "{name}");
    }
    admin(&test, "boss", None).await;
    let taken = manage::rename_conflict(test.app(), &host, &pair.id, "boss", None).await.unwrap_err();
    assert_eq!(taken.code, "uniqueness");
    manage::rename_conflict(test.app(), &host, &pair.id, "break-glass", Some("two people")).await.unwrap();
    let id = create(&mut client, "root", None).await;
    let renamed = person(&test, &root).await;
    assert_eq!((renamed.user_name.as_deref(), renamed.account, renamed.admin), (Some("break-glass"), true, true));
    assert_eq!(test.app().store().person_users(renamed.seq).await.unwrap().len(), 0);
    let query = PersonQuery { search: Some("root".to_owned()), after: None, limit: 10 };
    let found = manage::list_persons(test.app(), query).await.unwrap();
    assert!(found.iter().any(|person| person.id != root && person.state == State::Active), "{id}");
    let again = manage::rename_conflict(test.app(), &host, &pair.id, "again", None).await.unwrap_err();
    assert!(again.detail.contains("decided already"));
}

#[tokio::test]
async fn a_name_that_a_directory_manages_is_not_changed_here() {
    let test = TestApp::start().await;
    let (.., pair) = twins(&test).await;
    let refused = manage::rename_conflict(test.app(), &Principal::host(), &pair.id, "other", None).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (409, "managed-attribute"));
    assert_eq!(pairs(&test).await.len(), 1);
}

#[tokio::test]
async fn a_shared_address_is_no_reason_to_rename() {
    let test = TestApp::start().await;
    admin(&test, "root", Some("root@x.example")).await;
    test.client().post("/scim/v2/Users", &user("ada", Some("root@x.example"))).await.expect(409);
    let pair = pairs(&test).await.remove(0);
    let refused = manage::rename_conflict(test.app(), &Principal::host(), &pair.id, "other", None).await.unwrap_err();
    assert!(refused.detail.contains("address"), "{refused}");
    let long = "x".repeat(2_001);
    let refused = manage::keep_conflict(test.app(), &Principal::host(), &pair.id, Some(&long)).await.unwrap_err();
    assert_eq!(refused.code, "value-invalid");
    manage::keep_conflict(test.app(), &Principal::host(), &pair.id, Some(" two ")).await.unwrap();
    assert_eq!(show(&test, &pair.id).await.decided.unwrap().note.as_deref(), Some("two"));
}

#[tokio::test]
async fn a_link_does_not_close_the_last_admin_by_rule() {
    let test = TestApp::start().await;
    let (first, _, pair) = twins(&test).await;
    let leaves = show(&test, &pair.id).await.incoming.person.unwrap();
    let grant = NewGrant {
        kind: GrantKind::Role,
        object: "admin".to_owned(),
        value: String::new(),
        origin: "rule:admins:crew".to_owned(),
        path: "[]".to_owned(),
    };
    let grants =
        GrantsWrite { person: PersonKey::Seq(leaves.seq), open: vec![grant], close: Vec::new(), settled: None };
    let set = ChangeSet { at: test.app().clock().now(), writes: vec![Write::Grants(grants)], ..ChangeSet::default() };
    test.app().store().commit(set).await.unwrap();
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "path": "active", "value": false }] });
    test.client().patch(&format!("/scim/v2/Users/{first}"), &off).await.expect(200);
    let refused = manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap_err();
    assert_eq!(refused.code, "last-admin", "{refused}");
    assert_eq!((person(&test, &leaves.id).await.state, pairs(&test).await.len()), (State::Active, 1));
    // With another admin it may be.
    admin(&test, "root", None).await;
    manage::link_conflict(test.app(), &Principal::host(), &pair.id, None).await.unwrap();
    assert_eq!(person(&test, &leaves.id).await.state, State::Closed);
}

#[tokio::test]
async fn what_the_closed_person_owned_is_the_others_for_good() {
    let test = TestApp::start().await;
    let (_, _, pair) = twins(&test).await;
    let (leaves, host) = (show(&test, &pair.id).await.incoming.person.unwrap(), Principal::host());
    let text = format!(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: filed}}\nspec: {{type: service, \
         lifecycle: production, owner: 'user:{}'}}\n",
        leaves.id
    );
    let import = async || {
        let file = File { path: "catalog-info.yaml".to_owned(), format: None, text: Ok(text.clone()) };
        let upload = Upload { source: "files".to_owned(), kind: "folder", root: None, commit: None, files: vec![file] };
        import::run(test.app(), &host, &upload, import::Options::default()).await.unwrap().counts
    };
    assert_eq!(import().await.created, 1);
    let by_hand = json!({"kind": "component", "name": "cart", "owner": format!("user:{}", leaves.id)});
    catalog::create_item(test.app(), &host, by_hand.as_object().unwrap(), Author::Hand).await.unwrap();
    manage::link_conflict(test.app(), &host, &pair.id, None).await.unwrap();
    let find = async |name: &str| {
        let found = catalog::read_item(test.app(), &host, name, &Kind::Component, |_| true).await;
        found.unwrap()
    };
    for name in ["cart", "filed"] {
        let item = find(name).await;
        assert_eq!(item.owner.as_ref().and_then(|owner| owner.id()), Some(&*pair.person), "{name}");
        assert_eq!(item.document["owner"], pair.person, "{name}: the document says so, too");
        let told = catalog::history(test.app(), &host, &item.row, None, 1).await.unwrap().remove(0);
        let payload = told.payload.unwrap();
        assert_eq!((told.kind.as_str(), &payload["changes"][0]["path"]), ("entity:change", &json!("/owner")));
        let reason = payload["reason"].as_str().unwrap();
        assert!(reason.contains(&leaves.id) && reason.contains(&pair.person), "{reason}");
    }
    // Neither an edit of something else nor the file that still names the closed person brings them back.
    let title = json!({"title": "Cart"});
    let cart = find("cart").await.row.id;
    catalog::change_item(test.app(), &host, &cart, title.as_object().unwrap(), Author::Hand, None).await.unwrap();
    assert_eq!(import().await.refused, 1);
    for name in ["cart", "filed"] {
        assert_eq!(
            find(name).await.owner.and_then(|owner| owner.person()),
            Some(person(&test, &pair.person).await.seq)
        );
    }
}
