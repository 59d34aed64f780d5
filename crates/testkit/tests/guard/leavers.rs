//! Users that are switched off or deleted.

use super::support::*;
use bailiwick_app::holds;
use bailiwick_app::manage::{self, NewAdmin};
use bailiwick_domain::guard::Reason;
use bailiwick_domain::person::State;
use bailiwick_testkit::TestApp;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn ordinary_leavers_are_out_at_once() {
    let test = TestApp::start().await;
    let ids = company(&test, 50).await;
    let mut client = test.client();
    for id in &ids[..4] {
        switch(&mut client, id, false).await;
    }
    client.delete(&format!("/scim/v2/Users/{}", ids[4])).await.expect(204);
    assert_eq!((standing(&test, State::Inactive).await, standing(&test, State::Closed).await), (4, 1));
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn people_of_today_do_not_count() {
    let test = TestApp::start().await;
    let ids = hire(&test, 0, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    assert_eq!(standing(&test, State::Inactive).await, 20);
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn when_everybody_is_switched_off_the_catalog_keeps_them() {
    let test = TestApp::start().await;
    let ids = company(&test, 500).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
        assert_eq!(client.get(&format!("/scim/v2/Users/{id}")).await.expect(200).at("/active"), false);
    }
    let gone = client.get("/scim/v2/Users?filter=active%20eq%20false&count=0").await.expect(200);
    assert_eq!(gone.at("/totalResults"), 500);
    assert_eq!((standing(&test, State::Active).await, standing(&test, State::Inactive).await), (450, 50));
    let hold = hold(&test).await;
    assert_eq!((hold.waiting, hold.hold.people, hold.hold.calls, hold.integration.as_str()), (450, 450, 450, "first"));
    assert!(matches!(hold.hold.reasons[..], [Reason::Share { removed: 51, .. }]), "{:?}", hold.hold.reasons);
    approve(&test, &hold.hold.id).await;
    assert_eq!(standing(&test, State::Inactive).await, 500);
    assert!(open(&test).await.is_empty());
}

#[tokio::test]
async fn when_everybody_is_deleted_the_catalog_keeps_them_and_their_names_are_free() {
    let test = TestApp::start().await;
    let ids = company(&test, 40).await;
    let mut client = test.client();
    for id in &ids {
        client.delete(&format!("/scim/v2/Users/{id}")).await.expect(204);
        client.get(&format!("/scim/v2/Users/{id}")).await.expect(404);
    }
    assert_eq!((standing(&test, State::Closed).await, standing(&test, State::Active).await), (4, 36));
    let before = person(&test, 39).await;
    // The name is free at once, and whoever gets it is somebody else.
    hire(&test, 39, 1).await;
    assert_eq!(persons(&test).await.len(), 41);
    assert!(manage::list_conflicts(test.app(), &host(), None).await.unwrap().is_empty());
    let hold = hold(&test).await;
    let shown = holds::show_hold(test.app(), &host(), &hold.hold.id, None, 10).await.unwrap();
    assert_eq!((shown.persons.len(), shown.next.is_some()), (10, true));
    assert!(shown.persons.iter().all(|person| person.would_be == State::Closed && person.state == State::Active));
    approve(&test, &hold.hold.id).await;
    assert_eq!((standing(&test, State::Closed).await, standing(&test, State::Active).await), (40, 1));
    assert_eq!(test.app().store().person(before.seq).await.unwrap().unwrap().user_name, None);
}

#[tokio::test]
async fn a_bulk_request_is_weighed_like_the_calls_it_stands_for() {
    let test = TestApp::start().await;
    let ids = company(&test, 60).await;
    let operation = |id: &String| json!({ "method": "DELETE", "path": format!("/Users/{id}") });
    let body = json!({ "schemas": [BULK], "Operations": ids.iter().map(operation).collect::<Value>() });
    let answer = test.client().post("/scim/v2/Bulk", &body).await.expect(200);
    assert!(answer.at("/Operations").as_array().unwrap().iter().all(|result| result["status"] == "204"));
    assert_eq!((standing(&test, State::Closed).await, standing(&test, State::Active).await), (6, 54));
    assert_eq!(hold(&test).await.waiting, 54);
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_is_decided_by_another_process() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    let beside = test.beside(7).await;
    let open = holds::list_holds(&beside, &host(), &holds::HoldQuery::open(), 10).await.unwrap();
    assert_eq!((open.len(), open[0].waiting), (1, 16));
    holds::approve_hold(&beside, &host(), &open[0].hold.id, None).await.unwrap();
    assert_eq!(standing(&test, State::Inactive).await, 20);
}

#[tokio::test]
async fn later_changes_of_the_same_people_stay_in_order_behind_the_hold() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    let (renamed, deleted) = (&ids[18], &ids[19]);
    let rename =
        json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "displayName", "value": "New" }] });
    client.patch(&format!("/scim/v2/Users/{renamed}"), &rename).await.expect(200);
    client.delete(&format!("/scim/v2/Users/{deleted}")).await.expect(204);
    let waits = person(&test, 18).await;
    assert_eq!((waits.state, waits.display.as_str()), (State::Active, name(18).as_str()));
    assert_eq!(person(&test, 19).await.state, State::Active);
    approve(&test, &hold(&test).await.hold.id).await;
    let done = person(&test, 18).await;
    assert_eq!((done.state, done.display.as_str()), (State::Inactive, "New"));
    assert_eq!((standing(&test, State::Inactive).await, standing(&test, State::Closed).await), (19, 1));
}

#[tokio::test]
async fn what_is_taken_back_waits_no_more() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    for id in &ids {
        switch(&mut client, id, true).await;
    }
    settle(&test).await;
    assert_eq!(standing(&test, State::Active).await, 20);
    assert_eq!(hold(&test).await.waiting, 0);
}

#[tokio::test]
async fn what_is_taken_back_waits_no_more_whatever_the_rules_say() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    let crew = team(&test, "crew").await;
    rules(&test, &[("crew", "{user: 'userName pr'}", "[{team: crew}]")]).await;
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    assert_eq!(hold(&test).await.waiting, 16);
    for id in &ids[10..] {
        switch(&mut client, id, true).await;
    }
    settle(&test).await;
    assert_eq!(hold(&test).await.waiting, 6);
    approve(&test, &hold(&test).await.hold.id).await;
    assert_eq!((standing(&test, State::Active).await, size(&test, &crew).await), (10, 10));
}

#[tokio::test]
async fn who_is_switched_on_and_off_again_behind_the_hold_still_leaves() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let crew = team(&test, "crew").await;
    rules(&test, &[("crew", "{user: 'userName pr'}", "[{team: crew}]")]).await;
    let mut client = test.client();
    for id in &ids[..12] {
        switch(&mut client, id, false).await;
    }
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (4, 8));
    // In and out in calls of their own, and in one call before anything that follows from the first is settled.
    for id in &ids[8..10] {
        switch(&mut client, id, true).await;
        switch(&mut client, id, false).await;
    }
    let switch = |id: &String, on| json!({ "method": "PATCH", "path": format!("/Users/{id}"), "data": active(on) });
    let twice = |id| [switch(id, true), switch(id, false), switch(id, true), switch(id, false)];
    let body = json!({ "schemas": [BULK], "Operations": ids[10..12].iter().flat_map(twice).collect::<Value>() });
    let answer = client.post("/scim/v2/Bulk", &body).await.expect(200);
    assert!(answer.at("/Operations").as_array().unwrap().iter().all(|result| result["status"] == "200"), "{answer:?}");
    settle(&test).await;
    let hold = hold(&test).await;
    assert_eq!((standing(&test, State::Inactive).await, hold.waiting), (4, 8));
    approve(&test, &hold.hold.id).await;
    assert_eq!((standing(&test, State::Inactive).await, size(&test, &crew).await), (12, 8));
}

#[tokio::test]
async fn a_part_is_approved_and_the_rest_rejected() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    let id = hold(&test).await.hold.id;
    let (app, host) = (test.app(), host());
    let one = person(&test, 10).await.id;
    let stranger = person(&test, 0).await.id;
    let refused = holds::approve_hold(app, &host, &id, Some(&[one.clone(), stranger])).await.unwrap_err();
    assert_eq!((refused.status, refused.code), (409, "hold-decided"));
    assert_eq!(person(&test, 10).await.state, State::Active);
    let decided = holds::approve_hold(app, &host, &id, Some(&[one])).await.unwrap();
    assert_eq!((decided.people, decided.waiting, decided.state.as_str()), (1, 15, "open"));
    assert_eq!(person(&test, 10).await.state, State::Inactive);
    assert!(holds::reject_hold(app, &host, &id, "  ").await.is_err());
    let decided = holds::reject_hold(app, &host, &id, "the directory lost its people").await.unwrap();
    assert_eq!((decided.people, decided.waiting, decided.state.as_str()), (15, 0, "partly"));
    assert_eq!(standing(&test, State::Active).await, 15);
    let shown = holds::show_hold(app, &host, &id, None, 10).await.unwrap();
    let reasons: Vec<_> = shown.summary.hold.decisions.iter().map(|decision| decision.reason.as_deref()).collect();
    assert_eq!(reasons, [None, Some("the directory lost its people")]);
    for again in [holds::approve_hold(app, &host, &id, None).await, holds::reject_hold(app, &host, &id, "x").await] {
        assert_eq!(again.unwrap_err().code, "hold-decided");
    }
    assert_eq!(holds::approve_hold(app, &host, "hld_none", None).await.unwrap_err().code, "not-found");
}

#[tokio::test]
async fn who_was_rejected_stays_until_the_provider_says_something_new() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    holds::reject_hold(test.app(), &host(), &hold(&test).await.hold.id, "no").await.unwrap();
    settle(&test).await;
    assert_eq!(standing(&test, State::Active).await, 16);
    // Within the hour there are still too many: the new word is weighed and held again.
    switch(&mut client, &ids[10], true).await;
    switch(&mut client, &ids[10], false).await;
    assert_eq!(person(&test, 10).await.state, State::Active);
    assert_eq!(hold(&test).await.waiting, 1);
    // After it, one leaver is one leaver.
    test.clock().advance(Duration::from_secs(2 * 60 * 60));
    switch(&mut client, &ids[11], true).await;
    switch(&mut client, &ids[11], false).await;
    assert_eq!(person(&test, 11).await.state, State::Inactive);
}

#[tokio::test]
async fn two_writers_do_not_both_stay_below_the_threshold() {
    let test = TestApp::start().await;
    let ids = company(&test, 100).await;
    let address = (test.address(), test.token().to_owned());
    let mut tasks = Vec::new();
    for part in ids.chunks(13) {
        let (part, (address, token)) = (part.to_vec(), address.clone());
        tasks.push(tokio::spawn(async move {
            let mut client = bailiwick_testkit::Client::new(address, &token);
            for id in part {
                switch(&mut client, &id, false).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!((standing(&test, State::Inactive).await, hold(&test).await.waiting), (10, 90));
}

#[tokio::test]
async fn the_last_admin_stays_whatever_is_approved() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let mut client = test.client();
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    let new = NewAdmin {
        user_name: "root".to_owned(),
        display: String::new(),
        email: None,
        password: "correct horse battery".to_owned(),
    };
    manage::create_admin(test.app(), new).await.unwrap();
    approve(&test, &hold(&test).await.hold.id).await;
    assert_eq!((standing(&test, State::Active).await, standing(&test, State::Inactive).await), (1, 20));
}

#[tokio::test]
async fn whoever_is_approved_leaves_tasks_behind_and_whoever_waits_does_not() {
    let test = TestApp::start().await;
    let ids = company(&test, 20).await;
    let (mut client, mut admin) = (test.client(), test.service("admin").await);
    let (first, last) = (person(&test, 18).await.id, person(&test, 19).await.id);
    for (name, owner) in [("cart", &first), ("till", &last)] {
        let document = json!({ "kind": "component", "name": name, "owner": owner });
        admin.post("/api/v1/entities", &document).await.expect(201);
    }
    for id in &ids {
        switch(&mut client, id, false).await;
    }
    let tasks = "/api/v1/handovers?state=open";
    assert_eq!(admin.get(tasks).await.expect(200).at("/items"), json!([]));
    let hold = hold(&test).await.hold.id;
    let decision = json!({ "persons": [first] });
    admin.post(&format!("/api/v1/holds/{hold}/approve"), &decision).await.expect(200);
    let open = admin.get(tasks).await.expect(200);
    assert_eq!(open.at("/items").as_array().unwrap().len(), 1, "{}", open.text());
    assert_eq!(open.at("/items/0/item/reference"), "component:default/cart");
    // Who waits and comes back before anybody decides has left nothing.
    switch(&mut client, &ids[19], true).await;
    settle(&test).await;
    approve(&test, &hold).await;
    assert_eq!(admin.get(tasks).await.expect(200).at("/items").as_array().unwrap().len(), 1);
    assert_eq!(person(&test, 19).await.state, State::Active);
    // Who was approved and comes back has the task taken away again.
    switch(&mut client, &ids[18], true).await;
    assert_eq!(admin.get(tasks).await.expect(200).at("/items"), json!([]));
}

#[tokio::test]
async fn what_waits_is_there_when_the_store_is_opened_again() {
    let test = TestApp::start().await;
    let id = {
        let ids = company(&test, 20).await;
        let mut client = test.client();
        for id in &ids {
            switch(&mut client, id, false).await;
        }
        hold(&test).await.hold.id
    };
    let again = test.restarted().await;
    let hold = hold(&again).await;
    assert_eq!((hold.hold.id.as_str(), hold.waiting), (id.as_str(), 16));
    assert_eq!(standing(&again, State::Active).await, 16);
    // What is said afterwards still stands behind it.
    let user = again.client().get("/scim/v2/Users?count=20&sortBy=userName").await.expect(200);
    assert_eq!(user.at("/totalResults"), 20);
    approve(&again, &id).await;
    assert_eq!(standing(&again, State::Inactive).await, 20);
}
